"""How a cell looks in JSON, as a key of the index, and how a filter's value becomes such a key."""

import datetime as dt
import decimal
import math
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import orjson
import pyarrow as pa

from schemas.errors import Refused
from schemas.text import Text


class Kind(StrEnum):
    """What a column holds, as far as serving is concerned."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIME = "time"
    JSON = "json"


# Names of PostgreSQL types, which CKAN clients know.
CKAN_TYPES = {
    Kind.TEXT: "text",
    Kind.INTEGER: "int8",
    Kind.NUMBER: "float8",
    Kind.DECIMAL: "numeric",
    Kind.BOOLEAN: "bool",
    Kind.DATE: "date",
    Kind.TIMESTAMP: "timestamp",
    Kind.TIME: "time",
    Kind.JSON: "json",
}
DECIMAL_DIGITS = 38
SMALLEST_INTEGER, LARGEST_INTEGER = -(2**63), 2**63 - 1


def kind_of(column: pa.DataType) -> Kind:
    """The kind of an Arrow type. Raises TypeError for types that no release holds."""
    types = pa.types
    if types.is_dictionary(column):
        return kind_of(column.value_type)
    if types.is_string(column) or types.is_large_string(column) or types.is_string_view(column):
        return Kind.TEXT
    if types.is_boolean(column):
        return Kind.BOOLEAN
    if types.is_integer(column):
        return Kind.INTEGER
    if types.is_floating(column):
        return Kind.NUMBER
    if types.is_decimal(column):
        return Kind.DECIMAL
    if types.is_date(column):
        return Kind.DATE
    if types.is_timestamp(column):
        return Kind.TIMESTAMP
    if types.is_time(column):
        return Kind.TIME
    if types.is_nested(column):
        return Kind.JSON
    if types.is_null(column):
        return Kind.TEXT
    raise TypeError(f"no way to serve columns of type {column}")


def plain_decimal(value: decimal.Decimal) -> str:
    """Digits of a decimal without exponent and without zeros behind the last digit that counts."""
    digits = format(value, "f")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return "0" if digits in ("-0", "") else digits


def json_values(kind: Kind, values: list[Any]) -> list[Any]:
    """Python values of one column as `orjson` shall write them: decimals keep their digits, NaN becomes null."""
    if kind is Kind.DECIMAL:
        return [None if v is None else orjson.Fragment(plain_decimal(v).encode()) for v in values]
    return values


def index_keys(kind: Kind, values: list[Any]) -> Iterable[Any]:
    """Keys of one column: SQLite compares them as the values compare."""
    if kind is Kind.DECIMAL:
        return (None if v is None else decimal_key(v) for v in values)
    if kind is Kind.NUMBER:
        return (None if v is None or math.isnan(v) else v for v in values)
    if kind is Kind.TIMESTAMP:
        return (None if v is None else _timestamp_key(v) for v in values)
    if kind in (Kind.DATE, Kind.TIME):
        return (None if v is None else v.isoformat() for v in values)
    if kind is Kind.JSON:
        return (None if v is None else orjson.dumps(v, default=str).decode() for v in values)
    return values


_COMPLEMENT = str.maketrans("0123456789", "9876543210")


def decimal_key(value: decimal.Decimal) -> str:
    """Text that sorts as decimals do: sign, 38 whole digits, fraction; of negative numbers the nines' complement."""
    plain = plain_decimal(value)
    whole, _, fraction = plain.removeprefix("-").partition(".")
    digits = f"{whole.zfill(DECIMAL_DIGITS)}.{fraction}"
    if not plain.startswith("-"):
        return f"1{digits}"
    complement = digits.translate(_COMPLEMENT)
    return f"0{complement}~"  # `~` sorts behind digits: -1.5 comes before -1


def _timestamp_key(value: dt.datetime) -> str:
    aware = value.tzinfo is not None
    return (value.astimezone(dt.UTC).replace(tzinfo=None) if aware else value).isoformat()


def filter_key(kind: Kind, field: str, value: Any) -> Any:
    """The key that a filter's value stands for. Strings are read as the column's kind.

    Raises Refused `unfit-filter-value`, which names the field and never the value.
    """
    if value is None:
        return None
    try:
        return _read(kind, value)
    except (ValueError, TypeError, ArithmeticError):
        raise Refused(
            "unfit-filter-value",
            Text(
                zh=f"字段“{field}”的筛选值不是 {kind} 类型", en=f"a filter's value for “{field}” is not of type {kind}"
            ),
            Text(zh=_EXAMPLES[kind][0], en=_EXAMPLES[kind][1]),
            field=field,
        ) from None


_EXAMPLES = {
    Kind.TEXT: ("请给出文本", "give text"),
    Kind.INTEGER: ("请给出整数，例如 12", "give a whole number, such as 12"),
    Kind.NUMBER: ("请给出数字，例如 12.5", "give a number, such as 12.5"),
    Kind.DECIMAL: ("请给出数字，例如 12.50", "give a number, such as 12.50"),
    Kind.BOOLEAN: ("请给出 true 或 false", "give true or false"),
    Kind.DATE: ("请给出日期，例如 2026-01-31", "give a date, such as 2026-01-31"),
    Kind.TIMESTAMP: ("请给出时间，例如 2026-01-31T08:00:00", "give a time, such as 2026-01-31T08:00:00"),
    Kind.TIME: ("请给出时刻，例如 08:00:00", "give a time of day, such as 08:00:00"),
    Kind.JSON: ("请给出 JSON 文本", "give JSON text"),
}


def _read(kind: Kind, value: Any) -> Any:
    match kind:
        case Kind.TEXT:
            if isinstance(value, (dict, list, bool)):
                raise TypeError
            return str(value)
        case Kind.INTEGER:
            return _whole(value)
        case Kind.NUMBER:
            return _finite(value)
        case Kind.DECIMAL:
            return decimal_key(_decimal(value))
        case Kind.BOOLEAN:
            return _truth(str(value).lower())
        case Kind.DATE:
            return dt.date.fromisoformat(value).isoformat()
        case Kind.TIMESTAMP:
            return _timestamp_key(dt.datetime.fromisoformat(value))
        case Kind.TIME:
            return dt.time.fromisoformat(value).isoformat()
        case Kind.JSON:
            return orjson.dumps(orjson.loads(value) if isinstance(value, str) else value).decode()


def _finite(value: Any) -> float:
    number = float(value)
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError
    return number


def _decimal(value: Any) -> decimal.Decimal:
    number = decimal.Decimal(str(value))
    if not number.is_finite() or number.adjusted() >= DECIMAL_DIGITS or len(number.as_tuple().digits) > 100:
        raise ValueError
    return number


def _whole(value: Any) -> int | float:
    if isinstance(value, bool):
        raise TypeError
    number = decimal.Decimal(str(value))
    if not number.is_finite():
        raise ValueError
    if number != number.to_integral_value():
        return float(number)  # a bound such as 2.5 is fit for a range
    if not SMALLEST_INTEGER <= number <= LARGEST_INTEGER:
        return float(number)
    return int(number)


def _truth(word: str) -> int:
    if word not in ("true", "false", "1", "0"):
        raise ValueError
    return int(word in ("true", "1"))
