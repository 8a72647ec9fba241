"""Differentially private aggregates on OpenDP's core, with contributions bounded first.

Pure differential privacy (Dwork, McSherry, Nissim and Smith 2006), Laplace noise, and the exponential mechanism for
quantiles. One person's records are bounded before anything is counted, so that epsilon speaks of persons.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import opendp.prelude as opendp
import pyarrow as pa

from anonymize.hierarchies import distinct_values

opendp.enable_features("contrib")
CANDIDATES = 1000  # values between the bounds among which a quantile is chosen


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


def private_count(rows: int, epsilon: float, contributions: int = 1) -> int:
    """Number of records, within about contributions / epsilon of the truth."""
    space = _numbers()
    measurement = _calibrated(
        lambda scale: space >> opendp.t.then_count() >> opendp.m.then_laplace(scale=scale), epsilon, contributions
    )
    return int(measurement([0.0] * rows))


def private_counts(
    values: pa.ChunkedArray, categories: Sequence[str], epsilon: float, contributions: int = 1
) -> dict[str, int]:
    """Records per category. The categories come from the schema, not from the data, which would tell who is there."""
    space = opendp.vector_domain(opendp.atom_domain(T=str)), opendp.symmetric_distance()
    listed = list(categories)
    measurement = _calibrated(
        lambda scale: (
            space
            >> opendp.t.then_count_by_categories(listed, null_category=False)
            >> opendp.m.then_laplace(scale=scale)
        ),
        epsilon,
        contributions,
    )
    noisy = measurement([v for v in values.cast(pa.string()).to_pylist() if v is not None])
    return dict(zip(listed, (int(n) for n in noisy), strict=True))


def with_noise(totals: np.ndarray, largest_change: int, epsilon: float) -> np.ndarray:
    """Whole numbers (int64) with discrete Laplace noise, where one person changes one of them by `largest_change`.

    Every number spends the same epsilon, once: the cells of a table hold different persons (parallel composition).
    """
    space = opendp.vector_domain(opendp.atom_domain(T=opendp.i64)), opendp.l1_distance(T=opendp.i64)
    measurement = _calibrated(lambda scale: opendp.m.make_laplace(*space, scale=scale), epsilon, largest_change)
    return np.array(measurement(totals.tolist()), np.int64)


def private_sum(values: pa.ChunkedArray, bounds: tuple[float, float], epsilon: float, contributions: int = 1) -> float:
    """Sum of the values clamped to `bounds`, which come from knowledge of the field, not from the data."""
    space = _numbers()
    measurement = _calibrated(
        lambda scale: space >> opendp.t.then_clamp(bounds) >> opendp.t.then_sum() >> opendp.m.then_laplace(scale=scale),
        epsilon,
        contributions,
    )
    return float(measurement(_floats(values)))


def private_mean(values: pa.ChunkedArray, bounds: tuple[float, float], epsilon: float, contributions: int = 1) -> float:
    """Mean as sum over count, half of epsilon each; within `bounds`. Centred, so that the noise of the sum is least."""
    low, high = bounds
    middle = (low + high) / 2
    numbers = np.array(_floats(values)) - middle
    centred = pa.chunked_array([pa.array(numbers, pa.float64())])
    total = private_sum(centred, (low - middle, high - middle), epsilon / 2, contributions)
    count = private_count(len(numbers), epsilon / 2, contributions)
    return float(np.clip(middle + total / max(count, 1), low, high))


def private_quantile(
    values: pa.ChunkedArray, share: float, bounds: tuple[float, float], epsilon: float, contributions: int = 1
) -> float:
    """Quantile `share` (0.5: median), one of CANDIDATES evenly spaced values within `bounds`."""
    space = _numbers()
    candidates = np.linspace(*bounds, CANDIDATES).tolist()
    measurement = _calibrated(
        lambda scale: space >> opendp.m.then_private_quantile(opendp.max_divergence(), candidates, share, scale),
        epsilon,
        contributions,
    )
    return float(measurement(_floats(values)))


def _numbers() -> tuple[Any, Any]:
    return opendp.vector_domain(opendp.atom_domain(T=float, nan=False)), opendp.symmetric_distance()


def _calibrated(chain: Callable[[float], Any], epsilon: float, contributions: int) -> Any:
    """The measurement of `chain` with the least noise that spends no more than `epsilon` per person."""
    return chain(opendp.binary_search_param(chain, d_in=contributions, d_out=epsilon))


def _floats(values: pa.ChunkedArray) -> list[float]:
    numbers = values.cast(pa.float64(), safe=False).drop_null().to_numpy()
    return numbers[np.isfinite(numbers)].tolist()
