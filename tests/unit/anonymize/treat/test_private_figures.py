"""Means and quantiles with noise: what they cost, how sure they are, and that nobody shows."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.private_figures import (
    CANDIDATES,
    LEAST_EPSILON,
    Range,
    draw_figures,
    measured_range,
    split_epsilon,
)
from anonymize.private_table import private_table
from anonymize.treated import TreatedTable
from schemas.disclosure import DisclosureControl, Thresholds
from schemas.errors import Refused
from schemas.statistics import Measure, StatisticalTable
from schemas.table_schema import FieldRole, Meaning
from tests.factories.disclosure import thresholds
from tests.factories.planned import planned
from tests.factories.privacy import largest_ratio

LIMITS = thresholds(k=None, epsilon=1.0, epsilon_total=4.0)
EXACT = thresholds(k=None, epsilon=1e6, epsilon_total=1e6)  # noise that rounds to nothing
IDENTITY = planned("证", FieldRole.DIRECT_IDENTIFIER, meaning=Meaning.RESIDENT_ID)
DISTRICT = planned("区", FieldRole.QUASI_IDENTIFIER, required=True, enum=["东", "西"])
PAY = planned("薪", FieldRole.SENSITIVE, "number", required=True, minimum=0, maximum=1000)
PLAN = (IDENTITY, DISTRICT, PAY)


def asked(by: str = "区", records: int = 1, **measure: Any) -> StatisticalTable:
    return StatisticalTable.model_validate(
        {"by": [by], "measures": [{"field": "薪", **measure}], "records_per_subject": records}
    )


def people(pay: list, place: list | None = None, who: list | None = None) -> pa.Table:
    return pa.table(
        {
            "证": pa.array(who or [f"p{n}" for n in range(len(pay))], pa.string()),
            "区": pa.array(place or ["东"] * len(pay), pa.string()),
            "薪": pa.array(pay, pa.float64()),
        }
    )


def treated(
    table: pa.Table,
    statistics: StatisticalTable,
    limits: Thresholds = EXACT,
    plan: tuple[DisclosureControl, ...] = PLAN,
) -> TreatedTable:
    return private_table(table, statistics, limits, plan, {})


def test_means_and_quantiles_are_right_with_much_epsilon() -> None:
    statistics = asked(aggregates=["mean"], quantiles=[0.25, 0.5, 0.75])
    result = treated(people([100, 200, 300, 400, 500]), statistics).table
    assert result.column_names == [
        "区",
        "count",
        "薪_mean",
        "薪_mean_low",
        "薪_mean_high",
        "薪_p25",
        "薪_p50",
        "薪_p75",
    ]
    first = result.to_pylist()[0]
    assert first["薪_mean"] == pytest.approx(300, abs=0.5)
    assert first["薪_mean_low"] <= first["薪_mean"] <= first["薪_mean_high"]
    assert (first["薪_p25"], first["薪_p50"], first["薪_p75"]) == (200, 300, 400)
    assert result.to_pylist()[1] == {"区": "西", "count": 0} | dict.fromkeys(result.column_names[2:])


def test_a_mean_agrees_with_the_sum_and_count_that_are_published() -> None:
    table = people(list(range(0, 1000, 2)))
    row = treated(table, asked(aggregates=["sum", "mean"]), LIMITS).table.to_pylist()[0]
    assert row["薪_mean"] == pytest.approx(row["薪_sum"] / row["count"], abs=0.01)


def test_values_beyond_the_bounds_are_moved_to_them() -> None:
    table = people([-1e9, 1e9, float("inf"), -float("inf")])
    row = treated(
        table, asked(aggregates=["mean", "sum"], quantiles=[0.25, 0.75], bounds=[100, 300])
    ).table.to_pylist()[0]
    assert row["薪_sum"] == pytest.approx(800, abs=0.1)
    assert (row["薪_p25"], row["薪_p75"]) == (100, 300)


def test_the_declared_bounds_go_before_the_schemas() -> None:
    narrow = treated(people([500]), asked(aggregates=["mean"], bounds=[0, 100])).privacy
    wide = treated(people([500]), asked(aggregates=["mean"])).privacy
    assert narrow is not None
    assert wide is not None
    assert (narrow.bounds, wide.bounds) == ({"薪": (0.0, 100.0)}, {"薪": (0.0, 1000.0)})


def test_missing_values_take_no_part_and_are_counted_apart() -> None:
    optional = planned("薪", FieldRole.SENSITIVE, "number", minimum=0, maximum=1000)
    plan = (IDENTITY, DISTRICT, optional)
    table = people([100, 100, 100, None, float("nan")])
    row = treated(table, asked(aggregates=["mean"], quantiles=[0.5]), plan=plan).table.to_pylist()[0]
    assert (row["count"], row["薪_values"], row["薪_p50"]) == (5, 3, 100)
    assert row["薪_mean"] == pytest.approx(100, abs=0.1)
    nothing = treated(people([None] * 30), asked(aggregates=["mean", "sum"], quantiles=[0.5]), plan=plan).table
    empty = nothing.to_pylist()[0]
    assert (empty["count"], empty["薪_values"], empty["薪_sum"]) == (30, 0, pytest.approx(0, abs=0.1))
    assert [empty[f"薪_{end}"] for end in ("mean", "mean_low", "mean_high", "p50")] == [None] * 4


def test_epsilon_is_split_equally_over_all_that_is_drawn() -> None:
    statistics = asked(aggregates=["mean"], quantiles=[0.25, 0.5])
    privacy = treated(people([1.0]), statistics, LIMITS).privacy
    assert privacy is not None
    assert privacy.split == dict.fromkeys(["count", "薪_mean", "薪_p25", "薪_p50"], 0.25)
    assert privacy.selection == "permute-and-flip"
    assert privacy.intervals == {"薪_mean": ("薪_mean_low", "薪_mean_high")}
    assert set(privacy.rank_margins) == set(privacy.steps) == {"薪_p25", "薪_p50"}
    both = treated(people([1.0]), asked(aggregates=["sum", "mean"]), LIMITS).privacy
    assert both is not None
    assert both.split == {"count": 0.5, "薪_sum": 0.5}  # the mean costs nothing more


@given(
    st.lists(st.lists(st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.999]), unique=True, max_size=3), min_size=1, max_size=4),
    st.floats(0.1, 10),
)
@settings(deadline=None, max_examples=40)
def test_the_parts_add_up_to_epsilon(quantiles: list[list[float]], epsilon: float) -> None:
    measures = [{"field": f"m{n}", "aggregates": ["mean"], "quantiles": sorted(q)} for n, q in enumerate(quantiles)]
    statistics = StatisticalTable.model_validate({"by": ["x"], "measures": measures})
    ranges = {m.field: Range(m.field, (0, 1), 1e-6, 6, False, n % 2 == 0) for n, m in enumerate(statistics.measures)}
    split = split_epsilon(statistics, ranges, epsilon)
    assert sum(split.values()) == pytest.approx(epsilon)
    assert len(split) == 1 + sum(1 + len(q) + (n % 2 == 0) for n, q in enumerate(quantiles))


def test_too_little_epsilon_is_refused_on_both_sides_of_the_boundary() -> None:
    statistics = asked(aggregates=["mean"])
    least = 2 * LEAST_EPSILON
    for epsilon, records, refused in ((least, 1, False), (least * 0.99, 1, True), (least, 2, True)):
        limits = thresholds(k=None, epsilon=epsilon, epsilon_total=1.0)
        asking = statistics.model_copy(update={"records_per_subject": records})
        if not refused:
            assert treated(people([1.0]), asking, limits).table.num_rows == 2
            continue
        with pytest.raises(Refused) as error:
            treated(people([1.0]), asking, limits)
        assert error.value.code == "epsilon-too-small"
        assert error.value.remedy is not None


@given(st.lists(st.floats(-100, 1200), max_size=60), st.floats(0.05, 5))
@settings(deadline=None, max_examples=8)
def test_quantiles_ascend_and_all_figures_lie_within_the_bounds(pay: list[float], epsilon: float) -> None:
    limits = thresholds(k=None, epsilon=epsilon, epsilon_total=epsilon)
    statistics = asked(aggregates=["mean"], quantiles=[0.1, 0.5, 0.9], bounds=[10, 500])
    for row in treated(people(pay), statistics, limits).table.to_pylist():
        told = [row[c] for c in ("薪_p10", "薪_p50", "薪_p90") if row[c] is not None]
        assert told == sorted(told)
        assert all(10 <= v <= 500 for v in told)
        if row["薪_mean"] is not None:
            assert 10 <= row["薪_mean_low"] <= row["薪_mean"] <= row["薪_mean_high"] <= 500


def test_what_noise_drowns_is_left_empty() -> None:
    """Five persons are fewer than the margin of the count at this epsilon, and 400 are not. Noise of 60 in a count
    with a margin of 12: once in 10⁶ draws."""
    table = people([300.0] * 405, ["东"] * 400 + ["西"] * 5)
    large, small = treated(table, asked(aggregates=["mean"], quantiles=[0.5]), LIMITS).table.to_pylist()
    assert large["薪_mean"] is not None
    assert large["薪_p50"] is not None
    assert (small["薪_mean"], small["薪_mean_low"], small["薪_p50"]) == (None, None, None)


def test_whole_numbers_keep_whole_quantiles() -> None:
    age = planned("薪", FieldRole.QUASI_IDENTIFIER, "integer", required=True, minimum=0, maximum=120)
    table = people([1.0] * 5).set_column(2, "薪", pa.array([40, 41, 41, 41, 43], pa.int64()))
    result = treated(table, asked(aggregates=["mean"], quantiles=[0.5]), plan=(IDENTITY, DISTRICT, age))
    assert result.table["薪_p50"].to_pylist()[0] == 41
    assert {f.name: f.type for f in result.fields} | {"区": ""} == {
        "区": "", "count": "integer", "薪_mean": "number", "薪_mean_low": "number", "薪_mean_high": "number",
        "薪_p50": "integer",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("bounds", "whole", "step", "number"),
    [
        ((0, 50_000), False, 50, 1001),
        ((0, 1), False, 0.001, 1001),
        ((0, 120), True, 1, 121),
        ((-3, 4), False, 0.01, 701),
        ((13, 1_000_000), True, 1000, 1001),
        ((7, 7), True, 1, 1),
    ],
)
def test_quantiles_are_round_values(bounds: tuple[float, float], whole: bool, step: float, number: int) -> None:
    within = Range("薪", bounds, 1.0, 0, whole, False)
    candidates = within.candidates()
    assert within.step == pytest.approx(step)
    assert len(candidates) == number
    assert number <= CANDIDATES + 2
    assert (candidates[0], candidates[-1]) == bounds
    assert np.all(np.diff(candidates) > 0)


def test_a_person_counts_with_so_many_records_as_declared_over_all_cells() -> None:
    table = people([100, 200, 300, 400], ["东", "西", "东", "西"], ["a"] * 4)
    for records, counted in ((1, 1), (2, 2), (3, 3), (4, 4), (5, 4)):
        result = treated(table, asked(records=records, aggregates=["mean"]))
        assert sum(result.table["count"].to_pylist()) == counted
        assert result.privacy is not None
        assert result.privacy.records_per_subject == records
    margins = [treated(table, asked(records=n, aggregates=["sum"]), LIMITS).privacy for n in (1, 3)]
    assert margins[0] is not None
    assert margins[1] is not None
    assert margins[1].margins["薪_sum"] == pytest.approx(3 * margins[0].margins["薪_sum"], rel=0.01)


def test_records_of_nobody_cannot_be_bounded() -> None:
    with pytest.raises(Refused) as refused:
        treated(people([1.0]), asked(records=2, aggregates=["mean"]), plan=(DISTRICT, PAY))
    assert refused.value.code == "no-subject-to-bound"


def test_identifiers_are_not_measured() -> None:
    number = planned("薪", FieldRole.DIRECT_IDENTIFIER, "integer", meaning=Meaning.MOBILE, minimum=0, maximum=10**11)
    with pytest.raises(Refused) as refused:
        treated(people([1.0]), asked(quantiles=[0.5]), plan=(DISTRICT, number))
    assert refused.value.code == "measured-identifier"


def figures(cells: list[list[float]], epsilon: float, records: int, times: int) -> dict[str, np.ndarray]:
    """Each of `cells` drawn `times` at once: what it would be in so many tables. Column → (times, cells)."""
    statistics = asked(records=records, aggregates=["mean"], quantiles=[0.5])
    ranges = {"薪": Range("薪", (0.0, 10.0), 1.0, 0, whole=True, optional=False)}  # eleven candidates
    pay = [v for _ in range(times) for cell in cells for v in cell]
    cell_of = np.repeat(np.arange(times * len(cells)), [len(c) for _ in range(times) for c in cells])
    drawn = draw_figures(
        people(pay), cell_of, times * len(cells), statistics, ranges, split_epsilon(statistics, ranges, epsilon)
    )
    return {name: column.to_numpy(zero_copy_only=False).reshape(times, len(cells)) for name, column in drawn.items()}


@pytest.mark.slow
def test_all_figures_of_a_person_in_two_cells_together_keep_epsilon() -> None:
    """One person with a record in each of two cells, two of them counted. Events over both counts and both medians;
    draws with six times the epsilon are found out."""
    here, there = [[5.0] * 12, [5.0] * 12], [[5.0] * 12 + [10.0], [5.0] * 12 + [10.0]]

    def events(drawn: dict[str, np.ndarray]) -> list[np.ndarray]:
        count, median = drawn["count"].sum(axis=1), np.nan_to_num(drawn["薪_p50"].astype(float), nan=-1)
        higher = (median > 5).sum(axis=1)
        return [
            *(count >= n for n in (23, 24, 25, 26, 28)),
            *((drawn["count"] >= n).all(axis=1) for n in (12, 13, 14)),
            *(((drawn["count"] >= n).all(axis=1)) & (higher >= 1) for n in (12, 13)),
        ]

    assert largest_ratio(*(events(figures(c, 1.0, 2, 1500)) for c in (here, there))) <= np.exp(1.0)
    assert largest_ratio(*(events(figures(c, 12.0, 2, 1500)) for c in (here, there))) > np.exp(1.0)


def test_the_interval_of_a_mean_holds_in_nineteen_of_twenty_cells() -> None:
    """1,000 cells of 300 persons. The two margins it is made of leave it in one of twenty cells at most."""
    declared = PAY.declared
    assert declared is not None
    statistics = asked(aggregates=["mean"], bounds=[0, 1000])
    ranges = {"薪": measured_range(declared, pa.float64(), statistics.measures[0])}
    pay = np.random.default_rng(3).gamma(4, 60, 300_000).clip(0, 1000)
    cell_of = np.repeat(np.arange(1000), 300)
    drawn = draw_figures(
        people(pay.tolist()), cell_of, 1000, statistics, ranges, split_epsilon(statistics, ranges, 1.0)
    )
    truth = pay.reshape(1000, 300).mean(axis=1)
    low, high, mean = (drawn[f"薪_mean{end}"].to_numpy(zero_copy_only=False) for end in ("_low", "_high", ""))
    inside = np.mean((low <= truth) & (truth <= high))
    assert inside > 0.95 - 0.03
    assert inside < 1.0 or np.median(high - low) < 60  # and is not so wide that it says nothing
    assert np.mean(np.abs(mean - truth)) < np.median(high - low) / 2


def test_a_field_without_bounds_is_refused_and_may_be_given_some() -> None:
    bare = planned("薪", FieldRole.SENSITIVE, "number", required=True)
    with pytest.raises(Refused) as refused:
        treated(people([1.0]), asked(quantiles=[0.5]), plan=(IDENTITY, DISTRICT, bare))
    assert refused.value.code == "no-public-bounds"
    given_some = treated(people([1.0]), asked(quantiles=[0.5], bounds=[0, 10]), plan=(IDENTITY, DISTRICT, bare))
    assert given_some.table.num_rows == 2


def test_what_is_told_of_each_column() -> None:
    result = treated(people([1.0] * 500), asked(aggregates=["mean"], quantiles=[0.5, 0.9]), LIMITS)
    told = {f.name: f for f in result.fields}
    assert told["薪_p50"].title.zh == "薪中位数"
    assert told["薪_p90"].title.en == "Percentile 90 of 薪"
    assert result.privacy is not None
    records = f"{result.privacy.rank_margins['薪_p50']:g}"
    assert records in told["薪_p50"].description.zh
    assert records in told["薪_p50"].description.en
    assert "0.25" in told["薪_mean"].description.en


def test_a_measure_is_declared_by_its_bare_name_or_in_full() -> None:
    assert Measure.model_validate("薪") == Measure(field="薪", aggregates=("sum",))  # type: ignore[arg-type]
