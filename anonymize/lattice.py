"""The search for the cheapest node of the lattice of levels that meets a requirement."""

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING

import numpy as np

from anonymize.classes import closeness, distinct_diversity
from anonymize.diversity import Marks, diversity_marks
from anonymize.loss import Aggregate, aggregate_loss, normalised_loss
from anonymize.tuples import Grouping, Node, Snapshots, TupleTable

if TYPE_CHECKING:
    from anonymize.kanonymity import Requirement, SensitiveColumn

SEARCHABLE_NODES = 400_000  # above this the search is greedy and says so
LOOK_AHEAD = 1024  # nodes looked at together for the next one worth checking


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
        self.marks: list[Marks] = []
        self.pairs: list[_Pairs] = []
        self._watch(sensitive)
        self.snapshots = Snapshots(table, self.marks)
        self.best: float = np.inf
        self.best_node: Node | None = None
        self.start: Node | None = None  # looked at first: a good node found early spares looking at others
        self.checks = 0
        if self.exhaustive:
            self.done = np.zeros(self.shape, bool)
            self.ruled_out = np.zeros(self.shape, bool)
            self.covered = np.stack(np.meshgrid(*table.covered, indexing="ij"), -1)
            self.extra = np.zeros_like(self.covered)
            self.least = self._loss(self.covered)

    def raised(self, requirement: "Requirement") -> "Lattice":
        """The search for a larger k, all else being equal, after this one. What was ruled out stays so and suppression
        costs no less; grouped tables are shared. Not for a column whose own number of values grows with k."""
        later = copy(self)
        later.requirement, later.checks = requirement, 0
        later.start, later.best, later.best_node = self.best_node, np.inf, None
        if later.exhaustive:
            later.done = np.zeros(self.shape, bool)
        return later

    def _watch(self, sensitive: Sequence["SensitiveColumn"]) -> None:
        """Marks for l where the column allows them; value by value for t, and for l where it does not."""
        for column in sensitive if self.table.rows else ():
            least, farthest = column.wanted(self.requirement), column.distance(self.requirement)
            marks = None if least is None else diversity_marks(self.table.tuple_of_row, column.codes, least)
            if marks is not None:
                self.marks.append(marks)
            if farthest is not None or marks is None:
                self.pairs.append(_Pairs(self.table, column, least if marks is None else None, farthest))

    def search(self) -> Node | None:
        """The cheapest node that meets the requirement (the best found where the lattice is too large), or None."""
        if self.table.rows == 0:
            return self.top
        if not self.exhaustive:
            return self._descend()
        self._check(self.top)
        if self.monotonic and self.best_node is None:
            return None
        if self.start is not None and self.monotonic:
            self._bisect(self._chain_from(self.start))
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
        grouping = self.snapshots.group(node, from_all=bool(self.pairs))
        failing = self._failing(grouping)
        below = tuple(slice(0, level + 1) for level in node)
        if self.exhaustive:
            self.done[node] = True
        if grouping.sizes[failing].sum() > self.limit:
            if self.exhaustive:
                self.ruled_out[below] = True
            return False
        extra = self._extra(node, grouping, failing)
        if self.exhaustive:
            np.maximum(self.extra[below], extra, out=self.extra[below])
        distant = self._distant(grouping)
        if distant is not None:  # not monotonic: says nothing of other nodes
            failing |= distant
            if grouping.sizes[failing].sum() > self.limit:
                return False
            extra = self._extra(node, grouping, failing)
        covered = np.array([c[level] for c, level in zip(self.table.covered, node, strict=True)])
        loss = float(self._loss(covered + extra))
        if loss < self.best:
            self.best, self.best_node = loss, node
        return True

    def _failing(self, grouping: Grouping) -> np.ndarray:
        """Class → does it miss k or l? Whoever fails at a node fails at every node below it."""
        failing = grouping.sizes < self.requirement.k
        at = 0
        for marks in self.marks:
            failing |= marks.undiverse(grouping.marks[at : at + len(marks.parts)])
            at += len(marks.parts)
        for pairs in self.pairs:
            if pairs.least is not None:
                in_class = self._class_of_tuple(grouping)[pairs.tuples]
                failing |= distinct_diversity(in_class, len(failing), pairs.values) < pairs.least
        return failing

    def _distant(self, grouping: Grouping) -> np.ndarray | None:
        """Class → is it too far from the whole table's distribution? None where nothing is asked."""
        distant: np.ndarray | None = None
        for pairs in self.pairs:
            if pairs.farthest is not None:
                in_class = self._class_of_tuple(grouping)[pairs.tuples]
                distance = closeness(
                    in_class, grouping.sizes, pairs.values, pairs.overall, ordered=pairs.ordered, weights=pairs.weights
                )
                far = distance > pairs.farthest + 1e-12
                distant = far if distant is None else distant | far
        return distant

    def _class_of_tuple(self, grouping: Grouping) -> np.ndarray:
        class_of = np.empty(self.table.size, np.int64)
        class_of[grouping.tuples] = grouping.of_entries(np.arange(len(grouping.starts)))
        return class_of

    def _extra(self, node: Node, grouping: Grouping, failing: np.ndarray) -> np.ndarray:
        """What suppression adds to the coverage of each column."""
        if not failing.any():
            return np.zeros(len(node))
        gone = grouping.of_entries(failing)
        removed, weight = grouping.tuples[gone], grouping.weights[gone]
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
    """Distinct (tuple, sensitive value) pairs with their weights. least: distinct values wanted; farthest: distance
    allowed; None: not looked at here."""

    def __init__(self, table: TupleTable, column: "SensitiveColumn", least: int | None, farthest: float | None):
        width = int(column.codes.max(initial=0)) + 1
        pairs, self.weights = np.unique(table.tuple_of_row * width + column.codes, return_counts=True)
        self.tuples, self.values = pairs // width, pairs % width
        self.overall = np.bincount(column.codes) / max(table.rows, 1)
        self.ordered = column.ordered
        self.least, self.farthest = least, farthest


def _neighbours(node: Node, step: int, top: Node) -> list[Node]:
    return [(*node[:i], level + step, *node[i + 1 :]) for i, level in enumerate(node) if 0 <= level + step <= top[i]]
