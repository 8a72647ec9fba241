"""Cells that have a type already (Parquet, numbers of JSON): checked by that type, without making texts of them.

What a rule here does not surely accept is given to frictionless's reader as the Python value that the records have, so
verdicts are those of the way by rows.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.read.parquet import plain_values
from pipelines.validation.buffers import absent
from pipelines.validation.columns import Cells, Checked, Column, means_number
from pipelines.validation.typed import FLOAT, PRECISION, STRING, UTC_TIMESTAMP

EXACT_FLOAT = 2**53  # whole numbers up to here are floats exactly
SHORT_DIGITS = 10**15  # numbers of up to 15 digits and their nearest floats belong together, one to one
SHORT_SCALE = 12
LONG_NUMBER = r"^-?[0-9]{1,16}\.[0-9]{1,20}$"
LAST_DAY = pa.scalar(dt.date(9999, 12, 31), pa.date32())
LAST_MOMENT = dt.datetime(9999, 12, 30)


@dataclass(frozen=True)
class NativeCells(Cells):
    """array: of any Arrow type but text."""

    array: pa.Array

    def __len__(self) -> int:
        return len(self.array)

    def check(self, column: Column) -> Checked:
        return check_native(column, self.array)

    def values(self) -> Sequence[Any]:
        return plain_values(self.array)


@dataclass(frozen=True)
class MixedCells(Cells):
    """parts: Arrow arrays of text, Cells, and lists of plain values, one after the other."""

    parts: Sequence[Any]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def check(self, column: Column) -> Checked:
        checked = [column.check(part) for part in self.parts]
        typed = [one.typed for one in checked]
        alike = all(array is not None and array.type == column.type for array in typed)
        return Checked(
            np.concatenate([one.bad for one in checked]),
            np.concatenate([one.missing for one in checked]),
            pa.concat_arrays(typed) if alike else None,
        )

    def values(self) -> Sequence[Any]:
        return [value for part in self.parts for value in _values_of(part)]


def as_cells(column: pa.Array) -> Any:
    """A plain column in the form that `Column.check` takes."""
    if column.type == STRING or (pa.types.is_dictionary(column.type) and column.type.value_type == STRING):
        return column
    return plain_values(column) if pa.types.is_nested(column.type) else NativeCells(column)


def cells_of_values(values: Sequence[Any]) -> Any:
    """Python values as Arrow holds them, where they are all of one kind; else as they are."""
    kinds = set(map(type, values)) - {type(None)}
    if len(kinds) > 1 or not kinds <= {str, bool, int, float}:
        return values
    try:
        if kinds <= {str}:
            return pa.array(values, STRING)
        return NativeCells(pa.array(values))
    except (OverflowError, pa.ArrowException):  # whole numbers beyond 64 bits
        return values


def check_native(column: Column, cells: pa.Array) -> Checked:
    """cells: a plain column (pipelines.read.parquet) that is neither text nor nested."""
    missing = absent(cells)
    if _may_mean_none(cells.type, column.reading.missing):
        return check_distinct(column, cells)
    values = _converted(column, cells)
    if values is None or values.type != column.type:
        return check_distinct(column, cells)
    bad = missing & column.required
    surely = ~absent(values)
    if column.kind is not None:
        within = column.check_typed(values)  # bounds; reads what is near one by value, as it is read here
        surely &= ~within.bad
    odd = np.flatnonzero(~surely & ~missing)
    if not len(odd):
        return Checked(bad, missing, values)
    rest = check_distinct(column, cells.take(pa.array(odd)))
    bad[odd], missing[odd] = rest.bad, rest.missing
    if rest.typed is None or rest.typed.type != values.type:
        return Checked(bad, missing, None)
    mask = np.zeros(len(cells), bool)
    mask[odd] = True
    return Checked(bad, missing, pc.replace_with_mask(values, pa.array(mask), rest.typed))


def check_distinct(column: Column, cells: pa.Array) -> Checked:
    """Every distinct value read by frictionless."""
    encoded = cells.dictionary_encode()
    distinct = plain_values(encoded.dictionary)
    wrong, missing = np.zeros(len(distinct) + 1, bool), np.zeros(len(distinct) + 1, bool)
    values: list[Any] = []
    for place, cell in enumerate(distinct):
        value, notes = column.reading.read(cell)
        wrong[place] = bool(notes)
        missing[place] = value is None and str(cell) in column.reading.missing
        values.append(value)
    wrong[-1], missing[-1] = column.required, True  # the place of nulls
    places = encoded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False)
    typed = column.arrow(values)
    return Checked(wrong[places], missing[places], None if typed is None else typed.take(encoded.indices))


def _converted(column: Column, cells: pa.Array) -> pa.Array | None:
    """The cells in the column's type, null where they do not surely fit; None where there is no rule for them."""
    type, kind = cells.type, column.kind
    if kind == "integer" and column.type == pa.int64():
        return _whole(cells)
    if kind == "number":
        return _number(column, cells)
    if kind == "date" and column.type == pa.date32():
        return _day(cells)
    if kind == "datetime" and pa.types.is_timestamp(type):
        if type.tz is not None and column.type != UTC_TIMESTAMP and len(cells) > cells.null_count:
            column.widen([dt.datetime(2000, 1, 1, tzinfo=dt.UTC)])
        return _moment(cells.cast(column.type)) if (type.tz is None) == (column.type.tz is None) else None
    plain = {k for k, v in column.reading.constraints.items() if v is not None} <= {"required", "unique"}
    if plain and column.reading.type == "boolean" and pa.types.is_boolean(type):
        return cells
    if plain and column.reading.type == "time" and pa.types.is_time(type) and column.type == type:
        return cells
    return None


def _whole(cells: pa.Array) -> pa.Array | None:
    """Whole numbers as int64."""
    type = cells.type
    if pa.types.is_integer(type):
        try:
            return cells.cast(pa.int64())
        except pa.ArrowInvalid:
            return None
    if pa.types.is_floating(type):
        numbers = cells.fill_null(0).to_numpy(zero_copy_only=False)
        with np.errstate(invalid="ignore"):
            fits = (np.abs(numbers) < EXACT_FLOAT) & (np.floor(numbers) == numbers)
        whole = np.where(fits, numbers, 0).astype(np.int64)
        return pa.array(whole, mask=~fits | absent(cells))
    if pa.types.is_decimal(type):
        try:
            return cells.cast(pa.int64())
        except pa.ArrowInvalid:
            return None
    return None


def _number(column: Column, cells: pa.Array) -> pa.Array | None:
    """Numbers as decimals of the column's scale, which may grow here, or as floats."""
    type = cells.type
    if column.reading.float_number:
        return cells.cast(FLOAT) if pa.types.is_floating(type) else None
    if column.type == FLOAT:
        return cells if pa.types.is_floating(type) else None
    if not pa.types.is_decimal(column.type):
        return None
    if pa.types.is_integer(type):
        try:
            return cells.cast(pa.int64()).cast(pa.decimal128(19, 0)).cast(column.type)
        except pa.ArrowInvalid:
            return None
    if pa.types.is_floating(type):
        return _decimals(column, cells)
    if pa.types.is_decimal128(type):
        return _rescaled(column, cells)
    return None


def _decimals(column: Column, cells: pa.Array) -> pa.Array:
    """Floats as the shortest decimals that stand for them; null where there is none without an exponent.

    A decimal m / 10^s of up to 15 digits is found where the quotient of two numbers that are floats exactly is the
    float itself: division rounds correctly (IEEE 754), and no other decimal of 15 digits has the same nearest float.
    """
    numbers = cells.fill_null(0).to_numpy(zero_copy_only=False)
    usual = min(column.type.scale, SHORT_SCALE)
    fits = _has_scale(numbers, usual)
    found = [(usual, fits)]
    left = np.flatnonzero(~fits & np.isfinite(numbers))
    for scale in range(SHORT_SCALE + 1):
        if not len(left):
            break
        fits = _has_scale(numbers[left], scale)
        if fits.any():
            found.append((scale, np.isin(np.arange(len(numbers)), left[fits], assume_unique=True)))
            left = left[~fits]
    texts = _digits(cells, left)
    longest = _longest_fraction(texts)
    column.type = pa.decimal128(PRECISION, max(column.type.scale, longest, *(scale for scale, _ in found)))
    present = ~absent(cells)
    first, *others = ((fits, _decimal_array(numbers, fits & present, scale).cast(column.type)) for scale, fits in found)
    values = first[1]
    for fits, more in others:
        values = pc.if_else(pa.array(fits), more, values)
    if len(left):
        mask = np.zeros(len(numbers), bool)
        mask[left] = True
        values = pc.replace_with_mask(values, pa.array(mask), texts.cast(column.type))
    return values


def _digits(cells: pa.Array, where: np.ndarray) -> pa.Array:
    """Floats of over 15 digits written out, the shortest way; null where that takes an exponent or very many digits.

    Only a printer of floats knows their digits; this one and Python's both give the shortest that are nearest.
    """
    texts = cells.take(pa.array(where, pa.int64())).cast(STRING)
    plain = pc.match_substring_regex(texts, LONG_NUMBER)
    return pc.if_else(plain, texts, pa.scalar(None, STRING))


def _longest_fraction(texts: pa.Array) -> int:
    fractions = pc.subtract(pc.subtract(pc.binary_length(texts), pc.find_substring(texts, ".")), 1)
    return max(pc.max(fractions).as_py() or 0, 0)


def _has_scale(numbers: np.ndarray, scale: int) -> np.ndarray:
    """Whether each float is the nearest one to a decimal with `scale` digits after the point, 15 digits in all."""
    power = 10.0**scale
    with np.errstate(over="ignore", invalid="ignore"):
        shifted = np.rint(numbers * power)
        return (np.abs(shifted) < SHORT_DIGITS) & (shifted / power == numbers)


def _decimal_array(numbers: np.ndarray, fits: np.ndarray, scale: int) -> pa.Array:
    """Decimals of so many digits after the point, null where they do not fit."""
    words = np.empty((len(numbers), 2), np.int64)
    words[:, 0] = np.where(fits, np.rint(np.where(fits, numbers, 0) * 10.0**scale), 0)
    words[:, 1] = words[:, 0] >> 63
    valid = None if fits.all() else pa.array(fits).buffers()[1]
    return pa.Array.from_buffers(pa.decimal128(PRECISION, scale), len(numbers), [valid, pa.py_buffer(words)])


def _rescaled(column: Column, cells: pa.Array) -> pa.Array | None:
    """Decimals with the column's scale, or with the next larger one that holds all of them."""
    for scale in range(column.type.scale, max(cells.type.scale, column.type.scale) + 1):
        type = pa.decimal128(PRECISION, scale)
        try:
            values = cells.cast(type)
        except pa.ArrowInvalid:
            continue
        column.type = type
        return values
    return None


def _day(cells: pa.Array) -> pa.Array | None:
    """Days; of moments without a time zone, those at midnight."""
    if pa.types.is_date32(cells.type):
        days = cells
    elif pa.types.is_timestamp(cells.type) and cells.type.tz is None:
        days = cells.cast(pa.date32(), safe=False)
        days = pc.if_else(pc.equal(days.cast(cells.type), cells), days, pa.scalar(None, pa.date32()))
    else:
        return None
    return pc.if_else(pc.less_equal(days, LAST_DAY), days, pa.scalar(None, pa.date32()))


def _moment(moments: pa.Array) -> pa.Array:
    last = pa.scalar(LAST_MOMENT, pa.timestamp("us")).cast(moments.type)
    return pc.if_else(pc.less_equal(moments, last), moments, pa.scalar(None, moments.type))


def _may_mean_none(type: pa.DataType, missing: Iterable[str]) -> bool:
    """Whether the text of a value could be one of those that mean no value."""
    texts = [text for text in missing if text]
    if pa.types.is_boolean(type):
        return not {"True", "False"}.isdisjoint(texts)
    if pa.types.is_temporal(type):
        return any(text[0].isdigit() for text in texts)
    return means_number(missing)


def _values_of(part: Any) -> Sequence[Any]:
    if isinstance(part, Cells):
        return part.values()
    return plain_values(part) if isinstance(part, pa.Array) else part
