"""What a statistical table may ask for, and what its columns are called."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.disclosure import DisclosureControl
from schemas.errors import Refused
from schemas.statistics import Measure, StatisticalTable
from schemas.table_schema import FieldRole
from schemas.text import Text

NEVER_AGGREGATED = frozenset({FieldRole.DIRECT_IDENTIFIER, FieldRole.FREE_TEXT})
REMEDY = Text(zh="请改正数据集声明中的 statistics", en="correct `statistics` in the dataset's declaration")
QUANTILES = {
    0.25: Text(zh="下四分位数", en="Lower quartile"),
    0.5: Text(zh="中位数", en="Median"),
    0.75: Text(zh="上四分位数", en="Upper quartile"),
}


def check_fields(table: pa.Table, statistics: StatisticalTable, controls: Sequence[DisclosureControl]) -> None:
    """Raises Refused `unknown-statistics-field`, `grouped-by-identifier`, `measured-identifier`."""
    unknown = [name for name in (*statistics.by, *statistics.measured) if name not in table.column_names]
    if unknown:
        raise Refused(
            "unknown-statistics-field",
            Text(zh=f"统计表使用了未知字段：{'、'.join(unknown)}", en=f"unknown fields: {', '.join(unknown)}"),
            REMEDY,
            field=unknown[0],
        )
    identifying = {c.field for c in controls if c.role in NEVER_AGGREGATED}
    if grouped := [name for name in statistics.by if name in identifying]:
        raise Refused(
            "grouped-by-identifier",
            Text(
                zh=f"不得按标识字段分组：{'、'.join(grouped)}", en=f"no grouping by identifiers: {', '.join(grouped)}"
            ),
            REMEDY,
            field=grouped[0],
        )
    if measured := [name for name in statistics.measured if name in identifying]:
        raise Refused(
            "measured-identifier",  # the median of identity numbers is somebody's
            Text(
                zh=f"不得对标识字段求和、求平均或取分位数：{'、'.join(measured)}",
                en=f"no sums, means or quantiles of identifiers: {', '.join(measured)}",
            ),
            REMEDY,
            field=measured[0],
        )


def check_number(kind: pa.DataType, name: str) -> None:
    """Raises Refused `measure-not-numeric`."""
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return
    raise Refused(
        "measure-not-numeric",
        Text(
            zh=f"字段 {name} 不是数值，不能求和、求平均或取分位数",
            en=f"field {name} is no number: it has neither sum nor mean nor quantiles",
        ),
        REMEDY,
        field=name,
    )


def measured_values(column: pa.ChunkedArray, name: str) -> np.ndarray:
    """The cells of a measure as float64, missing ones as NaN. Raises Refused `measure-not-numeric`."""
    check_number(column.type, name)
    return pc.cast(column, pa.float64(), safe=False).to_numpy().astype(np.float64)


def figure_title(column: str, measure: Measure, field: Text) -> Text:
    """Title of a column of `measure`, whose field is called `field`."""
    named = {
        "sum": Text(zh=f"{field.zh}合计", en=f"Sum of {field.en}"),
        "mean": Text(zh=f"{field.zh}平均值", en=f"Mean of {field.en}"),
        "mean_low": Text(zh=f"{field.zh}平均值下限", en=f"Mean of {field.en}, lower limit"),
        "mean_high": Text(zh=f"{field.zh}平均值上限", en=f"Mean of {field.en}, upper limit"),
        "values": Text(zh=f"{field.zh}有值的记录数", en=f"Records with {field.en}"),
    }
    titles = {measure.column(figure): title for figure, title in named.items()}
    for share in measure.quantiles:
        words = QUANTILES.get(share) or Text(zh=f"第 {100 * share:g} 百分位数", en=f"Percentile {100 * share:g}")
        titles[measure.quantile_column(share)] = Text(zh=f"{field.zh}{words.zh}", en=f"{words.en} of {field.en}")
    return titles[column]
