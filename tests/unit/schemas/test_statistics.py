"""What a statistical table may ask for, and that a declaration stays the same question in every version."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.statistics import PARTS, Aggregate, Measure, StatisticalTable


def declared(**values: object) -> StatisticalTable:
    return StatisticalTable.model_validate({"by": ["district"], **values})


def test_a_bare_name_asks_for_the_sum() -> None:
    assert declared(measures=["pay"]).measures == (Measure(field="pay", aggregates=(Aggregate.SUM,)),)


def test_what_older_versions_recorded_is_recorded_the_same_way() -> None:
    """Noise that was paid for is found again by a digest of this: it may not change with the platform."""
    assert declared(measures=["pay", "age"]).model_dump(mode="json") == {"by": ["district"], "measures": ["pay", "age"]}
    assert declared().model_dump(mode="json") == {"by": ["district"], "measures": []}


def test_only_what_was_declared_is_recorded() -> None:
    asked = declared(measures=[{"field": "pay", "aggregates": ["mean"], "bounds": [0, 9]}], records_per_subject=2)
    assert asked.model_dump(mode="json") == {
        "by": ["district"],
        "measures": [{"field": "pay", "aggregates": ["mean"], "bounds": [0.0, 9.0]}],
        "records_per_subject": 2,
    }


MEASURES = st.builds(
    lambda aggregates, parts, bounds: Measure(
        field="pay",
        aggregates=tuple(aggregates) or (() if parts else (Aggregate.MEAN,)),
        quantiles=tuple(p / PARTS for p in sorted(parts)),
        bounds=bounds,
    ),
    st.lists(st.sampled_from(Aggregate), unique=True),
    st.sets(st.integers(1, PARTS - 1), max_size=5),
    st.sampled_from([None, (0.0, 1.0), (-5.5, 5.0)]),
)


@given(MEASURES)
def test_a_record_is_read_back(measure: Measure) -> None:
    asked = declared(measures=[measure])
    assert StatisticalTable.model_validate(asked.model_dump(mode="json")) == asked
    assert StatisticalTable.model_validate_json(asked.model_dump_json()) == asked
    assert len(set(measure.columns)) == len(measure.aggregates) + len(measure.quantiles)


def test_columns_are_named_by_figure() -> None:
    measure = Measure.model_validate({"field": "pay", "aggregates": ["sum", "mean"], "quantiles": [0.05, 0.5, 0.999]})
    assert measure.columns == ("pay_sum", "pay_mean", "pay_p5", "pay_p50", "pay_p99_9")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"measures": [{"field": "pay"}]}, "state aggregates"),
        ({"measures": [{"field": "pay", "aggregates": ["median"]}]}, "sum"),
        ({"measures": [{"field": "pay", "aggregates": ["sum", "sum"]}]}, "named twice"),
        ({"measures": [{"field": "pay", "quantiles": [0.0]}]}, "between 0 and 1"),
        ({"measures": [{"field": "pay", "quantiles": [1.0]}]}, "between 0 and 1"),
        ({"measures": [{"field": "pay", "quantiles": [0.12345]}]}, "four decimals"),
        ({"measures": [{"field": "pay", "quantiles": [0.5, 0.25]}]}, "ascending"),
        ({"measures": [{"field": "pay", "quantiles": [0.5, 0.5]}]}, "once each"),
        ({"measures": [{"field": "pay", "quantiles": [0.5], "bounds": [5, 5]}]}, "lower one first"),
        ({"measures": [{"field": "pay", "quantiles": [0.5], "bounds": [0, float("inf")]}]}, "lower one first"),
        ({"measures": [{"field": "pay", "quantiles": [float("nan")]}]}, r"nan|between|integer"),
        ({"measures": ["pay", {"field": "pay", "aggregates": ["mean"]}]}, "one name"),
        ({"by": ["pay_mean"], "measures": [{"field": "pay", "aggregates": ["mean"]}]}, "one name"),
        ({"by": ["count"]}, "one name"),
        ({"records_per_subject": 0}, "greater than or equal to 1"),
        ({"records_per_subject": 101}, "less than or equal to 100"),
    ],
)
def test_what_is_refused(values: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        declared(**values)
