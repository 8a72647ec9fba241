"""statistical_table: counts, sums, means and quantiles by group, small cells suppressed so that no margin gives them
back.

Threshold rule, p% rule and (n,k) rule for primary suppression, complementary suppression along every line of the
table, and an audit of what the margins still imply (Hundepool et al., "Statistical Disclosure Control", 2012, ch. 4).
Margins are not published here, yet taken for known: other tables tell them. Where the source tells persons apart,
thresholds and dominance speak of persons and not of their records.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymize.cells_rerelease import Cells, cells_beside, changed_figures, remarks_beside
from anonymize.classes import equivalence_classes
from anonymize.dominance import contributions, needed_protection, protection_of_small
from anonymize.earlier import Earlier
from anonymize.hierarchies import distinct_values
from anonymize.statistics_fields import check_fields, figure_title, measured_values
from anonymize.subjects import contributors
from anonymize.suppression import Magnitude, protect
from anonymize.treated import CellCounts, TreatedTable
from schemas.disclosure import Control, DisclosureControl, FieldEffect, Thresholds
from schemas.errors import ConfigurationError
from schemas.statistics import COUNT, PARTS, SUPPRESSED, Aggregate, Measure, StatisticalTable
from schemas.table_schema import SchemaField
from schemas.text import Text

MEAN_DIGITS = 4
NOT_AUDITED = Text(
    zh="被抑制的单元格过多，未逐一核算可由合计推出的区间",
    en="too many suppressed cells: what margins imply was not computed cell by cell",
)


def statistical_table(
    table: pa.Table,
    statistics: StatisticalTable,
    thresholds: Thresholds,
    controls: Sequence[DisclosureControl] = (),
    earlier: Sequence[Earlier] = (),
) -> TreatedTable:
    """One row per occurring group of `statistics.by`: its `count`, the figures of each measure, `suppressed`.

    Suppressed cells have no figures, and are not told apart into small ones and their protectors. Groups without
    records are not listed. controls: the plan of the tier, for titles, to tell contributors apart, and to refuse
    identifiers. earlier: tables of the dataset that were published before; what would tell of few together with them is
    withheld as well. Raises ConfigurationError `no-smallest-cell`, Refused `measure-not-numeric` and those of
    `check_fields`.
    """
    smallest = _smallest_cell(thresholds)
    check_fields(table, statistics, controls)
    codes = [distinct_values(table[name])[0] for name in statistics.by]
    cell_of, counts = equivalence_classes(codes, table.num_rows)
    first = np.zeros(len(counts), np.int64)
    first[cell_of[::-1]] = np.arange(table.num_rows - 1, -1, -1)
    who = contributors(controls, table)
    persons = contributions(np.zeros(table.num_rows), cell_of, who, len(counts)).number
    small = persons < smallest
    labels = {name: table[name].take(pa.array(first)) for name in statistics.by}
    cells = Cells(labels, counts, persons, _most_records(cell_of, who, len(counts)))
    beside = cells_beside(cells, small, smallest, earlier)
    primary, magnitudes, valued = small.copy(), [], {}
    for name in statistics.measured:
        values = measured_values(table[name], name)
        given = contributions(values, cell_of, who, len(counts))
        few = (given.number > 0) & (given.number < smallest)  # else the sum of a rare value is its only holder's
        dominated = needed_protection(given, thresholds)
        unsafe = small | few | beside.differing
        needed = np.maximum(dominated, np.where(unsafe, protection_of_small(given, thresholds), 0.0))
        primary |= few | (dominated > 0)
        sums = np.bincount(cell_of, np.nan_to_num(values), len(counts))
        magnitudes.append(Magnitude(sums, needed))
        valued[name] = given.number
    own = primary | beside.differing
    protected = protect([c[first] for c in codes], counts, own, smallest, magnitudes, beside.withheld)
    hidden = protected.suppressed
    columns = dict(labels)
    columns[COUNT] = pa.array(counts, mask=hidden)
    withheld = 0
    for measure in statistics.measures:
        thin = _thin(measure, valued[measure.field], smallest)
        withheld += int((thin & ~hidden).sum()) if measure.quantiles else 0
        for column, figures in _figures(table[measure.field], measure, cell_of, len(counts), thin).items():
            columns[column] = pc.if_else(pa.array(hidden), pa.scalar(None, figures.type), figures)
    columns[SUPPRESSED] = pa.array(hidden)
    finished = pa.table(columns)
    finished = finished.sort_by([(name, "ascending") for name in statistics.by])
    published = persons[~hidden]
    told = CellCounts(
        by=statistics.by,
        published=len(published),
        primary=int(primary.sum()),
        secondary=int((hidden & ~primary & ~beside.either).sum()),
        smallest_published=int(published.min()) if len(published) else None,
        quantiles_withheld=withheld,
        compared=int((beside.either & ~primary).sum()),
    )
    return TreatedTable(
        table=finished,
        fields=_fields(finished, statistics, controls),
        effects=_effects(table, statistics, told, counts, hidden, smallest),
        remarks=(
            *remarks_beside(beside, primary, changed_figures(finished, earlier)),
            *(() if protected.audited else (NOT_AUDITED,)),
        ),
        cells=told,
    )


def _most_records(cell_of: np.ndarray, who: np.ndarray, cells: int) -> np.ndarray:
    """Cell → records of the contributor with most of them."""
    pair_of, sizes = equivalence_classes([cell_of, who], len(cell_of))
    most = np.zeros(cells, np.int64)
    np.maximum.at(most, cell_of, sizes[pair_of])
    return most


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


def _thin(measure: Measure, contributors: np.ndarray, smallest: int) -> np.ndarray:
    """Cells with too few contributors for the quantiles: these cut a cell into bands, and each is a cell as well.

    So the median needs twice the smallest cell, quartiles four times. Quantiles of one cell go together.
    """
    cuts = np.array([0, *(round(q * PARTS) for q in measure.quantiles), PARTS])
    return np.asarray(contributors * np.diff(cuts).min() < smallest * PARTS)


def _figures(
    column: pa.ChunkedArray, measure: Measure, cell_of: np.ndarray, cells: int, thin: np.ndarray
) -> dict[str, pa.Array]:
    """Column → figure per cell, in the order of the declaration. Missing values take no part."""
    columns = {}
    values = measured_values(column, measure.field)
    present = ~np.isnan(values)
    values, cell_of_value = values[present], cell_of[present]
    number = np.bincount(cell_of_value, minlength=cells)
    for aggregate in measure.aggregates:
        if aggregate is Aggregate.SUM:
            columns[measure.column(aggregate)] = _sums(column, cell_of)
        else:
            means = np.bincount(cell_of_value, values, cells) / np.maximum(number, 1)
            columns[measure.column(aggregate)] = pa.array(np.round(means, MEAN_DIGITS), mask=number == 0)
    if measure.quantiles:
        parts = np.split(values[np.lexsort((values, cell_of_value))], np.cumsum(number)[:-1]) if cells else []
        told = ~thin & (number > 0)
        shares = list(measure.quantiles)
        found = np.array(
            [np.quantile(p, shares) if t else np.zeros(len(shares)) for p, t in zip(parts, told, strict=True)]
        )
        for at, share in enumerate(shares):
            figures = found[:, at] if cells else np.zeros(0)
            columns[measure.quantile_column(share)] = pa.array(np.round(figures, MEAN_DIGITS), mask=~told)
    return columns


def _sums(column: pa.ChunkedArray, cell_of: np.ndarray) -> pa.Array:
    """Sum per cell in the column's own kind of number; whole numbers and decimals stay exact."""
    grouped = pa.table({"cell": pa.array(cell_of), "value": column}).group_by("cell").aggregate([("value", "sum")])
    order = np.argsort(grouped["cell"].to_numpy(), kind="stable")
    result = grouped["value_sum"].take(pa.array(order)).combine_chunks()
    return result.chunk(0) if isinstance(result, pa.ChunkedArray) and result.num_chunks else result


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
    figures = [
        SchemaField(
            name=column,
            type="integer" if pa.types.is_integer(finished[column].type) else "number",
            title=figure_title(column, measure, title(measure.field)),
            description=_description(column, measure),
        )
        for measure in statistics.measures
        for column in measure.columns
    ]
    flag = SchemaField(
        name=SUPPRESSED,
        type="boolean",
        title=Text(zh="已抑制", en="Suppressed"),
        description=Text(
            zh="为保护个人，该组的数值不予公布", en="the figures of the group are withheld to protect persons"
        ),
    )
    return (*by, count, *figures, flag)


def _description(column: str, measure: Measure) -> Text:
    if column == measure.column(Aggregate.SUM):
        return Text(zh="该组的合计；被抑制的为空", en="sum over the group; empty where suppressed")
    if column == measure.column(Aggregate.MEAN):
        return Text(
            zh="该组的平均值，空缺值不计；被抑制的为空", en="mean of the values of the group; empty where suppressed"
        )
    return Text(
        zh="该组的分位数（按位次线性内插）；被抑制的、人数不足以分段的为空",
        en="quantile of the group, interpolated between ranks; empty where suppressed or where too few contribute",
    )


def _further_cells(number: int) -> str:
    return "1 further cell" if number == 1 else f"{number} further cells"


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
        zh=f"按 {'、'.join(statistics.by)} 汇总；不足 {smallest} 人（条）或由少数几方主导的 {cells.primary} 个单元格"
        f"及为其掩护的 {cells.secondary} 个单元格不予公布",
        en=f"aggregated by {', '.join(statistics.by)}; {cells.primary} cells with fewer than {smallest} contributors "
        f"or a few dominant ones are withheld, and {cells.secondary} more to protect them",
    )
    if cells.quantiles_withheld:
        why = Text(
            zh=f"{why.zh}；另有 {cells.quantiles_withheld} 个单元格人数不足以分段，不公布分位数",
            en=f"{why.en}; in {_further_cells(cells.quantiles_withheld)} too few contribute for quantiles",
        )
    if cells.compared:
        why = Text(
            zh=f"{why.zh}；另有 {cells.compared} 个单元格因与此前公布的统计表并列会暴露少数人而不予公布",
            en=f"{why.en}; {_further_cells(cells.compared)} would tell of few beside an earlier table",
        )
    named = {*statistics.by, *statistics.measured}
    gone = Text(zh="不在统计表中", en="not part of the statistical table")
    return tuple(
        FieldEffect(
            field=name,
            control=Control.GENERALISE if name in named else Control.DROP,
            loss=round(share, 6) if name in named else 1.0,
            cells_suppressed=cells.primary + cells.secondary + cells.compared if name in named else 0,
            why=why if name in named else gone,
        )
        for name in table.column_names
    )
