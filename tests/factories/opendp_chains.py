"""OpenDP's own measurements on whole columns: what the statistical tier's figures are compared with."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import opendp.prelude as opendp

opendp.enable_features("contrib")


def opendp_counts(values: Sequence[str], categories: Sequence[str], epsilon: float) -> list[int]:
    """Records per category."""
    space = opendp.vector_domain(opendp.atom_domain(T=str)), opendp.symmetric_distance()
    count = opendp.t.then_count_by_categories(list(categories), null_category=False)
    chosen = _calibrated(lambda scale: space >> count >> opendp.m.then_laplace(scale=scale), epsilon)
    return [int(n) for n in chosen(list(values))]


def opendp_sum(values: np.ndarray, bounds: tuple[float, float], epsilon: float) -> Callable[[], float]:
    """A draw of the sum of the values moved within bounds."""
    chain = opendp.t.then_clamp(bounds), opendp.t.then_sum()
    chosen = _calibrated(
        lambda scale: _numbers() >> chain[0] >> chain[1] >> opendp.m.then_laplace(scale=scale), epsilon
    )
    listed = values.tolist()
    return lambda: float(chosen(listed))


def opendp_quantile(
    values: np.ndarray, share: float, candidates: np.ndarray, epsilon: float, records: int = 1
) -> Callable[[], float]:
    """A draw of the quantile among candidates, where a person has so many records."""
    listed, options = values.tolist(), candidates.tolist()
    chosen = _calibrated(
        lambda scale: _numbers() >> opendp.m.then_private_quantile(opendp.max_divergence(), options, share, scale),
        epsilon,
        records,
    )
    return lambda: float(chosen(listed))


def _numbers() -> tuple[Any, Any]:
    return opendp.vector_domain(opendp.atom_domain(T=float, nan=False)), opendp.symmetric_distance()


def _calibrated(chain: Callable[[float], Any], epsilon: float, records: int = 1) -> Any:
    return chain(opendp.binary_search_param(chain, d_in=records, d_out=epsilon))
