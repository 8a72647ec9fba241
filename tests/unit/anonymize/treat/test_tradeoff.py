"""tradeoff: the cost of each k, and what it protects, before choosing."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.apply import apply_controls
from anonymize.assess import assess_disclosure
from anonymize.built_in_hierarchies import BUILT_IN
from anonymize.hierarchies import GeneralisedColumn, generalise_column
from anonymize.kanonymity import Requirement, full_domain
from anonymize.plan import plan_controls
from anonymize.recode import sensitive_column
from anonymize.tradeoff import tradeoff, with_tradeoff
from schemas.dataset import Tier
from schemas.disclosure import Control, ControlSpec, DisclosureControl, Recoding, TierPolicy
from schemas.table_schema import FieldRole
from tests.factories.disclosure import (
    KEY,
    control,
    person_roles,
    person_schema,
    persons,
    policy,
    tier_policy,
)

KEYED = tier_policy({FieldRole.DIRECT_IDENTIFIER: ControlSpec(control=Control.PSEUDONYM)})
LOCAL = tier_policy(recoding=Recoding.LOCAL, suppression_limit=0.0)


def planned(tiers: TierPolicy) -> tuple[DisclosureControl, ...]:
    return plan_controls(person_schema(), person_roles(), policy(tiers), [Tier.OPEN])[Tier.OPEN]


def test_loss_grows_with_k_and_equals_that_of_the_treatment() -> None:
    table, controls = persons(500), planned(KEYED)
    points = tradeoff(table, controls, KEYED, (20, 3, 5, 10))
    assert [p.k for p in points] == [3, 5, 10, 20]
    assert all(p.feasible for p in points)
    losses = [p.loss for p in points]
    assert losses == sorted(losses)
    treated = apply_controls(table, controls, KEYED, KEY)
    assert points[1].loss == treated.loss
    assert points[1].levels == treated.levels
    assert points[1].records_suppressed == treated.records_suppressed
    assert set(points[0].losses) == {"性别", "年龄", "区划", "就诊日期"}


@pytest.mark.parametrize("tiers", [KEYED, LOCAL], ids=["full-domain", "local"])
def test_risk_of_the_policys_k_is_that_of_the_release(tiers: TierPolicy) -> None:
    table, controls = persons(500), planned(tiers)
    treated = apply_controls(table, controls, tiers, KEY)
    report = assess_disclosure(table, treated, controls, tiers, Tier.OPEN)
    (point,) = [p for p in tradeoff(table, controls, tiers) if p.k == 5]
    assert report.after is not None
    assert point.risk == report.after.model_copy(update={"l": None, "t": None})
    assert point.highest_risk == report.after.prosecutor_risk


def test_the_policys_own_k_is_among_the_points() -> None:
    seven = tier_policy(k=7)
    assert [p.k for p in tradeoff(persons(300), planned(seven), seven)] == [3, 5, 7, 10, 20]


def test_one_sentence_says_what_a_k_means() -> None:
    table = persons(500)
    first = tradeoff(table, planned(KEYED), KEYED)[1]
    assert first.sentence is not None
    assert first.sentence.en.startswith("With k = 5: ")
    assert first.sentence.zh.startswith("k=5 时：")
    share = f"{first.records_suppressed / 500 * 100:.1f}%"
    assert f"{share} of the records are left out" in first.sentence.en
    for how in first.published.values():
        assert how.en in first.sentence.en
        assert how.zh in first.sentence.zh


def test_local_recoding_is_told_as_such() -> None:
    point = tradeoff(persons(300), planned(LOCAL), LOCAL)[0]
    assert set(point.levels.values()) == {-1}
    assert point.sentence is not None
    assert "group by group, from “" in point.sentence.en
    assert "no record is left out" in point.sentence.en


def test_what_cannot_be_reached_says_why() -> None:
    table = pa.table({"q": ["a"] * 8 + ["b"] * 4})
    points = tradeoff(table, [control("q", FieldRole.QUASI_IDENTIFIER, Control.KEEP)], tier_policy(), (3, 5))
    assert [p.feasible for p in points] == [True, False]
    assert points[1].note is not None
    assert "k = 4 is reachable" in points[1].note.en


def test_a_k_above_the_number_of_rows_blames_no_field() -> None:
    table, hundred = persons(60), tier_policy(k=100)
    points = tradeoff(table, planned(hundred), hundred)
    assert points[-1].note is not None
    assert "costs most" not in points[-1].note.en
    assert "60 rows" in points[-1].note.en


def test_without_quasi_identifiers_there_is_nothing_to_choose() -> None:
    table = pa.table({"q": ["a"]})
    assert tradeoff(table, [control("q", FieldRole.NON_SENSITIVE, Control.KEEP)], tier_policy()) == ()


def test_the_report_tells_the_least_that_may_be_chosen() -> None:
    table, controls = persons(300), planned(KEYED)
    treated = apply_controls(table, controls, KEYED, KEY)
    report = assess_disclosure(table, treated, controls, KEYED, Tier.OPEN)
    told = with_tradeoff(report, table, controls, KEYED, 5).extra
    assert told["least_k"] == 5
    assert [p["k"] for p in told["tradeoff"]] == [3, 5, 10, 20]
    assert with_tradeoff(report, table, controls, KEYED, None) is report


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), limit=st.sampled_from([0.0, 0.05, 0.2]), diverse=st.booleans())
def test_a_search_that_goes_on_finds_what_a_fresh_one_finds(seed: int, limit: float, diverse: bool) -> None:
    columns, values = _columns(seed)
    sensitive = [sensitive_column("s", values)] if diverse else []
    after = None
    for k in (2, 3, 5, 10):
        requirement = Requirement(k, limit, l=2 if diverse else None)
        fresh = full_domain(columns, requirement, sensitive)
        further = full_domain(columns, requirement, sensitive, after=after)
        assert (fresh is None) == (further is None)
        if fresh is None or further is None:
            break
        assert further.loss == pytest.approx(fresh.loss, abs=1e-12)
        after = further.lattice


def _columns(seed: int) -> tuple[list[GeneralisedColumn], pa.ChunkedArray]:
    random = np.random.default_rng(seed)
    rows = int(random.integers(20, 120))
    ages = pa.chunked_array([pa.array(random.integers(0, 100, rows))])
    codes = pa.chunked_array([random.choice(["110105", "110108", "310104", "440103"], rows).tolist()])
    kinds = pa.chunked_array([random.choice(["a", "b", "c"], rows).tolist()])
    columns = [
        generalise_column("age", ages, BUILT_IN["age"]),
        generalise_column("code", codes, BUILT_IN["division-code"]),
        generalise_column("kind", kinds, BUILT_IN["flat"]),
    ]
    return columns, pa.chunked_array([random.choice(["x", "y"], rows).tolist()])
