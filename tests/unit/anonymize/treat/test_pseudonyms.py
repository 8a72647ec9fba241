"""Pseudonyms: the same under one key, nothing in common under two."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.treatments.pseudonyms import derive_key, pseudonymise

ids = st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=20)


def names_of(values: list, key: bytes, domain: str = "resident-id") -> list:
    return pseudonymise(pa.chunked_array([pa.array(values, pa.string())]), key, domain).to_pylist()


@given(ids)
@settings(deadline=None)
def test_deterministic_under_one_key_and_unlinkable_under_two(values: list[str]) -> None:
    first = names_of(values, b"k" * 32)
    assert first == names_of(values, b"k" * 32)
    assert not set(first) & set(names_of(values, b"l" * 32))
    assert len(set(first)) == len({v.strip() for v in values})


def test_tables_of_one_grant_join_and_other_columns_do_not() -> None:
    key = derive_key(b"master" * 8, dataset="group", recipient="grant-1")
    assert names_of(["110", None], key) == names_of(["110", None], key)
    assert names_of(["110"], key, "resident-id") != names_of(["110"], key, "mobile")


def test_keys_differ_by_dataset_and_recipient_however_the_names_are_cut() -> None:
    master = b"m" * 32
    keys = {
        derive_key(master, dataset=d, recipient=r)
        for d, r in [("a", "b"), ("ab", ""), ("", "ab"), ("a", "c"), ("b", "a")]
    }
    assert len(keys) == 5


def test_a_pseudonym_says_nothing_of_length() -> None:
    assert {len(n) for n in names_of(["1", "1" * 40], b"k" * 32)} == {16}
