"""tradeoff: what each k would cost and protect, so that the steward sees both before choosing."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from anonymize.apply import treat_fields
from anonymize.classes import equivalence_classes
from anonymize.hierarchies import GeneralisedColumn, distinct_values
from anonymize.lattice import Lattice
from anonymize.level_words import AS_IT_IS
from anonymize.recode import (
    Recoded,
    generalised,
    persons_column,
    quasi_identifiers,
    recode_columns,
    sensitive_column,
    sensitive_fields,
)
from anonymize.risk import risk_of_classes
from schemas.disclosure import Control, DisclosureControl, DisclosureReport, TierPolicy, TradeoffPoint
from schemas.errors import Refused
from schemas.text import Text

KEYED = frozenset({Control.PSEUDONYM, Control.DATE_SHIFT})
OFFERED = (3, 5, 10, 20)  # classes of the usual minima: controlled access, public release, and two stricter ones


def tradeoff(
    table: pa.Table,
    controls: Sequence[DisclosureControl],
    tier_policy: TierPolicy,
    ks: Sequence[int] = OFFERED,
) -> tuple[TradeoffPoint, ...]:
    """One point per k, ascending, that of the policy among them; everything else as the policy states it. Nothing is
    treated with a key.

    Empty where the table has no quasi-identifiers: then no k applies. A k that cannot be reached says why in `note`.
    Each search goes on where that for the smaller k ended: what misses a k misses every larger one.
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
    titles = {name: _title(by_field[name]) for name in names}
    points: list[TradeoffPoint] = []
    lattice: Lattice | None = None
    for k in sorted({*ks, tier_policy.thresholds.k or 0} - {0}):
        try:
            recoded = recode_columns(columns, sensitive, _with_k(tier_policy, k), persons, lattice)
        except Refused as refused:
            points.append(TradeoffPoint(k=k, feasible=False, note=refused.message))
            continue
        lattice = recoded.lattice
        points.append(_point(k, columns, recoded, tier_policy.population, titles))
    return tuple(points)


def with_tradeoff(
    report: DisclosureReport,
    table: pa.Table,
    controls: Sequence[DisclosureControl],
    tier_policy: TierPolicy,
    least: int | None,
) -> DisclosureReport:
    """`report` with what each k would cost (`extra["tradeoff"]`) and the least that may be chosen (`extra["least_k"]`),
    as the policy states it; as it is where it states none."""
    if least is None:
        return report
    points = tradeoff(table, controls, tier_policy, (*OFFERED, least))
    told = {"tradeoff": [point.model_dump(mode="json") for point in points], "least_k": least}
    return report.model_copy(update={"extra": {**report.extra, **told}})


def _keyless(control: DisclosureControl) -> DisclosureControl:
    """A shifted date tells records apart as the date itself does; no key is needed to count that."""
    return control.model_copy(update={"control": Control.KEEP}) if control.control in KEYED else control


def _with_k(tier_policy: TierPolicy, k: int) -> TierPolicy:
    return tier_policy.model_copy(update={"thresholds": tier_policy.thresholds.model_copy(update={"k": k})})


def _title(control: DisclosureControl) -> Text:
    return control.declared.title if control.declared else Text(zh=control.field, en=control.field)


def _point(
    k: int,
    columns: Sequence[GeneralisedColumn],
    recoded: Recoded,
    population: int | None,
    titles: dict[str, Text],
) -> TradeoffPoint:
    suppressed, rows = int((~recoded.kept).sum()), len(recoded.kept)
    sizes = _class_sizes(columns, recoded)
    risk = risk_of_classes(sizes, population) if len(sizes) else None
    share = suppressed / max(rows, 1)
    return TradeoffPoint(
        k=k,
        feasible=True,
        loss=recoded.loss,
        records_suppressed=suppressed,
        share_suppressed=share,
        highest_risk=risk.prosecutor_risk if risk else None,
        losses=recoded.losses,
        levels=recoded.levels,
        published=recoded.published,
        risk=risk,
        sentence=_sentence(k, titles, recoded.published, share),
    )


def _class_sizes(columns: Sequence[GeneralisedColumn], recoded: Recoded) -> np.ndarray:
    """Records of each class that stays."""
    codes = [
        distinct_values(pa.chunked_array([recoded.columns[c.name]]))[0]
        if recoded.levels[c.name] < 0
        else c.level_codes[recoded.levels[c.name]][c.codes]
        for c in columns
    ]
    class_of, sizes = equivalence_classes(codes, len(recoded.kept))
    remaining: np.ndarray = np.bincount(class_of[recoded.kept], minlength=len(sizes))
    return remaining[remaining > 0]


def _sentence(k: int, titles: dict[str, Text], published: dict[str, Text], share: float) -> Text:
    """With k = 10: age in bands of 10, district and occupation as one value, and 1.2% of the records left out."""
    alike: dict[Text, list[Text]] = {}
    for name, how in published.items():
        alike.setdefault(how, []).append(titles[name])
    listed = sorted(alike.items(), key=lambda pair: pair[0] == AS_IT_IS)  # what changes comes first
    parts_zh = [f"{'、'.join(t.zh for t in fields)}{how.zh}" for how, fields in listed]
    parts_en = [f"{', '.join(f'“{t.en}”' for t in fields)} {how.en}" for how, fields in listed]
    left_zh = f"{_percent(share)}的记录不发布" if share else "没有记录被去掉"
    left_en = f"{_percent(share)} of the records are left out" if share else "no record is left out"
    return Text(
        zh=f"k={k} 时：{'，'.join(parts_zh)}；{left_zh}。",
        en=f"With k = {k}: {'; '.join(parts_en)}; {left_en}.",
    )


def _percent(share: float) -> str:
    """At least a tenth of a percent, so that no record left out goes unsaid."""
    return "< 0.1%" if 0 < share < 0.0005 else f"{share * 100:.1f}%"
