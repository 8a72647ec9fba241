"""Blocks of a Parquet file: columns as they are stored, batch by batch."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from pipelines.read import SourceTable
from pipelines.read.parquet import nested_columns, open_parquet, parquet_batches, plain_values
from pipelines.validation.batches import Batch, Block
from pipelines.validation.blocks import Irregular
from pipelines.validation.frictionless_adapter import OpenTable
from pipelines.validation.native_cells import as_cells
from schemas.errors import Refused
from schemas.text import Text

SEVERAL = ("array", "object", "list", "geojson", "geopoint", "any")  # types of fields that take nested cells


class ParquetBlock:
    """Rows of a file. first: row number of the first one; the header counts as row 1."""

    def __init__(self, first: int, columns: list[pa.Array], size: int):
        self.first: int | None = first
        self.size = size
        self._columns = columns

    def batch(self) -> Batch:
        count = len(self._columns[0])
        return Batch(count, np.arange(count), [as_cells(column) for column in self._columns], [])

    def cells(self, positions: Sequence[int]) -> dict[int, list[object]]:
        chosen = pa.array(positions, pa.int64())
        rows = zip(*(plain_values(column.take(chosen)) for column in self._columns), strict=True)
        return dict(zip(positions, map(list, rows), strict=True))


def parquet_blocks(source: SourceTable, table: OpenTable) -> Iterator[Block]:
    """Blocks of a Parquet file. Raises Refused as `open_parquet` does and `nested-columns`, Irregular where the header
    needs records."""
    with open_parquet(source.content) as file:
        if len(file.schema_arrow) != len(table.readings) or table.first_row != 2:
            raise Irregular("header")
        _refuse_nested(file.schema_arrow, table)
        first, per_row = 2, source.content.stat().st_size / max(file.metadata.num_rows, 1)
        for columns in parquet_batches(file, source.content):
            count = len(columns[0])
            if count:
                yield ParquetBlock(first, columns, int(count * per_row))
            first += count


def _refuse_nested(schema: pa.Schema, table: OpenTable) -> None:
    """A column whose cells hold several values can be no field of one value; that is no error of each row."""
    nested = nested_columns(schema)
    wrong = [
        f.name
        for f, reading in zip(schema, table.readings, strict=True)
        if f.name in nested and reading.type not in SEVERAL
    ]
    if not wrong:
        return
    names = [f"“{name}”" for name in wrong[:10]]
    raise Refused(
        "nested-columns",
        Text(
            zh=f"Parquet 文件有 {len(wrong)} 列是嵌套的（列表、结构或映射），而表结构要求单个值：{'、'.join(names)}",
            en=f"{len(wrong)} columns of the Parquet file are nested (lists, structs or maps) where the table schema "
            f"wants single values: {', '.join(names)}",
        ),
        Text(
            zh="请展开这些列（结构的每个成员一列，列表的每个元素一行）后导出，或在表结构中把类型改为 array 或 object",
            en="flatten them (a column per member of a struct, a row per element of a list) and export again, or make "
            "the field an array or object in the table schema",
        ),
        field="file",
    )
