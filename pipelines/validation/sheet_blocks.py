"""Blocks of a workbook's sheet: columns of one kind become Arrow arrays without looking at each cell in Python."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.read.plain_cells import Column
from pipelines.read.plain_sheet import PlainSheet
from pipelines.read.workbook import Sheet, plain_cell, raw_records
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


class ColumnsBlock:
    """Records of a plain sheet. columns: what its cells hold, without a column for None."""

    def __init__(self, first: int, count: int, columns: list[Column | None]):
        self.first: int | None = first
        self.size = 0
        self._count = count
        self._columns = columns

    def cells(self, positions: Sequence[int]) -> dict[int, list[Any]]:
        picked = [_picked(column, positions) for column in self._columns]
        return {position: list(cells) for position, cells in zip(positions, zip(*picked, strict=True), strict=True)}

    def batch(self) -> Batch:
        return Batch(self._count, np.arange(self._count), [self._checkable(column) for column in self._columns], [])

    def _checkable(self, column: Column | None) -> Any:
        if column is None:
            return pa.nulls(self._count, STRING)
        if isinstance(column, list):
            return [plain_cell(cell) for cell in column]
        if column.type == STRING:
            return _without_empty(column)
        return NumberCells(column) if pa.types.is_floating(column.type) else column.to_pylist()


def sheet_blocks(sheet: Sheet, first_row: int, width: int) -> Iterator[SheetBlock | ColumnsBlock]:
    """Blocks of the records with data, from first_row on (1 = top row)."""
    if isinstance(sheet, PlainSheet) and sheet.width == width:
        yield from _columns_blocks(sheet, first_row)
        return
    number = first_row
    rest = islice(raw_records(sheet), first_row - 1, None)
    while part := list(islice(rest, RECORDS)):
        yield SheetBlock(number, part, width)
        number += len(part)


def _columns_blocks(sheet: PlainSheet, first_row: int) -> Iterator[ColumnsBlock]:
    for block in sheet.blocks:
        skipped = max(first_row - block.first, 0)
        if skipped < block.count:
            columns = [block.columns.get(place) for place in range(sheet.width)]
            left = [None if column is None else column[skipped:] for column in columns]
            yield ColumnsBlock(block.first + skipped, block.count - skipped, left)


def _picked(column: Column | None, positions: Sequence[int]) -> list[Any]:
    if column is None:
        return [None] * len(positions)
    cells = (
        [column[place] for place in positions]
        if isinstance(column, list)
        else column.take(pa.array(positions, pa.int64())).to_pylist()
    )
    return [plain_cell(cell) for cell in cells]


def _column(cells: Sequence[Any]) -> Any:
    kinds = set(map(type, cells))
    if kinds == {str}:
        return _without_empty(pa.array(cells, STRING))
    if float in kinds and kinds <= {float, str}:
        numbers = [None if cell == "" else cell for cell in cells] if str in kinds else cells
        if str not in set(map(type, numbers)):
            return NumberCells(pa.array(numbers, pa.float64(), from_pandas=False))
    return [plain_cell(cell) for cell in cells]


def _without_empty(texts: pa.StringArray) -> pa.StringArray:
    """An empty text is no value."""
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, STRING), texts)
