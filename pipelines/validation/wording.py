"""Word the suspicious rows of a scan: frictionless makes the errors, in its own order."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipelines.validation import frictionless_adapter as adapter
from pipelines.validation.batches import Block
from pipelines.validation.frictionless_adapter import ForeignKey, OpenTable, StreamStopped
from pipelines.validation.keys import identity
from pipelines.validation.references import Lookup


@dataclass(frozen=True)
class Key:
    """fields: names. primary: a primary key, else a field with unique values."""

    fields: tuple[str, ...]
    primary: bool


@dataclass
class Suspects:
    """What a scan remembers. bad: row numbers with an error. cells: of some of them. spans: (first row, records) of
    every block. rows: records with data. stopped: frictionless's error where reading broke off. complete: the scan
    reached the end."""

    bad: set[int] = field(default_factory=set)
    cells: dict[int, list[Any]] = field(default_factory=dict)
    spans: list[tuple[int, int]] = field(default_factory=list)
    rows: int = 0
    stopped: Any = None
    complete: bool = True

    def span(self, first: int | None, count: int) -> int:
        """Note the next block; returns its first row number."""
        if first is None:
            last, records = self.spans[-1] if self.spans else (1, 0)
            first = last + records
        self.spans.append((first, count))
        return first

    def add(self, first: int, positions: Sequence[int], cells: dict[int, list[Any]], remembered: int) -> None:
        self.bad.update(first + position for position in positions)
        if len(self.cells) < remembered:
            self.cells.update((first + position, c) for position, c in cells.items())


def word(
    table: OpenTable,
    keys: Sequence[Key],
    repeats: Sequence[np.ndarray],
    lookups: dict[ForeignKey, Lookup],
    suspects: Suspects,
    blocks: Callable[[], Iterator[Block]],
    limit: int,
) -> tuple[list[Any], bool]:
    """(frictionless's errors in order, whether more may exist). repeats: per key, (group, row) of possible repeats."""
    found = list(table.errors)
    if limit and len(found) >= limit and suspects.rows:
        return found[:limit], True
    groups = [dict(zip(pairs[:, 1].tolist(), pairs[:, 0].tolist(), strict=True)) for pairs in repeats]
    last: list[dict[Any, int]] = [{} for _ in keys]
    wanted = np.unique(np.concatenate([np.array(sorted(suspects.bad), np.int64), *(p[:, 1] for p in repeats)]))
    for number, cells in _cells(suspects, wanted, blocks):
        row = table.row(list(cells), number)
        for key, group, seen in zip(keys, groups, last, strict=True):
            _word_key(key, row, number, group, seen)
        for foreign, lookup in lookups.items():
            values = [row[name] for name in foreign.fields]
            if any(value is not None for value in values) and not lookup.holds_values(values):
                row.errors.append(adapter.foreign_key_error(row, foreign))
        found.extend(row.errors)
        if limit and len(found) >= limit:
            return found[:limit], True
    if suspects.stopped is not None:
        found.append(suspects.stopped)
    return found, not suspects.complete


def _word_key(key: Key, row: Any, number: int, group: dict[int, int], last: dict[Any, int]) -> None:
    """Add the row's error for this key, if it has one. A hit of hashes is verified by value here.

    Cells of the key are read before the others, as frictionless does: it decides the order of the row's errors.
    """
    values = [row[name] for name in key.fields]
    if all(value is None for value in values):
        if key.primary:
            row.errors.append(adapter.primary_key_error(row, None))
        return
    if number not in group:
        return
    known = (group[number], *(identity(value) for value in values))
    previous = last.get(known)
    last[known] = number
    if previous is not None:
        row.errors.append(
            adapter.primary_key_error(row, previous)
            if key.primary
            else adapter.unique_error(row, key.fields[0], previous)
        )


def _cells(
    suspects: Suspects, wanted: np.ndarray, blocks: Callable[[], Iterator[Block]]
) -> Iterator[tuple[int, list[Any]]]:
    """(row number, cells) of the wanted rows in order; reads the source again only for rows not remembered."""
    known = suspects.cells
    if all(number in known for number in wanted.tolist()):
        yield from ((number, known[number]) for number in wanted.tolist())
        return
    source = blocks()
    for first, count in suspects.spans:
        here = wanted[np.searchsorted(wanted, first) : np.searchsorted(wanted, first + count)].tolist()
        if wanted[-1] < first:
            return
        try:
            block = next(source)
        except StreamStopped:
            return
        missing = [number - first for number in here if number not in known]
        read = block.cells(missing) if missing else {}
        yield from ((number, known[number] if number in known else read[number - first]) for number in here)
