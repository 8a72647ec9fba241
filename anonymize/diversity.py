"""Distinct l-diversity that adds up: marks of small groups merge into the marks of larger ones.

Whether a group has l distinct sensitive values can be told from its least and greatest code where l is 2, and from a
set of bits where the column has few values. Both merge without looking at the records again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

BITS = 63
MOST_WORDS = 4  # columns with more values than MOST_WORDS · BITS are counted pair by pair instead


@dataclass(frozen=True)
class Marks:
    """parts: arrays with one entry per group; merges: how each part of several groups becomes that of their union;
    undiverse: parts → group has too few distinct values."""

    parts: tuple[np.ndarray, ...]
    merges: tuple[np.ufunc, ...]
    undiverse: Callable[[Sequence[np.ndarray]], np.ndarray]


def diversity_marks(group_of_row: np.ndarray, codes: np.ndarray, least: int) -> Marks | None:
    """Marks of groups 0 … n - 1 for `least` distinct values of a column; None where marks would be too large."""
    order = np.argsort(group_of_row, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.concatenate(([True], np.diff(group_of_row[order]) != 0)))
    if least <= 2:
        low, high = np.minimum.reduceat(ordered, starts), np.maximum.reduceat(ordered, starts)
        return Marks((low, high), (np.minimum, np.maximum), lambda parts: (parts[0] == parts[1]) & (least == 2))
    words = int(codes.max()) // BITS + 1
    if words > MOST_WORDS:
        return None
    bits = np.left_shift(np.int64(1), ordered % BITS)
    sets = [np.bitwise_or.reduceat(np.where(ordered // BITS == word, bits, 0), starts) for word in range(words)]
    return Marks(tuple(sets), (np.bitwise_or,) * words, lambda parts: _members(parts) < least)


def _members(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Number of bits that are set, over all words of each group."""
    return np.asarray(np.sum([np.bitwise_count(word) for word in parts], axis=0, dtype=np.int64))
