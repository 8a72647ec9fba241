"""The lattice of generalisation levels and the search for its cheapest node that meets a requirement.

A node is one level per column, counted from the column's lowest admissible level.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from anonymize.classes import closeness, combined_codes, distinct_diversity
from anonymize.hierarchies import GeneralisedColumn
from anonymize.loss import Aggregate, aggregate_loss, normalised_loss

if TYPE_CHECKING:
    from anonymize.kanonymity import Requirement, SensitiveColumn

Node = tuple[int, ...]
SEARCHABLE_NODES = 400_000  # above this the search is greedy and says so
SNAPSHOTS = 64
LOOK_AHEAD = 1024  # nodes looked at together for the next one worth checking
PACKED_BITS = 62
WORTH_KEEPING = 0.5  # a grouped table is kept where it has at most this share of its source's tuples


class TupleTable:
    """Distinct tuples of quasi-identifiers: weights (rows of each), codes and shares per column and level."""

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
        """Factors that pack a tuple and its index into one integer; None where they do not fit."""
        strides, stride = [], 1
        for cardinality in cardinalities:
            strides.append(stride)
            stride *= max(cardinality, 1)
        return strides if stride.bit_length() + self.index_bits <= PACKED_BITS else None

    def grouped(self, node: Node, members: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Tuples `members` (None: all) sorted by their class at `node`, and where each class starts."""
        if self.strides is not None:
            return self._grouped_packed(node, members)
        chosen = [codes[level] if members is None else codes[level][members] for codes, level in self._at(node)]
        keys = combined_codes(chosen, self.size if members is None else len(members))
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        return (order if members is None else members[order]), _starts(keys)

    def _grouped_packed(self, node: Node, members: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        size = self.size if members is None else len(members)
        keys = np.arange(size, dtype=np.int64)
        for packed, level in zip(self.packed, node, strict=True):
            keys += packed[level] if members is None else packed[level][members]
        keys.sort()
        order = keys & ((1 << self.index_bits) - 1)
        keys >>= self.index_bits
        return (order if members is None else members[order]), _starts(keys)

    def _at(self, node: Node) -> list[tuple[list[np.ndarray], int]]:
        return list(zip(self.codes, node, strict=True))


class Snapshots:
    """Grouped tables of visited nodes: a coarser node groups one representative per class instead of all tuples."""

    def __init__(self, table: TupleTable):
        columns = len(table.heights)
        self.nodes = np.full((SNAPSHOTS, columns), np.iinfo(np.int64).max)
        self.sizes = np.full(SNAPSHOTS, np.iinfo(np.int64).max)
        self.tables: list[tuple[np.ndarray | None, np.ndarray]] = [(None, table.weights)] * SNAPSHOTS
        self.nodes[0], self.sizes[0], self.next = 0, table.size, 1

    def nearest(self, node: Node) -> tuple[np.ndarray | None, np.ndarray]:
        """Members (None: all tuples) and their weights, from the smallest table at or below `node`."""
        below = (self.nodes <= np.array(node)).all(1)
        return self.tables[int(np.where(below, self.sizes, np.iinfo(np.int64).max).argmin())]

    def keep(self, node: Node, members: np.ndarray, weights: np.ndarray, source_size: int) -> None:
        if len(members) > WORTH_KEEPING * source_size:
            return
        self.nodes[self.next], self.sizes[self.next] = node, len(members)
        self.tables[self.next] = (members, weights)
        self.next = self.next + 1 if self.next + 1 < SNAPSHOTS else 1


class Lattice:
    """State of one search. exhaustive: the node found is proven to be the cheapest."""

    def __init__(
        self,
        table: TupleTable,
        requirement: "Requirement",
        sensitive: Sequence["SensitiveColumn"],
        aggregate: Aggregate,
    ):
        self.table, self.requirement, self.aggregate = table, requirement, aggregate
        self.limit = requirement.suppression_limit * table.rows
        self.shape = table.heights
        self.top = tuple(height - 1 for height in self.shape)
        self.exhaustive = int(np.prod(self.shape, dtype=float)) <= SEARCHABLE_NODES
        self.monotonic = not sensitive or requirement.t is None
        self.sensitive = [_Pairs(table, column) for column in sensitive]
        self.snapshots = Snapshots(table)
        self.best: float = np.inf
        self.best_node: Node | None = None
        self.checks = 0
        if self.exhaustive:
            self.done = np.zeros(self.shape, bool)
            self.ruled_out = np.zeros(self.shape, bool)
            self.covered = np.stack(np.meshgrid(*table.covered, indexing="ij"), -1)
            self.extra = np.zeros_like(self.covered)
            self.least = self._loss(self.covered)

    def search(self) -> Node | None:
        """The cheapest node that meets the requirement (the best found where the lattice is too large), or None."""
        if self.table.rows == 0:
            return self.top
        if not self.exhaustive:
            return self._descend()
        self._check(self.top)
        if self.monotonic and self.best_node is None:
            return None
        order = np.argsort(self.least, axis=None, kind="stable")
        position = self._next_worth(order, 0)
        while position is not None:
            node = tuple(int(level) for level in np.unravel_index(order[position], self.shape))
            if self.monotonic and self.limit < self.table.rows:
                self._bisect(self._chain_from(node))
            if not self.done[node] and not self.ruled_out[node]:
                self._check(node)
            position = self._next_worth(order, position + 1)
        return self.best_node

    def _next_worth(self, order: np.ndarray, position: int) -> int | None:
        """Position in `order` of the next undecided node that may still beat the best, or None."""
        least, done, ruled_out = self.least.ravel(), self.done.ravel(), self.ruled_out.ravel()
        covered, extra = (a.reshape(-1, len(self.shape)) for a in (self.covered, self.extra))
        while position < len(order):
            ahead = order[position : position + LOOK_AHEAD]
            if least[ahead[0]] >= self.best:
                return None
            undecided = np.flatnonzero((least[ahead] < self.best) & ~done[ahead] & ~ruled_out[ahead])
            nodes = ahead[undecided]
            worth = self._loss(covered[nodes] + extra[nodes]) < self.best if len(nodes) else nodes
            if worth.any():
                return position + int(undecided[worth.argmax()])
            position += LOOK_AHEAD
        return None

    def _chain_from(self, node: Node) -> list[Node]:
        """Upwards from `node`, always to the cheapest neighbour that is still undecided."""
        chain = [node]
        while chain[-1] != self.top:
            above = [n for n in _neighbours(chain[-1], +1, self.top) if not self.ruled_out[n] and not self.done[n]]
            if not above:
                break
            chain.append(min(above, key=lambda n: self.least[n]))
        return chain

    def _bisect(self, chain: list[Node]) -> None:
        low, high = 0, len(chain) - 1
        while low <= high:
            middle = (low + high) // 2
            if self._check(chain[middle]):
                high = middle - 1
            else:
                low = middle + 1

    def _descend(self) -> Node | None:
        """From the top always to the cheapest neighbour below that still meets the requirement."""
        if not self._check(self.top):
            return None
        node = self.top
        while True:
            before = self.best
            for below in _neighbours(node, -1, self.top):
                self._check(below)
            if self.best >= before or self.best_node is None:
                return self.best_node
            node = self.best_node

    def _check(self, node: Node) -> bool:
        """Whether `node` meets the requirement; remembers what that says about others."""
        self.checks += 1
        members, weights = (None, self.table.weights) if self.sensitive else self.snapshots.nearest(node)
        order, starts = self.table.grouped(node, members)
        by_member = np.empty(0)
        if members is None:
            by_member = self.table.weights[order]
        else:
            weight_of = np.zeros(self.table.size, np.int64)
            weight_of[members] = weights
            by_member = weight_of[order]
        sizes = np.add.reduceat(by_member, starts)
        if not self.sensitive:
            self.snapshots.keep(node, order[starts], sizes, len(order))
        failing = self._failing(order, starts, sizes)
        suppressed = int(sizes[failing].sum())
        below = tuple(slice(0, level + 1) for level in node)
        if self.exhaustive:
            self.done[node] = True
        if suppressed > self.limit:
            if self.exhaustive and self.monotonic:
                self.ruled_out[below] = True
            return False
        extra = self._extra(node, order, starts, by_member, failing) if suppressed else np.zeros(len(node))
        if self.exhaustive and self.monotonic:
            np.maximum(self.extra[below], extra, out=self.extra[below])
        covered = np.array([c[level] for c, level in zip(self.table.covered, node, strict=True)])
        loss = float(self._loss(covered + extra))
        if loss < self.best:
            self.best, self.best_node = loss, node
        return True

    def _failing(self, order: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        failing = sizes < self.requirement.k
        if not self.sensitive:
            return failing
        class_of = np.empty(len(order), np.int64)
        class_of[order] = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(order))))
        for pairs in self.sensitive:
            in_class = class_of[pairs.tuples]
            if self.requirement.l is not None:
                failing |= distinct_diversity(in_class, len(sizes), pairs.values) < self.requirement.l
            if self.requirement.t is not None:
                distance = closeness(
                    in_class, sizes, pairs.values, pairs.overall, ordered=pairs.ordered, weights=pairs.weights
                )
                failing |= distance > self.requirement.t + 1e-12
        return failing

    def _extra(
        self, node: Node, order: np.ndarray, starts: np.ndarray, weights: np.ndarray, failing: np.ndarray
    ) -> np.ndarray:
        """What suppression adds to the coverage of each column."""
        gone = np.repeat(failing, np.diff(np.append(starts, len(order))))
        removed, weight = order[gone], weights[gone]
        total = weight.sum()
        return np.array(
            [
                total - (shares[level][removed] * weight).sum()
                for shares, level in zip(self.table.shares, node, strict=True)
            ]
        )

    def _loss(self, covered: np.ndarray) -> np.ndarray:
        return aggregate_loss(normalised_loss(covered, self.table.rows, self.table.domains), self.aggregate)


class _Pairs:
    """Distinct (tuple, sensitive value) pairs with their weights."""

    def __init__(self, table: TupleTable, column: "SensitiveColumn"):
        width = int(column.codes.max(initial=0)) + 1
        pairs, self.weights = np.unique(table.tuple_of_row * width + column.codes, return_counts=True)
        self.tuples, self.values = pairs // width, pairs % width
        self.overall = np.bincount(column.codes) / max(table.rows, 1)
        self.ordered = column.ordered


def _neighbours(node: Node, step: int, top: Node) -> list[Node]:
    return [(*node[:i], level + step, *node[i + 1 :]) for i, level in enumerate(node) if 0 <= level + step <= top[i]]


def _starts(sorted_keys: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.concatenate(([True], sorted_keys[1:] != sorted_keys[:-1])))
