"""StatisticalTable: which aggregates the statistical tier publishes, and by which fields."""

from collections.abc import Callable
from enum import StrEnum
from itertools import pairwise
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

COUNT, SUPPRESSED = "count", "suppressed"
PARTS = 10_000  # shares of quantiles are whole ten-thousandths
MOST_QUANTILES = 20
MOST_RECORDS = 100  # of one person that may count


class Aggregate(StrEnum):
    """Figures of a measure besides its quantiles."""

    SUM = "sum"
    MEAN = "mean"


class Measure(BaseModel):
    """A numeric field and its figures. In declarations, the bare name of a field asks for its sum.

    quantiles: shares between 0 and 1, say 0.25, 0.5 and 0.75 for the quartiles; least and greatest value are nobody's
    business. bounds: between which values are taken where noise is added, from knowledge of the field and never from
    the data; without them the schema's minimum and maximum.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str
    aggregates: tuple[Aggregate, ...] = ()
    quantiles: tuple[float, ...] = Field(default=(), max_length=MOST_QUANTILES)
    bounds: tuple[float, float] | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"field": value, "aggregates": (Aggregate.SUM,)} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not self.aggregates and not self.quantiles:
            raise ValueError(f"{self.field}: state aggregates (sum, mean) or quantiles")
        if len(set(self.aggregates)) < len(self.aggregates):
            raise ValueError(f"{self.field}: an aggregate is named twice")
        parts = [round(q * PARTS) for q in self.quantiles]
        if any(not 0 < p < PARTS or abs(p - q * PARTS) > 1e-6 for p, q in zip(parts, self.quantiles, strict=True)):
            raise ValueError(f"{self.field}: quantiles lie between 0 and 1, with at most four decimals")
        if any(a >= b for a, b in pairwise(parts)):
            raise ValueError(f"{self.field}: list quantiles once each, in ascending order")
        if self.bounds is not None and not -float("inf") < self.bounds[0] < self.bounds[1] < float("inf"):
            raise ValueError(f"{self.field}: bounds are two numbers, the lower one first")
        return self

    @model_serializer(mode="wrap")
    def _as_declared(self, plain: Callable[[Self], dict[str, Any]]) -> str | dict[str, Any]:
        """Short where it can be: a declaration means the same question in every version of the platform."""
        if self.aggregates == (Aggregate.SUM,) and not self.quantiles and self.bounds is None:
            return self.field
        return {name: value for name, value in plain(self).items() if value}

    def column(self, figure: str) -> str:
        """Name of the column of one figure, say `pay_mean`."""
        return f"{self.field}_{figure}"

    def quantile_column(self, share: float) -> str:
        """Name of the column of a quantile: `pay_p50`, `pay_p99_9`."""
        return self.column(f"p{100 * share:g}".replace(".", "_"))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the figures that are asked for."""
        return (*map(self.column, self.aggregates), *map(self.quantile_column, self.quantiles))

    @property
    def beside(self) -> tuple[str, ...]:
        """Further columns that a table with noise may have: how many values there are, and where the mean lies."""
        interval = (self.column("mean_low"), self.column("mean_high")) if Aggregate.MEAN in self.aggregates else ()
        return (self.column("values"), *interval)


class StatisticalTable(BaseModel):
    """Which aggregates the statistical tier publishes: counts, and figures of `measures`, by `by`.

    records_per_subject: how many records of one person count, where noise is added; more of them need more noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: tuple[str, ...] = Field(min_length=1)
    measures: tuple[Measure, ...] = ()
    records_per_subject: int = Field(default=1, ge=1, le=MOST_RECORDS, exclude_if=lambda value: value == 1)

    @model_validator(mode="after")
    def _distinct_columns(self) -> Self:
        columns = [*self.by, COUNT, SUPPRESSED, *(c for m in self.measures for c in (*m.columns, *m.beside))]
        twice = sorted({c for c in columns if columns.count(c) > 1})
        if twice or len(set(self.measured)) < len(self.measured):
            raise ValueError(f"statistics: two columns would bear one name: {', '.join(twice or self.measured)}")
        return self

    @property
    def measured(self) -> tuple[str, ...]:
        """Fields that are summed or averaged, or whose quantiles are told."""
        return tuple(m.field for m in self.measures)
