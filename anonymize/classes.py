"""Equivalence classes: rows that agree on several columns, and what their sensitive values look like."""

from collections.abc import Sequence

import numpy as np

KEY_LIMIT = 1 << 62
DENSE_CELLS = 4_000_000  # classes × sensitive values handled at once


def combined_codes(columns: Sequence[np.ndarray], rows: int) -> np.ndarray:
    """One int64 key per row, equal where all columns are equal and ordered as they are, first column first.

    Keys are not dense; where they would not fit into 62 bits they are ranked on the way.
    """
    key = np.zeros(rows, np.int64)
    bound = 1
    for codes in columns:
        size = int(codes.max(initial=0)) + 1
        if bound * size >= KEY_LIMIT:
            key = np.unique(key, return_inverse=True)[1]
            bound = int(key.max(initial=0)) + 1
        key = key * size + codes
        bound *= size
    return key


def equivalence_classes(columns: Sequence[np.ndarray], rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Class of each row (0 … classes - 1), and the size of each class. Without columns all rows are one class."""
    if rows == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    _, class_of, sizes = np.unique(combined_codes(columns, rows), return_inverse=True, return_counts=True)
    return class_of, sizes


def value_counts_per_class(
    class_of: np.ndarray, sensitive: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct (class, sensitive value) pairs with the number of rows of each, ordered by class, then value."""
    width = int(sensitive.max(initial=0)) + 1
    pairs, of_pair = np.unique(class_of * width + sensitive, return_inverse=True)
    counts = np.bincount(of_pair, weights=weights, minlength=len(pairs))
    return pairs // width, pairs % width, counts


def distinct_diversity(class_of: np.ndarray, classes: int, sensitive: np.ndarray) -> np.ndarray:
    """Number of distinct sensitive values per class (Machanavajjhala et al. 2007, distinct l-diversity)."""
    in_class, _, _ = value_counts_per_class(class_of, sensitive)
    return np.bincount(in_class, minlength=classes)


def closeness(
    class_of: np.ndarray,
    sizes: np.ndarray,
    sensitive: np.ndarray,
    overall: np.ndarray,
    *,
    ordered: bool,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Earth mover's distance per class between its sensitive values and `overall` (shares per value, sum 1).

    Li, Li and Venkatasubramanian 2007: equal ground distance, or ordered distance where the codes are ranks.
    """
    in_class, value, counts = value_counts_per_class(class_of, sensitive, weights)
    share = counts / sizes[in_class]
    if not ordered:
        seen = np.bincount(in_class, np.abs(share - overall[value]), len(sizes))
        unseen = 1 - np.bincount(in_class, overall[value], len(sizes))
        return (seen + np.maximum(unseen, 0)) / 2
    distance = np.zeros(len(sizes))
    if len(overall) < 2:
        return distance
    step = max(DENSE_CELLS // len(overall), 1)
    expected = np.cumsum(overall)
    for start in range(0, len(sizes), step):
        inside = (in_class >= start) & (in_class < start + step)
        dense = np.zeros((min(step, len(sizes) - start), len(overall)))
        dense[in_class[inside] - start, value[inside]] = share[inside]
        distance[start : start + step] = np.abs(np.cumsum(dense, axis=1) - expected).sum(1) / (len(overall) - 1)
    return distance
