"""Empirical privacy: what draws on two neighbouring tables tell them apart, at least."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

CHANCE = 1e-9  # that an interval misses the true probability


def largest_ratio(here: Sequence[np.ndarray], there: Sequence[np.ndarray]) -> float:
    """The largest ratio of an event's probabilities, either way, that the draws prove (Clopper-Pearson).

    here, there: per event, which draws on either table had it. A mechanism that is epsilon-private exceeds e^epsilon
    by chance alone, once in 10⁹ events (Ding et al., "Detecting Violations of Differential Privacy", 2018).
    """
    pairs = [(a, b) for a, b in zip(here, there, strict=True)]
    return max(_lower(a) / _upper(b) for pair in pairs for a, b in (pair, pair[::-1]))


def _lower(hits: np.ndarray) -> float:
    number, successes = len(hits), int(hits.sum())
    return float(stats.beta.ppf(CHANCE, successes, number - successes + 1)) if successes else 0.0


def _upper(hits: np.ndarray) -> float:
    number, successes = len(hits), int(hits.sum())
    return float(stats.beta.ppf(1 - CHANCE, successes + 1, number - successes)) if successes < number else 1.0
