"""Keys: equal values are found, in memory and spilled, and other values are not mistaken for them."""

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.validation import keys, references
from pipelines.validation.keys import KeyStore, hashes, identity, plain_identities
from pipelines.validation.references import Lookup

VALUES = st.one_of(
    st.integers(-3, 3), st.booleans(), st.sampled_from([Decimal("1.0"), Decimal("1"), Decimal("-0"), Decimal("0.50")]),
    st.sampled_from([10**44 + 1, Decimal(10**44 + 1), Decimal(10**44 + 2), Decimal("1E+44"), 10**44, Decimal("0E+5")]),
    st.sampled_from(["1", "True", "n1", "a", ""]), st.floats(allow_nan=False), st.dates(), st.none(),
)  # fmt: skip


@given(VALUES, VALUES)
@settings(max_examples=400)
def test_identities_are_equal_where_values_are(left: Any, right: Any) -> None:
    assert (identity(left) == identity(right)) == (left == right)


def test_one_nan_is_not_another() -> None:
    assert identity(Decimal("NaN")) != identity(Decimal("NaN"))
    assert identity(float("nan")) != identity(float("nan"))


def test_plain_identities_are_identities() -> None:
    for values in (["1", None, ""], [1, None, -5]):
        assert plain_identities(pa.array(values)).to_pylist() == [identity(v) for v in values]


@given(st.lists(st.integers(0, 30), max_size=120), st.sampled_from([7, 1_000_000]))
@settings(max_examples=60, deadline=None)
def test_candidates_are_all_repeats(values: list[int], spill: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "SPILL", spill)
        store = KeyStore()
        for start in range(0, len(values), 10):
            part = pa.array(values[start : start + 10], pa.int64())
            store.add(hashes([part]), np.arange(start, start + len(part)))
        found = store.candidates()
    assert sorted(found[:, 1].tolist()) == [i for i, v in enumerate(values) if values.count(v) > 1]
    groups = {values[row]: group for group, row in found.tolist()}
    assert all(groups[values[row]] == group for group, row in found.tolist())
    assert len(set(groups.values())) == len(groups)


def test_a_limit_keeps_the_first_repeats_and_what_they_repeat() -> None:
    store = KeyStore()
    once = pa.array(range(20_000))
    for first in (0, 20_000):
        store.add(hashes([once]), np.arange(first, first + 20_000))
    found = store.candidates(limit=10)
    rows = set(found[:, 1].tolist())
    assert len(rows) < 5_000
    assert {*range(10), *range(20_000, 20_010)} <= rows


def test_decimals_and_slices_hash_alike() -> None:
    values = pa.array([Decimal("1.50"), None, Decimal("2.00"), Decimal("1.50")], pa.decimal128(38, 2))
    hashed = hashes([values])
    assert hashed[0] == hashed[3] != hashed[2]
    assert (hashes([values.slice(2)]) == hashed[2:]).all()


def test_a_lookup_verifies_hits_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if all hashes were equal."""
    monkeypatch.setattr(references, "hashes", lambda columns: np.zeros(len(columns[0]), np.uint64))
    lookup = Lookup([pa.array(["sa", "sb", None, "sa"]), pa.array(["n1", "n2", "n3", "n1"])])
    asked = [pa.array(["sa", "sa", None, None, "sb"]), pa.array(["n1", "n2", "n3", None, "n2"])]
    assert lookup.holds(asked).tolist() == [True, False, True, True, True]


def test_an_empty_reference_holds_nothing() -> None:
    lookup = Lookup([pa.array([], pa.string())])
    assert lookup.holds([pa.array(["sa", None])]).tolist() == [False, True]
