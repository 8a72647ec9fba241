"""Batches of records with their row numbers: what the engine checks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.validation.frictionless_adapter import OpenTable
from pipelines.validation.typed import STRING

SIZE = 16_384


@dataclass
class Batch:
    """first, count: record numbers covered. rows: numbers of the records with exactly one cell per field, and
    columns their cells (string arrays, or lists of plain values). odd: all other records that hold data.
    cells_of: cells of the records with these numbers."""

    first: int
    count: int
    rows: np.ndarray
    columns: list[pa.Array | Sequence[Any]]
    odd: list[tuple[int, list[Any]]]
    cells_of: Callable[[Sequence[int]], dict[int, list[Any]]]


def exact_batches(table: OpenTable) -> Iterator[Batch]:
    """Batches of what frictionless's own tokeniser and filters yield. Raises StreamStopped."""
    width = len(table.readings)
    rows = table.rows()
    stopped: list[Exception] = []
    while part := list(islice(_until_stopped(rows, stopped), SIZE)):
        yield _batch(part, width)
    if stopped:
        raise stopped[0]


def _until_stopped(rows: Iterable[tuple[int, list[Any]]], stopped: list[Exception]) -> Iterator[tuple[int, list[Any]]]:
    """rows up to where reading fails; the failure is kept for later, so that the rows before it are still seen."""
    try:
        yield from rows
    except Exception as error:
        stopped.append(error)


def _batch(part: list[tuple[int, list[Any]]], width: int) -> Batch:
    regular = [(number, cells) for number, cells in part if len(cells) == width]
    odd = [(number, cells) for number, cells in part if len(cells) != width]
    columns: list[pa.Array | Sequence[Any]] = [_column(c) for c in zip(*(cells for _, cells in regular), strict=True)]
    known = dict(part)
    return Batch(
        first=part[0][0],
        count=part[-1][0] - part[0][0] + 1,
        rows=np.fromiter((number for number, _ in regular), np.int64, len(regular)),
        columns=columns or [pa.array([], STRING) for _ in range(width)],
        odd=odd,
        cells_of=lambda numbers: {n: known[n] for n in numbers if n in known},
    )


def _column(cells: Sequence[Any]) -> pa.Array | Sequence[Any]:
    return pa.array(cells, STRING) if set(map(type, cells)) <= {str, type(None)} else cells
