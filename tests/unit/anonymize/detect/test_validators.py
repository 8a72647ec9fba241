"""Scalar and vectorised judgements agree with each other and with python-stdnum."""

import random

import pyarrow as pa
import pytest
import stdnum.cn.ric
import stdnum.cn.uscc
import stdnum.iban
import stdnum.luhn
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.recognizers import bank_card, iban, resident_id, uscc
from anonymize.recognizers.registry import SPECIFICATIONS
from anonymize.recognizers.specification import Specification
from tests.factories import personal_data

JUDGED = [s for s in SPECIFICATIONS if s.valid_many or s.plausible_many]
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZxa:.-汉"


def near_misses(seed: int) -> list[str]:
    """Identifiers, and identifiers with one character changed, dropped or added."""
    rng = random.Random(seed)
    values = [maker(rng) for maker in personal_data.MAKERS.values() for _ in range(60)]
    values += [personal_data.resident_id_15(rng) for _ in range(60)]
    for value in list(values):
        at = rng.randrange(len(value))
        values.append(value[:at] + rng.choice(ALPHABET) + value[at + 1 :])
        values.append(value[:at] + value[at + 1 :])
        values.append(value[:at] + rng.choice("0123456789X") + value[at:])
    return values


@pytest.mark.parametrize("specification", JUDGED, ids=lambda s: s.entity)
def test_the_vectorised_judgement_is_the_scalar_one(specification: Specification) -> None:
    values = near_misses(1)
    array = pa.array(values, pa.string())
    for one, many in (
        (specification.valid, specification.valid_many),
        (specification.plausible, specification.plausible_many),
    ):
        assert (one is None) == (many is None)
        if one and many:
            assert many(array).tolist() == [one(v) for v in values]


@pytest.mark.parametrize("specification", JUDGED, ids=lambda s: s.entity)
def test_nulls_and_nothing_are_not_valid(specification: Specification) -> None:
    if specification.valid_many:
        assert specification.valid_many(pa.array([None, ""], pa.string())).tolist() == [False, False]
        assert len(specification.valid_many(pa.array([], pa.string()))) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(ALPHABET, max_size=20), max_size=8))
def test_any_text_is_judged_alike(values: list[str]) -> None:
    array = pa.array(values, pa.string())
    for specification in JUDGED:
        if specification.valid and specification.valid_many:
            assert specification.valid_many(array).tolist() == [specification.valid(v) for v in values]


def test_luhn_uscc_iban_are_those_of_stdnum() -> None:
    values = near_misses(2)
    assert [uscc.valid(v) for v in values if len(v) == 18 and v[2:8].isdigit() and v.isascii()] == [
        stdnum.cn.uscc.is_valid(v) for v in values if len(v) == 18 and v[2:8].isdigit() and v.isascii()
    ]
    cards = [v for v in values if v.isascii() and v.isdigit() and 14 <= len(v) <= 19]
    assert [bank_card.valid(v) for v in cards] == [stdnum.luhn.is_valid(v) for v in cards]
    accounts = [
        "DE89370400440532013000",
        "GB82WEST12345698765432",
        "DE89370400440532013001",
        "FR1420041010050500013M02606",
    ]
    assert [iban.valid(v) for v in accounts] == [stdnum.iban.is_valid(v) for v in accounts]


def test_resident_numbers_that_stdnum_accepts_are_valid() -> None:
    rng = random.Random(3)
    values = [personal_data.resident_id(rng) for _ in range(300)]
    accepted = [v for v in values if stdnum.cn.ric.is_valid(v)]
    assert len(accepted) > 100
    assert all(resident_id.valid(v) for v in accepted)
