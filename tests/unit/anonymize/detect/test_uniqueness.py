"""Sets of fields that single out records, against a plain count."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize import uniqueness
from anonymize.uniqueness import combine, unique_sets, unique_share

TABLE = st.integers(1, 30).flatmap(
    lambda rows: st.lists(st.lists(st.integers(0, 4), min_size=rows, max_size=rows), min_size=1, max_size=4)
)


def plain_share(columns: list[list[int]]) -> float:
    counts = Counter(zip(*columns, strict=True))
    return sum(1 for n in counts.values() if n == 1) / len(columns[0])


def plain_sets(columns: dict[str, list[int]], largest: int, singled_out: float) -> dict[tuple[str, ...], float]:
    fields = [n for n, cells in columns.items() if max(cells) > 0]
    listed: dict[tuple[str, ...], float] = {}
    for size in range(1, largest + 1):
        for names in combinations(fields, size):
            share = plain_share([columns[n] for n in names])
            if share >= singled_out and not any(set(s) <= set(names) for s in listed):
                listed[names] = share
    return listed


@settings(max_examples=60, deadline=None)
@given(TABLE, st.sampled_from([0.05, 0.3, 0.9]))
def test_the_sets_are_those_of_a_plain_count(table: list[list[int]], singled_out: float) -> None:
    columns = {f"f{i}": cells for i, cells in enumerate(table)}
    codes = {name: np.array(cells, np.int64) for name, cells in columns.items()}
    assert unique_sets(codes, singled_out=singled_out) == pytest.approx(plain_sets(columns, 3, singled_out))


def test_no_rows_and_one_value_single_out_nothing() -> None:
    assert unique_sets({}) == {}
    assert unique_sets({"a": np.zeros(0, np.int64)}) == {}
    assert unique_sets({"a": np.zeros(5, np.int64)}) == {}
    assert unique_share(np.zeros(0, np.int64)) == 0.0


def test_the_share_at_the_threshold_counts() -> None:
    codes = {"a": np.array([1] * 95 + [2, 3, 4, 5, 6], np.int64)}
    assert unique_sets(codes, singled_out=0.05) == {("a",): 0.05}
    assert unique_sets(codes, singled_out=0.0501) == {}


def test_many_wide_columns_do_not_overflow() -> None:
    rng = np.random.default_rng(1)
    columns = [rng.integers(0, 10**6, 1000) for _ in range(8)]
    assert unique_share(combine(columns)) == plain_share([c.tolist() for c in columns])


def test_screening_by_a_sample_gives_the_same_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    codes = {name: rng.integers(0, size, 20_000) for name, size in (("a", 2000), ("b", 40), ("c", 30), ("d", 3))}
    whole = unique_sets(codes)
    monkeypatch.setattr(uniqueness, "SCREENED_FROM", 1000)
    monkeypatch.setattr(uniqueness, "SCREEN_ROWS", 5000)
    assert unique_sets(codes) == whole
    assert len(whole) >= 2
