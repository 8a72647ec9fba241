"""Local recoding by Mondrian: records are split into ever smaller groups of at least k; each is generalised alone.

LeFevre, DeWitt and Ramakrishnan, "Mondrian multidimensional k-anonymity", ICDE 2006 (strict partitioning), level by
level with numpy over distinct tuples. A group's column becomes the lowest label of the hierarchy that covers the group,
so the words are those of full-domain recoding; therefore groups are cut where labels meet, not at the median.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from anonymize.classes import combined_codes, distinct_diversity
from anonymize.cuts import Ladder, choose_cuts
from anonymize.hierarchies import GeneralisedColumn
from anonymize.kanonymity import Requirement, SensitiveColumn, failing_classes
from anonymize.loss import aggregate_loss, normalised_loss


@dataclass(frozen=True)
class LocalRecoding:
    """columns: recoded texts per column. levels: per column, group → its level. group: row → group. suppressed: row →
    its group misses t."""

    columns: list[pa.Array]
    levels: list[np.ndarray]
    group: np.ndarray
    suppressed: np.ndarray
    losses: np.ndarray
    loss: float


def local_recoding(
    columns: Sequence[GeneralisedColumn], requirement: Requirement, sensitive: Sequence[SensitiveColumn] = ()
) -> LocalRecoding | None:
    """Recode every record with its group. None where the table as a whole misses k or l."""
    rows = len(columns[0].codes)
    everything = failing_classes(np.zeros(rows, np.int64), np.array([rows]), requirement, sensitive)
    if rows and everything[0]:
        return None
    keys = combined_codes([c.codes for c in columns], rows)
    _, first, tuple_of_row, weights = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    points = np.stack([c.order[c.codes[first]] for c in columns], axis=1) if rows else np.zeros((0, len(columns)), int)
    group_of_tuple = _partition(
        points,
        weights,
        [Ladder(c) for c in columns],
        requirement,
        [(tuple_of_row, c.codes, least) for c in sensitive if (least := c.wanted(requirement)) is not None],
    )
    group = group_of_tuple[tuple_of_row]
    sizes = np.bincount(group)
    suppressed = failing_classes(group, sizes, requirement, sensitive)[group] if rows else np.zeros(0, bool)
    recoded = [_cover(column, points[:, j], group_of_tuple, len(sizes)) for j, column in enumerate(columns)]
    covered = np.array([np.where(suppressed, 1.0, share[group]).sum() for _, share, _ in recoded])
    losses = normalised_loss(covered, max(rows, 1), [c.domain for c in columns])
    return LocalRecoding(
        columns=[texts.take(pa.array(group)) for texts, _, _ in recoded],
        levels=[levels for *_, levels in recoded],
        group=group,
        suppressed=suppressed,
        losses=losses,
        loss=float(aggregate_loss(losses)),
    )


def _partition(
    points: np.ndarray,
    weights: np.ndarray,
    ladders: Sequence[Ladder],
    requirement: Requirement,
    sensitive: Sequence[tuple[np.ndarray, np.ndarray, int]],
) -> np.ndarray:
    """Group of each tuple. points: tuple × column, ranks. All open groups are split once per round."""
    final = np.zeros(len(points), np.int64)
    active = np.arange(len(points))
    part = np.zeros(len(points), np.int64)
    finished = 0
    pairs = [(*_distinct_pairs(tuples, codes), least) for tuples, codes, least in sensitive]
    while len(active):
        order = np.argsort(part, kind="stable")
        active, part = active[order], part[order]
        starts = np.flatnonzero(np.concatenate(([True], part[1:] != part[:-1])))
        number = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(active))))
        column, cut = choose_cuts(points[active], weights[active], number, starts, ladders, requirement.k)
        right = np.zeros(len(active), bool)
        splitting = column[number] >= 0
        right[splitting] = points[active[splitting], column[number[splitting]]] > cut[number[splitting]]
        if pairs:
            homogeneous = _undiverse(active, number * 2 + right, len(starts), pairs, len(points))
            column[homogeneous] = -1
            splitting = column[number] >= 0
        closed = np.flatnonzero(column < 0)
        renumbered = np.zeros(len(starts), np.int64)
        renumbered[closed] = finished + np.arange(len(closed))
        finished += len(closed)
        final[active[~splitting]] = renumbered[number[~splitting]]
        part = (number * 2 + right)[splitting]
        active = active[splitting]
    return final


def _distinct_pairs(tuple_of_row: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    width = int(codes.max(initial=0)) + 1
    pairs = np.unique(tuple_of_row * width + codes)
    return pairs // width, pairs % width


def _undiverse(
    active: np.ndarray,
    half: np.ndarray,
    groups: int,
    pairs: Sequence[tuple[np.ndarray, np.ndarray, int]],
    tuples: int,
) -> np.ndarray:
    """Group → would one of its halves have too few distinct values of a column?"""
    half_of = np.full(tuples, -1)
    half_of[active] = half
    failing = np.zeros(groups, bool)
    occupied = np.bincount(half, minlength=2 * groups) > 0
    for tuple_of_pair, values, least in pairs:
        inside = half_of[tuple_of_pair]
        seen = inside >= 0
        diversity = distinct_diversity(inside[seen], 2 * groups, values[seen])
        failing |= ((diversity < least) & occupied).reshape(groups, 2).any(axis=1)
    return failing


def _cover(
    column: GeneralisedColumn, ranks: np.ndarray, group: np.ndarray, groups: int
) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """Per group: the lowest label that covers all its values, the share of the domain it covers, and its level."""
    value_of_rank = np.argsort(column.order)
    low, high = np.full(groups, column.distinct), np.full(groups, -1)
    np.minimum.at(low, group, ranks)
    np.maximum.at(high, group, ranks)
    first, last = value_of_rank[low], value_of_rank[high]
    texts = np.full(groups, None, dtype=object)
    share = np.ones(groups)
    levels = np.full(groups, column.height - 1)
    undecided = np.ones(groups, bool)
    for level in range(column.lowest, column.height):
        codes = column.level_codes[level]
        covered = undecided & (codes[first] == codes[last])
        words = np.array(column.texts if level == 0 else column.labels[level], dtype=object)
        texts[covered] = words[codes[first[covered]]]
        share[covered] = column.shares[level][first[covered]]
        levels[covered] = level
        undecided &= ~covered
    return pa.array(texts, pa.string()), share, levels
