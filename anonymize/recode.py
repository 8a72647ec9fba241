"""Recoding: quasi-identifiers are generalised and records suppressed until the policy's k, l and t hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymize.hierarchies import GeneralisedColumn, distinct_values, fixed_column, generalise_column
from anonymize.infeasible import infeasible
from anonymize.kanonymity import Requirement, SensitiveColumn, failing_rows, full_domain, losses_of
from anonymize.loss import aggregate_loss
from anonymize.mondrian import local_recoding
from schemas.disclosure import Control, DisclosureControl, Recoding, Thresholds, TierPolicy
from schemas.errors import ConfigurationError
from schemas.table_schema import FieldRole
from schemas.text import Text

VARIES = -1  # the level of a column differs between records
# A quasi-identifier under these controls is no longer one that others could know.
UNKNOWABLE = frozenset({Control.DROP, Control.PSEUDONYM})


@dataclass(frozen=True)
class Recoded:
    """columns: field → recoded column, where it changed. kept: row → stays. losses: field → loss."""

    columns: dict[str, pa.Array]
    kept: np.ndarray
    levels: dict[str, int]
    losses: dict[str, float]
    loss: float
    optimal: bool = True


def quasi_identifiers(controls: Sequence[DisclosureControl]) -> tuple[str, ...]:
    """Fields over which k is reached and measured: role quasi-identifier and still readable."""
    return tuple(c.field for c in controls if c.role is FieldRole.QUASI_IDENTIFIER and c.control not in UNKNOWABLE)


def sensitive_fields(controls: Sequence[DisclosureControl]) -> tuple[str, ...]:
    """Fields over which l and t are reached and measured: role sensitive and still readable."""
    return tuple(c.field for c in controls if c.role is FieldRole.SENSITIVE and c.control not in UNKNOWABLE)


def recode(table: pa.Table, controls: Sequence[DisclosureControl], tier_policy: TierPolicy) -> Recoded:
    """Recode the quasi-identifiers of `table`, whose other fields are already treated.

    Raises Refused `infeasible-thresholds`, ConfigurationError `no-k`.
    """
    names = quasi_identifiers(controls)
    by_field = {c.field: c for c in controls}
    columns = [generalised(table, by_field[name]) for name in names]
    sensitive = [sensitive_column(name, table[name]) for name in sensitive_fields(controls)]
    return recode_columns(columns, sensitive, tier_policy)


def recode_columns(
    columns: Sequence[GeneralisedColumn], sensitive: Sequence[SensitiveColumn], tier_policy: TierPolicy
) -> Recoded:
    requirement = _requirement(tier_policy.thresholds)
    watched = sensitive if requirement.l is not None or requirement.t is not None else ()
    if tier_policy.recoding is Recoding.LOCAL and all(c.height > 1 for c in columns):
        return _local(columns, requirement, watched)
    if tier_policy.recoding is Recoding.SUPPRESS:
        return _suppress(columns, requirement, watched)
    found = full_domain(columns, requirement, watched)
    if found is None:
        raise infeasible(columns, requirement, watched)
    return Recoded(
        columns={c.name: c.at_level(n) for c, n in zip(columns, found.levels, strict=True) if n > 0},
        kept=~found.suppressed,
        levels={c.name: n for c, n in zip(columns, found.levels, strict=True)},
        losses={c.name: float(x) for c, x in zip(columns, found.losses, strict=True)},
        loss=found.loss,
        optimal=found.optimal,
    )


def _suppress(
    columns: Sequence[GeneralisedColumn], requirement: Requirement, sensitive: Sequence[SensitiveColumn]
) -> Recoded:
    node = tuple(c.lowest for c in columns)
    suppressed = failing_rows(columns, node, requirement, sensitive)
    if suppressed.sum() > requirement.suppression_limit * len(suppressed):
        raise infeasible(columns, requirement, sensitive)
    losses = losses_of(columns, node, suppressed)
    return Recoded(
        columns={c.name: c.at_level(n) for c, n in zip(columns, node, strict=True) if n > 0},
        kept=~suppressed,
        levels={c.name: n for c, n in zip(columns, node, strict=True)},
        losses={c.name: float(x) for c, x in zip(columns, losses, strict=True)},
        loss=float(aggregate_loss(losses)),
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
    )


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
