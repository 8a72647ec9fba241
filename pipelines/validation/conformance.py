"""Warnings: what a table may do and had better not. Errors refuse, warnings are reported with their fix.

A table without rows, columns out of order, optional columns missing, columns that the schema does not have (where its
`fieldsMatch` allows these), and cells with surrounding spaces or full-width digits and letters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.validation.buffers import bytes_of, offsets
from pipelines.validation.messages import word
from pipelines.validation.suggest import normalised
from schemas.table_schema import FieldRole, Meaning, TableSchema
from schemas.validation import TableError

Flags = npt.NDArray[np.bool_]

SPACES = "surrounding-spaces"
FULL_WIDTH = "full-width-characters"
# Table Schema's fieldsMatch: which of them allow labels beyond, or fewer than, the schema's fields.
MORE_ALLOWED = ("subset", "partial")
FEWER_ALLOWED = ("superset", "partial")

_BLANKS = r"[\s\x{a0}\x{3000}\x{feff}\x{200b}]"
SURROUNDED = rf"^{_BLANKS}|{_BLANKS}$"
# First and last UTF-8 bytes of blanks; some other characters share them, so a hit is looked at again.
_FIRST_BYTES = np.isin(np.arange(256), [*b" \t\r\n\v\f", 0xC2, 0xE2, 0xE3, 0xEF])
_LAST_BYTES = np.isin(np.arange(256), [*b" \t\r\n\v\f", 0xA0, 0x80, 0xBF, 0x8B])
_WIDE_BYTE = 0xEF
# Texts in which full-width characters are a matter of style.
_WORDS = (Meaning.FREE_TEXT, Meaning.ADDRESS, Meaning.ORGANISATION_NAME, Meaning.PERSON_NAME)


def header_warnings(labels: Sequence[str], schema: TableSchema) -> list[TableError]:
    """Warnings about a header that the schema's `fieldsMatch` accepts by name.

    With `exact`, the default, such headers are errors, which frictionless reports.
    """
    match = _fields_match(schema)
    if match == "exact":
        return []
    names = [normalised(label) for label in labels]
    known = [f.name for f in schema.fields]
    warnings = []
    if match in MORE_ALLOWED:
        extra = [place for place, name in enumerate(names, start=1) if name not in known]
        warnings += [_warning("extra-column", row=1, position=place) for place in extra]
    if match in FEWER_ALLOWED:
        missing = [f for f in schema.descriptor["fields"] if f["name"] not in names and not _required(f)]
        warnings += [_warning("missing-optional-column", field=f) for f in missing]
    shared = [name for name in names if name in known]
    if shared != [name for name in known if name in shared]:
        warnings.append(_warning("column-order", row=1))
    return warnings


def row_warnings(rows: int) -> list[TableError]:
    """A warning about a valid table that holds nothing. rows: records with data."""
    return [] if rows else [_warning("no-rows")]


def quote_warnings(row: int | None) -> list[TableError]:
    """A warning about a quote that opens in `row` and is open at the end of the file; None: there is no such quote."""
    return [] if row is None else [_warning("unclosed-quote", row=row)]


@dataclass
class CellWarnings:
    """Counts cells of batches as they pass; one warning per field and kind at the end, never one per cell."""

    schema: TableSchema
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    first_rows: dict[tuple[str, str], int] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)

    def add(self, columns: Mapping[str, pa.Array], rows: npt.NDArray[np.int64], names: Sequence[str]) -> None:
        """Look at a batch. columns: field name → cells; those that are not text are passed over. rows: row numbers.
        names: of all fields, in the file's order."""
        self.places = self.places or {name: place for place, name in enumerate(names, start=1)}
        for descriptor in self.schema.descriptor["fields"]:
            cells = columns.get(descriptor["name"])
            if cells is None or not isinstance(cells, pa.Array) or not pa.types.is_string(cells.type):
                continue
            self._count(SPACES, descriptor["name"], surrounded(cells), rows)
            if full_width_matters(descriptor):
                self._count(FULL_WIDTH, descriptor["name"], full_width(cells), rows)

    def warnings(self) -> list[TableError]:
        """One warning per field and kind, in the schema's order."""
        found = []
        for descriptor in self.schema.descriptor["fields"]:
            for kind in (SPACES, FULL_WIDTH):
                key = (kind, descriptor["name"])
                if key in self.counts:
                    facts = {"count": self.counts[key], "first_row": self.first_rows[key]}
                    place = {"row": facts["first_row"], "field_number": self.places[descriptor["name"]]}
                    found.append(_warning(kind, field=descriptor, **facts).model_copy(update=place))
        return found

    def _count(self, kind: str, name: str, flags: Flags, rows: npt.NDArray[np.int64]) -> None:
        count = int(flags.sum())
        if count:
            key = (kind, name)
            self.counts[key] = self.counts.get(key, 0) + count
            self.first_rows.setdefault(key, int(rows[int(flags.argmax())]))


def surrounded(cells: pa.StringArray) -> Flags:
    """Which cells begin or end with a space, a full-width space, a tab or another blank."""
    data, ends = bytes_of(cells), offsets(cells) - offsets(cells)[0]
    flags = np.zeros(len(cells), bool)
    if not len(data):
        return flags
    # Of an empty cell these are bytes of its neighbours, which does no harm: suspects are looked at again.
    first, last = data.take(ends[:-1], mode="clip"), data.take(ends[1:] - 1, mode="clip")
    places = np.flatnonzero(_FIRST_BYTES.take(first) | _LAST_BYTES.take(last))
    if len(places):
        matched = pc.match_substring_regex(cells.take(pa.array(places)), SURROUNDED)
        flags[places] = np.asarray(pc.fill_null(matched, False))
    return flags


def full_width(cells: pa.StringArray) -> Flags:
    """Which cells hold full-width digits or Latin letters.

    In UTF-8 these are EF BC 90–99 (digits), EF BC A1–BA (capitals) and EF BD 81–9A (small letters).
    """
    data, ends = bytes_of(cells), offsets(cells) - offsets(cells)[0]
    flags = np.zeros(len(cells), bool)
    places = np.flatnonzero(data == _WIDE_BYTE)
    if not len(places):
        return flags
    second, third = data.take(places + 1, mode="clip"), data.take(places + 2, mode="clip")
    wide = (second == 0xBC) & (((third >= 0x90) & (third <= 0x99)) | ((third >= 0xA1) & (third <= 0xBA)))
    wide |= (second == 0xBD) & (third >= 0x81) & (third <= 0x9A)
    holding = np.searchsorted(ends, places[wide], side="right") - 1
    flags[holding] = np.asarray(cells.is_valid())[holding]
    return flags


def full_width_matters(descriptor: Mapping[str, Any]) -> bool:
    """Whether full-width characters in the field are a slip: in all but words and free text."""
    if descriptor.get("type", "any") not in ("string", "any"):
        return True
    words = descriptor.get("role") == FieldRole.FREE_TEXT or descriptor.get("meaning") in _WORDS
    return not words


def _fields_match(schema: TableSchema) -> str:
    """The schema's `fieldsMatch`, which the standard writes as a text or as a list of one."""
    given = schema.descriptor.get("fieldsMatch") or "exact"
    return given if isinstance(given, str) else given[0]


def _required(descriptor: Mapping[str, Any]) -> bool:
    return bool((descriptor.get("constraints") or {}).get("required"))


def _warning(
    kind: str,
    *,
    row: int | None = None,
    position: int | None = None,
    field: Mapping[str, Any] | None = None,
    **facts: Any,
) -> TableError:
    words = word(kind, row=row, position=position, field=field, **facts)
    return TableError(
        type=kind,
        level="warning",
        row=row,
        field=field["name"] if field else None,
        field_number=position,
        message=words.message,
        remedy=words.remedy,
    )
