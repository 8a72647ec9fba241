"""The figures of a table with noise: what each costs, how it is drawn, and how far it may be from the truth.

Every figure that is drawn spends an equal part of epsilon. A mean is the noisy sum over the noisy count (Li, Lyu, Su
and Yang, "Differential Privacy: From Theory to Practice", 2016, ch. 2): of the sum that is published, where one is,
so that the two agree; else of the values' distances from the middle of their bounds, which need half the noise.
Quantiles are chosen among listed values and put in ascending order, which brings them no further from the truth
(Chernozhukov, Fernández-Val and Galichon 2009). What noise drowns altogether is left empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

import numpy as np
import pyarrow as pa

from anonymize.statistics_fields import check_number, measured_values
from schemas.errors import Refused
from schemas.statistics import COUNT, Aggregate, Measure, StatisticalTable
from schemas.table_schema import SchemaField
from schemas.text import Text

FINEST_DIGITS = 6  # of sums
LARGEST_UNITS = 9  # a bound is at most 10⁹ units, so that sums of a thousand million records are exact
CANDIDATES = 1000  # about so many values between the bounds, among which a quantile is chosen
RARE = 0.05  # share of cells whose noise exceeds the margin that is told
LEAST_EPSILON = 0.001  # of one figure and record; below it a count is some 3,000 records off
WIDEST_INTERVAL = 0.25  # of the distance of the bounds; a mean that is less sure is not told


@dataclass(frozen=True)
class Range:
    """A field between its bounds. unit: what one whole number of its sum is worth; optional: values may be missing."""

    field: str
    bounds: tuple[float, float]
    unit: float
    digits: int
    whole: bool
    optional: bool

    @property
    def largest(self) -> int:
        """The most that one record adds to a sum, in units."""
        return max(ceil(max(map(abs, self.bounds)) / self.unit), 1)

    @property
    def middle(self) -> float:
        return (self.bounds[0] + self.bounds[1]) / 2

    @property
    def half_width(self) -> int:
        """The most that one record adds to a sum of distances from the middle, in units."""
        return max(ceil((self.bounds[1] - self.bounds[0]) / 2 / self.unit), 1)

    def candidates(self) -> np.ndarray:
        """Round values between the bounds, and the bounds: among them a quantile is chosen."""
        low, high = self.bounds
        step = self.step
        inner = np.arange(ceil(low / step), floor(high / step) + 1) * step
        return np.unique(np.round(np.clip(np.concatenate(([low], inner, [high])), low, high), 12))

    @property
    def step(self) -> float:
        """Distance of two candidates: 1, 2 or 5 times a power of ten."""
        least = max((self.bounds[1] - self.bounds[0]) / CANDIDATES, 10.0**-FINEST_DIGITS)
        power = 10.0 ** floor(log10(least))
        step = next(s for s in (power, 2 * power, 5 * power, 10 * power) if s >= least * (1 - 1e-9))
        return max(step, 1.0) if self.whole else step


def measured_range(field: SchemaField, kind: pa.DataType, measure: Measure) -> Range:
    """The bounds that the declaration or else the schema states. Raises Refused `measure-not-numeric`,
    `no-public-bounds`."""
    check_number(kind, field.name)
    limits = measure.bounds or [field.constraints.get(name) for name in ("minimum", "maximum")]
    low, high = (float(v) if v is not None else float("nan") for v in limits)
    whole = pa.types.is_integer(kind)
    if isfinite(low) and isfinite(high) and whole:
        low, high = float(ceil(low)), float(floor(high))
    if not (isfinite(low) and isfinite(high) and low <= high):
        raise Refused(
            "no-public-bounds",
            Text(
                zh=f"字段 {field.name} 未声明取值上下限，无法确定所需的噪声",
                en=f"field {field.name} declares no bounds, so the noise its figures need is not known",
            ),
            Text(
                zh="请在数据集声明的 statistics 中规定 bounds，或在表结构中规定 minimum 和 maximum"
                "（依据业务常识，不得取自数据）",
                en="give it bounds in `statistics` of the declaration, or a minimum and a maximum in the schema, from "
                "knowledge of the field, not from the data",
            ),
            field=field.name,
        )
    largest = max(abs(low), abs(high), 1e-9)
    digits = min(LARGEST_UNITS - ceil(log10(largest)), 0 if whole else FINEST_DIGITS)
    return Range(field.name, (low, high), 10.0**-digits, digits, whole, not field.constraints.get("required"))


def split_epsilon(statistics: StatisticalTable, ranges: Mapping[str, Range], epsilon: float) -> dict[str, float]:
    """Figure that is drawn → its part of `epsilon` (sequential composition: the parts add up to it).

    A mean is drawn as a sum of distances from the middle, unless a sum is drawn anyway; `<field>_values`, the number
    of values, only where some may be missing. Raises Refused `epsilon-too-small`.
    """
    drawn = [COUNT]
    for measure in statistics.measures:
        if ranges[measure.field].optional and measure.aggregates != (Aggregate.SUM,):
            drawn.append(measure.column("values"))
        if measure.aggregates:
            drawn.append(measure.column(Aggregate.SUM if Aggregate.SUM in measure.aggregates else Aggregate.MEAN))
        drawn += [measure.quantile_column(share) for share in measure.quantiles]
    part = epsilon / len(drawn)
    if part / statistics.records_per_subject < LEAST_EPSILON:
        raise Refused(
            "epsilon-too-small",
            Text(
                zh=f"ε={epsilon:g} 分给 {len(drawn)} 项数字后过小：每项 {part:.2g}，结果将全是噪声",
                en=f"epsilon = {epsilon:g} is too little for {len(drawn)} figures, {part:.2g} each: nothing but noise",
            ),
            Text(
                zh="请减少统计项或 records_per_subject，或选用 epsilon 更大的策略",
                en="ask for fewer figures or records_per_subject, or name a policy with a larger epsilon",
            ),
            field="statistics",
        )
    return dict.fromkeys(drawn, part)


def draw_figures(
    table: pa.Table,
    cell_of: np.ndarray,
    cells: int,
    statistics: StatisticalTable,
    ranges: Mapping[str, Range],
    split: Mapping[str, float],
) -> dict[str, pa.Array]:
    """Column → figure per cell, all with noise. cell_of: row → its cell, -1 for none; persons are bounded already."""
    from anonymize.dp import with_noise  # OpenDP is a library of its own: loaded where it is used

    records = statistics.records_per_subject
    inside = cell_of >= 0
    cell_of = cell_of[inside]
    counts = with_noise(np.bincount(cell_of, minlength=cells).astype(np.int64), records, split[COUNT])
    columns = {COUNT: pa.array(np.maximum(counts, 0))}
    for measure in statistics.measures:
        values = measured_values(table[measure.field], measure.field)[inside]
        columns |= _figures(measure, ranges[measure.field], values, cell_of, counts, split, records)
    return columns


def _figures(
    measure: Measure,
    within: Range,
    values: np.ndarray,
    cell_of: np.ndarray,
    counts: np.ndarray,
    split: Mapping[str, float],
    records: int,
) -> dict[str, pa.Array]:
    from anonymize.dp import with_noise

    columns: dict[str, pa.Array] = {}
    present = ~np.isnan(values)
    cell_of, values = cell_of[present], np.clip(values[present], *within.bounds)
    epsilon_of_count = split[COUNT]
    if (named := measure.column("values")) in split:
        epsilon_of_count = split[named]
        counts = with_noise(np.bincount(cell_of, minlength=len(counts)).astype(np.int64), records, epsilon_of_count)
        columns[named] = pa.array(np.maximum(counts, 0))
    summed = measure.column(Aggregate.SUM)
    if measure.aggregates:
        drawn = summed if summed in split else measure.column(Aggregate.MEAN)
        middle, change = (0.0, within.largest) if drawn == summed else (within.middle, within.half_width)
        units = np.clip(np.round((values - middle) / within.unit), -change, change).astype(np.int64)
        totals = np.zeros(len(counts), np.int64)
        np.add.at(totals, cell_of, units)
        totals = with_noise(totals, change * records, split[drawn])
        if drawn == summed:
            columns[summed] = _possible(totals, within)
        if Aggregate.MEAN in measure.aggregates:
            margins = (change * records / split[drawn], records / epsilon_of_count)
            columns |= _means(measure, within, middle, totals, counts, margins)
    return columns | _quantiles(measure, within, values, cell_of, counts, split, records)


def _means(
    measure: Measure,
    within: Range,
    middle: float,
    totals: np.ndarray,
    counts: np.ndarray,
    scales: tuple[float, float],
) -> dict[str, pa.Array]:
    """The mean and where it lies in nineteen of twenty cells; empty where that is too wide to be of use.

    scales: of the noise in `totals` (units) and in `counts`. Either leaves its margin in one of forty cells.
    """
    wide, unsure = (scale * np.log(2 / RARE) + 1 for scale in scales)
    known = counts > unsure
    ends = [np.where(known, counts + s * unsure, 1) for s in (-1, 1)]
    low = np.minimum.reduce([(totals - wide) / n for n in ends]) * within.unit + middle
    high = np.maximum.reduce([(totals + wide) / n for n in ends]) * within.unit + middle
    mean = totals / np.maximum(counts, 1) * within.unit + middle
    mean, low, high = (np.clip(numbers, *within.bounds) for numbers in (mean, low, high))
    width = within.bounds[1] - within.bounds[0]
    told = known & (high - low <= WIDEST_INTERVAL * width)
    digits = 2 if width >= 1 else FINEST_DIGITS
    scale = 10**digits
    columns = {
        "mean": np.round(mean, digits),
        "mean_low": np.floor(low * scale) / scale,
        "mean_high": np.ceil(high * scale) / scale,
    }
    return {measure.column(name): pa.array(numbers, mask=~told) for name, numbers in columns.items()}


def _quantiles(
    measure: Measure,
    within: Range,
    values: np.ndarray,
    cell_of: np.ndarray,
    counts: np.ndarray,
    split: Mapping[str, float],
    records: int,
) -> dict[str, pa.Array]:
    """Quantiles in ascending order; empty where the margin of their rank spans all records of the cell."""
    from anonymize.dp import choose_quantiles, rank_margin

    if not measure.quantiles:
        return {}
    order = np.lexsort((values, cell_of))
    values, ends = values[order], np.cumsum(np.bincount(cell_of, minlength=len(counts)))
    sorted_cells = np.split(values, ends[:-1])
    candidates = within.candidates()
    drawn = np.sort(
        [
            choose_quantiles(sorted_cells, candidates, share, split[measure.quantile_column(share)], records)
            for share in measure.quantiles
        ],
        axis=0,
    )
    columns = {}
    for share, chosen in zip(measure.quantiles, drawn, strict=True):
        column = measure.quantile_column(share)
        margin = rank_margin(len(candidates), share, split[column], RARE, records)
        drowned = counts <= margin / max(share, 1 - share)
        columns[column] = pa.array(chosen.astype(np.int64) if within.whole else chosen, mask=drowned)
    return columns


def count_margin(epsilon: float, records: int) -> float:
    """Records by which a count is off in one of twenty cells at most."""
    from anonymize.dp import noise_margin

    return float(ceil(noise_margin(records, epsilon, RARE)))


def sum_margin(within: Range, epsilon: float, records: int) -> float:
    """The same of a sum, in the field's own unit, three digits."""
    from anonymize.dp import noise_margin

    return float(f"{noise_margin(within.largest * records, epsilon, RARE) * within.unit:.3g}")


def quantile_margin(within: Range, share: float, epsilon: float, records: int) -> float:
    """Records that lie between a quantile and what is told for it, in nineteen of twenty cells at most."""
    from anonymize.dp import rank_margin

    return float(ceil(rank_margin(len(within.candidates()), share, epsilon, RARE, records)))


def _possible(totals: np.ndarray, within: Range) -> pa.Array:
    """Sums of numbers that are never negative (or never positive) are neither."""
    if within.bounds[0] >= 0:
        totals = np.maximum(totals, 0)
    if within.bounds[1] <= 0:
        totals = np.minimum(totals, 0)
    if within.whole:
        return pa.array(totals * 10 ** max(-within.digits, 0))
    return pa.array(np.round(totals * within.unit, max(within.digits, 0)))
