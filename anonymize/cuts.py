"""Where Mondrian cuts a group: along which column, and between which labels."""

from collections.abc import Sequence

import numpy as np

from anonymize.hierarchies import GeneralisedColumn

GAIN = 1e-9  # a smaller decrease of the covered share counts as none


class Ladder:
    """Labels and shares of one column by rank. labels[step][rank], shares[step][rank]; step 0 is the lowest level."""

    def __init__(self, column: GeneralisedColumn):
        value_of_rank = np.argsort(column.order)
        levels = range(column.lowest, column.height)
        self.labels = np.stack([column.level_codes[n][value_of_rank] for n in levels])
        self.shares = np.stack([column.shares[n][value_of_rank] for n in levels])
        self.width = max(column.distinct, 1)

    def cover(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """The lowest step at which the ranks `low` and `high` of each group have one label."""
        return (self.labels[:, low] == self.labels[:, high]).argmax(axis=0)


def choose_cuts(
    points: np.ndarray, weights: np.ndarray, number: np.ndarray, starts: np.ndarray, ladders: Sequence[Ladder], k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Column (-1: none allows it) and rank at which each group is cut.

    Every column is cut where the labels below the group's own label meet, as near to its middle as k allows. Of the
    columns the one is taken whose halves then lose least; where none gains, the relatively widest one.
    """
    totals = np.add.reduceat(weights, starts)
    column, cut = np.full(len(starts), -1), np.zeros(len(starts), np.int64)
    best_gain, best_width = np.full(len(starts), -1.0), np.full(len(starts), -1.0)
    for j, ladder in enumerate(ladders):
        ranks = points[:, j]
        low, high = np.minimum.reduceat(ranks, starts), np.maximum.reduceat(ranks, starts)
        divisible = (totals >= 2 * k) & (high > low)
        if not divisible.any():
            continue
        step = ladder.cover(low, high)
        members = np.flatnonzero(divisible[number])
        found, at, after, left = _balanced_cuts(
            ranks[members], weights[members], number[members], totals, ladder, step, k
        )
        left_share = ladder.shares[ladder.cover(low[found], at), low[found]]
        right_share = ladder.shares[ladder.cover(after, high[found]), high[found]]
        part = left / totals[found]
        gain = ladder.shares[step[found], low[found]] - part * left_share - (1 - part) * right_share
        width = (high - low)[found] / ladder.width
        gain = np.where(gain > GAIN, gain, 0.0)
        better = (gain > best_gain[found]) | ((gain == best_gain[found]) & (width > best_width[found]))
        column[found[better]], cut[found[better]] = j, at[better]
        best_gain[found[better]], best_width[found[better]] = gain[better], width[better]
    return column, cut


def _balanced_cuts(
    ranks: np.ndarray,
    weights: np.ndarray,
    number: np.ndarray,
    totals: np.ndarray,
    ladder: Ladder,
    step: np.ndarray,
    k: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Groups that can be cut, the last rank of their left half, the first of their right, and the left's records."""
    order = np.argsort(number * ladder.width + ranks, kind="stable")
    ranks, weights, number = ranks[order], weights[order], number[order]
    child = ladder.labels[np.maximum(step[number] - 1, 0), ranks]
    ends = np.flatnonzero((number[1:] == number[:-1]) & (child[1:] != child[:-1]))
    running = np.cumsum(weights)
    starts = np.flatnonzero(np.concatenate(([True], number[1:] != number[:-1])))
    before = np.zeros(len(totals), np.int64)
    before[number[starts]] = running[starts] - weights[starts]
    group = number[ends]
    left = running[ends] - before[group]
    smaller = np.minimum(left, totals[group] - left)
    allowed = smaller >= k
    ends, group, left, smaller = ends[allowed], group[allowed], left[allowed], smaller[allowed]
    chosen = np.lexsort((-smaller, group))
    first = np.concatenate(([True], group[chosen][1:] != group[chosen][:-1])) if len(chosen) else np.zeros(0, bool)
    chosen = chosen[first]
    return group[chosen], ranks[ends[chosen]], ranks[ends[chosen] + 1], left[chosen]
