"""Distinct tuples of quasi-identifiers, grouped at any node of the lattice of levels.

A node is one level per column, counted from the column's lowest admissible level.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anonymize.classes import combined_codes
from anonymize.diversity import Marks
from anonymize.hierarchies import GeneralisedColumn

Node = tuple[int, ...]
SNAPSHOTS = 64
PACKED_BITS = 62
WORTH_KEEPING = 0.5  # a grouped table is kept where it has at most this share of its source's entries
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Entries:
    """A table that stands for all tuples: one of them per entry, the records each entry holds, and its marks."""

    tuples: np.ndarray
    weights: np.ndarray
    marks: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Grouping:
    """Entries sorted by their class at a node. starts: where each class begins; sizes: records per class;
    marks: per class."""

    tuples: np.ndarray
    weights: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    marks: tuple[np.ndarray, ...]

    def of_entries(self, per_class: np.ndarray) -> np.ndarray:
        """A value per class as a value per entry."""
        return np.repeat(per_class, np.diff(np.append(self.starts, len(self.tuples))))


class TupleTable:
    """Distinct tuples: records of each, codes and shares per column and level."""

    def __init__(self, columns: Sequence[GeneralisedColumn]):
        self.rows = len(columns[0].codes)
        keys = combined_codes([c.codes for c in columns], self.rows)
        _, first, self.tuple_of_row, self.weights = np.unique(
            keys, return_index=True, return_inverse=True, return_counts=True
        )
        self.size = len(first)
        base = [c.codes[first] for c in columns]
        levels = [range(c.lowest, c.height) for c in columns]
        self.heights = tuple(len(each) for each in levels)
        self.domains = [c.domain for c in columns]
        self.codes = [[c.level_codes[n][b] for n in each] for c, b, each in zip(columns, base, levels, strict=True)]
        self.shares = [[c.shares[n][b] for n in each] for c, b, each in zip(columns, base, levels, strict=True)]
        self.covered = [np.array([(s * self.weights).sum() for s in shares]) for shares in self.shares]
        self.index_bits = max(self.size - 1, 1).bit_length()
        self.strides = self._strides([c.distinct for c in columns])
        if self.strides is not None:
            self.packed = [
                [(codes * stride) << self.index_bits for codes in per_level]
                for per_level, stride in zip(self.codes, self.strides, strict=True)
            ]

    def _strides(self, cardinalities: Sequence[int]) -> list[int] | None:
        """Factors that pack a tuple and its place into one integer; None where they do not fit."""
        strides, stride = [], 1
        for cardinality in cardinalities:
            strides.append(stride)
            stride *= max(cardinality, 1)
        return strides if stride.bit_length() + self.index_bits <= PACKED_BITS else None

    def order(self, node: Node, entries: Entries) -> tuple[np.ndarray, np.ndarray]:
        """Places of `entries` sorted by their class at `node`, and where each class starts."""
        size, everything = len(entries.tuples), len(entries.tuples) == self.size
        if self.strides is None:
            keys = combined_codes([c[level][entries.tuples] for c, level in zip(self.codes, node, strict=True)], size)
            order = np.argsort(keys, kind="stable")
            return order, _starts(keys[order])
        keys = np.arange(size, dtype=np.int64)
        for packed, level in zip(self.packed, node, strict=True):
            keys += packed[level] if everything else packed[level][entries.tuples]
        keys.sort()
        order = keys & ((1 << self.index_bits) - 1)
        keys >>= self.index_bits
        return order, _starts(keys)


class Snapshots:
    """Grouped tables of visited nodes: a coarser node groups one entry per class instead of all tuples (ARX's
    history)."""

    def __init__(self, table: TupleTable, marks: Sequence[Marks]):
        self.table = table
        self.merges = tuple(merge for m in marks for merge in m.merges)
        self.everything = Entries(np.arange(table.size), table.weights, tuple(part for m in marks for part in m.parts))
        self.nodes = np.full((SNAPSHOTS, len(table.heights)), NEVER)
        self.sizes = np.full(SNAPSHOTS, NEVER)
        self.entries = [self.everything] * SNAPSHOTS
        self.nodes[0], self.sizes[0], self.next = 0, table.size, 1

    def group(self, node: Node, *, from_all: bool = False) -> Grouping:
        """All tuples in their classes at `node`, from the smallest table at or below it (`from_all`: from the tuples
        themselves, so that every tuple is an entry)."""
        source = self.everything if from_all else self._nearest(node)
        order, starts = self.table.order(node, source)
        weights = source.weights[order]
        grouping = Grouping(
            tuples=source.tuples[order],
            weights=weights,
            starts=starts,
            sizes=np.add.reduceat(weights, starts),
            marks=tuple(
                merge.reduceat(part[order], starts) for merge, part in zip(self.merges, source.marks, strict=True)
            ),
        )
        if len(starts) <= WORTH_KEEPING * len(order):
            self._keep(node, grouping)
        return grouping

    def _nearest(self, node: Node) -> Entries:
        below = (self.nodes <= np.array(node)).all(1)
        return self.entries[int(np.where(below, self.sizes, NEVER).argmin())]

    def _keep(self, node: Node, grouping: Grouping) -> None:
        self.nodes[self.next], self.sizes[self.next] = node, len(grouping.starts)
        self.entries[self.next] = Entries(grouping.tuples[grouping.starts], grouping.sizes, grouping.marks)
        self.next = self.next + 1 if self.next + 1 < SNAPSHOTS else 1


def _starts(sorted_keys: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.concatenate(([True], sorted_keys[1:] != sorted_keys[:-1])))
