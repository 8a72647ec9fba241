"""Statistical tables: thresholds on both sides, protection of margins, what a table may group by."""

import itertools
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from anonymize.cells import statistical_table
from anonymize.suppression import protect
from schemas.disclosure import Control
from schemas.errors import ConfigurationError, Refused
from schemas.statistics import StatisticalTable
from schemas.table_schema import FieldRole, Meaning
from tests.factories.disclosure import control, thresholds

LIMITS = thresholds(k=None, smallest_cell=10)


def table_of(counts: dict[tuple[str, ...], int], names: tuple[str, ...] = ("区", "类")) -> pa.Table:
    rows = [key for key, count in counts.items() for _ in range(count)]
    columns = {name: [row[n] for row in rows] for n, name in enumerate(names)}
    return pa.table({**columns, "额": [Decimal("10.50")] * len(rows)})


def cells_of(table: pa.Table, by: tuple[str, ...]) -> dict[tuple, int | None]:
    return {tuple(r[b] for b in by): r["count"] for r in table.to_pylist()}


@pytest.mark.parametrize(("size", "published"), [(9, None), (10, 10), (11, 11)])
def test_both_sides_of_the_smallest_cell(size: int, published: int | None) -> None:
    counts = {("a", "x"): size, ("a", "y"): 50, ("b", "x"): 50, ("b", "y"): 50}
    treated = statistical_table(table_of(counts), StatisticalTable(by=("区", "类")), LIMITS)
    assert cells_of(treated.table, ("区", "类"))[("a", "x")] == published


def test_a_small_cell_takes_company_in_every_line() -> None:
    counts = {(r, c): 40 + n for n, (r, c) in enumerate(itertools.product("abc", "xyz"))} | {("a", "x"): 3}
    treated = statistical_table(table_of(counts), StatisticalTable(by=("区", "类")), LIMITS)
    hidden = [key for key, count in cells_of(treated.table, ("区", "类")).items() if count is None]
    assert ("a", "x") in hidden
    for line in (0, 1):
        for value in {key[line] for key in hidden}:
            assert sum(key[line] == value for key in hidden) >= 2
    assert treated.cells is not None
    assert (treated.cells.primary, treated.cells.secondary) == (1, 3)
    assert treated.cells.smallest_published == min(c for c in cells_of(treated.table, ("区", "类")).values() if c)


def test_sums_stay_exact_and_go_with_their_cell() -> None:
    treated = statistical_table(
        table_of({("a", "x"): 20, ("a", "y"): 3, ("b", "x"): 12, ("b", "y"): 30}),
        StatisticalTable(by=("区",), measures=("额",)),
        LIMITS,
    )
    assert treated.table["额_sum"].to_pylist() == [Decimal("241.50"), Decimal("441.00")]
    few = statistical_table(
        table_of({("a", "x"): 20, ("b", "x"): 5, ("c", "x"): 30}),
        StatisticalTable(by=("区",), measures=("额",)),
        LIMITS,
    )
    assert few.table.select(["count", "额_sum", "suppressed"]).to_pylist()[1] == {
        "count": None,
        "额_sum": None,
        "suppressed": True,
    }


def test_a_dominant_contributor_is_hidden() -> None:
    table = pa.table({"区": ["a"] * 20 + ["b"] * 20 + ["c"] * 20, "额": [1] * 19 + [10_000] + [5] * 40})
    limits = LIMITS.model_copy(update={"dominance": 0.1})
    treated = statistical_table(table, StatisticalTable(by=("区",), measures=("额",)), limits)
    assert treated.table["suppressed"].to_pylist()[0] is True
    free = statistical_table(table, StatisticalTable(by=("区",), measures=("额",)), LIMITS)
    assert free.table["suppressed"].to_pylist() == [False] * 3


@given(
    st.lists(st.integers(0, 60), min_size=12, max_size=12),
    st.integers(2, 12),
)
@settings(max_examples=40, deadline=None)
def test_no_margin_gives_a_small_cell_back(numbers: list[int], smallest: int) -> None:
    """An attacker who knows all margins of at least `smallest` cannot narrow a small cell to one value."""
    occupied = [n for n, count in enumerate(numbers) if count]
    if not occupied:
        return
    codes = [np.array([n // 4 for n in occupied]), np.array([n % 4 for n in occupied])]
    counts = np.array([numbers[n] for n in occupied])
    primary = counts < smallest
    suppressed = protect(codes, counts, primary, smallest).suppressed
    assert suppressed[primary].all()
    hidden = np.flatnonzero(suppressed)
    equations, totals = [], []
    for dimension in codes:
        for line in np.unique(dimension):
            if counts[dimension == line].sum() >= smallest:
                equations.append([float(dimension[h] == line) for h in hidden])
                totals.append(counts[hidden][dimension[hidden] == line].sum())
    if not equations or not len(hidden):
        return
    if suppressed.all():
        return  # nothing is published that could be subtracted
    for at in np.flatnonzero(primary[hidden]):
        goal = np.zeros(len(hidden))
        goal[at] = 1
        low = optimize.linprog(goal, A_eq=equations, b_eq=totals).fun
        high = -optimize.linprog(-goal, A_eq=equations, b_eq=totals).fun
        assert high - low >= smallest / 2 - 1e-6


def test_groups_without_records_are_not_listed_and_missing_is_a_group() -> None:
    table = pa.table({"区": ["a"] * 12 + [None] * 15})
    treated = statistical_table(table, StatisticalTable(by=("区",)), LIMITS)
    assert sorted(treated.table["count"].to_pylist()) == [12, 15]


def test_an_empty_table_gives_an_empty_one() -> None:
    table = pa.table({"区": pa.array([], pa.string()), "额": pa.array([], pa.int64())})
    treated = statistical_table(table, StatisticalTable(by=("区",), measures=("额",)), LIMITS)
    assert treated.table.num_rows == 0
    assert treated.table.column_names == ["区", "count", "额_sum", "suppressed"]


@pytest.mark.parametrize(
    ("statistics", "code"),
    [
        (StatisticalTable(by=("nowhere",)), "unknown-statistics-field"),
        (StatisticalTable(by=("姓名",)), "grouped-by-identifier"),
        (StatisticalTable(by=("区",), measures=("姓名",)), "measured-identifier"),
        (StatisticalTable(by=("区",), measures=("街",)), "measure-not-numeric"),
    ],
)
def test_what_cannot_be_a_table(statistics: StatisticalTable, code: str) -> None:
    table = pa.table({"姓名": ["张伟"] * 20, "区": ["a"] * 20, "街": ["b"] * 20})
    plan = [control("姓名", FieldRole.DIRECT_IDENTIFIER, Control.DROP)]
    with pytest.raises(Refused) as refused:
        statistical_table(table, statistics, LIMITS, plan)
    assert refused.value.code == code


def test_a_policy_without_smallest_cell_is_refused() -> None:
    with pytest.raises(ConfigurationError) as refused:
        statistical_table(pa.table({"区": ["a"]}), StatisticalTable(by=("区",)), thresholds())
    assert refused.value.code == "no-smallest-cell"


def test_fields_of_the_table_are_described() -> None:
    treated = statistical_table(table_of({("a", "x"): 20}), StatisticalTable(by=("区",), measures=("额",)), LIMITS)
    assert [(f.name, f.type) for f in treated.fields] == [
        ("区", "any"),
        ("count", "integer"),
        ("额_sum", "number"),
        ("suppressed", "boolean"),
    ]


def pay_table(cells: dict[str, list[float | None]], who: list[str] | None = None) -> pa.Table:
    rows = [(place, pay) for place, values in cells.items() for pay in values]
    columns = {"区": [place for place, _ in rows], "薪": pa.array([pay for _, pay in rows], pa.float64())}
    return pa.table(columns | ({"证": who} if who else {}))


def measured(**measure: Any) -> StatisticalTable:
    return StatisticalTable.model_validate({"by": ["区"], "measures": [{"field": "薪", **measure}]})


PAY = [float(n) for n in range(1, 41)]


def test_means_and_quantiles_of_a_cell() -> None:
    table = pay_table({"a": [*PAY, None], "b": [10.0] * 40})
    treated = statistical_table(table, measured(aggregates=["mean"], quantiles=[0.25, 0.5, 0.75]), LIMITS)
    assert treated.table.column_names == ["区", "count", "薪_mean", "薪_p25", "薪_p50", "薪_p75", "suppressed"]
    first = treated.table.to_pylist()[0]
    assert first["count"] == 41
    assert first["薪_mean"] == 20.5
    assert [first[f"薪_p{n}"] for n in (25, 50, 75)] == list(np.quantile(PAY, [0.25, 0.5, 0.75]))


@given(st.lists(st.floats(0, 1e6), min_size=40, max_size=60), st.sampled_from([0.25, 0.3333, 0.5, 0.75]))
@settings(max_examples=25, deadline=None)
def test_means_and_quantiles_are_those_of_numpy(pay: list[float], share: float) -> None:
    limits = LIMITS.model_copy(update={"smallest_cell": 2})
    treated = statistical_table(pay_table({"a": pay}), measured(aggregates=["mean"], quantiles=[share]), limits)
    row = treated.table.to_pylist()[0]
    if row["suppressed"]:
        return
    assert row["薪_mean"] == pytest.approx(np.mean(pay), abs=1e-4)
    column = next(c for c in treated.table.column_names if c.startswith("薪_p"))
    assert row[column] == pytest.approx(np.quantile(pay, share), abs=1e-4)


@pytest.mark.parametrize(
    ("people", "quantiles", "told"),
    [(19, [0.5], False), (20, [0.5], True), (39, [0.25, 0.5, 0.75], False), (40, [0.25, 0.5, 0.75], True),
     (99, [0.9], False), (100, [0.9], True)],
)  # fmt: skip
def test_every_band_between_quantiles_holds_the_smallest_cell(people: int, quantiles: list, told: bool) -> None:
    table = pay_table({"a": [float(n) for n in range(people)], "b": [1.0] * 200})
    treated = statistical_table(table, measured(quantiles=quantiles), LIMITS)
    row = treated.table.to_pylist()[0]
    assert (row["count"], row["suppressed"]) == (people, False)
    assert {v is not None for c, v in row.items() if c.startswith("薪_p")} == {told}
    assert treated.cells is not None
    assert treated.cells.quantiles_withheld == (not told)
    assert told or "too few contribute" in treated.effects[1].why.en


def test_a_suppressed_cell_has_neither_mean_nor_quantiles() -> None:
    table = pay_table({"a": PAY, "b": [5.0] * 9, "c": PAY})
    rows = statistical_table(table, measured(aggregates=["mean"], quantiles=[0.5]), LIMITS).table.to_pylist()
    assert rows[1] == {"区": "b", "count": None, "薪_mean": None, "薪_p50": None, "suppressed": True}


def test_a_column_without_values_has_no_figures_and_hides_nothing() -> None:
    table = pay_table({"a": [None] * 30, "b": PAY})
    row = statistical_table(table, measured(aggregates=["sum", "mean"], quantiles=[0.5]), LIMITS).table.to_pylist()[0]
    assert row == {"区": "a", "count": 30, "薪_sum": None, "薪_mean": None, "薪_p50": None, "suppressed": False}


@pytest.mark.parametrize(("valued", "published"), [(9, False), (10, True)])
def test_figures_of_a_few_values_in_a_large_cell_are_withheld(valued: int, published: bool) -> None:
    table = pay_table({"a": [7.0] * valued + [None] * 30, "b": PAY, "c": PAY})
    row = statistical_table(table, measured(aggregates=["mean"]), LIMITS).table.to_pylist()[0]
    assert (row["薪_mean"] is not None) == published


@pytest.mark.parametrize(("persons", "published"), [(9, False), (10, True)])
def test_persons_count_and_not_their_records(persons: int, published: bool) -> None:
    table = pay_table({"a": [5.0] * 40, "b": [5.0] * 40, "c": [5.0] * 40}, [])
    who = [f"a{n % persons}" for n in range(40)] + [f"x{n}" for n in range(80)]
    table = table.append_column("证", pa.array(who))
    plan = [control("证", FieldRole.DIRECT_IDENTIFIER, Control.DROP, meaning=Meaning.RESIDENT_ID)]
    treated = statistical_table(table, measured(aggregates=["sum"]), LIMITS, plan)
    assert treated.table.to_pylist()[0]["suppressed"] != published
    assert treated.cells is not None
    assert treated.cells.smallest_published == (persons if published else 40)
