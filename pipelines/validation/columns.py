"""Check one column of a batch: which cells surely are right, and what all of them are.

A fast predicate accepts only a part of what is valid; every other distinct value goes through frictionless's own
cell reader, so a verdict never differs from frictionless's.
"""

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.validation.buffers import absent, bytes_of, flags, offsets
from pipelines.validation.frictionless_adapter import Reading
from pipelines.validation.keys import identity, plain_identities
from pipelines.validation.patterns import PatternCheck
from pipelines.validation.typed import PRECISION, STRING, Misfit, first_type, to_arrow, wider_type

REMEMBERED = 300_000  # distinct values whose reading is kept, per column
INTEGER_BYTES = np.zeros(256, bool)
INTEGER_BYTES[[*b"0123456789-"]] = True
NUMBER_BYTES = INTEGER_BYTES.copy()
NUMBER_BYTES[ord(".")] = True
DATE_BYTES = INTEGER_BYTES
TIMESTAMP_BYTES = INTEGER_BYTES.copy()
TIMESTAMP_BYTES[[*b":T "]] = True
CANONICAL = {
    "integer": r"^-?[0-9]{1,18}$",
    "number": r"^-?([0-9]{1,18}(\.[0-9]{0,12})?|\.[0-9]{1,12})$",
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "datetime": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$",
}
ALLOWED = {"integer": INTEGER_BYTES, "number": NUMBER_BYTES, "date": DATE_BYTES, "datetime": TIMESTAMP_BYTES}
WIDTH = {"date": 10, "datetime": 19}
FEW = pa.dictionary(pa.int32(), STRING)
PLAIN = {"integer": (pa.int64(),), "date": (pa.date32(),), "string": (STRING,)}
FIRST_DAY = dt.date(1, 1, 1)


@dataclass
class Checked:
    """bad: cells with an error. missing: cells without a value. typed: values, null where missing or unreadable;
    None where they did not fit the column's type (which is wider now). canonical: every value is written in the one
    form of its kind, so that nothing can be said about its cells."""

    bad: np.ndarray
    missing: np.ndarray
    typed: pa.Array | None
    canonical: bool = False


@dataclass(frozen=True)
class NumberCells:
    """Cells of a workbook that are all numbers: float64, null for no cell."""

    numbers: pa.Array

    def __len__(self) -> int:
        return len(self.numbers)


class Cells(ABC):
    """Cells of a form of their own, which know how a column checks them."""

    @abstractmethod
    def check(self, column: "Column") -> Checked:
        """What `column` says of them."""

    @abstractmethod
    def values(self) -> Sequence[Any]:
        """The cells as frictionless's parsers would give them."""


def plain_number(number: float | None) -> float | int | None:
    """A number as workbook libraries give it: whole ones as int."""
    return int(number) if number is not None and number.is_integer() and abs(number) < 1e15 else number


class Column:
    """One field: its predicate, its type so far, and readings remembered from earlier batches."""

    def __init__(self, reading: Reading, pattern: PatternCheck | None = None):
        self.reading = reading
        self.name = reading.name
        self.type = first_type(reading)
        self.hashed_apart = False  # a key was hashed in another form than the ones before
        self.required = bool(reading.constraints.get("required"))
        self._absent = pa.array([*sorted(reading.missing), None], STRING)
        self.pattern = pattern
        self.kind = _kind(reading, pattern)
        self._missing_numbers = means_number(reading.missing)
        self.few_distinct: bool | None = None
        self._separator = ord(" " if reading.format == "%Y-%m-%d %H:%M:%S" else "T")
        self._marks = ((10, self._separator), (13, ord(":")), (16, ord(":")))  # else Arrow takes an offset for seconds
        self._seen: dict[Any, tuple[bool, Any]] = {}
        self.minimum, self.maximum = (_bound(reading, k) for k in ("minimum", "maximum"))
        if _not_finite(self.minimum) or _not_finite(self.maximum):
            self.kind = None

    def check(self, cells: Any, nulls_known: bool = False) -> Checked:
        """cells: an Arrow array (text, dictionary of text, or typed), or a sequence of plain values.

        nulls_known: every missing text is null already.
        """
        if isinstance(cells, Cells):
            return cells.check(self)
        if isinstance(cells, NumberCells):
            return self._check_numbers(cells.numbers)
        if not isinstance(cells, pa.Array):
            return self.check_values(cells)
        if cells.type == STRING:
            return self.check_text(cells, nulls_known)
        if pa.types.is_dictionary(cells.type):
            missing = pc.is_in(cells.dictionary, value_set=self._absent).take(cells.indices)
            return self._check_encoded(cells, flags(pc.fill_null(missing, True)))
        return self.check_typed(cells)

    # -- cells read straight into their type

    def direct_type(self, *, integers: bool) -> pa.DataType:
        """The type that a CSV reader may read this column's cells into, without accepting what frictionless does not;
        text where there is none (Arrow trims spaces around dates). integers: whether the block allows them."""
        if self.few_distinct:
            return FEW
        if self.kind == "integer" and integers and self.type == pa.int64():
            return self.type
        if self.kind == "number" and (pa.types.is_decimal(self.type) or self.reading.float_number):
            return self.type
        return STRING

    def check_typed(self, cells: pa.Array) -> Checked:
        """cells: values of the field's own kind, null where missing; frictionless reads them as they are."""
        missing = absent(cells)
        bad = missing & self.required
        surely = self._within_bounds(cells)
        if pa.types.is_floating(cells.type):
            surely &= np.isfinite(cells.fill_null(0).to_numpy(zero_copy_only=False))
        odd = np.flatnonzero(~surely & ~missing)
        if len(odd):
            bad[odd] = [bool(self.reading.read(value)[1]) for value in cells.take(pa.array(odd)).to_pylist()]
        return Checked(bad, missing, cells)

    # -- cells as text

    def check_text(self, cells: pa.Array, nulls_known: bool = False) -> Checked:
        """cells: string array; null is a cell that is not there (frictionless's None).

        nulls_known: every missing value is null already."""
        missing = absent(cells) if nulls_known else flags(pc.is_in(cells, value_set=self._absent))
        if self.few_distinct is None:
            sample = cells.slice(0, 20_000)
            self.few_distinct = self._worth_encoding() and len(sample.unique()) < 0.5 * len(sample)
        surely, typed = (None, None) if self.few_distinct else self._surely_valid(cells, missing)
        if surely is None:
            return self._check_encoded(cells.dictionary_encode(), missing)
        bad = missing & self.required
        odd = np.flatnonzero(~surely & ~missing)
        if not len(odd):
            return Checked(bad, missing, typed, canonical=self.kind in WIDTH)
        encoded = cells.take(pa.array(odd)).dictionary_encode()
        wrong, values = self.read_all(encoded.dictionary.to_pylist())
        indices = encoded.indices.to_numpy()
        bad[odd] = wrong[indices]
        return Checked(bad, missing, self._with_values(typed, odd, values, indices))

    def _worth_encoding(self) -> bool:
        """Whether checking a distinct value costs more than finding the distinct values."""
        return self.kind is None or (self.kind == "string" and self.pattern is not None)

    def _check_encoded(self, encoded: pa.Array, missing: np.ndarray) -> Checked:
        """encoded: dictionary array of text; every distinct value is read by frictionless."""
        if self.few_distinct and len(encoded.dictionary) > 0.5 * len(encoded) > 500:
            self.few_distinct = False
        if self.kind == "string":
            wrong, dictionary = ~self._valid_text(encoded.dictionary), encoded.dictionary
            for i in np.flatnonzero(wrong).tolist():
                wrong[i] = self.read(encoded.dictionary[i].as_py())[0]
            dictionary = pc.if_else(pc.is_in(dictionary, value_set=self._absent), pa.scalar(None, STRING), dictionary)
        else:
            wrong, values = self.read_all(encoded.dictionary.to_pylist())
            dictionary = self.arrow(values)
        bad = np.zeros(len(encoded), bool)
        if wrong.any():
            bad = wrong[encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)]
        bad[missing] = self.required
        return Checked(bad, missing, None if dictionary is None else dictionary.take(encoded.indices))

    def _with_values(
        self, typed: pa.Array | None, where: np.ndarray, values: Sequence[Any], indices: np.ndarray
    ) -> pa.Array | None:
        """typed with the values read exactly put in their places."""
        exact = self.arrow(values)
        if exact is None or typed is None or typed.type != self.type:
            return None
        mask = np.zeros(len(typed), bool)
        mask[where] = True
        return pc.replace_with_mask(typed, pa.array(mask), exact.take(pa.array(indices)))

    # -- cells as values (workbooks, JSON, Parquet)

    def check_values(self, cells: Sequence[Any]) -> Checked:
        """cells: plain Python values as frictionless's parsers give them."""
        kinds = set(map(type, cells))
        if kinds <= {str, type(None)}:
            return self.check_text(pa.array(cells, STRING))
        count = len(cells)
        bad, missing, values = np.zeros(count, bool), np.zeros(count, bool), [None] * count
        seen = self._seen
        for i, cell in enumerate(cells):
            try:
                key = (type(cell), cell)
                known = seen.get(key)
            except TypeError:
                known, key = None, None
            if known is None:
                value, notes = self.reading.read(cell)
                known = (bool(notes), value)
                if key is not None and cell == cell and len(seen) < REMEMBERED:
                    seen[key] = known
            bad[i], values[i] = known
            missing[i] = values[i] is None and (cell is None or str(cell) in self.reading.missing)
        return Checked(bad, missing, self.arrow(values))

    # -- identity, for keys

    @property
    def plain_identity(self) -> bool:
        """Whether typed values are equal exactly where frictionless's values are."""
        return self.type in PLAIN.get(self.reading.type, ()) or (
            self.reading.type == "number" and pa.types.is_decimal(self.type)
        )

    def identities(self, cells: pa.Array | Sequence[Any], typed: pa.Array | None = None) -> pa.Array:
        """Texts that are equal where the values are, null for no value. typed: the same cells in the column's type."""
        if typed is not None and self.plain_identity and (typed.type == STRING or pa.types.is_integer(typed.type)):
            return plain_identities(typed)
        if isinstance(cells, Cells):
            cells = cells.values()
        if isinstance(cells, NumberCells):
            cells = [plain_number(number) for number in cells.numbers.to_pylist()]
        if isinstance(cells, pa.Array) and cells.type != STRING and not pa.types.is_dictionary(cells.type):
            cells = cells.to_pylist()
        if isinstance(cells, pa.Array):
            encoded = cells if pa.types.is_dictionary(cells.type) else cells.dictionary_encode()
            dictionary = [identity(self.read(cell)[1]) for cell in encoded.dictionary.to_pylist()]
            if self.reading.type in ("number", "any"):  # one NaN is not another
                return pa.array([identity(self.read(cell)[1]) for cell in cells.to_pylist()], STRING)
            return pa.array(dictionary, STRING).take(encoded.indices)
        return pa.array([identity(self.reading.read(cell)[0]) for cell in cells], STRING)

    def key_array(self, values: Sequence[Any]) -> pa.Array:
        """Values in the form that keys of this column are compared in."""
        if self.plain_identity:
            try:
                return to_arrow(values, self.type)
            except Misfit:
                self.widen(values)
                self.hashed_apart = True
        return pa.array([identity(value) for value in values], STRING)

    def _check_numbers(self, numbers: pa.Array) -> Checked:
        """numbers: float64 as a workbook stores them, null for no cell. As text they mean the same, up to 15 digits."""
        largest = pc.max(pc.abs(numbers)).as_py() or 0
        if self.kind in ("integer", "number") and not self._missing_numbers and largest < 1e15:
            return self.check_text(pc.cast(numbers, STRING))
        encoded = numbers.dictionary_encode()
        if len(encoded.dictionary) > 0.5 * len(numbers):
            return self.check_values([plain_number(number) for number in numbers.to_pylist()])
        once = self.check_values([plain_number(number) for number in [*encoded.dictionary.to_pylist(), None]])
        places = encoded.indices.fill_null(len(encoded.dictionary))
        where = places.to_numpy()
        return Checked(once.bad[where], once.missing[where], once.typed and once.typed.take(places))

    # -- exact reading

    def read(self, cell: Any) -> tuple[bool, Any]:
        """(has an error, value) of one text cell, by frictionless's reader."""
        known = self._seen.get(cell)
        if known is None:
            value, notes = self.reading.read(cell)
            known = (bool(notes), value)
            if len(self._seen) < REMEMBERED:
                self._seen[cell] = known
        return known

    def read_all(self, cells: Iterable[Any]) -> tuple[np.ndarray, list[Any]]:
        """(has an error, value) of many distinct text cells."""
        results = [self.read(cell) for cell in cells]
        return np.fromiter((r[0] for r in results), bool, len(results)), [r[1] for r in results]

    def arrow(self, values: Sequence[Any]) -> pa.Array | None:
        """values in the column's type, which may grow wider here; None where they do not fit."""
        for _ in range(2):
            try:
                return to_arrow(values, self.type)
            except Misfit:
                self.widen(values)
        return None

    def widen(self, values: Sequence[Any]) -> None:
        self.type = wider_type(self.reading, self.type, values)

    # -- fast predicates

    def _surely_valid(self, cells: pa.Array, missing: np.ndarray) -> tuple[np.ndarray | None, pa.Array | None]:
        """(cells surely valid, typed values of those); (None, None) where only the reader can tell."""
        if self.kind is None or (self.kind != "string" and self.type == STRING):
            return None, None
        present = cells
        if missing.any():
            present = pc.if_else(pa.array(missing), pa.scalar(None, STRING), cells)
        if self.kind == "string":
            return self._valid_text(present), present
        values = self._cast(present, None if self.kind in WIDTH else ALLOWED[self.kind])
        if values is None:
            strange = self._strange(present, ALLOWED[self.kind])
            if strange.any():  # mostly a few wrong cells among many right ones
                present = pc.if_else(pa.array(strange), pa.scalar(None, STRING), present)
                values = self._cast(present, None)
        if values is None:
            form = CANONICAL[self.kind].replace("T", chr(self._separator))
            canonical = pc.match_substring_regex(present, form)
            plain = pc.if_else(canonical, present, pa.scalar(None, STRING))
            self._widen_scale(plain)
            values = self._cast(plain, None)
            if values is None:
                return None, None
        if self.kind != "string" and values.type == STRING:  # another thread widened the column meanwhile
            return None, None
        return self._within_bounds(values) & ~absent(values), values

    def _cast(self, cells: pa.Array, allowed: np.ndarray | None) -> pa.Array | None:
        """cells in the column's type; None where one does not surely mean the same to frictionless.

        allowed: bytes that cells may hold; None where they are of canonical form, or where Arrow takes no other form of
        this width.
        """
        data = bytes_of(cells)
        if allowed is not None and not allowed[data].all():
            return None
        if width := WIDTH.get(self.kind or ""):
            widths = pc.min_max(pc.binary_length(cells)).as_py()
            if widths["min"] is not None and (widths["min"], widths["max"]) != (width, width):
                return None
            if self.kind == "datetime" and any((data[at::width] != mark).any() for at, mark in self._marks):
                return None
        try:
            return pc.cast(cells, self.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None

    def _strange(self, cells: pa.Array, allowed: np.ndarray) -> np.ndarray:
        """Cells that hold other bytes than allowed, or another number of them."""
        places = offsets(cells)
        wrong = np.flatnonzero(~allowed[bytes_of(cells)]) + places[0] if len(cells) else np.zeros(0, np.int64)
        strange = np.zeros(len(cells), bool)
        strange[np.searchsorted(places, wrong, "right") - 1] = True
        if width := WIDTH.get(self.kind or ""):
            strange |= np.diff(places) != width
        return strange

    def _widen_scale(self, cells: pa.Array) -> None:
        """Give the column's decimal type the digits after the point that plain numbers need."""
        if not pa.types.is_decimal(self.type):
            return
        point = pc.find_substring(cells, ".")
        digits = pc.max(pc.subtract(pc.subtract(pc.binary_length(cells), point), 1).filter(pc.greater_equal(point, 0)))
        if digits.is_valid and digits.as_py() > self.type.scale:
            self.type = pa.decimal128(PRECISION, digits.as_py())

    def _valid_text(self, cells: pa.Array) -> np.ndarray:
        constraints = self.reading.constraints
        parts = []
        if constraints.get("enum") is not None:
            parts.append(
                pc.is_in(cells, value_set=pa.array([e for e in constraints["enum"] if isinstance(e, str)], STRING))
            )
        if constraints.get("minLength") is not None or constraints.get("maxLength") is not None:
            length = pc.utf8_length(cells)
            if constraints.get("minLength") is not None:
                parts.append(pc.greater_equal(length, constraints["minLength"]))
            if constraints.get("maxLength") is not None:
                parts.append(pc.less_equal(length, constraints["maxLength"]))
        if self.pattern is not None:
            parts.append(pc.match_substring_regex(cells, self.pattern.linear))
        valid = np.ones(len(cells), bool)
        for part in parts:
            valid &= flags(part)
        return valid

    def _within_bounds(self, values: pa.Array) -> np.ndarray:
        """Cells surely within minimum and maximum; near a bound the reader decides."""
        inside = np.ones(len(values), bool)
        if self.kind in ("date", "datetime"):
            first = (
                pa.scalar(FIRST_DAY, pa.date32())
                if self.kind == "date"
                else pa.scalar(dt.datetime(1, 1, 2), values.type)
            )
            inside = flags(pc.greater_equal(values, first))
            for bound, compare in ((self.minimum, pc.greater_equal), (self.maximum, pc.less_equal)):
                if bound is not None:
                    inside &= flags(compare(values, pa.scalar(bound, values.type)))
            return inside
        if self.minimum is None and self.maximum is None:
            return inside
        numbers = values if pa.types.is_integer(values.type) else pc.cast(values, pa.float64())
        plain = numbers.fill_null(0).to_numpy(zero_copy_only=False)
        for bound, sign in ((self.minimum, 1), (self.maximum, -1)):
            if bound is None:
                continue
            if isinstance(bound, int) and pa.types.is_integer(values.type) and abs(bound) < 2**62:
                inside &= plain >= bound if sign > 0 else plain <= bound
            else:
                margin = abs(float(bound)) * 1e-9 + 1e-12
                inside &= plain >= float(bound) + margin if sign > 0 else plain <= float(bound) - margin
                if bound == 0:
                    inside |= (
                        plain == 0 if pa.types.is_decimal(values.type) or pa.types.is_integer(values.type) else False
                    )
        return inside


def _kind(reading: Reading, pattern: PatternCheck | None) -> str | None:
    """Which fast predicate a field may use; None where only the reader knows."""
    constraints = {k for k, v in reading.constraints.items() if v is not None} - {"required", "unique"}
    if reading.type == "any" and not constraints:
        return "string"
    if reading.type == "string" and reading.format == "default":
        lengths = [reading.constraints.get(k) for k in ("minLength", "maxLength")]
        plain = all(isinstance(n, int | None) for n in lengths)
        if plain and (pattern is None or pattern.linear is not None):
            return "string"
        return None
    if not constraints <= {"minimum", "maximum"}:
        return None
    if reading.type == "integer" and reading.plain_number:
        return "integer"
    if reading.type == "number" and reading.plain_number:
        return "number"
    if reading.type == "date" and reading.format in ("default", "%Y-%m-%d"):
        return "date"
    formats = ("default", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
    if reading.type == "datetime" and reading.format in formats and not constraints:
        return "datetime"
    return None


def _bound(reading: Reading, name: str) -> Any:
    declared = reading.constraints.get(name)
    return None if declared is None else reading.value(declared)


def _not_finite(bound: Any) -> bool:
    return (isinstance(bound, Decimal) and not bound.is_finite()) or (
        isinstance(bound, float) and not np.isfinite(bound)
    )


def means_number(missing: Iterable[str]) -> bool:
    """Whether one of the texts that mean no value is a number."""
    return any(_is_number(text) for text in missing)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
