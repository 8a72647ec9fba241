"""Rounding, coding of extremes, microaggregation."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.treatments.numbers import microaggregate, round_column, top_bottom_code


def test_rounding_keeps_the_type() -> None:
    whole = round_column(pa.chunked_array([pa.array([12, 17, None])]), 5)
    assert (whole.type, whole.to_pylist()) == (pa.int64(), [10, 15, None])
    money = round_column(pa.chunked_array([pa.array([Decimal("1249.90"), Decimal("1251.00")])]), 500)
    assert money.to_pylist() == [Decimal("1000.00"), Decimal("1500.00")]


def test_extremes_are_set_to_the_limits() -> None:
    column = pa.chunked_array([pa.array([1, 50, 99, None])])
    assert top_bottom_code(column, top=90, bottom=10).to_pylist() == [10, 50, 90, None]


def test_extremes_by_share_are_held_by_several() -> None:
    coded = top_bottom_code(pa.chunked_array([pa.array(np.arange(100))]), share=0.05).to_numpy()
    assert (coded.min(), coded.max()) == (5, 94)
    assert (coded == 94).sum() == 6


@given(
    st.integers(2, 6),
    st.lists(st.tuples(st.integers(-1000, 1000), st.integers(-1000, 1000)), min_size=2, max_size=80),
)
@settings(max_examples=40, deadline=None)
def test_every_group_has_k_records_and_means_are_kept(k: int, points: list[tuple[int, int]]) -> None:
    columns = [pa.chunked_array([pa.array([float(p[j]) for p in points])]) for j in (0, 1)]
    aggregated = microaggregate(columns, k)
    rows = list(zip(*(a.to_pylist() for a in aggregated), strict=True))
    if len(points) < k:
        assert set(rows) == {(None, None)}
        return
    assert min(rows.count(row) for row in set(rows)) >= k
    for column, after in zip(columns, aggregated, strict=True):
        assert sum(after.to_pylist()) == pytest.approx(sum(column.to_pylist()), abs=1e-6)


def test_one_column_is_cut_in_order_and_missing_stays() -> None:
    (after,) = microaggregate([pa.chunked_array([pa.array([5, 1, None, 2, 6, 9])])], 2)
    assert after.to_pylist() == [6, 2, None, 2, 6, 6] or after.to_pylist()[2] is None
    assert len(set(after.drop_null().to_pylist())) == 2


def test_large_tables_are_blocked() -> None:
    random = np.random.default_rng(0)
    columns = [pa.chunked_array([pa.array(random.normal(size=6000))]) for _ in range(2)]
    aggregated = microaggregate(columns, 3)
    _, counts = np.unique(np.column_stack([a.to_numpy() for a in aggregated]), axis=0, return_counts=True)
    assert counts.min() >= 3
