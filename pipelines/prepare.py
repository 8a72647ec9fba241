"""prepare: from one source to one release. Reads top to bottom; each value feeds the next.

Nothing here touches settings, network or database.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from anonymize.apply import TreatedTable
from anonymize.assess import assess_disclosure
from anonymize.cells import statistical_table
from anonymize.chosen_k import policy_k, policy_with
from anonymize.classify import classify_fields
from anonymize.detect import detect
from anonymize.earlier import Earlier
from anonymize.located import Located, add_districts, locate_districts
from anonymize.plan import plan_controls
from anonymize.private_table import private_table
from anonymize.rerelease import apply_controls_after, of_the_same_release
from anonymize.spans import NameTagger
from anonymize.tradeoff import with_tradeoff
from anonymize.treatments.pseudonyms import derive_key
from pipelines.package import package_release
from pipelines.progress import Progress, TellProgress
from pipelines.read import read_source
from pipelines.store import Store
from pipelines.validation.quotes import unclosed_quote
from pipelines.validation.rules import ReferenceLookup
from pipelines.validation.validate import ValidatedTable, validate_table
from schemas.dataset import Dataset, Tier
from schemas.disclosure import DisclosurePolicy, DisclosureReport, KChoice, Outcome, TierPolicy
from schemas.district import Boundaries
from schemas.errors import Refused
from schemas.findings import DetectorQuality
from schemas.hierarchy import Hierarchy
from schemas.release import Release
from schemas.table_schema import TableSchema
from schemas.text import Text
from schemas.validation import ValidationReport


class InvalidSource(Refused):
    """The source breaks its schema. `report` holds raw values: for the steward alone."""

    def __init__(self, report: ValidationReport):
        super().__init__(
            "invalid-source",
            Text(
                zh=f"数据不符合表结构：{sum(report.counts.values())} 处错误",
                en=f"the data does not follow its schema: {sum(report.counts.values())} errors",
            ),
            Text(zh="请按校验报告逐条改正后重新提交", en="correct what the validation report lists and hand in again"),
            field="source",
        )
        self.report = report


class DisclosureRefused(Refused):
    """A tier does not meet its policy. `reports` say what and why, without raw values."""

    def __init__(self, reports: Sequence[DisclosureReport]):
        failed = [r for r in reports if r.outcome is Outcome.FAIL]
        super().__init__(
            "disclosure-risk",
            Text(
                zh="脱敏结果未达到策略要求：" + "；".join(reason.zh for r in failed for reason in r.reasons),
                en="the treated table does not meet the policy: "
                + "; ".join(reason.en for r in failed for reason in r.reasons),
            ),
            Text(
                zh="请调整字段角色、泛化层次或策略后重试",
                en="change roles, hierarchies or the policy, then prepare again",
            ),
            field="policy",
        )
        self.reports = tuple(reports)


@dataclass(frozen=True)
class Preparation:
    """What preparing needs besides the source. key: secret of this dataset, from which each tier gets one of its own:
    pseudonyms of one tier must not point at those of another.

    earlier: the tables published before that those of a tier are set beside: together they must not tell of few.
    references: reads columns of other datasets' current releases, for rules that refer to them (数据核验). names: a
    model that finds names of persons, places and organisations. drawn: the statistical table that was drawn with noise
    for the same question before. told_digest: what the release tells of the source's digest, where that is not the
    digest itself.
    today: the day the source was handed in; nobody in it was born later.
    detector: measured quality of the detector, for the report. boundaries: of districts, for coordinates that go there.
    choice: the steward's k per tier, where one was made.
    """

    dataset: Dataset
    schema: TableSchema
    policy: DisclosurePolicy
    hierarchies: Mapping[str, Hierarchy]
    key: bytes
    store: Store
    work: Path
    earlier: Callable[[Tier], Sequence[Earlier]] = lambda tier: ()
    references: ReferenceLookup | None = None
    names: NameTagger | None = None
    drawn: pa.Table | None = None
    told_digest: str | None = None
    today: date | None = None
    detector: DetectorQuality | None = None
    boundaries: Boundaries | None = None
    choice: KChoice | None = None

    @property
    def effective_policy(self) -> DisclosurePolicy:
        """The policy with the steward's choice, which never lowers it."""
        return policy_with(self.policy, self.choice.k) if self.choice else self.policy


def prepare(
    preparation: Preparation,
    source_path: Path,
    progress: TellProgress = lambda progress: None,
    verdict: Callable[[ValidationReport], None] = lambda report: None,
) -> Release:
    """One release of one source. verdict: told what validation says, be it good or bad.

    Raises Refused (InvalidSource, DisclosureRefused, …); then nothing was stored.
    """
    dataset, schema, policy = preparation.dataset, preparation.schema, preparation.effective_policy
    progress(Progress("read"))
    source = read_source(source_path, progress=progress)
    progress(Progress("validate"))
    validated = validate_table(
        source,
        schema,
        progress=progress,
        releases=preparation.references,
        folder=preparation.work,
        today=preparation.today,
    )
    verdict(validated if isinstance(validated, ValidationReport) else validated.report)
    table = _accepted(validated).table
    progress(Progress("detect"))
    titles = {f.name: (f.title.zh, f.title.en) for f in schema.fields}
    found = detect(table, titles=titles, names=preparation.names, today=preparation.today)
    roles = classify_fields(schema, found)
    controls = plan_controls(schema, roles, policy, dataset.published_tiers, preparation.hierarchies)
    progress(Progress("treat"))
    located = {tier: locate_districts(table, controls[tier], preparation.boundaries) for tier in controls}
    treated = _treat_all(located, preparation)
    progress(Progress("assess"))
    reports = {tier: _assess(located[tier], tier, treated[tier], preparation) for tier in controls}
    _refuse_failed(list(reports.values()))
    progress(Progress("package"))
    told_digest = preparation.told_digest or source.digest
    choice = preparation.choice
    return package_release(dataset, schema, told_digest, treated, reports, preparation.store, preparation.work, choice)


def _accepted(validated: ValidatedTable | ValidationReport) -> ValidatedTable:
    if isinstance(validated, ValidationReport):
        raise InvalidSource(validated)
    if not len(validated.table):
        raise no_rows()
    for warning in validated.report.warnings:
        if warning.type == "unclosed-quote":  # valid by the letter; but whole records would pass for one cell's text
            raise unclosed_quote(warning.row or 1)
    return validated


def no_rows() -> Refused:
    """A table of a header alone follows its schema, and says nothing: a failed export looks like that."""
    return Refused(
        "no-rows",
        Text(zh="文件只有表头，没有任何数据行，不能发布", en="the file has a header and no rows; it is not published"),
        Text(
            zh="请检查导出条件和工作表是否选对，重新提交有数据的文件",
            en="check what was exported and that the sheet is the right one, and hand in the file with its rows",
        ),
        field="source",
    )


def _treat_all(located: Mapping[Tier, Located], preparation: Preparation) -> dict[Tier, TreatedTable]:
    """Every tier's table. Whoever holds the restricted one holds the open one as well, so that is set beside it.

    The open one comes first: nobody reads the restricted one without it. The other way round, all that the restricted
    one withholds would go from the open one as well, which has the narrower limit.
    """
    treated: dict[Tier, TreatedTable] = {}
    for tier in sorted(located, key=lambda tier: tier is not Tier.OPEN):
        beside: list[Earlier] = []
        if tier is Tier.RESTRICTED and Tier.OPEN in treated:
            open_policy = preparation.effective_policy.tiers[Tier.OPEN]
            beside = [of_the_same_release(treated[Tier.OPEN], located[Tier.OPEN].controls, open_policy)]
        treated[tier] = _treat(located[tier], tier, preparation, beside)
    return {tier: treated[tier] for tier in located}


def _treat(located: Located, tier: Tier, preparation: Preparation, beside: Sequence[Earlier]) -> TreatedTable:
    table, controls = located.table, located.controls
    tier_policy: TierPolicy = preparation.effective_policy.tiers[tier]
    if tier is Tier.STATISTICAL and preparation.dataset.statistics is not None:
        statistics, thresholds = preparation.dataset.statistics, tier_policy.thresholds
        if thresholds.epsilon is not None:
            return private_table(table, statistics, thresholds, controls, preparation.hierarchies, preparation.drawn)
        return statistical_table(table, statistics, thresholds, controls, preparation.earlier(tier))
    key = derive_key(preparation.key, dataset=preparation.dataset.name, recipient=tier)
    earlier = [*beside, *preparation.earlier(tier)]
    treated = apply_controls_after(table, controls, tier_policy, key, preparation.names, earlier)
    return add_districts(treated, located)


def _assess(located: Located, tier: Tier, treated: TreatedTable, preparation: Preparation) -> DisclosureReport:
    """The disclosure report, with the detector's measured quality (`extra["detector"]`) and what other values of k
    would have cost."""
    tier_policy = preparation.effective_policy.tiers[tier]
    table, controls = located.table, located.controls
    report = assess_disclosure(table, treated, controls, tier_policy, tier, (located.source, located.planned))
    extra = dict(report.extra)
    if preparation.detector is not None:
        extra["detector"] = preparation.detector.of(preparation.names is not None).model_dump(mode="json")
    report = report.model_copy(update={"extra": extra})
    least = None if tier is Tier.STATISTICAL else policy_k(preparation.policy, tier)
    return with_tradeoff(report, table, controls, tier_policy, least)


def _refuse_failed(reports: Sequence[DisclosureReport]) -> None:
    if any(report.outcome is Outcome.FAIL for report in reports):
        raise DisclosureRefused(reports)
