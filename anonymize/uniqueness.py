"""Uniqueness: which sets of fields single out records.

Sources: minimal unique column combinations (Abedjan, Naumann, 2011); sample uniques (Elliot, Manning, Ford, SUDA 2002).
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]

LARGEST_SET = 3
SINGLED_OUT = 0.05  # share of records that a listed set singles out at least
MOST_FIELDS = 12  # with the most distinct values
SCREENED_FROM = 200_000  # rows; from there a sample of rows screens the sets first
SCREEN_ROWS = 50_000


def unique_share(codes: Codes) -> float:
    """Share of rows whose code occurs once. codes: one non-negative integer per row."""
    return float((np.unique(codes, return_counts=True)[1] == 1).sum() / len(codes)) if len(codes) else 0.0


def unique_sets(
    columns: dict[str, Codes], *, largest: int = LARGEST_SET, singled_out: float = SINGLED_OUT
) -> dict[tuple[str, ...], float]:
    """Minimal sets of at most `largest` fields that single out at least `singled_out` of the records, and what share.

    columns: field → code of every row (equal values, equal codes). Minimal: no listed set holds another. Ordered by
    size, then by the order of fields. In large tables a sample of rows screens first: a record that is unique in the
    table is unique in the sample, so a set that fails the sample by a margin fails the table.
    """
    rows = len(next(iter(columns.values()), ()))
    if not rows:
        return {}
    distinct = {name: int(codes.max()) + 1 for name, codes in columns.items()}
    richest = sorted((n for n in columns if distinct[n] > 1), key=lambda n: -distinct[n])[:MOST_FIELDS]
    fields = [n for n in columns if n in richest]
    sample = None
    if rows >= SCREENED_FROM:
        sample = np.sort(np.random.default_rng(0).choice(rows, SCREEN_ROWS, replace=False))
    listed: dict[tuple[str, ...], float] = {}
    for size in range(1, largest + 1):
        for names in combinations(fields, size):
            if any(set(smaller) <= set(names) for smaller in listed):
                continue
            chosen = [columns[n] for n in names]
            if sample is not None and unique_share(combine([c[sample] for c in chosen])) < 0.8 * singled_out:
                continue
            share = unique_share(combine(chosen))
            if share >= singled_out:
                listed[names] = share
    return listed


def combine(columns: Sequence[Codes]) -> Codes:
    """One code per row for the tuple of the columns' codes."""
    combined = columns[0]
    for codes in columns[1:]:
        combined = combined * (int(codes.max()) + 1) + codes
        if int(combined.max()) > 2**40:  # keep room for the next product
            combined = np.unique(combined, return_inverse=True)[1].astype(np.int64)
    return combined
