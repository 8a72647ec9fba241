"""Blocks of a Parquet file: columns as they are stored, batch by batch."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from pipelines.read import SourceTable
from pipelines.read.parquet import open_parquet, parquet_batches, plain_values
from pipelines.validation.batches import Batch, Block
from pipelines.validation.blocks import Irregular
from pipelines.validation.frictionless_adapter import OpenTable
from pipelines.validation.native_cells import as_cells


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
    """Blocks of a Parquet file. Raises Refused where it is damaged, Irregular where the header needs records."""
    with open_parquet(source.content) as file:
        if len(file.schema_arrow) != len(table.readings) or table.first_row != 2:
            raise Irregular("header")
        first, per_row = 2, source.content.stat().st_size / max(file.metadata.num_rows, 1)
        for columns in parquet_batches(file):
            count = len(columns[0])
            if count:
                yield ParquetBlock(first, columns, int(count * per_row))
            first += count
