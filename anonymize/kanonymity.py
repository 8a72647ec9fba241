"""Optimal full-domain k-anonymity: which level each column must be generalised to.

The search works on distinct tuples of quasi-identifiers. Nodes of the lattice of levels are visited in order of the
loss they have at least; a node that suppresses too much rules out every node below it; what a node suppresses bounds
the loss of the nodes below it from below (fewer merged rows cannot suppress fewer). Flash-like chains upwards
(Kohlmayer et al. 2012) find the border between both early, and a few grouped tables are kept as starting points for
coarser nodes (ARX's history of snapshots). With k alone and with distinct l-diversity the outcome is the optimum of
ARX's Loss metric; t-closeness is not monotonic, so nothing is ruled out by it and the search visits more nodes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from anonymize.classes import closeness, distinct_diversity, equivalence_classes
from anonymize.hierarchies import GeneralisedColumn
from anonymize.lattice import Lattice
from anonymize.loss import Aggregate, aggregate_loss, normalised_loss
from anonymize.tuples import Node, TupleTable


@dataclass(frozen=True)
class SensitiveColumn:
    """codes: row → value, ranks where `ordered`.

    least: distinct values each class needs of this column; None: what the requirement says of l, and t applies too.
    """

    name: str
    codes: np.ndarray
    ordered: bool = False
    least: int | None = None

    def wanted(self, requirement: "Requirement") -> int | None:
        """Distinct values each class needs, None where any number does."""
        return requirement.l if self.least is None else self.least

    def distance(self, requirement: "Requirement") -> float | None:
        """Largest distance allowed to the whole table's distribution."""
        return requirement.t if self.least is None else None


@dataclass(frozen=True)
class Requirement:
    """What every class that stays must meet, and the share of records that may be suppressed to get there."""

    k: int
    suppression_limit: float
    l: int | None = None  # noqa: E741 - the field's standard name
    t: float | None = None


@dataclass(frozen=True)
class FullDomain:
    """levels: per column. suppressed: row → is it in a class that fails? losses: per column. optimal: proven best.

    lattice: the search, from which one for a larger k can go on.
    """

    levels: Node
    loss: float
    losses: np.ndarray
    suppressed: np.ndarray
    optimal: bool
    nodes_checked: int
    lattice: Lattice = field(repr=False, compare=False)


def full_domain(
    columns: Sequence[GeneralisedColumn],
    requirement: Requirement,
    sensitive: Sequence[SensitiveColumn] = (),
    aggregate: Aggregate = "gm",
    after: Lattice | None = None,
) -> FullDomain | None:
    """The levels with the least loss that meet `requirement`; None where no levels do.

    after: the search of the same columns for a smaller k, all else being equal, with no column in `sensitive` that has
    a `least` of its own; the loss found is that of a fresh search, sooner.
    """
    rows = len(columns[0].codes)
    watched = [s for s in sensitive if s.wanted(requirement) is not None or s.distance(requirement) is not None]
    lattice = after.raised(requirement) if after else Lattice(TupleTable(columns), requirement, watched, aggregate)
    found = lattice.search()
    if found is None:
        return None
    node = tuple(_finest_alike(c, c.lowest + level) for c, level in zip(columns, found, strict=True))
    suppressed = failing_rows(columns, node, requirement, watched)
    losses = losses_of(columns, node, suppressed)
    return FullDomain(
        levels=node,
        loss=float(aggregate_loss(losses, aggregate)) if rows else 0.0,
        losses=losses,
        suppressed=suppressed,
        optimal=lattice.exhaustive,
        nodes_checked=lattice.checks,
        lattice=lattice,
    )


def _finest_alike(column: GeneralisedColumn, level: int) -> int:
    """The finest level that tells the same records apart as `level`: the same classes, in more exact words."""
    labels = len(np.unique(column.level_codes[level]))
    return next(n for n in range(column.lowest, level + 1) if len(np.unique(column.level_codes[n])) == labels)


def failing_rows(
    columns: Sequence[GeneralisedColumn],
    node: Node,
    requirement: Requirement,
    sensitive: Sequence[SensitiveColumn] = (),
) -> np.ndarray:
    """Row → is it, at the levels of `node`, in a class that misses k, l or t?"""
    rows = len(columns[0].codes)
    generalised = [c.level_codes[level][c.codes] for c, level in zip(columns, node, strict=True)]
    class_of, sizes = equivalence_classes(generalised, rows)
    return failing_classes(class_of, sizes, requirement, sensitive)[class_of]


def failing_classes(
    class_of: np.ndarray, sizes: np.ndarray, requirement: Requirement, sensitive: Sequence[SensitiveColumn]
) -> np.ndarray:
    """Class → does it miss k, l or t?"""
    failing = sizes < requirement.k
    for column in sensitive:
        least, farthest = column.wanted(requirement), column.distance(requirement)
        if least is not None:
            failing |= distinct_diversity(class_of, len(sizes), column.codes) < least
        if farthest is not None:
            overall = np.bincount(column.codes) / max(len(column.codes), 1)
            distance = closeness(class_of, sizes, column.codes, overall, ordered=column.ordered)
            failing |= distance > farthest + 1e-12
    return failing


def losses_of(columns: Sequence[GeneralisedColumn], node: Node, suppressed: np.ndarray) -> np.ndarray:
    """Loss per column when rows are generalised to `node` and the suppressed ones lose everything."""
    covered = np.array(
        [np.where(suppressed, 1.0, c.shares[level][c.codes]).sum() for c, level in zip(columns, node, strict=True)]
    )
    return normalised_loss(covered, max(len(suppressed), 1), [c.domain for c in columns])


def reachable_k(columns: Sequence[GeneralisedColumn], suppression_limit: float) -> int:
    """The largest k that generalising every column to its last level reaches within the suppression limit."""
    rows = len(columns[0].codes) if columns else 0
    top = [c.level_codes[-1][c.codes] for c in columns]
    _, sizes = equivalence_classes(top, rows)
    ascending = np.sort(sizes)
    allowed = np.searchsorted(np.cumsum(ascending), suppression_limit * rows, side="right")
    return int(ascending[allowed]) if allowed < len(ascending) else int(ascending.max(initial=0))
