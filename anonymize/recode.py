"""Recoding: quasi-identifiers are generalised and records suppressed until the policy's k, l and t hold."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymize.earlier import ladder_of
from anonymize.hierarchies import GeneralisedColumn, distinct_values, fixed_column, generalise_column
from anonymize.infeasible import infeasible
from anonymize.kanonymity import FullDomain, Requirement, SensitiveColumn, failing_rows, full_domain, losses_of
from anonymize.lattice import Lattice
from anonymize.level_words import published_as, published_by_group
from anonymize.loss import aggregate_loss
from anonymize.mondrian import local_recoding
from anonymize.tuples import Node
from schemas.disclosure import Control, DisclosureControl, Recoding, Thresholds, TierPolicy
from schemas.errors import ConfigurationError
from schemas.table_schema import FieldRole, Meaning
from schemas.text import Text

VARIES = -1  # the level of a column differs between records
# Numbers that stand for one person, the surest first.
PERSON_NUMBERS = (
    Meaning.RESIDENT_ID,
    Meaning.PASSPORT,
    Meaning.TRAVEL_PERMIT,
    Meaning.MILITARY_ID,
    Meaning.SOCIAL_SECURITY_NUMBER,
    Meaning.PROVIDENT_FUND_NUMBER,
)
# A quasi-identifier under these controls is no longer one that others could know.
UNKNOWABLE = frozenset({Control.DROP, Control.PSEUDONYM})


@dataclass(frozen=True)
class Recoded:
    """columns: field → recoded column, where it changed. kept: row → stays. losses: field → loss.

    published: field → how it is published, in words. left_out: why the other records are left out. lattice: of the
    search for full-domain levels. ladders: field → digests of the steps of its hierarchy.
    """

    columns: dict[str, pa.Array]
    kept: np.ndarray
    levels: dict[str, int]
    losses: dict[str, float]
    loss: float
    published: dict[str, Text]
    left_out: Text
    optimal: bool = True
    lattice: Lattice | None = None
    ladders: dict[str, tuple[str, ...]] = field(default_factory=dict)


def quasi_identifiers(controls: Sequence[DisclosureControl]) -> tuple[str, ...]:
    """Fields over which k is reached and measured: role quasi-identifier and still readable."""
    return tuple(c.field for c in controls if c.role is FieldRole.QUASI_IDENTIFIER and c.control not in UNKNOWABLE)


def sensitive_fields(controls: Sequence[DisclosureControl]) -> tuple[str, ...]:
    """Fields over which l and t are reached and measured: role sensitive and still readable."""
    return tuple(c.field for c in controls if c.role is FieldRole.SENSITIVE and c.control not in UNKNOWABLE)


def recode(
    table: pa.Table, source: pa.Table, controls: Sequence[DisclosureControl], tier_policy: TierPolicy
) -> Recoded:
    """Recode the quasi-identifiers of `table`, whose other fields are already treated, row by row as in `source`.

    Where persons have several records, every class must hold k persons, not just k records. Raises Refused
    `infeasible-thresholds`, ConfigurationError `no-k`.
    """
    names = quasi_identifiers(controls)
    by_field = {c.field: c for c in controls}
    columns = [generalised(table, by_field[name]) for name in names]
    sensitive = [sensitive_column(name, table[name]) for name in sensitive_fields(controls)]
    return recode_columns(columns, sensitive, tier_policy, persons_column(source, controls))


def persons_column(source: pa.Table, controls: Sequence[DisclosureControl]) -> np.ndarray | None:
    """Row → person, from the surest number of persons the table holds; None where everybody has one record or the
    table has no such number. A record without number is a person of its own."""
    field = person_number(controls)
    if field is None:
        return None
    codes = persons_of(source[field])
    return None if len(np.unique(codes)) == len(codes) else codes


def person_number(controls: Sequence[DisclosureControl]) -> str | None:
    """The field with the surest number of persons, None where there is none."""
    numbers = {c.meaning: c.field for c in controls if c.role is FieldRole.DIRECT_IDENTIFIER}
    return next((numbers[meaning] for meaning in PERSON_NUMBERS if meaning in numbers), None)


def told_person(controls: Sequence[DisclosureControl]) -> str | None:
    """The field that tells persons apart, where the treated table still does."""
    telling = {c.field for c in controls if c.control in (Control.PSEUDONYM, Control.KEEP)}
    number = person_number(controls)
    return number if number in telling else None


def persons_of(numbers: pa.ChunkedArray) -> np.ndarray:
    """Row → person. A record without number is a person of its own."""
    codes, values = distinct_values(numbers)
    unknown = np.asarray(values.is_null())[codes] if len(codes) else np.zeros(0, bool)
    return np.where(unknown, len(values) + np.arange(len(codes)), codes)


def recode_columns(
    columns: Sequence[GeneralisedColumn],
    sensitive: Sequence[SensitiveColumn],
    tier_policy: TierPolicy,
    persons: np.ndarray | None = None,
    after: Lattice | None = None,
) -> Recoded:
    """Recode `columns` as the policy says. persons: row → person, where persons have several records. after: the
    lattice of the same columns recoded for a smaller k, all else being equal."""
    requirement = _requirement(tier_policy.thresholds)
    watched = list(sensitive) if requirement.l is not None or requirement.t is not None else []
    if persons is not None:
        watched.append(SensitiveColumn("", persons, least=requirement.k))
    if tier_policy.recoding is Recoding.LOCAL and all(c.height > 1 for c in columns):
        return _local(columns, requirement, watched)
    if tier_policy.recoding is Recoding.SUPPRESS:
        return _suppress(columns, requirement, watched)
    found = _full_domain(columns, requirement, watched, after)
    if found is None:
        raise infeasible(columns, requirement, watched)
    recoded = _at_levels(columns, found.levels, found.suppressed, requirement, watched)
    return replace(recoded, optimal=found.optimal, lattice=found.lattice)


def _full_domain(
    columns: Sequence[GeneralisedColumn],
    requirement: Requirement,
    watched: Sequence[SensitiveColumn],
    after: Lattice | None = None,
) -> FullDomain | None:
    """The optimum for classes of records; its classes of too few persons go as well, if the limit allows. Only if it
    does not, the search counts persons at every node, which takes long."""
    found = full_domain(columns, requirement, [s for s in watched if s.least is None], after=after)
    if found is None or all(s.least is None for s in watched):
        return found
    suppressed = failing_rows(columns, found.levels, requirement, watched)
    if suppressed.sum() > requirement.suppression_limit * len(suppressed):
        return full_domain(columns, requirement, watched)
    losses = losses_of(columns, found.levels, suppressed)
    return replace(found, suppressed=suppressed, losses=losses, loss=float(aggregate_loss(losses)))


def _suppress(
    columns: Sequence[GeneralisedColumn], requirement: Requirement, sensitive: Sequence[SensitiveColumn]
) -> Recoded:
    node = tuple(c.lowest for c in columns)
    suppressed = failing_rows(columns, node, requirement, sensitive)
    if suppressed.sum() > requirement.suppression_limit * len(suppressed):
        raise infeasible(columns, requirement, sensitive)
    return _at_levels(columns, node, suppressed, requirement, sensitive)


def _at_levels(
    columns: Sequence[GeneralisedColumn],
    node: Node,
    suppressed: np.ndarray,
    requirement: Requirement,
    watched: Sequence[SensitiveColumn],
) -> Recoded:
    losses = losses_of(columns, node, suppressed)
    levels = list(zip(columns, node, strict=True))
    return Recoded(
        columns={c.name: c.at_level(n) for c, n in levels if n > 0},
        kept=~suppressed,
        levels={c.name: n for c, n in levels},
        losses={c.name: float(x) for c, x in zip(columns, losses, strict=True)},
        loss=float(aggregate_loss(losses)) if len(suppressed) else 0.0,
        published={c.name: published_as(c, n) for c, n in levels},
        left_out=_why_left_out(requirement, watched),
        ladders={c.name: ladder_of(c.steps) for c in columns},
    )


def _local(
    columns: Sequence[GeneralisedColumn], requirement: Requirement, sensitive: Sequence[SensitiveColumn]
) -> Recoded:
    found = local_recoding(columns, requirement, sensitive)
    if found is None or found.suppressed.sum() > requirement.suppression_limit * len(found.suppressed):
        raise infeasible(columns, requirement, sensitive)
    return Recoded(
        columns={c.name: texts for c, texts in zip(columns, found.columns, strict=True)},
        kept=~found.suppressed,
        levels={c.name: VARIES for c in columns},
        losses={c.name: float(x) for c, x in zip(columns, found.losses, strict=True)},
        loss=found.loss,
        published={
            c.name: published_by_group(c, levels[found.group[~found.suppressed]])
            for c, levels in zip(columns, found.levels, strict=True)
        },
        left_out=_why_left_out(requirement, sensitive),
        ladders={c.name: ladder_of(c.steps) for c in columns},
    )


def _why_left_out(requirement: Requirement, watched: Sequence[SensitiveColumn]) -> Text:
    """What the classes of the records that are left out lack."""
    persons = any(s.least is not None for s in watched)
    parts = [
        Text(
            zh=f"相同的{'人' if persons else '记录'}不足 {requirement.k} {'个' if persons else '条'}",
            en=f"fewer than {requirement.k} {'persons' if persons else 'records'} alike",
        )
    ]
    if requirement.l is not None and any(s.least is None for s in watched):
        parts.append(
            Text(
                zh=f"同组的敏感取值不足 {requirement.l} 种",
                en=f"fewer than {requirement.l} sensitive values among those alike",
            )
        )
    if requirement.t is not None and any(s.least is None for s in watched):
        parts.append(Text(zh="同组的敏感取值分布与全表相差过大", en="sensitive values too unlike the whole table's"))
    return Text(zh="或".join(part.zh for part in parts), en=", or ".join(part.en for part in parts))


def generalised(table: pa.Table, control: DisclosureControl) -> GeneralisedColumn:
    """The column of a quasi-identifier at all levels its control allows."""
    column = table[control.field]
    if control.control is not Control.GENERALISE or control.levels is None:
        return fixed_column(control.field, column)
    declared = control.declared is not None and control.declared.hierarchy is not None
    lowest = int(control.parameters.get("lowest", 0))
    return generalise_column(control.field, column, control.levels, lowest=lowest, declared=declared)


def sensitive_column(name: str, column: pa.ChunkedArray) -> SensitiveColumn:
    """Codes of a sensitive column; ranks for numbers and dates, so that distances between values count."""
    codes, values = distinct_values(column)
    kind = column.type
    ordered = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    ordered = ordered or pa.types.is_temporal(kind)
    if ordered and len(values):
        ranks = np.empty(len(values), np.int64)
        ranks[pc.array_sort_indices(values, null_placement="at_start").to_numpy()] = np.arange(len(values))
        codes = ranks[codes]
    return SensitiveColumn(name, codes, ordered)


def _requirement(thresholds: Thresholds) -> Requirement:
    if thresholds.k is None:
        raise ConfigurationError(
            "no-k",
            Text(zh="策略对含准标识的表未规定 k", en="the policy gives no k for a table that holds quasi-identifiers"),
            Text(zh="请在该级的 thresholds 中规定 k", en="state k in the thresholds of the tier"),
            field="policy",
        )
    return Requirement(thresholds.k, thresholds.suppression_limit, thresholds.l, thresholds.t)
