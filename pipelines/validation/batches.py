"""Blocks of records and the batches made of them: what the engine checks.

A block is cheap to make and is read in one thread; its batch may be made in another.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from pipelines.validation.frictionless_adapter import OpenTable
from pipelines.validation.typed import STRING

SIZE = 16_384


@dataclass
class Batch:
    """count: records covered, data or not. rows: positions (0 = first of the block) of the records with one cell per
    field; columns: their cells, as Arrow arrays (text or typed) or as lists of plain values. odd: (position, cells) of
    all other records that hold data. nulls_known: every missing value among the columns is null already."""

    count: int
    rows: np.ndarray
    columns: list[Any]
    odd: list[tuple[int, list[Any]]]
    nulls_known: bool = False


class Block(Protocol):
    """Some records in a row. first: number of its first record, None where it follows the block before. size: bytes of
    the file that were read for it, 0 where nobody knows."""

    first: int | None
    size: int

    def batch(self) -> Batch: ...

    def cells(self, positions: Sequence[int]) -> dict[int, list[Any]]: ...


@dataclass
class RowsBlock:
    """Records as frictionless's own tokeniser yields them: (row number, cells)."""

    first: int | None
    records: list[tuple[int, list[Any]]]
    width: int
    size: int = 0

    def batch(self) -> Batch:
        first = self.first or 0
        regular = [(number, cells) for number, cells in self.records if len(cells) == self.width]
        odd = [(number - first, cells) for number, cells in self.records if len(cells) != self.width]
        columns = [_column(cells) for cells in zip(*(cells for _, cells in regular), strict=True)]
        return Batch(
            count=self.records[-1][0] - first + 1,
            rows=np.fromiter((number - first for number, _ in regular), np.int64, len(regular)),
            columns=columns or [pa.array([], STRING) for _ in range(self.width)],
            odd=odd,
        )

    def cells(self, positions: Sequence[int]) -> dict[int, list[Any]]:
        wanted = set(positions)
        first = self.first or 0
        return {number - first: cells for number, cells in self.records if number - first in wanted}


def rows_blocks(table: OpenTable) -> Iterator[RowsBlock]:
    """Blocks of what frictionless's own tokeniser and filters yield. Raises StreamStopped, after the records before."""
    stopped: list[Exception] = []
    rows, done = _until_stopped(table.rows(), stopped), 0
    while part := list(islice(rows, SIZE)):
        position = table.bytes_read
        yield RowsBlock(part[0][0], part, len(table.readings), position - done)
        done = position
    if stopped:
        raise stopped[0]


def _until_stopped(rows: Iterable[Any], stopped: list[Exception]) -> Iterator[Any]:
    """rows up to where reading fails; the failure is kept for later, so that the rows before it are still seen."""
    try:
        yield from rows
    except Exception as error:
        stopped.append(error)


def _column(cells: Sequence[Any]) -> pa.Array | Sequence[Any]:
    return pa.array(cells, STRING) if set(map(type, cells)) <= {str, type(None)} else cells
