"""tradeoff: what each k would cost, so that the steward sees loss before choosing."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from anonymize.apply import treat_fields
from anonymize.hierarchies import GeneralisedColumn
from anonymize.kanonymity import SensitiveColumn
from anonymize.recode import (
    generalised,
    persons_column,
    quasi_identifiers,
    recode_columns,
    sensitive_column,
    sensitive_fields,
)
from schemas.disclosure import Control, DisclosureControl, TierPolicy, TradeoffPoint
from schemas.errors import Refused

KEYED = frozenset({Control.PSEUDONYM, Control.DATE_SHIFT})


def tradeoff(
    table: pa.Table,
    controls: Sequence[DisclosureControl],
    tier_policy: TierPolicy,
    ks: Sequence[int] = (3, 5, 10, 20),
) -> tuple[TradeoffPoint, ...]:
    """One point per k, ascending; everything else as the policy states it. Nothing is treated with a key.

    Empty where the table has no quasi-identifiers: then no k applies. A k that cannot be reached says why in `note`.
    """
    names = quasi_identifiers(controls)
    if not names:
        return ()
    by_field = {c.field: c for c in controls}
    wanted = {*names, *sensitive_fields(controls)}
    listed = [_keyless(c) for c in controls if c.field in wanted]
    treated, _ = treat_fields(table, listed, None)
    columns = [generalised(treated, by_field[name]) for name in names]
    sensitive = [sensitive_column(name, treated[name]) for name in sensitive_fields(controls)]
    persons = persons_column(table, controls)
    return tuple(_point(columns, sensitive, persons, tier_policy, k) for k in sorted(ks))


def _keyless(control: DisclosureControl) -> DisclosureControl:
    """A shifted date tells records apart as the date itself does; no key is needed to count that."""
    return control.model_copy(update={"control": Control.KEEP}) if control.control in KEYED else control


def _point(
    columns: Sequence[GeneralisedColumn],
    sensitive: Sequence[SensitiveColumn],
    persons: np.ndarray | None,
    tier_policy: TierPolicy,
    k: int,
) -> TradeoffPoint:
    thresholds = tier_policy.thresholds.model_copy(update={"k": k})
    try:
        changed = tier_policy.model_copy(update={"thresholds": thresholds})
        recoded = recode_columns(columns, sensitive, changed, persons)
    except Refused as refused:
        return TradeoffPoint(k=k, feasible=False, note=refused.message)
    suppressed = int((~recoded.kept).sum())
    return TradeoffPoint(
        k=k,
        feasible=True,
        loss=recoded.loss,
        records_suppressed=suppressed,
        share_suppressed=suppressed / max(len(recoded.kept), 1),
        highest_risk=1 / k,
        losses=recoded.losses,
    )
