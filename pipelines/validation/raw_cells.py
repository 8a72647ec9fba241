"""The records of a source as they stand, with the row numbers that errors carry: for fixing and for marking cells."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipelines.read import SourceTable
from pipelines.validation import frictionless_adapter as adapter
from pipelines.validation.frictionless_adapter import OpenTable, StreamStopped, Unopenable
from schemas.errors import Refused
from schemas.table_schema import TableSchema
from schemas.text import Text


@dataclass(frozen=True)
class RawTable:
    """labels: the header as text. rows: (row number, cells) of every record with data, read once."""

    labels: list[str]
    rows: Iterator[tuple[int, list[Any]]]


@contextmanager
def raw_table(source: SourceTable, schema: TableSchema) -> Iterator[RawTable]:
    """Open a source cell by cell, by the same reader as validation, so that row numbers agree.

    Raises Refused `unreadable-rows` where the file cannot be opened, or reading breaks off.
    """
    try:
        table = _open(source, schema)
    except Unopenable as error:
        raise _unreadable() from error
    try:
        yield RawTable([cell_text(label) for label in table.labels], table.rows())
    except StreamStopped as error:
        raise _unreadable() from error
    finally:
        table.close()


def _open(source: SourceTable, schema: TableSchema) -> OpenTable:
    # Other tables have no part in reading this one.
    descriptor = {key: value for key, value in schema.descriptor.items() if key != "foreignKeys"}
    if source.format in ("csv", "tsv"):
        resource = adapter.resource_of(descriptor, (source.content, source.format, source.encoding))
        return adapter.open_table(resource)
    resource = adapter.resource_of(descriptor, records=lambda: iter(source.records()))
    return adapter.open_table(resource, validate_metadata=False)


def _unreadable() -> Refused:
    return Refused(
        "unreadable-rows",
        Text(zh="文件的各行无法全部读出", en="not all rows of the file can be read"),
        Text(zh="请先校验该文件，按报告改正后再试", en="validate the file first, correct what it says and try again"),
        field="file",
    )


def cell_text(cell: Any) -> str:
    """A cell as a CSV file would hold it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time(0) else cell.isoformat()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, Decimal) and cell.is_finite():
        plain = f"{cell:f}"
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    return str(cell)
