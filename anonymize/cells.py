"""statistical_table: counts and sums by group, small cells suppressed so that no margin gives them back.

Threshold rule and p% rule for primary suppression, complementary suppression along every line of the table, and an
audit of what the margins still imply (Hundepool et al., "Statistical Disclosure Control", 2012, ch. 4). Margins are
not published here, yet taken for known: other tables tell them.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymize.classes import equivalence_classes
from anonymize.hierarchies import distinct_values
from anonymize.suppression import protect
from anonymize.treated import CellCounts, TreatedTable
from schemas.dataset import StatisticalTable
from schemas.disclosure import Control, DisclosureControl, FieldEffect, Thresholds
from schemas.errors import ConfigurationError, Refused
from schemas.table_schema import FieldRole, SchemaField
from schemas.text import Text

COUNT, SUPPRESSED, SUM = "count", "suppressed", "sum"
NEVER_GROUPED = frozenset({FieldRole.DIRECT_IDENTIFIER, FieldRole.FREE_TEXT})


def statistical_table(
    table: pa.Table,
    statistics: StatisticalTable,
    thresholds: Thresholds,
    controls: Sequence[DisclosureControl] = (),
) -> TreatedTable:
    """One row per occurring group of `statistics.by`: its `count`, `<measure>_sum` for each measure, `suppressed`.

    Suppressed cells have neither count nor sums, and are not told apart into small ones and their protectors. Groups
    without records are not listed. controls: the plan of the tier, for titles and to refuse grouping by identifiers.
    Raises ConfigurationError `no-smallest-cell`, Refused `unknown-statistics-field`, `grouped-by-identifier`,
    `measure-not-numeric`.
    """
    smallest = _smallest_cell(thresholds)
    check_fields(table, statistics, controls)
    codes = [distinct_values(table[name])[0] for name in statistics.by]
    class_of, counts = equivalence_classes(codes, table.num_rows)
    first = np.zeros(len(counts), np.int64)
    first[class_of[::-1]] = np.arange(table.num_rows - 1, -1, -1)
    sums = {name: _sums(table[name], class_of, len(counts), name) for name in statistics.measures}
    primary = counts < smallest
    for name in statistics.measures:
        primary |= _dominated(table[name], class_of, counts, thresholds.dominance)
    protected = protect([c[first] for c in codes], counts, primary, smallest)
    hidden = pa.array(protected.suppressed)
    columns = {name: table[name].take(pa.array(first)) for name in statistics.by}
    columns[COUNT] = pa.array(counts, mask=protected.suppressed)
    for name, values in sums.items():
        columns[f"{name}_{SUM}"] = pc.if_else(hidden, pa.scalar(None, values.type), values)
    columns[SUPPRESSED] = hidden
    finished = pa.table(columns)
    finished = finished.sort_by([(name, "ascending") for name in statistics.by])
    published = counts[~protected.suppressed]
    cells = CellCounts(
        by=statistics.by,
        published=len(published),
        primary=int(primary.sum()),
        secondary=int((protected.suppressed & ~primary).sum()),
        smallest_published=int(published.min()) if len(published) else None,
    )
    return TreatedTable(
        table=finished,
        fields=_fields(finished, statistics, controls),
        effects=_effects(table, statistics, cells, counts, protected.suppressed, smallest),
        remarks=()
        if protected.audited
        else (
            Text(
                zh="被抑制的单元格过多，未逐一核算可由合计推出的区间",
                en="too many suppressed cells: what margins imply was not computed cell by cell",
            ),
        ),
        cells=cells,
    )


def _smallest_cell(thresholds: Thresholds) -> int:
    if thresholds.smallest_cell is None:
        raise ConfigurationError(
            "no-smallest-cell",
            Text(zh="策略未规定统计表的最小单元格", en="the policy gives no smallest cell for statistical tables"),
            Text(
                zh="请在该级的 thresholds 中规定 smallest_cell", en="state smallest_cell in the thresholds of the tier"
            ),
            field="policy",
        )
    return thresholds.smallest_cell


def check_fields(table: pa.Table, statistics: StatisticalTable, controls: Sequence[DisclosureControl]) -> None:
    """Raises Refused `unknown-statistics-field`, `grouped-by-identifier`."""
    named = [*statistics.by, *statistics.measures]
    unknown = [name for name in named if name not in table.column_names]
    if unknown:
        raise Refused(
            "unknown-statistics-field",
            Text(zh=f"统计表使用了未知字段：{'、'.join(unknown)}", en=f"unknown fields: {', '.join(unknown)}"),
            Text(zh="请改正数据集声明中的 statistics", en="correct `statistics` in the dataset's declaration"),
            field=unknown[0],
        )
    identifying = {c.field for c in controls if c.role in NEVER_GROUPED}
    grouped = [name for name in statistics.by if name in identifying]
    if grouped:
        raise Refused(
            "grouped-by-identifier",
            Text(
                zh=f"不得按标识字段分组：{'、'.join(grouped)}", en=f"no grouping by identifiers: {', '.join(grouped)}"
            ),
            Text(zh="请改正数据集声明中的 statistics", en="correct `statistics` in the dataset's declaration"),
            field=grouped[0],
        )


def _sums(column: pa.ChunkedArray, class_of: np.ndarray, classes: int, name: str) -> pa.Array:
    """Sum per group in the column's own kind of number; whole numbers and decimals stay exact."""
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise Refused(
            "measure-not-numeric",
            Text(zh=f"字段 {name} 不是数值，不能求和", en=f"field {name} is no number and cannot be summed"),
            Text(zh="请改正数据集声明中的 statistics", en="correct `statistics` in the dataset's declaration"),
            field=name,
        )
    grouped = pa.table({"class": pa.array(class_of), "value": column}).group_by("class").aggregate([("value", "sum")])
    order = np.argsort(grouped["class"].to_numpy(), kind="stable")
    result = grouped["value_sum"].take(pa.array(order)).combine_chunks()
    return result.chunk(0) if isinstance(result, pa.ChunkedArray) and result.num_chunks else result


def _dominated(column: pa.ChunkedArray, class_of: np.ndarray, counts: np.ndarray, share: float | None) -> np.ndarray:
    """p% rule: the second largest contributor could estimate the largest to within `share` of it."""
    if share is None:
        return np.zeros(len(counts), bool)
    values = np.abs(np.nan_to_num(pc.cast(column, pa.float64(), safe=False).to_numpy()))
    total = np.bincount(class_of, values, len(counts))
    order = np.lexsort((-values, class_of))
    starts = np.concatenate(([0], np.cumsum(counts)[:-1])).astype(np.int64)
    largest = values[order][starts]
    has_second = counts > 1
    second = np.zeros(len(counts))
    second[has_second] = values[order][starts[has_second] + 1]
    remainder: np.ndarray = (total - largest - second) < share * largest
    return remainder


def _fields(
    finished: pa.Table, statistics: StatisticalTable, controls: Sequence[DisclosureControl]
) -> tuple[SchemaField, ...]:
    declared = {c.field: c.declared for c in controls if c.declared is not None}

    def title(name: str) -> Text:
        return declared[name].title if name in declared else Text(zh=name, en=name)

    by = [
        declared[name].model_copy(update={"constraints": {}})
        if name in declared
        else SchemaField(name=name, type="any", title=title(name), description=Text(zh="", en=""))
        for name in statistics.by
    ]
    count = SchemaField(
        name=COUNT,
        type="integer",
        title=Text(zh="记录数", en="Count"),
        description=Text(zh="该组的记录数；被抑制的为空", en="records of the group; empty where suppressed"),
    )
    sums = [
        SchemaField(
            name=f"{name}_{SUM}",
            type="integer" if pa.types.is_integer(finished[f"{name}_{SUM}"].type) else "number",
            title=Text(zh=f"{title(name).zh}合计", en=f"Sum of {title(name).en}"),
            description=Text(zh="该组的合计；被抑制的为空", en="sum over the group; empty where suppressed"),
        )
        for name in statistics.measures
    ]
    flag = SchemaField(
        name=SUPPRESSED,
        type="boolean",
        title=Text(zh="已抑制", en="Suppressed"),
        description=Text(
            zh="为保护个人，该组的数值不予公布", en="the figures of the group are withheld to protect persons"
        ),
    )
    return (*by, count, *sums, flag)


def _effects(
    table: pa.Table,
    statistics: StatisticalTable,
    cells: CellCounts,
    counts: np.ndarray,
    suppressed: np.ndarray,
    smallest: int,
) -> tuple[FieldEffect, ...]:
    total = int(counts.sum())
    share = float(counts[suppressed].sum() / total) if total else 0.0
    why = Text(
        zh=f"按 {'、'.join(statistics.by)} 汇总；不足 {smallest} 条或由一方主导的 {cells.primary} 个单元格及为其掩护的 "
        f"{cells.secondary} 个单元格不予公布",
        en=f"aggregated by {', '.join(statistics.by)}; {cells.primary} cells with fewer than {smallest} records or one "
        f"dominant contributor are withheld, and {cells.secondary} more to protect them",
    )
    named = {*statistics.by, *statistics.measures}
    gone = Text(zh="不在统计表中", en="not part of the statistical table")
    return tuple(
        FieldEffect(
            field=name,
            control=Control.GENERALISE if name in named else Control.DROP,
            loss=round(share, 6) if name in named else 1.0,
            cells_suppressed=cells.primary + cells.secondary if name in named else 0,
            why=why if name in named else gone,
        )
        for name in table.column_names
    )
