"""Loss: how much a treatment took away, 0 (unchanged) to 1 (gone).

For generalised columns ARX's Loss metric (Iyengar, "Transforming data to satisfy privacy constraints", KDD 2002, as
ARX computes it with a generalisation/suppression factor of 0.5); for other treatments the share of the column's
entropy that is gone (Shannon; Gionis and Tassa 2009).
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa

from anonymize.hierarchies import distinct_values

Aggregate = Literal["gm", "am", "max"]


def normalised_loss(covered: np.ndarray, records: int, domains: Sequence[int]) -> np.ndarray:
    """Loss per column from `covered[..., column]`, the sum over records of the share of the domain they cover.

    A column whose records keep their values covers records / domain, one that is gone covers records.
    """
    least = records / np.asarray(domains, dtype=float)
    span = records - least
    spread = np.where(span > 0, span, 1.0)
    return np.where(span > 0, np.maximum((covered - least) / spread, 0.0), 0.0)


def aggregate_loss(losses: np.ndarray, aggregate: Aggregate = "gm") -> np.ndarray:
    """One figure over the columns (last axis): ARX's geometric mean of (1 + loss), less 1; or mean, or maximum."""
    if aggregate == "am":
        return losses.mean(-1)
    if aggregate == "max":
        return losses.max(-1)
    return (losses + 1).prod(-1) ** (1 / losses.shape[-1]) - 1


def entropy_loss(before: pa.ChunkedArray, after: pa.ChunkedArray) -> float:
    """Share of the entropy of `before` that `after` no longer has. 0 where `before` has one value only."""
    whole = _entropy(before)
    return 0.0 if whole == 0 else float(np.clip(1 - _entropy(after) / whole, 0, 1))


def _entropy(column: pa.ChunkedArray) -> float:
    codes, _ = distinct_values(column)
    if not len(codes):
        return 0.0
    share = np.bincount(codes) / len(codes)
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum())
