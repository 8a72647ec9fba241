"""Blocks of a workbook's sheet: columns of one kind become Arrow arrays without looking at each cell in Python."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.read.workbook import plain_cell
from pipelines.validation.batches import Batch
from pipelines.validation.columns import NumberCells
from pipelines.validation.typed import STRING

RECORDS = 4096  # of a block: few enough to be still in the processor's cache when their cells are put into columns


class SheetBlock:
    """Records of a sheet. first: number of the first one (1 = top row). All have the same width."""

    def __init__(self, first: int, records: list[list[Any]], width: int):
        self.first: int | None = first
        self.size = 0
        self._records = records
        self._width = width

    def cells(self, positions: Sequence[int]) -> dict[int, list[Any]]:
        return {position: [plain_cell(cell) for cell in self._records[position]] for position in positions}

    def batch(self) -> Batch:
        count = len(self._records)
        if len(self._records[0]) != self._width:
            return Batch(count, np.zeros(0, np.int64), self._nothing(), sorted(self.cells(range(count)).items()))
        columns = [_column(cells) for cells in zip(*self._records, strict=True)]
        return Batch(count, np.arange(count), columns, [])

    def _nothing(self) -> list[Any]:
        return [pa.array([], STRING) for _ in range(self._width)]


def sheet_blocks(records: Iterator[list[Any]], first_row: int, width: int) -> Iterator[SheetBlock]:
    """Blocks of the records with data; records are as calamine gives them."""
    number = first_row
    rest = islice(records, first_row - 1, None)
    while part := list(islice(rest, RECORDS)):
        yield SheetBlock(number, part, width)
        number += len(part)


def _column(cells: Sequence[Any]) -> Any:
    kinds = set(map(type, cells))
    if kinds == {str}:
        texts = pa.array(cells, STRING)
        return pc.if_else(pc.equal(texts, ""), pa.scalar(None, STRING), texts)
    if float in kinds and kinds <= {float, str}:
        numbers = [None if cell == "" else cell for cell in cells] if str in kinds else cells
        if str not in set(map(type, numbers)):
            return NumberCells(pa.array(numbers, pa.float64(), from_pandas=False))
    return [plain_cell(cell) for cell in cells]
