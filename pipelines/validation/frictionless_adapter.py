"""The one module that imports frictionless: it opens a table, reads cells, and words the errors of a row.

frictionless opens the file (dialect, header, schema) and stays the only judge of what an error is; where a row may
have one is found elsewhere.
"""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import InvalidOperation
from pathlib import Path
from typing import Any

from frictionless import Package, Schema, errors
from frictionless.exception import FrictionlessException
from frictionless.formats.csv import CsvControl
from frictionless.resources import TableResource
from frictionless.table import Row, create_cell_handlers
from frictionless.vendors import stringcase

from pipelines.memory_limit import ran_out_of_memory
from pipelines.validation.bounds import BOUNDS, incomparable, refuse_unreadable_bounds
from pipelines.validation.patterns import PatternCheck
from pipelines.validation.quotes import OpenQuote, find_open_quote, is_endless, limit_cells, refuse_endless_cell

limit_cells()  # frictionless has lifted the limit
# It spells the same few names anew for every error that it words, which is two thirds of the work.
stringcase.snakecase = functools.lru_cache(1024, typed=True)(stringcase.snakecase)

# Attributes that say where an error is, and their names in descriptors.
PLACES = {
    "labels": "labels",
    "row_numbers": "rowNumbers",
    "label": "label",
    "cells": "cells",
    "row_number": "rowNumber",
    "cell": "cell",
    "field_name": "fieldName",
    "field_number": "fieldNumber",
    "field_names": "fieldNames",
    "field_cells": "fieldCells",
    "reference_name": "referenceName",
    "reference_field_names": "referenceFieldNames",
}
# Of Table Schema; frictionless has no list of them.
FIELD_TYPES = (
    "any", "array", "boolean", "date", "datetime", "duration", "geojson", "geopoint", "integer", "list", "number",
    "object", "string", "time", "year", "yearmonth",
)  # fmt: skip
Note = dict[str, str] | None
CellReader = Callable[[Any], tuple[Any, Note]]


class Unopenable(Exception):
    """frictionless cannot open the table; `errors` are its errors."""

    def __init__(self, found: list[Any]):
        super().__init__(found[0].type if found else "")
        self.errors = found


class StreamStopped(Exception):
    """Reading stopped in the middle; `error` is frictionless's error."""

    def __init__(self, error: Any):
        super().__init__(error.type)
        self.error = error


@dataclass(frozen=True)
class Reading:
    """How one field is read. missing: texts that mean no value. read: cell → (value, notes of what is wrong)."""

    name: str
    type: str
    format: str
    missing: frozenset[str]
    constraints: Mapping[str, Any]
    read: CellReader
    value: Callable[[Any], Any]
    plain_number: bool = True
    float_number: bool = False


@dataclass(frozen=True)
class CsvShape:
    """A CSV file that the block reader can take. first: number of the first record with data."""

    path: Path
    encoding: str
    delimiter: int
    dialect: Any
    universal_newlines: bool


@dataclass(frozen=True)
class ForeignKey:
    """fields: of this table. reference: name of the other table, "" for this one. reference_fields: there."""

    fields: tuple[str, ...]
    reference: str
    reference_fields: tuple[str, ...]


MOST_EXTRA_CELLS = 100  # of one row


@dataclass
class OpenTable:
    """A table opened by frictionless. labels: the header. sample: the first records of the file, header included.
    first_row: number of the first record with data."""

    resource: Any
    readings: list[Reading]
    handlers: dict[str, Any]
    errors: list[Any]
    labels: list[str]
    sample: list[list[Any]]
    first_row: int
    csv: CsvShape | None
    unique: list[str]
    primary_key: list[str]
    foreign_keys: list[ForeignKey]
    patterns: list[PatternCheck] = field(default_factory=list)

    def rows(self) -> Iterator[tuple[int, list[Any]]]:
        """(row number, cells) of every record with data. Raises StreamStopped."""
        try:
            yield from self.resource.dialect.read_enumerated_content_stream(self.resource.cell_stream)
        except FrictionlessException as exception:
            _refuse_want_of_memory(exception)
            raise StreamStopped(exception.error) from exception

    def row(self, cells: list[Any], number: int) -> Any:
        """A frictionless row: values by name, `errors` worded.

        Of cells beyond the columns only the first are worded: each error copies all cells of its row.
        """
        cells = cells[: len(self.handlers) + MOST_EXTRA_CELLS]
        return Row(cells, handlers=self.handlers, row_number=number)

    @property
    def bytes_read(self) -> int:
        """Of the file, since it was opened; 0 where records come from elsewhere."""
        return int(self.resource.stats.bytes or 0)

    def open_quote(self) -> OpenQuote | None:
        """The quote that a CSV file leaves open, or its cell that is too long; reads the file once more."""
        return _open_quote(self.resource)

    def reopen(self) -> None:
        """Start reading from the beginning again."""
        foreign = self.resource.schema.foreign_keys
        self.resource.schema.foreign_keys = []
        self.resource.open()
        self.resource.schema.foreign_keys = foreign

    def close(self) -> None:
        self.resource.close()


def resource_of(
    schema: dict[str, Any],
    file: tuple[Path, str, str | None] | None = None,
    records: Callable[[], Iterable[list[Any]]] | None = None,
) -> Any:
    """A frictionless resource of a text file (path, format, encoding), or of records whose first one holds the labels.

    Raises Unopenable where the schema itself is wrong, Refused `bad-pattern` and `bad-bound`.
    """
    try:
        parsed = Schema.from_descriptor(schema)
    except FrictionlessException as exception:
        raise Unopenable(exception.to_errors()) from exception
    for f in parsed.fields:
        if f.type == "string" and f.constraints.get("pattern") is not None:
            PatternCheck(f.name, f.constraints["pattern"])
        refuse_unreadable_bounds(f.name, f.constraints, f.create_value_reader())
    if file is None:
        return TableResource(name="table", data=records, format="inline", schema=parsed)
    path, format, encoding = file
    return TableResource(
        name="table",
        path=path.name,
        basepath=str(path.parent),
        scheme="file",
        format=format,
        encoding=encoding,
        compression=None,
        schema=parsed,
    )


def _refuse_want_of_memory(exception: FrictionlessException) -> None:
    """That is no error of the file, as frictionless has it."""
    if ran_out_of_memory(exception):
        raise MemoryError from exception


def open_table(resource: Any, *, validate_metadata: bool = True, references: Container[str] = ()) -> OpenTable:
    """Open a resource. references: names of tables that the caller has for foreign keys. Raises Unopenable with
    frictionless's errors, Refused `unclosed-quote` and TooLarge `cell-too-long` for cells of the first rows."""
    try:
        if validate_metadata:
            resource.to_descriptor(validate=True)
        foreign = _without_foreign_keys(resource, references)
        resource.open()
        fields = resource.header.get_expected_fields()
    except FrictionlessException as exception:
        resource.close()
        _refuse_want_of_memory(exception)
        if is_endless(exception.error.note):
            refuse_endless_cell(_open_quote(resource))
        raise Unopenable(exception.to_errors()) from exception
    resource.schema.foreign_keys = foreign
    try:
        handlers, patterns = _handlers(fields)
    except Exception:
        resource.close()
        raise
    names = [f.name for f in fields]
    found = [] if resource.labels or resource.fragment else [errors.SourceError(note="the source is empty")]
    dialect = resource.dialect
    return OpenTable(
        resource=resource,
        readings=[_reading(f, handlers[f.name]) for f in fields],
        handlers=handlers,
        errors=[*found, *resource.header.errors],
        labels=resource.labels,
        sample=resource.sample[:20],
        first_row=dialect.create_first_content_row(),
        csv=_csv_shape(resource) if fields else None,
        unique=[f.name for f in fields if f.constraints.get("unique")],
        primary_key=_primary_key(resource, names),
        foreign_keys=[
            ForeignKey(tuple(k["fields"]), k["reference"]["resource"], tuple(k["reference"]["fields"])) for k in foreign
        ],
        patterns=patterns,
    )


def declares_counts(table: OpenTable) -> bool:
    """Whether the resource declares a hash, or numbers of bytes, fields or rows, which frictionless checks itself."""
    return any(getattr(table.resource, name, None) is not None for name in ("hash", "bytes", "fields", "rows"))


def reference_resource(resource: Any, name: str) -> Any:
    """A copy of the resource that a foreign key refers to, without its own foreign keys."""
    named = resource if not name or name == resource.name else resource.package.get_resource(name)
    copy = named.to_copy()
    if copy.schema:
        copy.schema.foreign_keys = []
    return copy


def package_resource(path: Path, name: str) -> Any:
    """A resource of a Data Package file."""
    return Package(str(path)).get_resource(name)


def resource_at(path: Path, schema: Path | None) -> Any:
    """A resource of a local file; frictionless finds out format, encoding and, without a schema, the schema."""
    resource = TableResource(path=path.name, basepath=str(path.parent))
    if schema:
        resource.schema = Schema.from_descriptor(json.loads(schema.read_text("utf-8")))
    return resource


def frictionless_errors(resource: Any, limit_errors: int) -> list[Any]:
    """What frictionless itself says; the last resort, and the reference in tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(resource.validate(limit_errors=limit_errors).tasks[0].errors)


def unique_error(row: Any, name: str, previous: int) -> Any:
    note = f"the same as in the row at position {previous}"
    return errors.UniqueError.from_row(row, note=note, field_name=name)


def primary_key_error(row: Any, previous: int | None) -> Any:
    if previous is None:
        return errors.PrimaryKeyError.from_row(row, note='cells composing the primary keys are all "None"')
    return errors.PrimaryKeyError.from_row(row, note=f"the same as in the row at position {previous}")


def foreign_key_error(row: Any, key: ForeignKey) -> Any:
    cells = [row[name] for name in key.fields]
    note = 'for "{}": values "{}" not found in the lookup table "{}" as "{}"'.format(
        ", ".join(key.fields), ", ".join(str(c) for c in cells), key.reference, ", ".join(key.reference_fields)
    )
    return errors.ForeignKeyError.from_row(
        row,
        note=note,
        field_names=list(key.fields),
        field_values=cells,
        reference_name=key.reference,
        reference_field_names=list(key.reference_fields),
    )


def error_descriptor(error: Any) -> dict[str, Any]:
    """`error.to_descriptor()`, without its walk through metadata profiles (over a millisecond for each error)."""
    described = {name: getattr(error, name) for name in ("type", "title", "description", "message", "tags", "note")}
    for name, key in PLACES.items():
        value = getattr(error, name, None)
        if value is not None:
            described[key] = value
    return described


def _without_foreign_keys(resource: Any, references: Container[str]) -> list[dict[str, Any]]:
    """Take the foreign keys out of the schema, so that opening does not read whole reference tables row by row."""
    if not resource.schema:
        return []
    foreign: list[dict[str, Any]] = list(resource.schema.foreign_keys)
    for key in foreign:
        name = key["reference"]["resource"]
        if not name or name == resource.name or name in references:
            continue
        if not resource.package:
            note = 'package is required for foreign keys to other resources: "{fk}"'
            raise FrictionlessException(errors.ResourceError(note=note))
        if not resource.package.has_resource(name):
            note = f'failed to handle a foreign key for resource "{resource.name}" as resource "{name}" does not exist'
            raise FrictionlessException(errors.ResourceError(note=note))
    resource.schema.foreign_keys = []
    return foreign


def _primary_key(resource: Any, names: Sequence[str]) -> list[str]:
    """Names of the primary key's fields as frictionless matches them; empty where it checks none."""
    declared = resource.schema.primary_key
    if not declared or not set(declared) <= set(names):
        return []
    if resource.dialect.header_case:
        return list(declared)
    lower = [name.lower() for name in declared]
    return [name for name in names if name.lower() in lower]


def _handlers(fields: Sequence[Any]) -> tuple[dict[str, Any], list[PatternCheck]]:
    """Cell handlers whose pattern checks are bounded in time, and which say where a bound cannot be compared."""
    handlers = create_cell_handlers(list(fields))
    patterns: list[PatternCheck] = []
    for f in fields:
        if f.type == "string" and f.constraints.get("pattern") is not None:
            check = PatternCheck(f.name, f.constraints["pattern"])
            patterns.append(check)
            handlers[f.name] = handlers[f.name]._replace(reader=_with_pattern(f, check))
        if f.type == "integer":
            handlers[f.name] = handlers[f.name]._replace(reader=_without_overflow(f, handlers[f.name].reader))
        if f.type in ("datetime", "time") and any(f.constraints.get(bound) is not None for bound in BOUNDS):
            handlers[f.name] = handlers[f.name]._replace(reader=_comparing(f.name, handlers[f.name].reader))
    return handlers, patterns


def _without_overflow(f: Any, read: CellReader) -> CellReader:
    """A number of JSON such as 1e308 is too large for frictionless to see whether it is whole: it is no integer."""

    def reader(cell: Any) -> tuple[Any, Note]:
        try:
            return read(cell)
        except InvalidOperation:
            return None, {"type": f'type is "{f.type}/{f.format}"'}

    return reader


def _comparing(name: str, read: CellReader) -> CellReader:
    """Python compares no moment or time with an offset to one without."""

    def reader(cell: Any) -> tuple[Any, Note]:
        try:
            return read(cell)
        except TypeError:
            raise incomparable(name) from None

    return reader


def _with_pattern(f: Any, check: PatternCheck) -> CellReader:
    """The field's own reader, with the pattern checked by `check`; notes keep frictionless's order."""
    declared = f.constraints
    f.constraints = {k: v for k, v in declared.items() if k != "pattern"}
    read = f.create_cell_reader()
    f.constraints = declared
    note = f'constraint "pattern" is "{check.pattern}"'

    def reader(cell: Any) -> tuple[Any, Note]:
        value, notes = read(cell)
        if value is None or (notes and "type" in notes) or check.matches(value):
            return value, notes
        found = {**(notes or {}), "pattern": note}
        enum = found.pop("enum", None)
        return value, found if enum is None else {**found, "enum": enum}

    return reader


def _reading(f: Any, handler: Any) -> Reading:
    missing = f.missing_values
    if not f.has_defined("missing_values") and f.schema:
        missing = f.schema.missing_values
    defined = set(f.list_defined())
    return Reading(
        name=f.name,
        type=f.type,
        format=f.format,
        missing=frozenset(missing),
        constraints=f.constraints,
        read=handler.reader,
        value=f.create_value_reader(),
        plain_number=not {"group_char", "decimal_char", "bare_number"} & defined,
        float_number=bool(getattr(f, "float_number", False)),
    )


def _open_quote(resource: Any) -> OpenQuote | None:
    if resource.format not in ("csv", "tsv") or resource.compression or resource.scheme != "file":
        return None
    dialect = CsvControl.from_dialect(resource.dialect).to_python()
    newline = None if resource.format == "tsv" else ""
    return find_open_quote(Path(resource.normpath), resource.encoding, dialect, newline)


def _csv_shape(resource: Any) -> CsvShape | None:
    """Where the block reader may be used; None where frictionless's own tokeniser must."""
    dialect = resource.dialect
    if resource.format not in ("csv", "tsv") or resource.compression or resource.scheme != "file":
        return None
    control = CsvControl.from_dialect(dialect)
    plain = (
        not (dialect.comment_char or dialect.comment_rows or dialect.skip_blank_rows or resource.multipart)
        and control.quote_char == '"'
        and not control.escape_char
        and not control.skip_initial_space
        and len(control.delimiter) == 1
        and ord(control.delimiter) < 128
    )
    if not plain:
        return None
    return CsvShape(
        path=Path(resource.normpath),
        encoding=resource.encoding,
        delimiter=ord(control.delimiter),
        dialect=control.to_python(),
        universal_newlines=resource.format == "tsv",
    )
