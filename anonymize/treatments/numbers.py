"""Numbers: rounding, top and bottom coding, microaggregation (MDAV)."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BLOCK = 2000  # rows that MDAV compares with each other at once


def round_column(column: pa.ChunkedArray, base: float) -> pa.ChunkedArray:
    """Each number to the nearest multiple of `base`; the type stays."""
    numbers = pc.cast(column, pa.float64(), safe=False)
    rounded = pc.multiply(pc.round(pc.divide(numbers, base), round_mode="half_to_even"), base)
    return _as_type(rounded, column.type)


def top_bottom_code(
    column: pa.ChunkedArray, *, top: float | None = None, bottom: float | None = None, share: float | None = None
) -> pa.ChunkedArray:
    """Numbers above `top` become `top`, below `bottom` `bottom`. share: cut this share of records at each end instead.

    A border taken from a share is the value at that rank, which several records then hold.
    """
    numbers = pc.cast(column, pa.float64(), safe=False)
    if share is not None:
        known = np.sort(numbers.drop_null().to_numpy())
        if len(known):
            cut = min(int(np.ceil(share * len(known))), (len(known) - 1) // 2)
            bottom, top = float(known[cut]), float(known[-1 - cut])
    if top is not None:
        numbers = pc.if_else(pc.greater(numbers, top), top, numbers)
    if bottom is not None:
        numbers = pc.if_else(pc.less(numbers, bottom), bottom, numbers)
    return _as_type(numbers, column.type)


def microaggregate(columns: Sequence[pa.ChunkedArray], k: int) -> list[pa.ChunkedArray]:
    """Each row gets the mean of its group of `k` to 2k - 1 near rows, over all columns at once; nulls stay null.

    MDAV (Domingo-Ferrer and Mateo-Sanz 2002; Domingo-Ferrer and Torra 2005). One column is sorted and cut; tables
    beyond BLOCK rows are first cut at medians, so that the work grows with n log n.
    """
    raw = np.column_stack([pc.cast(c, pa.float64(), safe=False).to_numpy() for c in columns])
    complete = ~np.isnan(raw).any(axis=1)
    points = raw[complete]
    spread = points.std(axis=0) if len(points) else np.ones(raw.shape[1])
    scaled = (points - points.mean(axis=0)) / np.where(spread > 0, spread, 1) if len(points) else points
    group = _groups(scaled, k)
    sizes = np.bincount(group)
    means = np.stack([np.bincount(group, points[:, j]) / np.maximum(sizes, 1) for j in range(raw.shape[1])], axis=1)
    result = np.full_like(raw, np.nan)
    if len(points) >= k:
        result[complete] = means[group]
    return [
        _as_type(pa.chunked_array([pa.array(result[:, j], from_pandas=True)]), column.type)
        for j, column in enumerate(columns)
    ]


def _groups(points: np.ndarray, k: int) -> np.ndarray:
    group = np.zeros(len(points), np.int64)
    number = 0
    for block in _blocks(points, np.arange(len(points)), k):
        for members in [_cut(points, block, k)] if points.shape[1] == 1 else [_mdav(points, block, k)]:
            for rows in members:
                group[rows] = number
                number += 1
    return group


def _blocks(points: np.ndarray, rows: np.ndarray, k: int) -> list[np.ndarray]:
    if points.shape[1] == 1 or len(rows) <= max(BLOCK, 2 * k):
        return [rows] if len(rows) else []
    widest = int(np.ptp(points[rows], axis=0).argmax())
    order = rows[np.argsort(points[rows, widest], kind="stable")]
    half = len(order) // 2
    return [*_blocks(points, order[:half], k), *_blocks(points, order[half:], k)]


def _cut(points: np.ndarray, rows: np.ndarray, k: int) -> list[np.ndarray]:
    order = rows[np.argsort(points[rows, 0], kind="stable")]
    groups = max(len(order) // k, 1)
    return np.array_split(order, groups) if groups > 1 else [order]


def _mdav(points: np.ndarray, rows: np.ndarray, k: int) -> list[np.ndarray]:
    groups = []

    def nearest(to: np.ndarray) -> np.ndarray:
        nonlocal rows
        order = np.argsort(((points[rows] - to) ** 2).sum(axis=1), kind="stable")
        chosen, rows = rows[order[:k]], rows[np.sort(order[k:])]
        return chosen

    def farthest(of: np.ndarray) -> np.ndarray:
        return points[rows[((points[rows] - of) ** 2).sum(axis=1).argmax()]]

    while len(rows) >= 3 * k:
        first = farthest(points[rows].mean(axis=0))
        groups.append(nearest(first))
        groups.append(nearest(farthest(first)))
    if len(rows) >= 2 * k:
        groups.append(nearest(farthest(points[rows].mean(axis=0))))
    if len(rows):
        groups.append(rows)
    return groups


def _as_type(numbers: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_integer(kind):
        numbers = pc.round(numbers)
    if pa.types.is_decimal(kind):
        numbers = pc.round(numbers, ndigits=kind.scale)
    return pc.cast(numbers, kind, safe=False)
