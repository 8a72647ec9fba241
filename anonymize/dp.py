"""Differentially private counts, sums and quantiles on OpenDP's core, with contributions bounded first.

Pure differential privacy (Dwork, McSherry, Nissim and Smith 2006): discrete Laplace noise on whole numbers, and for
quantiles a choice among listed candidates by permute-and-flip (McKenna and Sheldon 2020), which is at least as exact
as the exponential mechanism at the same epsilon. One person's records are bounded before anything is counted, so that
epsilon speaks of persons. Every measurement is calibrated by OpenDP's own map from distance to epsilon.
"""

from collections.abc import Callable, Iterable
from math import log
from typing import Any

import numpy as np
import opendp.prelude as opendp
import pyarrow as pa

from anonymize.hierarchies import distinct_values
from schemas.statistics import PARTS

opendp.enable_features("contrib")


def bound_contributions(table: pa.Table, subject: str, limit: int) -> pa.Table:
    """The first `limit` records of each subject, in the table's order. Records without subject are each their own."""
    codes, values = distinct_values(table[subject])
    order = np.argsort(codes, kind="stable")
    if not len(codes):
        return table
    starts = np.flatnonzero(np.concatenate(([True], codes[order][1:] != codes[order][:-1])))
    rank = np.empty(len(codes), np.int64)
    rank[order] = np.arange(len(codes)) - np.repeat(starts, np.diff(np.append(starts, len(codes))))
    nobody = np.asarray(values.is_null())[codes]
    return table.filter(pa.array((rank < limit) | nobody))


def with_noise(totals: np.ndarray, largest_change: int, epsilon: float) -> np.ndarray:
    """Whole numbers (int64) with discrete Laplace noise, where one person changes them by `largest_change` in all.

    Persons whose records lie in several cells share that change among them; where everybody lies in one cell, every
    cell spends the same epsilon, once (parallel composition).
    """
    space = opendp.vector_domain(opendp.atom_domain(T=opendp.i64)), opendp.l1_distance(T=opendp.i64)
    measurement = _calibrated(lambda scale: opendp.m.make_laplace(*space, scale=scale), epsilon, largest_change)
    return np.array(measurement(totals.tolist()), np.int64)


def noise_margin(largest_change: int, epsilon: float, rare: float) -> float:
    """Distance that the noise of `with_noise` exceeds with probability `rare` at most, in units of the totals."""
    return largest_change / epsilon * log(1 / rare)


def choose_quantiles(
    cells: Iterable[np.ndarray], candidates: np.ndarray, share: float, epsilon: float, records: int = 1
) -> np.ndarray:
    """For each cell (its values, sorted, float64), one of `candidates` (ascending) near its quantile `share`.

    A candidate's score is how far it is from splitting the values as asked: |(1 - share)·below - share·above|, in
    ten-thousandths (Smith 2011, as in OpenDP's make_private_quantile). One record changes it by the larger of share
    and 1 - share. records: of one person, over all cells together. An empty cell gives any candidate.
    """
    space = opendp.vector_domain(opendp.atom_domain(T=opendp.i64)), opendp.linf_distance(T=opendp.i64)
    part = round(share * PARTS)
    measurement = _calibrated(
        lambda scale: opendp.m.make_noisy_max(*space, opendp.max_divergence(), scale=scale, negate=True),
        epsilon,
        records * max(part, PARTS - part),
    )
    chosen = []
    for values in cells:
        below = np.searchsorted(values, candidates, side="left")
        above = len(values) - np.searchsorted(values, candidates, side="right")
        chosen.append(measurement(np.abs((PARTS - part) * below - part * above).astype(np.int64)))
    return candidates[np.array(chosen, np.int64)]


def rank_margin(candidates: int, share: float, epsilon: float, rare: float, records: int = 1) -> float:
    """Records by which the choice of `choose_quantiles` is further from the quantile than the best candidate, with
    probability `rare` at most. Each of the others overtakes the best with probability e^(-distance / scale) / 2."""
    return 2 * records * max(share, 1 - share) / epsilon * log(max(candidates, 2) / (2 * rare))


def _calibrated(chain: Callable[[float], Any], epsilon: float, change: int) -> Any:
    """The measurement of `chain` with the least noise that spends no more than `epsilon` per person."""
    return chain(opendp.binary_search_param(chain, d_in=change, d_out=epsilon, T=float))
