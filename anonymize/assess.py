"""assess_disclosure: measured risk and loss of a treated table, and the verdict: pass, review or fail."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pyarrow as pa

from anonymize.classes import equivalence_classes
from anonymize.classify import binding
from anonymize.detect import detect
from anonymize.hierarchies import distinct_values
from anonymize.private_table import unfit_privacy
from anonymize.recode import quasi_identifiers, sensitive_column, sensitive_fields, told_person
from anonymize.risk import measure_risk, share_above
from anonymize.survivors import surviving_cells
from anonymize.treated import Privacy, TreatedTable
from schemas.dataset import Tier
from schemas.disclosure import (
    Control,
    DisclosureControl,
    DisclosureReport,
    Outcome,
    RiskFigures,
    Thresholds,
    TierPolicy,
)
from schemas.findings import Finding
from schemas.statistics import COUNT
from schemas.table_schema import FieldRole, Meaning, SchemaField
from schemas.text import Text

HIGH_LOSS = 0.5  # above this a person decides whether the table is still of use
FEW_CELLS = 0.5  # below this share of published cells a statistical table is cut too fine
# What others know of a person. Columns that hold it and were declared non-sensitive are worth a look.
KNOWN_OF_PERSONS = frozenset(
    {Meaning.DATE_OF_BIRTH, Meaning.AGE, Meaning.GENDER, Meaning.ADDRESS, Meaning.OCCUPATION, Meaning.PLATE}
)
# Under these controls a column may look like an identifier to the header lexicon or by its shape, but holds none.
HOLDS_NO_IDENTIFIER = frozenset({Control.PSEUDONYM, Control.MASK})


def assess_disclosure(
    source: pa.Table,
    treated: TreatedTable,
    controls: Sequence[DisclosureControl],
    tier_policy: TierPolicy,
    tier: Tier,
    before_districts: tuple[pa.Table, Sequence[DisclosureControl]] | None = None,
) -> DisclosureReport:
    """Risk before and after, loss per column, and what the detector still sees in the output.

    before_districts: table and controls as they were before `locate_districts`; the risk before is that of the points.

    Outcome fail: a threshold is missed or a direct identifier the policy did not allow is found. review: free text,
    heuristics, heavy loss or doubtful findings want a person's eye. Reasons name fields and figures, never values.
    """
    untouched, planned = before_districts or (source, controls)
    findings = detect(treated.table).findings
    residual = _residual(treated, findings)
    if tier is Tier.STATISTICAL and treated.privacy is not None:
        before = after = None
        failures = unfit_privacy(treated.privacy, controls, tier_policy.thresholds)
    elif tier is Tier.STATISTICAL and treated.cells is not None:
        before = after = None
        failures = [*_unfit_cells(treated, controls, tier_policy.thresholds)]
    else:
        before = _measure(untouched, quasi_identifiers(planned), planned, tier_policy)
        after = _measure(treated.table, treated.quasi_identifiers, controls, tier_policy)
        failures = _missed_thresholds(after, treated, source.num_rows, tier_policy.thresholds)
        failures += _lost_quasi_identifiers(treated, controls)
    # A table with noise holds public values and figures only; comparing it with the source would tell of the source.
    own, elsewhere = ({}, {}) if treated.privacy else surviving_cells(untouched, treated.table, planned)
    failures += _forbidden(residual, controls) + [_survived(field, cells) for field, cells in own.items()]
    doubts = _doubts(treated, findings, controls) + [_survived(field, cells) for field, cells in elsewhere.items()]
    outcome = Outcome.FAIL if failures else Outcome.REVIEW if doubts else Outcome.PASS
    return DisclosureReport(
        tier=tier,
        outcome=outcome,
        reasons=(*failures, *doubts),
        quasi_identifiers=treated.quasi_identifiers,
        before=before,
        after=after,
        records_suppressed=treated.records_suppressed,
        effects=treated.effects,
        residual=residual,
        thresholds=tier_policy.thresholds,
        extra=_extra(source, treated, controls, tier_policy),
    )


def _measure(
    table: pa.Table, fields: Sequence[str], controls: Sequence[DisclosureControl], tier_policy: TierPolicy
) -> RiskFigures:
    sensitive = [sensitive_column(name, table[name]) for name in sensitive_fields(controls)]
    return measure_risk(table, fields, sensitive, tier_policy.population)


def _missed_thresholds(after: RiskFigures, treated: TreatedTable, records: int, thresholds: Thresholds) -> list[Text]:
    missed = []
    if after.k is not None and thresholds.k is not None and after.k < thresholds.k:
        missed.append(Text(zh=f"k={after.k}，低于要求的 {thresholds.k}", en=f"k = {after.k}, below {thresholds.k}"))
    if after.l is not None and thresholds.l is not None and after.l < thresholds.l:
        missed.append(Text(zh=f"l={after.l}，低于要求的 {thresholds.l}", en=f"l = {after.l}, below {thresholds.l}"))
    if after.t is not None and thresholds.t is not None and after.t > thresholds.t + 1e-9:
        missed.append(
            Text(zh=f"t={after.t:.3f}，高于允许的 {thresholds.t}", en=f"t = {after.t:.3f}, above {thresholds.t}")
        )
    if after.k is not None and thresholds.highest_risk is not None:
        share = _share_at_risk(after, treated, thresholds.highest_risk)
        allowed = thresholds.records_at_risk or 0.0
        if share > allowed + 1e-12:
            missed.append(
                Text(
                    zh=f"重识别风险高于 {thresholds.highest_risk} 的记录占 {share:.2%}，允许 {allowed:.2%}",
                    en=f"{share:.2%} of records have a risk above {thresholds.highest_risk}, allowed {allowed:.2%}",
                )
            )
    if records and treated.records_suppressed > thresholds.suppression_limit * records:
        share = treated.records_suppressed / records
        missed.append(
            Text(
                zh=f"抑制了 {share:.2%} 的记录，上限 {thresholds.suppression_limit:.2%}",
                en=f"{share:.2%} of records are suppressed, the limit is {thresholds.suppression_limit:.2%}",
            )
        )
    return missed


def _share_at_risk(after: RiskFigures, treated: TreatedTable, limit: float) -> float:
    if str(limit) in after.share_above:
        return after.share_above[str(limit)]
    columns = [distinct_values(treated.table[q])[0] for q in treated.quasi_identifiers]
    return share_above(equivalence_classes(columns, treated.table.num_rows)[1], limit)


def _lost_quasi_identifiers(treated: TreatedTable, controls: Sequence[DisclosureControl]) -> list[Text]:
    """k is measured over the fields the treated table names: they must be those the controls name."""
    unmeasured = sorted(set(quasi_identifiers(controls)) - set(treated.quasi_identifiers))
    if not unmeasured:
        return []
    listed = ", ".join(unmeasured)
    return [Text(zh=f"准标识未计入风险：{listed}", en=f"quasi-identifiers left out of the risk: {listed}")]


def _unfit_cells(treated: TreatedTable, controls: Sequence[DisclosureControl], thresholds: Thresholds) -> list[Text]:
    if treated.cells is None:
        return []
    wrong = []
    identifying = {c.field for c in controls if c.role in (FieldRole.DIRECT_IDENTIFIER, FieldRole.FREE_TEXT)}
    named = sorted(set(treated.cells.by) & identifying)
    if named:
        wrong.append(
            Text(
                zh=f"统计表按标识字段分组：{', '.join(named)}",
                en=f"the table is grouped by identifiers: {', '.join(named)}",
            )
        )
    smallest = treated.cells.smallest_published
    if thresholds.smallest_cell is None or (smallest is not None and smallest < thresholds.smallest_cell):
        wrong.append(
            Text(
                zh=f"公布的最小单元格为 {smallest}，要求不少于 {thresholds.smallest_cell}",
                en=f"the smallest published cell holds {smallest}, required are {thresholds.smallest_cell}",
            )
        )
    return wrong


def _residual(treated: TreatedTable, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Identifiers the detector is sure of and the field's declared meaning does not explain, in every column."""
    declared = {f.name: f for f in treated.fields}
    unknown = SchemaField(name="", title=Text(zh="", en=""), description=Text(zh="", en=""))
    return tuple(f for f in findings if _identifying(f) and binding(declared.get(f.field, unknown), [f]))


def _identifying(finding: Finding) -> bool:
    """An identifier that fills the column, or stands in some of its cells (then its column is taken for free text)."""
    if finding.proposed_role is FieldRole.DIRECT_IDENTIFIER:
        return True
    return finding.proposed_role is FieldRole.FREE_TEXT and finding.cells > 0 and finding.entity != "FREE_TEXT"


def _forbidden(residual: Sequence[Finding], controls: Sequence[DisclosureControl]) -> list[Text]:
    """Direct identifiers in the output that no control allows. A field the controls do not know allows none."""
    by_field = {c.field: c for c in controls}
    found: dict[str, list[str]] = {}
    for finding in residual:
        control = by_field.get(finding.field)
        if control is None or not _allowed(finding, control):
            found.setdefault(finding.field, []).append(f"{finding.entity} ({finding.cells})")
    return [
        Text(
            zh=f"字段 {field} 的结果中仍发现直接标识：{'、'.join(entities)}（括号内为单元格数）",
            en=f"the output of field {field} still holds direct identifiers: {', '.join(entities)} (number of cells)",
        )
        for field, entities in found.items()
    ]


def _allowed(finding: Finding, control: DisclosureControl) -> bool:
    if control.control is Control.KEEP:
        return control.role is FieldRole.DIRECT_IDENTIFIER and finding.meaning in (None, control.meaning)
    return control.control in HOLDS_NO_IDENTIFIER and (finding.cells == 0 or not finding.verified_share)


def _survived(field: str, cells: int) -> Text:
    return Text(
        zh=f"字段 {field} 的结果中有 {cells} 个单元格与应处理的直接标识原值相同",
        en=f"{cells} cells of field {field} equal raw direct identifiers that were to be treated",
    )


def _doubts(treated: TreatedTable, findings: Sequence[Finding], controls: Sequence[DisclosureControl]) -> list[Text]:
    doubts = list(treated.remarks)
    kept = {c.field for c in controls if c.control is Control.KEEP and c.role is FieldRole.NON_SENSITIVE}
    seen = sorted({f.field for f in findings if f.field in kept and f.meaning in KNOWN_OF_PERSONS})
    if seen:
        doubts.append(
            Text(
                zh=f"按非敏感发布、但看来像准标识的字段：{'、'.join(seen)}",
                en=f"published as non-sensitive, yet they look like quasi-identifiers: {', '.join(seen)}",
            )
        )
    if treated.cells is not None and treated.cells.published < FEW_CELLS * treated.table.num_rows:
        doubts.append(
            Text(
                zh=f"只有 {treated.cells.published} 个单元格可公布，共 {treated.table.num_rows} 个：分组过细",
                en=f"only {treated.cells.published} of {treated.table.num_rows} cells can be published: cut too fine",
            )
        )
    if treated.privacy is not None and (drowned := _drowned(treated.table, treated.privacy)) > FEW_CELLS:
        doubts.append(
            Text(
                zh=f"{drowned:.0%} 的单元格记录数小于噪声幅度：分组过细",
                en=f"noise exceeds the count in {drowned:.0%} of the cells: cut too fine",
            )
        )
    if treated.loss is not None and treated.loss > HIGH_LOSS:
        doubts.append(
            Text(zh=f"信息损失 {treated.loss:.0%}，请确认是否仍有用", en=f"loss is {treated.loss:.0%}: is it of use?")
        )
    return doubts


def _drowned(table: pa.Table, privacy: Privacy) -> float:
    """Share of the cells whose published count is within the margin of its noise."""
    return float(np.mean(table[COUNT].to_numpy() <= privacy.margins[COUNT])) if table.num_rows else 0.0


def _extra(
    source: pa.Table, treated: TreatedTable, controls: Sequence[DisclosureControl], tier_policy: TierPolicy
) -> dict[str, object]:
    if treated.privacy is not None:  # the exact number of records is left out: it tells who is there
        return {"records_after": treated.table.num_rows, "privacy": asdict(treated.privacy)}
    extra: dict[str, object] = {
        "records_before": source.num_rows,
        "records_after": treated.table.num_rows,
        "recoding": tier_policy.recoding,
        "levels": treated.levels,
        "loss": treated.loss,
        "treatments": treated.treatments,
        "sensitive": list(sensitive_fields(controls)),
        "person": told_person(controls),
        "ladders": {name: list(steps) for name, steps in treated.ladders.items()},
    }
    if treated.cells is not None:
        extra["cells"] = {
            "published": treated.cells.published,
            "primary": treated.cells.primary,
            "secondary": treated.cells.secondary,
            "compared": treated.cells.compared,
        }
    return extra
