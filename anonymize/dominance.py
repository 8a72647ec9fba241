"""Dominance: whether a sum lets a contributor estimate the largest one, and how far off the sum has to be kept.

p% rule and (n,k) rule with the protection they call for (Hundepool et al., "Statistical Disclosure Control", 2012,
ch. 4.2; Cox 1981 for sensitivity as a linear measure).
"""

from dataclasses import dataclass

import numpy as np

from schemas.disclosure import Thresholds

USUAL_DISTANCE = 0.1  # of the largest contribution, for cells that are small, where the policy states no p


@dataclass(frozen=True)
class Contributions:
    """What each contributor adds to each cell, in absolute value, largest first. cell: of each contribution;
    starts: where the cells begin; number: contributors with a value, of each cell."""

    cell: np.ndarray
    amounts: np.ndarray
    starts: np.ndarray
    number: np.ndarray

    def largest(self, number: int) -> np.ndarray:
        """Cell → sum of its `number` largest contributions."""
        rank = np.arange(len(self.cell)) - self.starts[self.cell]
        return np.bincount(self.cell, np.where(rank < number, self.amounts, 0.0), len(self.number))

    @property
    def total(self) -> np.ndarray:
        return np.bincount(self.cell, self.amounts, len(self.number))


def contributions(values: np.ndarray, cell_of: np.ndarray, contributor: np.ndarray, cells: int) -> Contributions:
    """values: float64, NaN where missing. cell_of, contributor: of each row."""
    present = ~np.isnan(values)
    cell_of, contributor, values = cell_of[present], contributor[present], np.abs(values[present])
    order = np.lexsort((contributor, cell_of))
    cell_of, contributor, values = cell_of[order], contributor[order], values[order]
    if not len(values):
        nothing = np.zeros(cells, np.int64)
        return Contributions(cell_of, values, nothing, nothing)
    new = np.concatenate(([True], (cell_of[1:] != cell_of[:-1]) | (contributor[1:] != contributor[:-1])))
    amounts, cell = np.add.reduceat(values, np.flatnonzero(new)), cell_of[new]
    order = np.lexsort((-amounts, cell))
    number = np.bincount(cell, minlength=cells)
    return Contributions(cell[order], amounts[order], np.cumsum(number) - number, number)


def needed_protection(given: Contributions, thresholds: Thresholds) -> np.ndarray:
    """Cell → how much above its sum an outsider's upper estimate has to stay; 0 where the sum is not dominated.

    p% rule: the second largest contributor subtracts their own part and must not come within p of the largest.
    (n,k) rule: the n largest contribute more than the share k.
    """
    total = given.total
    needed = np.zeros(len(total))
    if thresholds.dominance is not None:
        needed = np.maximum(needed, _missing_to_p(given, thresholds.dominance))
    if thresholds.concentration is not None:
        largest = given.largest(thresholds.concentration.contributors)
        needed = np.maximum(needed, largest / thresholds.concentration.share - total)
    return np.where(needed > 1e-12 * total, needed, 0.0)  # equality that arithmetic blurs is no dominance


def protection_of_small(given: Contributions, thresholds: Thresholds) -> np.ndarray:
    """The same for cells that are withheld for being small, whatever the policy says of sums."""
    return np.maximum(_missing_to_p(given, thresholds.dominance or USUAL_DISTANCE), 0.0)


def _missing_to_p(given: Contributions, share: float) -> np.ndarray:
    return share * given.largest(1) - (given.total - given.largest(2))
