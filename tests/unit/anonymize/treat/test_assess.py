"""assess_disclosure: the verdict, on both sides of every threshold, and the second look at the output."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from anonymize.apply import apply_controls
from anonymize.assess import assess_disclosure
from anonymize.built_in_hierarchies import BUILT_IN
from anonymize.cells import statistical_table
from anonymize.plan import plan_controls
from anonymize.treated import TreatedTable
from schemas.dataset import Tier
from schemas.disclosure import Control, ControlSpec, DisclosureReport, Outcome, TierPolicy
from schemas.hierarchy import Hierarchy
from schemas.statistics import StatisticalTable
from schemas.table_schema import FieldRole, Meaning
from tests.factories.disclosure import KEY, control, person_roles, person_schema, persons, policy, tier_policy

CODE = [control("q", FieldRole.QUASI_IDENTIFIER, Control.KEEP)]


def assessed(table: pa.Table, tier: TierPolicy, treated: TreatedTable | None = None) -> DisclosureReport:
    controls = plan_controls(person_schema(), person_roles(), policy(tier), [Tier.OPEN])[Tier.OPEN]
    treated = treated or apply_controls(table, controls, tier, KEY)
    return assess_disclosure(table, treated, controls, tier, Tier.OPEN)


def classes(*sizes: int) -> pa.Table:
    return pa.table({"q": [f"class {n}" for n, size in enumerate(sizes) for _ in range(size)]})


def as_treated(table: pa.Table, suppressed: int = 0) -> TreatedTable:
    return TreatedTable(table, (), (), suppressed, quasi_identifiers=("q",))


def reasons(report: DisclosureReport) -> str:
    return " ".join(r.en for r in report.reasons)


def test_a_table_treated_by_its_policy_passes_with_its_figures() -> None:
    report = assessed(persons(500), tier_policy(highest_risk=0.2, records_at_risk=0, l=2))
    assert report.outcome is Outcome.PASS, reasons(report)
    assert report.before is not None
    assert report.after is not None
    assert report.before.k == 1
    assert report.after.k >= 5
    assert report.after.l >= 2
    assert report.after.share_above["0.2"] == 0
    assert report.records_suppressed == report.extra["records_before"] - report.extra["records_after"]
    assert len(report.effects) == 9


@pytest.mark.parametrize(("size", "outcome"), [(4, Outcome.FAIL), (5, Outcome.PASS), (6, Outcome.PASS)])
def test_both_sides_of_k(size: int, outcome: Outcome) -> None:
    table = classes(50, size)
    report = assess_disclosure(table, as_treated(table), CODE, tier_policy(), Tier.OPEN)
    assert report.outcome is outcome


@pytest.mark.parametrize(("allowed", "outcome"), [(0.03, Outcome.FAIL), (0.04, Outcome.PASS), (0.05, Outcome.PASS)])
def test_both_sides_of_records_at_risk(allowed: float, outcome: Outcome) -> None:
    table = classes(96, 4)
    limits = tier_policy(k=None, highest_risk=0.2, records_at_risk=allowed)
    assert assess_disclosure(table, as_treated(table), CODE, limits, Tier.OPEN).outcome is outcome


@pytest.mark.parametrize(("suppressed", "outcome"), [(5, Outcome.PASS), (6, Outcome.FAIL)])
def test_both_sides_of_the_suppression_limit(suppressed: int, outcome: Outcome) -> None:
    source, table = classes(100), classes(100 - suppressed)
    report = assess_disclosure(source, as_treated(table, suppressed), CODE, tier_policy(), Tier.OPEN)
    assert report.outcome is outcome


@pytest.mark.parametrize(("values", "least", "outcome"), [("ab", 2, Outcome.PASS), ("ab", 3, Outcome.FAIL)])
def test_both_sides_of_l(values: str, least: int, outcome: Outcome) -> None:
    table = classes(10, 10).append_column("s", pa.array(list(values) * 10))
    controls = [*CODE, control("s", FieldRole.SENSITIVE, Control.KEEP)]
    report = assess_disclosure(table, as_treated(table), controls, tier_policy(l=least), Tier.OPEN)
    assert report.outcome is outcome


@pytest.mark.parametrize(("limit", "outcome"), [(0.3, Outcome.FAIL), (0.5, Outcome.PASS)])
def test_both_sides_of_t(limit: float, outcome: Outcome) -> None:
    table = classes(10, 10).append_column("s", pa.array(["a"] * 10 + ["b"] * 10))
    controls = [*CODE, control("s", FieldRole.SENSITIVE, Control.KEEP)]
    report = assess_disclosure(table, as_treated(table), controls, tier_policy(t=limit), Tier.OPEN)
    assert report.outcome is outcome


def test_a_quasi_identifier_left_out_of_the_measure_fails() -> None:
    table = classes(50)
    report = assess_disclosure(table, replace(as_treated(table), quasi_identifiers=()), CODE, tier_policy(), Tier.OPEN)
    assert report.outcome is Outcome.FAIL
    assert "left out" in reasons(report)


def test_a_direct_identifier_left_in_the_output_fails_without_being_quoted() -> None:
    source = persons(300)
    tier = tier_policy()
    controls = plan_controls(person_schema(), person_roles(), policy(tier), [Tier.OPEN])[Tier.OPEN]
    treated = apply_controls(source, controls, tier, KEY)
    ids = source["身份证号"].slice(0, treated.table.num_rows)
    for name in ("科室", "诊断"):
        leaky = replace(treated, table=treated.table.set_column(treated.table.column_names.index(name), name, ids))
        report = assess_disclosure(source, leaky, controls, tier, Tier.OPEN)
        assert report.outcome is Outcome.FAIL
        assert name in reasons(report)
        assert any(f.field == name for f in report.residual)
        assert not any(raw in report.model_dump_json() for raw in ids.to_pylist())


def test_an_identifier_in_an_unknown_column_fails() -> None:
    source = persons(100)
    treated = TreatedTable(source.select(["手机号"]), (), ())
    report = assess_disclosure(source, treated, [], tier_policy(), Tier.OPEN)
    assert report.outcome is Outcome.FAIL


@pytest.mark.parametrize("kind", [Control.PSEUDONYM, Control.MASK])
def test_pseudonyms_and_masks_are_no_identifiers(kind: Control) -> None:
    report = assessed(persons(400), tier_policy({FieldRole.DIRECT_IDENTIFIER: ControlSpec(control=kind)}))
    assert report.outcome is Outcome.PASS, reasons(report)


def test_a_mask_that_did_nothing_is_caught_by_comparing_with_the_source() -> None:
    source = pa.table({"手机号": persons(80)["手机号"], "号": [f"{n:06d}" for n in range(80)]})
    masked = control("手机号", FieldRole.DIRECT_IDENTIFIER, Control.MASK, meaning=Meaning.MOBILE, style="mobile")
    number = control("号", FieldRole.DIRECT_IDENTIFIER, Control.DROP)
    treated = apply_controls(source, [masked, number], tier_policy(), None)
    assert assess_disclosure(source, treated, [masked, number], tier_policy(), Tier.OPEN).outcome is Outcome.PASS
    undone = replace(treated, table=treated.table.set_column(0, "手机号", source["手机号"]))
    report = assess_disclosure(source, undone, [masked, number], tier_policy(), Tier.OPEN)
    assert report.outcome is Outcome.FAIL
    assert "80 cells of field 手机号" in reasons(report)


def test_an_identifier_repeated_in_another_column_wants_a_person() -> None:
    numbers = [f"JY{n:08d}" for n in range(60)]
    source = pa.table({"编号": numbers, "关联": numbers[::-1]})
    plan = [
        control("编号", FieldRole.DIRECT_IDENTIFIER, Control.DROP),
        control("关联", FieldRole.NON_SENSITIVE, Control.KEEP),
    ]
    treated = apply_controls(source, plan, tier_policy(), None)
    report = assess_disclosure(source, treated, plan, tier_policy(), Tier.OPEN)
    assert report.outcome is Outcome.REVIEW
    assert "关联" in reasons(report)


def test_what_law_makes_public_is_allowed_where_the_policy_says_so() -> None:
    table = pa.table({"法定代表人": persons(80)["姓名"], "手机号": persons(80)["手机号"]})
    kept = control("法定代表人", FieldRole.DIRECT_IDENTIFIER, Control.KEEP, meaning=Meaning.LEGAL_REPRESENTATIVE)
    dropped = control("手机号", FieldRole.DIRECT_IDENTIFIER, Control.DROP, meaning=Meaning.MOBILE)
    treated = apply_controls(table, [kept, dropped], tier_policy(), None)
    report = assess_disclosure(table, treated, [kept, dropped], tier_policy(), Tier.OPEN)
    assert report.outcome is Outcome.PASS, reasons(report)


def test_free_text_wants_a_person() -> None:
    table = pa.table({"记": ["来电13912345678", "无", "已办结"] * 10})
    plan = [control("记", FieldRole.FREE_TEXT, Control.REDACT)]
    treated = apply_controls(table, plan, tier_policy(), None)
    assert assess_disclosure(table, treated, plan, tier_policy(), Tier.OPEN).outcome is Outcome.REVIEW


def test_heavy_loss_wants_a_person() -> None:
    random = np.random.default_rng(0)
    table = pa.table({name: random.integers(0, 9, 60).astype(str) for name in "abcdef"})
    plan = [control(name, FieldRole.QUASI_IDENTIFIER, Control.GENERALISE) for name in "abcdef"]
    plan = [c.model_copy(update={"levels": c.levels or _flat()}) for c in plan]
    treated = apply_controls(table, plan, tier_policy(), None)
    report = assess_disclosure(table, treated, plan, tier_policy(), Tier.OPEN)
    assert report.outcome is Outcome.REVIEW
    assert "loss" in reasons(report)


def _flat() -> Hierarchy:
    return BUILT_IN["flat"]


@pytest.mark.parametrize(("required", "outcome"), [(10, Outcome.PASS), (11, Outcome.FAIL)])
def test_both_sides_of_the_smallest_published_cell(required: int, outcome: Outcome) -> None:
    table = pa.table({"区": ["a"] * 10 + ["b"] * 20})
    limits = tier_policy(k=None, smallest_cell=10)
    treated = statistical_table(table, StatisticalTable(by=("区",)), limits.thresholds)
    stricter = tier_policy(k=None, smallest_cell=required)
    assert assess_disclosure(table, treated, [], stricter, Tier.STATISTICAL).outcome is outcome


def test_a_statistical_table_grouped_by_an_identifier_fails() -> None:
    table = pa.table({"部门": ["a"] * 10 + ["b"] * 20})
    limits = tier_policy(k=None, smallest_cell=10)
    treated = statistical_table(table, StatisticalTable(by=("部门",)), limits.thresholds)
    named = [control("部门", FieldRole.DIRECT_IDENTIFIER, Control.DROP)]
    assert assess_disclosure(table, treated, named, limits, Tier.STATISTICAL).outcome is Outcome.FAIL


def test_the_report_survives_json() -> None:
    report = assessed(persons(300), tier_policy())
    assert DisclosureReport.model_validate_json(report.model_dump_json()) == report
