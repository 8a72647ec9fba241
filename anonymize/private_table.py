"""private_table: counts, sums, means and quantiles by group with noise, so that nobody's presence changes the figures
by much.

Pure epsilon-differential privacy. Groups are all combinations of the values that the *schema* lists, whether or not
anybody is in them: a group that is present, or absent, tells nothing. Publishing only the groups that exceed a noisy
threshold was left out, as it gives a weaker promise (epsilon and delta). One person counts with so many records as the
declaration says, over all groups together.
"""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymize.budget import TOLERANCE, no_epsilon
from anonymize.private_figures import (
    Range,
    count_margin,
    draw_figures,
    measured_range,
    quantile_margin,
    split_epsilon,
    sum_margin,
)
from anonymize.public_domain import public_domain
from anonymize.statistics_fields import NEVER_AGGREGATED, check_fields, figure_title
from anonymize.subjects import counted_subject
from anonymize.treated import Privacy, TreatedTable
from schemas.disclosure import Control, DisclosureControl, FieldEffect, Thresholds
from schemas.errors import Refused
from schemas.hierarchy import Hierarchy
from schemas.statistics import COUNT, Aggregate, Measure, StatisticalTable
from schemas.table_schema import SchemaField
from schemas.text import Text

MECHANISM, SELECTION = "discrete-laplace", "permute-and-flip"
MOST_CELLS = 10_000


def private_table(
    table: pa.Table,
    statistics: StatisticalTable,
    thresholds: Thresholds,
    controls: Sequence[DisclosureControl],
    hierarchies: Mapping[str, Hierarchy],
    drawn: pa.Table | None = None,
) -> TreatedTable:
    """One row per combination of public values of `statistics.by`: its `count`, and the figures of each measure.

    Epsilon is shared equally between the figures that are drawn (`split_epsilon`). drawn: the table that was drawn
    for the same question before; then no noise is drawn. Figures that noise made impossible (a count below 0) become
    the nearest possible. Raises ConfigurationError `no-epsilon`, Refused `no-public-domain`, `no-public-bounds`,
    `too-many-cells`, `measure-not-numeric`, `epsilon-too-small`, `no-subject-to-bound` and those of `check_fields`.
    """
    if thresholds.epsilon is None:
        raise no_epsilon()
    check_fields(table, statistics, controls)
    declared = {c.field: c.declared for c in controls if c.declared is not None}
    domains = {name: public_domain(declared[name], table[name].type, hierarchies) for name in statistics.by}
    _check_size(domains)
    ranges = {m.field: measured_range(declared[m.field], table[m.field].type, m) for m in statistics.measures}
    split = split_epsilon(statistics, ranges, thresholds.epsilon)
    subject = _bounded_subject(statistics, controls, table)
    privacy = _privacy(statistics, thresholds.epsilon, split, ranges, subject)
    return TreatedTable(
        table=_draw(table, domains, statistics, ranges, privacy) if drawn is None else drawn,
        fields=_fields(declared, statistics, ranges, privacy),
        effects=_effects(table, statistics, privacy),
        remarks=_remarks(privacy),
        privacy=privacy,
    )


def _bounded_subject(
    statistics: StatisticalTable, controls: Sequence[DisclosureControl], table: pa.Table
) -> str | None:
    subject = counted_subject(controls, table)
    if subject is None and statistics.records_per_subject > 1:
        raise Refused(
            "no-subject-to-bound",
            Text(
                zh="没有可区分个人的字段，无法限定每人的记录数",
                en="no field tells persons apart, so their records cannot be bounded",
            ),
            Text(
                zh="请去掉声明中的 records_per_subject（保护的将是单条记录），或在表结构中为标识字段注明角色和含义",
                en="leave out records_per_subject (single records are then protected), or state role and meaning of "
                "the identifying field in the schema",
            ),
            field="statistics",
        )
    return subject


def _check_size(domains: Mapping[str, pa.Array]) -> None:
    cells = prod(len(values) for values in domains.values())
    if cells > MOST_CELLS:
        raise Refused(
            "too-many-cells",
            Text(zh=f"统计表有 {cells:,} 个单元格，上限 {MOST_CELLS:,}", en=f"{cells:,} cells, at most {MOST_CELLS:,}"),
            Text(
                zh="请减少分组字段：单元格越多，噪声相对越大",
                en="group by fewer fields: more cells, more noise in each",
            ),
            field="statistics",
        )


def _privacy(
    statistics: StatisticalTable,
    epsilon: float,
    split: dict[str, float],
    ranges: Mapping[str, Range],
    subject: str | None,
) -> Privacy:
    records = statistics.records_per_subject
    margins = {COUNT: count_margin(split[COUNT], records)}
    rank_margins, steps, intervals = {}, {}, {}
    for measure in statistics.measures:
        within = ranges[measure.field]
        if (named := measure.column("values")) in split:
            margins[named] = count_margin(split[named], records)
        if (summed := measure.column(Aggregate.SUM)) in split:
            margins[summed] = sum_margin(within, split[summed], records)
        if Aggregate.MEAN in measure.aggregates:
            intervals[measure.column("mean")] = (measure.column("mean_low"), measure.column("mean_high"))
        for share in measure.quantiles:
            column = measure.quantile_column(share)
            rank_margins[column] = quantile_margin(within, share, split[column], records)
            steps[column] = within.step
    return Privacy(
        mechanism=MECHANISM,
        epsilon=epsilon,
        epsilon_of_each=split[COUNT],
        unit="record" if subject is None else "person",
        subject=subject,
        records_per_subject=records,
        by=statistics.by,
        bounds={name: within.bounds for name, within in ranges.items()},
        margins=margins,
        selection=SELECTION if rank_margins else None,
        split=split,
        intervals=intervals,
        rank_margins=rank_margins,
        steps=steps,
    )


def _draw(
    table: pa.Table,
    domains: Mapping[str, pa.Array],
    statistics: StatisticalTable,
    ranges: Mapping[str, Range],
    privacy: Privacy,
) -> pa.Table:
    from anonymize.dp import bound_contributions  # OpenDP is a library of its own: loaded where it is used

    subject = privacy.subject
    if subject is not None:  # a record that tells no person could be somebody's second
        table = table.filter(pc.is_valid(table[subject]))
        table = bound_contributions(table, subject, privacy.records_per_subject)
    sizes = [len(values) for values in domains.values()]
    places = np.unravel_index(np.arange(prod(sizes)), sizes)
    groups = {name: values.take(pa.array(at)) for (name, values), at in zip(domains.items(), places, strict=True)}
    figures = draw_figures(table, _cells(table, domains), prod(sizes), statistics, ranges, privacy.split)
    return pa.table({**groups, **{name: figures[name] for name in _columns(statistics, privacy)}})


def _columns(statistics: StatisticalTable, privacy: Privacy) -> list[str]:
    """Columns of the figures, in the order of the declaration; a mean is followed by the interval it lies in."""
    columns = [COUNT]
    for measure in statistics.measures:
        columns += [c for c in [measure.column("values")] if c in privacy.split]
        columns += [c for figure in measure.columns for c in (figure, *privacy.intervals.get(figure, ()))]
    return columns


def _cells(table: pa.Table, domains: Mapping[str, pa.Array]) -> np.ndarray:
    """Row → number of its cell; -1 where a value is not among the public ones."""
    cell_of = np.zeros(table.num_rows, np.int64)
    for name, values in domains.items():
        at = pc.index_in(table[name].cast(values.type), value_set=values, skip_nulls=False)
        place = pc.fill_null(at, -1).to_numpy().astype(np.int64)
        cell_of = np.where((cell_of < 0) | (place < 0), -1, cell_of * len(values) + place)
    return cell_of


def _fields(
    declared: Mapping[str, SchemaField],
    statistics: StatisticalTable,
    ranges: Mapping[str, Range],
    privacy: Privacy,
) -> tuple[SchemaField, ...]:
    by = [declared[name].model_copy(update={"constraints": {}}) for name in statistics.by]
    count = SchemaField(
        name=COUNT, type="integer", title=Text(zh="记录数", en="Count"), description=_noisy(COUNT, privacy)
    )
    measured = {column: m for m in statistics.measures for column in (*m.columns, *m.beside)}
    figures = [
        SchemaField(
            name=column,
            type=_kind(column, measured[column], ranges),
            title=figure_title(column, measured[column], declared[measured[column].field].title),
            description=_described(column, measured[column], privacy),
        )
        for column in _columns(statistics, privacy)[1:]
    ]
    return (*by, count, *figures)


def _kind(column: str, measure: Measure, ranges: Mapping[str, Range]) -> str:
    if column == measure.column("values"):
        return "integer"
    mean = column.startswith(measure.column("mean"))
    return "integer" if ranges[measure.field].whole and not mean else "number"


def _described(column: str, measure: Measure, privacy: Privacy) -> Text:
    if column in privacy.margins:
        return _noisy(column, privacy)
    if column in privacy.rank_margins:
        return _chosen(column, privacy)
    if column != measure.column("mean"):
        return Text(
            zh="二十个单元格中约有十九个，真实平均值在这两个界限之间",
            en="in 19 of 20 cells the true mean lies between the two limits",
        )
    return Text(
        zh=f"加噪声的合计除以加噪声的个数（每项 ε={privacy.epsilon_of_each:g}）；不确定范围见其后两列，"
        "噪声完全淹没时为空",
        en=f"sum with noise over number with noise (epsilon = {privacy.epsilon_of_each:g} each); the two columns "
        "after it tell how sure it is; empty where there is nothing but noise",
    )


def _noisy(column: str, privacy: Privacy) -> Text:
    margin, epsilon = f"{privacy.margins[column]:,g}", f"{privacy.split[column]:g}"
    return Text(
        zh=f"已加噪声（ε={epsilon}）；二十个单元格中约有十九个与真值相差不超过 {margin}",
        en=f"with noise (epsilon = {epsilon}); 19 of 20 cells are within {margin} of the truth",
    )


def _chosen(column: str, privacy: Privacy) -> Text:
    step, records = f"{privacy.steps[column]:,g}", f"{privacy.rank_margins[column]:,g}"
    epsilon = f"{privacy.split[column]:g}"
    return Text(
        zh=f"随机选取的近似值（ε={epsilon}），取整到 {step}；二十个单元格中至少十九个，与真实分位数之间的记录不超过 "
        f"{records} 条；记录太少时为空",
        en=f"chosen at random near the truth (epsilon = {epsilon}), to the nearest {step}; in 19 of 20 cells at most "
        f"{records} records lie between it and the true quantile; empty where there are too few records",
    )


def _effects(table: pa.Table, statistics: StatisticalTable, privacy: Privacy) -> tuple[FieldEffect, ...]:
    """Loss is not measured: it would tell of the data what noise hides."""
    named = {*statistics.by, *statistics.measured}
    why = Text(
        zh=f"按 {'、'.join(statistics.by)} 汇总并加噪声，整表 ε={privacy.epsilon:g}，"
        f"由 {len(privacy.split)} 项数字平分",
        en=f"aggregated by {', '.join(statistics.by)} with noise, epsilon = {privacy.epsilon:g} for the whole table, "
        f"shared equally by {len(privacy.split)} figures",
    )
    gone = Text(zh="不在统计表中", en="not part of the statistical table")
    return tuple(
        FieldEffect(
            field=name,
            control=Control.GENERALISE if name in named else Control.DROP,
            loss=0.0 if name in named else 1.0,
            why=why if name in named else gone,
        )
        for name in table.column_names
    )


def _remarks(privacy: Privacy) -> tuple[Text, ...]:
    """What a reviewer has to know: nothing tells persons apart, so the promise is weaker."""
    if privacy.subject is not None:
        return ()
    return (
        Text(
            zh="没有可区分个人的字段：差分隐私保护的是单条记录，一人有多条记录时保护较弱",
            en="no field tells persons apart: single records are protected, and persons with several of them less",
        ),
    )


def unfit_privacy(treated: Privacy, controls: Sequence[DisclosureControl], thresholds: Thresholds) -> list[Text]:
    """Why a private table does not meet its policy; empty where it does."""
    wrong = []
    identifying = {c.field for c in controls if c.role in NEVER_AGGREGATED}
    if named := sorted(set(treated.by) & identifying):
        listed = ", ".join(named)
        wrong.append(Text(zh=f"统计表按标识字段分组：{listed}", en=f"the table is grouped by identifiers: {listed}"))
    spent = max(treated.epsilon, sum(treated.split.values()))
    if thresholds.epsilon is None or spent > thresholds.epsilon + TOLERANCE:
        wrong.append(
            Text(
                zh=f"ε={spent:g}，策略允许 {thresholds.epsilon}",
                en=f"epsilon = {spent:g}, the policy allows {thresholds.epsilon}",
            )
        )
    return wrong
