"""A source as a table of strings, before any schema: what detection and schema inference look at."""

import itertools
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipelines.read import SourceTable
from pipelines.read.records import open_records
from schemas.errors import Refused
from schemas.text import Text

BATCH = 50_000


def read_untyped(source: SourceTable) -> pa.Table:
    """One string column per label; empty cells and short rows are null, surplus cells are left out.

    Raises Refused where labels are missing or repeated: without them no field can be named.
    """
    names = list(source.labels)
    if not names or "" in names or len(set(names)) < len(names):
        raise Refused(
            "unusable-header",
            Text(zh="表头缺失、为空或重复", en="the header is missing, blank or repeats a label"),
            Text(zh="请在第一行给出各不相同的列名", en="give each column a name of its own in the first row"),
            field="header",
        )
    schema = pa.schema([pa.field(name, pa.string()) for name in names])
    with open_records(source.content, source.format, source.sheet, source.encoding) as records:
        rows = itertools.islice(records, 1, None)
        return pa.Table.from_batches(list(_batches(rows, schema)), schema)


def _batches(rows: Iterator[list[Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while chunk := list(itertools.islice(rows, BATCH)):
        columns = [[_text(row[i]) if i < len(row) else None for row in chunk] for i in range(len(schema))]
        yield pa.record_batch([pa.array(c, pa.string()) for c in columns], schema=schema)


def _text(cell: Any) -> str | None:
    return None if cell is None or cell == "" else str(cell)
