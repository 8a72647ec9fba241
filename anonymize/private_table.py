"""private_table: counts and sums by group with noise, so that nobody's presence changes the figures by much.

Pure epsilon-differential privacy. Groups are all combinations of the values that the *schema* lists, whether or not
anybody is in them: a group that is present, or absent, tells nothing. Publishing only the groups that exceed a noisy
threshold was left out, as it gives a weaker promise (epsilon and delta). One person counts with one record, the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, isfinite, log, log10, prod

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymize.cells import COUNT, NEVER_GROUPED, SUM, check_fields
from anonymize.hierarchies import choose_hierarchy
from anonymize.treated import Privacy, TreatedTable
from schemas.dataset import StatisticalTable
from schemas.disclosure import Control, DisclosureControl, FieldEffect, Thresholds
from schemas.errors import ConfigurationError, Refused
from schemas.hierarchy import Hierarchy
from schemas.table_schema import FieldRole, Meaning, SchemaField
from schemas.text import Text

MECHANISM = "discrete-laplace"
MOST_CELLS = 10_000
MOST_WHOLE_NUMBERS = 1000  # a field of whole numbers between two bounds is a list of groups up to this many
FINEST_DIGITS = 6  # of sums
LARGEST_UNITS = 9  # a bound is at most 10⁹ units, so that sums of a thousand million records are exact
RARE = 0.05  # share of cells whose noise exceeds the margin that is told
# Fields that tell persons, or else enterprises, apart: the surest first. Names do not, but are better than nothing.
SUBJECTS = (
    Meaning.RESIDENT_ID,
    Meaning.SOCIAL_SECURITY_NUMBER,
    Meaning.PROVIDENT_FUND_NUMBER,
    Meaning.PASSPORT,
    Meaning.TRAVEL_PERMIT,
    Meaning.MILITARY_ID,
    Meaning.MOBILE,
    Meaning.PERSON_NAME,
    Meaning.USCC,
    Meaning.ORGANISATION_CODE,
)


@dataclass(frozen=True)
class _Measure:
    """A field that is summed. unit: what one whole number of the sum is worth; largest: in units."""

    name: str
    bounds: tuple[float, float]
    unit: float
    digits: int
    whole: bool

    @property
    def largest(self) -> int:
        return max(ceil(max(map(abs, self.bounds)) / self.unit), 1)


def private_table(
    table: pa.Table,
    statistics: StatisticalTable,
    thresholds: Thresholds,
    controls: Sequence[DisclosureControl],
    hierarchies: Mapping[str, Hierarchy],
    drawn: pa.Table | None = None,
) -> TreatedTable:
    """One row per combination of public values of `statistics.by`: its `count`, `<measure>_sum` for each measure.

    Epsilon is shared equally between the counts and each sum. drawn: the table that was drawn for the same question
    before; then no noise is drawn. Figures that noise made impossible (a count below 0) become the nearest possible.
    Raises ConfigurationError `no-epsilon`, Refused `no-public-domain`, `no-public-bounds`, `too-many-cells`,
    `measure-not-numeric` and those of `check_fields`.
    """
    if thresholds.epsilon is None:
        raise ConfigurationError(
            "no-epsilon",
            Text(zh="策略未规定差分隐私预算", en="the policy gives no budget for differential privacy"),
            field="policy",
        )
    check_fields(table, statistics, controls)
    declared = {c.field: c.declared for c in controls if c.declared is not None}
    domains = {name: public_domain(declared[name], table[name].type, hierarchies) for name in statistics.by}
    _check_size(domains)
    measures = [_measure(declared[name], table[name].type) for name in statistics.measures]
    share = thresholds.epsilon / (1 + len(measures))
    privacy = _privacy(statistics, thresholds.epsilon, share, measures, counted_subject(controls, table))
    return TreatedTable(
        table=_draw(table, domains, measures, share, privacy.subject) if drawn is None else drawn,
        fields=_fields(declared, statistics, measures, privacy),
        effects=_effects(table, statistics, privacy),
        remarks=_remarks(privacy),
        privacy=privacy,
    )


def public_domain(field: SchemaField, kind: pa.DataType, hierarchies: Mapping[str, Hierarchy]) -> pa.Array:
    """The values a field may take, as its schema tells: its list, its hierarchy's table, true and false, or whole
    numbers between its bounds; and no value, where the field may be empty. Raises Refused `no-public-domain`."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    values = _listed(field, kind, hierarchies)
    if values is None:
        raise Refused(
            "no-public-domain",
            Text(
                zh=f"字段 {field.name} 的取值范围未公开列明：以差分隐私发布时，出现哪些分组本身就会泄露信息",
                en=f"the schema does not list the values of field {field.name}: with differential privacy, "
                "which groups occur would itself tell",
            ),
            Text(
                zh="请在表结构中用 enum 列出取值，或指定列出取值的 hierarchy，整数字段可用 minimum 和 maximum",
                en="list them as enum in the schema, name a hierarchy that lists them, or give whole numbers a minimum "
                "and a maximum",
            ),
            field=field.name,
        )
    return values if field.constraints.get("required") else pa.concat_arrays([values, pa.nulls(1, values.type)])


def counted_subject(controls: Sequence[DisclosureControl], table: pa.Table) -> str | None:
    """The direct identifier that tells persons apart; None where there is none: every record is then its own.

    A direct identifier without such a meaning, say a number of the record, does not count persons.
    """
    fields = {
        c.meaning: c.field
        for c in reversed(controls)
        if c.role is FieldRole.DIRECT_IDENTIFIER and c.field in table.column_names
    }
    return next((fields[meaning] for meaning in SUBJECTS if meaning in fields), None)


def _listed(field: SchemaField, kind: pa.DataType, hierarchies: Mapping[str, Hierarchy]) -> pa.Array | None:
    if pa.types.is_boolean(kind):
        return pa.array([False, True])
    if values := field.constraints.get("enum"):
        return pa.array(list(dict.fromkeys(str(v) for v in values))).cast(kind)
    if field.hierarchy is not None:
        first = next(iter(choose_hierarchy(field, hierarchies).levels), None)
        if first is not None and first.lookup is not None and first.key_length is None:
            return pa.array(list(first.lookup)).cast(kind)
    low, high = field.constraints.get("minimum"), field.constraints.get("maximum")
    if pa.types.is_integer(kind) and low is not None and high is not None and int(high) - int(low) < MOST_WHOLE_NUMBERS:
        return pa.array(range(int(low), int(high) + 1), kind)
    return None


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


def _measure(field: SchemaField, kind: pa.DataType) -> _Measure:
    """Raises Refused `measure-not-numeric`, `no-public-bounds`."""
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise Refused(
            "measure-not-numeric",
            Text(
                zh=f"字段 {field.name} 不是数值，不能求和", en=f"field {field.name} is no number and cannot be summed"
            ),
            Text(zh="请改正数据集声明中的 statistics", en="correct `statistics` in the dataset's declaration"),
            field=field.name,
        )
    limits = [field.constraints.get(name) for name in ("minimum", "maximum")]
    low, high = (float(v) if v is not None else float("nan") for v in limits)
    if not (isfinite(low) and isfinite(high) and low <= high):
        raise Refused(
            "no-public-bounds",
            Text(
                zh=f"字段 {field.name} 未声明取值上下限，无法确定合计所需的噪声",
                en=f"field {field.name} declares no bounds, so the noise its sum needs is not known",
            ),
            Text(
                zh="请在表结构中为该字段规定 minimum 和 maximum（依据业务常识，不得取自数据）",
                en="give it a minimum and a maximum in the schema, from knowledge of the field, not from the data",
            ),
            field=field.name,
        )
    largest = max(abs(low), abs(high), 1e-9)
    whole = pa.types.is_integer(kind)
    digits = min(LARGEST_UNITS - ceil(log10(largest)), 0 if whole else FINEST_DIGITS)
    return _Measure(field.name, (low, high), 10.0**-digits, digits, whole)


def _privacy(
    statistics: StatisticalTable, epsilon: float, share: float, measures: Sequence[_Measure], subject: str | None
) -> Privacy:
    margin = log(1 / RARE) / share
    return Privacy(
        mechanism=MECHANISM,
        epsilon=epsilon,
        epsilon_of_each=share,
        unit="record" if subject is None else "person",
        subject=subject,
        records_per_subject=1,
        by=statistics.by,
        bounds={m.name: m.bounds for m in measures},
        margins={
            COUNT: float(ceil(margin)),
            **{f"{m.name}_{SUM}": float(f"{margin * m.largest * m.unit:.3g}") for m in measures},
        },
    )


def _draw(
    table: pa.Table, domains: Mapping[str, pa.Array], measures: Sequence[_Measure], share: float, subject: str | None
) -> pa.Table:
    from anonymize.dp import bound_contributions, with_noise  # OpenDP is a library of its own: loaded where it is used

    if subject is not None:  # a record that tells no person could be somebody's second
        table = bound_contributions(table.filter(pc.is_valid(table[subject])), subject, 1)
    cell_of = _cells(table, domains)
    sizes = [len(values) for values in domains.values()]
    cells, counted = prod(sizes), cell_of >= 0
    places = np.unravel_index(np.arange(cells), sizes)
    columns = {name: values.take(pa.array(at)) for (name, values), at in zip(domains.items(), places, strict=True)}
    counts = np.bincount(cell_of[counted], minlength=cells).astype(np.int64)
    columns[COUNT] = pa.array(np.maximum(with_noise(counts, 1, share), 0))
    for measure in measures:
        totals = np.zeros(cells, np.int64)
        np.add.at(totals, cell_of[counted], _in_units(table[measure.name], measure)[counted])
        columns[f"{measure.name}_{SUM}"] = _possible(with_noise(totals, measure.largest, share), measure)
    return pa.table(columns)


def _cells(table: pa.Table, domains: Mapping[str, pa.Array]) -> np.ndarray:
    """Row → number of its cell; -1 where a value is not among the public ones."""
    cell_of = np.zeros(table.num_rows, np.int64)
    for name, values in domains.items():
        at = pc.index_in(table[name].cast(values.type), value_set=values, skip_nulls=False)
        place = pc.fill_null(at, -1).to_numpy().astype(np.int64)
        cell_of = np.where((cell_of < 0) | (place < 0), -1, cell_of * len(values) + place)
    return cell_of


def _in_units(column: pa.ChunkedArray, measure: _Measure) -> np.ndarray:
    """Values within the bounds as whole numbers of units; a missing value counts 0."""
    numbers = np.nan_to_num(pc.cast(column, pa.float64(), safe=False).to_numpy(), nan=np.nan, posinf=np.inf)
    units = np.round(np.clip(numbers, *measure.bounds) / measure.unit)
    return np.clip(np.nan_to_num(units, nan=0.0), -measure.largest, measure.largest).astype(np.int64)


def _possible(totals: np.ndarray, measure: _Measure) -> pa.Array:
    """Sums of numbers that are never negative (or never positive) are neither."""
    if measure.bounds[0] >= 0:
        totals = np.maximum(totals, 0)
    if measure.bounds[1] <= 0:
        totals = np.minimum(totals, 0)
    if measure.whole:
        return pa.array(totals * 10 ** max(-measure.digits, 0))
    return pa.array(np.round(totals * measure.unit, max(measure.digits, 0)))


def _fields(
    declared: Mapping[str, SchemaField], statistics: StatisticalTable, measures: Sequence[_Measure], privacy: Privacy
) -> tuple[SchemaField, ...]:
    def noisy(column: str) -> Text:
        margin = f"{privacy.margins[column]:,g}"
        return Text(
            zh=f"已加噪声（ε={privacy.epsilon_of_each:g}）；二十个单元格中约有十九个与真值相差不超过 {margin}",
            en=f"with noise (epsilon = {privacy.epsilon_of_each:g}); 19 of 20 cells are within {margin} of the truth",
        )

    by = [declared[name].model_copy(update={"constraints": {}}) for name in statistics.by]
    count = SchemaField(name=COUNT, type="integer", title=Text(zh="记录数", en="Count"), description=noisy(COUNT))
    sums = [
        SchemaField(
            name=f"{m.name}_{SUM}",
            type="integer" if m.whole else "number",
            title=Text(zh=f"{declared[m.name].title.zh}合计", en=f"Sum of {declared[m.name].title.en}"),
            description=noisy(f"{m.name}_{SUM}"),
        )
        for m in measures
    ]
    return (*by, count, *sums)


def _effects(table: pa.Table, statistics: StatisticalTable, privacy: Privacy) -> tuple[FieldEffect, ...]:
    """Loss is not measured: it would tell of the data what noise hides."""
    named = {*statistics.by, *statistics.measures}
    why = Text(
        zh=f"按 {'、'.join(statistics.by)} 汇总并加噪声，整表 ε={privacy.epsilon:g}",
        en=f"aggregated by {', '.join(statistics.by)} with noise, epsilon = {privacy.epsilon:g} for the whole table",
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
    identifying = {c.field for c in controls if c.role in NEVER_GROUPED}
    if named := sorted(set(treated.by) & identifying):
        listed = ", ".join(named)
        wrong.append(Text(zh=f"统计表按标识字段分组：{listed}", en=f"the table is grouped by identifiers: {listed}"))
    if thresholds.epsilon is None or treated.epsilon > thresholds.epsilon:
        wrong.append(
            Text(
                zh=f"ε={treated.epsilon:g}，策略允许 {thresholds.epsilon}",
                en=f"epsilon = {treated.epsilon:g}, the policy allows {thresholds.epsilon}",
            )
        )
    return wrong
