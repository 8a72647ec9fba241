"""Keys of the index sort as their values do."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.rows.values import Kind, decimal_key, filter_key, plain_decimal
from schemas.errors import Refused

DECIMALS = st.decimals(-(10**20), 10**20, places=6) | st.decimals(-3, 3, places=2)


@given(DECIMALS, DECIMALS)
def test_decimal_keys_compare_as_decimals(one: Decimal, other: Decimal) -> None:
    assert (decimal_key(one) < decimal_key(other)) is (one < other)
    assert (decimal_key(one) == decimal_key(other)) is (one == other)


@given(DECIMALS)
def test_plain_decimals_keep_the_value(value: Decimal) -> None:
    plain = plain_decimal(value)
    assert Decimal(plain) == value
    assert "E" not in plain
    assert not ("." in plain and plain.endswith("0"))


@pytest.mark.parametrize(
    ("value", "plain"),
    [("12.50", "12.5"), ("-0.00", "0"), ("1E+3", "1000"), ("0.10", "0.1"), ("100", "100"), ("-1.0", "-1")],
)
def test_plain_decimal(value: str, plain: str) -> None:
    assert plain_decimal(Decimal(value)) == plain


@pytest.mark.parametrize(
    ("kind", "value", "key"),
    [
        (Kind.TEXT, 12, "12"),
        (Kind.INTEGER, "12", 12),
        (Kind.INTEGER, 2.5, 2.5),
        (Kind.INTEGER, 1e30, 1e30),
        (Kind.NUMBER, "1e3", 1000.0),
        (Kind.DECIMAL, 0.1, decimal_key(Decimal("0.1"))),
        (Kind.BOOLEAN, True, 1),
        (Kind.BOOLEAN, "FALSE", 0),
        (Kind.DATE, "20260102", "2026-01-02"),
        (Kind.TIMESTAMP, "2026-01-02", "2026-01-02T00:00:00"),
        (Kind.TIMESTAMP, "2026-01-02T08:00:00+08:00", "2026-01-02T00:00:00"),
        (Kind.TIME, "08:30", "08:30:00"),
        (Kind.TEXT, None, None),
    ],
)
def test_filter_keys(kind: Kind, value: object, key: object) -> None:
    assert filter_key(kind, "field", value) == key


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Kind.TEXT, {}),
        (Kind.TEXT, True),
        (Kind.INTEGER, "x"),
        (Kind.INTEGER, True),
        (Kind.INTEGER, "nan"),
        (Kind.INTEGER, "Infinity"),
        (Kind.NUMBER, "inf"),
        (Kind.NUMBER, []),
        (Kind.DECIMAL, "1e40"),
        (Kind.DECIMAL, "NaN"),
        (Kind.BOOLEAN, "maybe"),
        (Kind.DATE, "2026-13-01"),
        (Kind.DATE, 3),
        (Kind.TIMESTAMP, "soon"),
        (Kind.JSON, "{"),
    ],
)
def test_unfit_filter_values_are_refused_by_field_alone(kind: Kind, value: object) -> None:
    with pytest.raises(Refused) as caught:
        filter_key(kind, "field", value)
    assert (caught.value.code, caught.value.field) == ("unfit-filter-value", "field")
