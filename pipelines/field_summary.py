"""Summaries of the columns of a published table: how full they are, their range, their frequent values.

Made from reviewed bytes alone, for tiers that everybody may read. Written when a release is published, so that the
server only reads JSON.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, TypeAdapter

from pipelines.home import Home
from schemas.release import Distribution
from schemas.whole_file import whole_file

if TYPE_CHECKING:
    import pandas as pd

FREQUENT = 5
MOST_DISTINCT = 50  # a column with more values than this has no frequent ones worth listing


class FieldSummary(BaseModel):
    """One column. filled: share of rows with a value. lowest, highest: numbers and times; mean, median: numbers.

    frequent: value → rows, of columns with few values.
    """

    model_config = ConfigDict(frozen=True)

    field: str
    filled: float
    distinct: int
    lowest: str | None = None
    highest: str | None = None
    mean: float | None = None
    median: float | None = None
    frequent: dict[str, int] = {}


SUMMARIES = TypeAdapter(list[FieldSummary])


def summarise_fields(parquet: Path) -> list[FieldSummary]:
    """One summary per column, read one at a time."""
    with pq.ParquetFile(parquet) as file:
        return [_summary(name, file.read(columns=[name]).column(0)) for name in file.schema_arrow.names]


def _summary(name: str, column: pa.ChunkedArray) -> FieldSummary:
    import pandas as pd  # loads here, where something is published; the server only reads what was written

    series = column.to_pandas(types_mapper=pd.ArrowDtype)
    present = series.dropna()
    filled = len(present) / len(series) if len(series) else 0.0
    if not len(present) or pa.types.is_nested(column.type):
        return FieldSummary(field=name, filled=filled, distinct=0)
    distinct = int(present.nunique())
    return FieldSummary(
        field=name,
        filled=filled,
        distinct=distinct,
        **_range(present, column.type),
        frequent=_frequent(present) if distinct <= MOST_DISTINCT else {},
    )


def _range(present: "pd.Series[Any]", kind: pa.DataType) -> dict[str, Any]:
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if not number and not pa.types.is_temporal(kind):
        return {}
    bounds = {"lowest": str(present.min()), "highest": str(present.max())}
    if not number:
        return bounds
    numbers = present.astype("float64")
    return {**bounds, "mean": float(numbers.mean()), "median": float(numbers.median())}


def _frequent(present: "pd.Series[Any]") -> dict[str, int]:
    counts = present.value_counts().head(FREQUENT)
    return {str(value): int(count) for value, count in counts.items()}


def write_summary(parquet: Path, target: Path) -> None:
    """Write the summaries as JSON, whole or not at all; an existing file is left alone."""
    if target.exists():
        return
    content = SUMMARIES.dump_json(summarise_fields(parquet))
    with whole_file(target) as unfinished:
        unfinished.write_bytes(content)


def summary_path(home: Home, distribution: Distribution) -> Path:
    """Where the summary of a distribution is kept."""
    return home / "rows" / f"{distribution.file('parquet').digest}.summary.json"


def read_summary(path: Path) -> list[FieldSummary]:
    """The summaries, or none where they were not written."""
    try:
        return SUMMARIES.validate_python(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return []
