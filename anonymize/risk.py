"""Re-identification risk from the sizes of equivalence classes.

Sample risks after El Emam, "Guide to the De-Identification of Personal Health Information" (2013), as ARX names them.
Population uniqueness: Zayatz 1991; Pitman (Hoshino 2001); slide negative binomial (Chen and Keller-McNulty 1998);
chosen by the rule of Dankar et al., BMC Medical Informatics 12:66 (2012). Each function takes `sizes`, the number of
records of each class.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy import optimize, special  # not stats, which takes half a second to load

from anonymize.classes import closeness, distinct_diversity, equivalence_classes
from anonymize.hierarchies import distinct_values
from anonymize.kanonymity import SensitiveColumn
from schemas.disclosure import RiskFigures

RISK_LIMITS = ("0.2", "0.09", "0.05")  # public, EMA 0070 / Health Canada, conservative: classes of 5, 11, 20
SIZE_BANDS = ((1, 1), (2, 2), (3, 4), (5, 9), (10, 19), (20, 49), (50, 99), (100, None))
SMALL_SAMPLE = 0.1  # sampling fraction up to which Dankar's rule takes Pitman's estimate
ITERATIONS, ACCURACY = 300, 1e-9


@dataclass(frozen=True)
class PopulationUniqueness:
    """Estimated share of the population that is unique, per model; 0 where a model has no estimate."""

    zayatz: float
    pitman: float
    snb: float
    dankar: float


def measure_risk(
    table: pa.Table,
    quasi_identifiers: Sequence[str],
    sensitive: Sequence[SensitiveColumn] = (),
    population: int | None = None,
) -> RiskFigures:
    """All figures of one table. Without quasi-identifiers there is nobody to single out and no figure applies."""
    rows = table.num_rows
    if not quasi_identifiers or rows == 0:
        return RiskFigures(records=rows, equivalence_classes=0 if rows == 0 else 1)
    class_of, sizes = equivalence_classes([distinct_values(table[q])[0] for q in quasi_identifiers], rows)
    diversity = _least_diversity(class_of, len(sizes), sensitive)
    distance = _greatest_distance(class_of, sizes, sensitive)
    return risk_of_classes(sizes, population).model_copy(update={"l": diversity, "t": distance})


def risk_of_classes(sizes: np.ndarray, population: int | None = None) -> RiskFigures:
    """The figures that the sizes of the classes give, at least one class; l and t need sensitive values."""
    rows, smallest = int(sizes.sum()), int(sizes.min())
    people = max(population or 0, rows)
    uniqueness = population_uniqueness(sizes, people)
    return RiskFigures(
        records=rows,
        equivalence_classes=len(sizes),
        k=smallest,
        prosecutor_risk=1 / smallest,
        journalist_risk=1 / smallest * (rows / people if population else 1.0),
        marketer_risk=len(sizes) / rows,
        sample_uniqueness=float((sizes == 1).sum() / rows),
        population_uniqueness=uniqueness.dankar,
        share_above={limit: share_above(sizes, float(limit)) for limit in RISK_LIMITS},
        class_sizes=_records_by_size(sizes),
    )


def share_above(sizes: np.ndarray, limit: float) -> float:
    """Share of records whose risk, 1 / size of their class, is above `limit`."""
    return float(sizes[1 / sizes > limit + 1e-12].sum() / sizes.sum()) if len(sizes) else 0.0


def population_uniqueness(sizes: np.ndarray, population: int) -> PopulationUniqueness:
    """Estimates for a sample with classes of `sizes` out of `population` people."""
    if not (sizes == 1).any():
        return PopulationUniqueness(0.0, 0.0, 0.0, 0.0)
    size, count = np.unique(sizes, return_counts=True)
    zayatz = zayatz_uniques(size, count, population)
    pitman = pitman_uniques(size, count, population)
    snb = snb_uniques(size, count, population)
    small_sample = sizes.sum() / population <= SMALL_SAMPLE
    chosen = (pitman or zayatz) if small_sample else (min(snb, zayatz) if snb else zayatz)
    return PopulationUniqueness(*(x / population for x in (zayatz, pitman, snb, chosen)))


def zayatz_uniques(size: np.ndarray, count: np.ndarray, population: int) -> float:
    """Expected number of population uniques; size: class sizes that occur, count: classes of each."""
    sample = int((size * count).sum())
    share = count / count.sum()
    single_draw = _drawn_once(population, size, sample)
    uniques = count[size == 1].sum()
    probability = (
        share[size == 1].sum() * _drawn_once(population, np.array([1]), sample)[0] / (share * single_draw).sum()
    )
    return float(np.nan_to_num(uniques * probability / (sample / population)))


def _drawn_once(population: int, size: np.ndarray, sample: int) -> np.ndarray:
    """Probability that exactly one member of a class of each `size` is in the sample (hypergeometric)."""
    before = np.arange(size.max() - 1)  # members that stayed out of the sample
    all_out = np.concatenate([[1.0], np.cumprod((population - sample - before) / (population - 1 - before))])
    return size * (sample / population) * all_out[size - 1]


def pitman_uniques(size: np.ndarray, count: np.ndarray, population: int) -> float:
    """Expected number of population uniques under Pitman's sampling formula, by maximum likelihood; 0: no estimate."""
    found = _pitman_parameters(size.astype(float), count.astype(float))
    if found is None:
        return 0.0
    theta, alpha = found
    with np.errstate(all="ignore"):
        uniques = np.exp(special.gammaln(theta + 1) - special.gammaln(theta + alpha)) * float(population) ** alpha
    return float(uniques) if 0 <= uniques <= population else 0.0


def _pitman_parameters(size: np.ndarray, count: np.ndarray) -> tuple[float, float] | None:
    """theta and alpha where both derivatives of the log likelihood vanish (Newton-Raphson), or None."""
    classes, records = float(count.sum()), float((size * count).sum())
    c1 = float(count[size == 1].sum())
    c2 = float(count[size == 2].sum()) or 1.0
    c = c1 * (c1 - 1) / c2
    with np.errstate(all="ignore"):
        theta = (records * classes * c - c1 * (records - 1) * (2 * classes + c)) / (
            2 * c1 * classes + c1 * c - records * c
        )
        alpha = (theta * (c1 - records) + (records - 1) * c1) / (records * classes)
    if not np.isfinite([theta, alpha]).all():
        return None
    point = np.array([theta, alpha])
    larger, of_larger = size[size > 1], count[size > 1]
    with np.errstate(all="ignore"):
        for _ in range(ITERATIONS):
            if point[0] <= -1 or point[1] >= 1:  # outside the model; polygamma would also take ages far below zero
                return None
            gradient, hessian = _pitman_derivatives(point, classes, records, larger, of_larger)
            if not np.isfinite(gradient).all() or not np.isfinite(hessian).all() or np.linalg.det(hessian) == 0:
                return None
            step = np.linalg.solve(hessian, gradient)
            point = point - step
            if np.abs(step).max() <= ACCURACY * max(1.0, np.abs(point).max()):
                break
    return (float(point[0]), float(point[1])) if np.isfinite(point).all() and point[1] != 0 else None


def _pitman_derivatives(
    point: np.ndarray, classes: float, records: float, size: np.ndarray, count: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and Hessian of the log likelihood at (theta, alpha). The sums over classes are taken term by term:
    their closed forms in digamma functions lose all digits where theta / alpha is large."""
    theta, alpha = point
    i = np.arange(1, classes)
    base = theta + i * alpha
    inverse = 1 / base
    square = inverse * inverse
    by_theta = inverse.sum() - (special.digamma(records + theta) - special.digamma(theta + 1))
    by_alpha = (i * inverse).sum() - (count * (special.digamma(size - alpha) - special.digamma(1 - alpha))).sum()
    theta_theta = special.polygamma(1, theta + 1) - special.polygamma(1, records + theta) - square.sum()
    theta_alpha = -(i * square).sum()
    alpha_alpha = (
        -(i * i * square).sum() - (count * (special.polygamma(1, 1 - alpha) - special.polygamma(1, size - alpha))).sum()
    )
    return np.array([by_theta, by_alpha]), np.array([[theta_theta, theta_alpha], [theta_alpha, alpha_alpha]])


def snb_uniques(size: np.ndarray, count: np.ndarray, population: int) -> float:
    """Expected number of population uniques under the slide negative binomial model; 0: no estimate."""
    sample = float((size * count).sum())
    f = sample / population
    c1, c2 = float(count[size == 1].sum()), float(count[size == 2].sum())
    classes = _shlosser(size.astype(float), count.astype(float), f)
    if not np.isfinite(classes) or classes <= 0 or c2 == 0:
        return 0.0

    def equations(point: np.ndarray) -> list[float]:
        a, b = point
        rest = (1 - f) * (1 - b)
        ones = classes * f * (b / (1 - rest)) ** a * (a * rest / (1 - rest) + 1)
        twos = classes * a * b**a * f * f * (1 - b) / (2 * (1 - rest) ** (a + 2)) * (2 - (1 - a) * rest)
        return [ones - c1, twos - c2]

    with np.errstate(all="ignore"):
        found = optimize.root(equations, x0=np.array([0.5, 0.5]))
    a, b = found.x
    uniques = classes * b**a if found.success and a > 0 and 0 < b < 1 else 0.0
    return float(uniques) if 0 <= uniques <= population else 0.0


def _shlosser(size: np.ndarray, count: np.ndarray, f: float) -> float:
    """Shlosser's estimate of the number of classes in the population (Haas and Stokes 1998)."""
    with np.errstate(all="ignore"):
        gone = (1 - f) ** size * count
        top = (size * f * f * (1 - f * f) ** (size - 1) * count).sum()
        bottom = (gone * ((1 + f) ** size - 1)).sum()
        ratio = gone.sum() / (size * f * (1 - f) ** (size - 1) * count).sum()
        return float(count.sum() + count[size == 1].sum() * (top / bottom) * ratio * ratio)


def _least_diversity(class_of: np.ndarray, classes: int, sensitive: Sequence[SensitiveColumn]) -> int | None:
    found = [int(distinct_diversity(class_of, classes, s.codes).min()) for s in sensitive]
    return min(found) if found else None


def _greatest_distance(class_of: np.ndarray, sizes: np.ndarray, sensitive: Sequence[SensitiveColumn]) -> float | None:
    found = [
        float(closeness(class_of, sizes, s.codes, np.bincount(s.codes) / len(s.codes), ordered=s.ordered).max())
        for s in sensitive
    ]
    return max(found) if found else None


def _records_by_size(sizes: np.ndarray) -> dict[str, int]:
    bands = {}
    for low, high in SIZE_BANDS:
        inside = sizes[(sizes >= low) & (sizes <= high)] if high is not None else sizes[sizes >= low]
        name = f"{low}+" if high is None else str(low) if low == high else f"{low}-{high}"
        bands[name] = int(inside.sum())
    return bands
