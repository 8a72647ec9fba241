"""Tables with noise: groups from the schema, one record per person, bounds, and noise of the right scale."""

from pathlib import Path
from typing import Any

import numpy as np
import opendp.prelude as opendp
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import catalog_config
from anonymize.assess import assess_disclosure
from anonymize.dp import with_noise
from anonymize.private_table import private_table
from anonymize.public_domain import public_domain
from anonymize.subjects import counted_subject
from catalog_config.configuration import load_configuration
from schemas.dataset import Tier
from schemas.disclosure import Outcome, Thresholds
from schemas.errors import ConfigurationError, Refused
from schemas.statistics import StatisticalTable
from schemas.table_schema import FieldRole, Meaning
from tests.factories.disclosure import thresholds, tier_policy
from tests.factories.opendp_chains import opendp_counts
from tests.factories.planned import planned

LIMITS = thresholds(k=None, epsilon=1.0, epsilon_total=4.0)
EXACT = thresholds(k=None, epsilon=1e6, epsilon_total=1e6)  # noise that rounds to nothing
BY = StatisticalTable(by=("区",))


IDENTITY = planned("证", FieldRole.DIRECT_IDENTIFIER, meaning=Meaning.RESIDENT_ID)
DISTRICT = planned("区", FieldRole.QUASI_IDENTIFIER, required=True, enum=["东", "西", "南"])
AMOUNT = planned("额", FieldRole.SENSITIVE, "integer", minimum=0, maximum=100)
PLAN = (IDENTITY, DISTRICT, AMOUNT)


def visits(**columns: list) -> pa.Table:
    usual = {"证": ["a", "b", "c", "d"], "区": ["东", "东", "东", "西"], "额": [10, 20, 30, 1000]}
    return pa.table({**usual, **columns})


def drawn(table: pa.Table, statistics: StatisticalTable = BY, limits: Thresholds = EXACT, plan: Any = PLAN) -> pa.Table:
    return private_table(table, statistics, limits, plan, {}).table


def refusal(table: pa.Table, statistics: StatisticalTable, plan: Any = PLAN) -> Refused:
    with pytest.raises(Refused) as refused:
        private_table(table, statistics, LIMITS, plan, {})
    return refused.value


def test_every_public_group_is_listed_whether_or_not_anybody_is_in_it() -> None:
    result = drawn(visits())
    assert result.to_pydict() == {"区": ["东", "西", "南"], "count": [3, 1, 0]}
    nobody = drawn(visits().slice(0, 0), limits=LIMITS)
    assert nobody["区"].to_pylist() == ["东", "西", "南"]


def test_sums_are_of_values_within_the_bounds() -> None:
    result = drawn(visits(), StatisticalTable(by=("区",), measures=("额",)))
    assert result["额_sum"].to_pylist() == [60, 100, 0]
    assert result["额_sum"].type == pa.int64()


def test_a_sum_of_fractions() -> None:
    plan = (DISTRICT, planned("率", FieldRole.SENSITIVE, "number", minimum=-2.5, maximum=2.5))
    table = pa.table({"区": ["东", "东", "西"], "率": [1.25, None, float("inf")]})
    result = drawn(table, StatisticalTable(by=("区",), measures=("率",)), plan=plan)
    assert result["率_sum"].to_pylist() == pytest.approx([1.25, 2.5, 0.0], abs=1e-4)


@given(st.lists(st.tuples(st.sampled_from([*"abc", None]), st.sampled_from("东西南")), max_size=30))
@settings(deadline=None, max_examples=25)
def test_a_person_counts_once_and_a_record_without_a_person_not_at_all(records: list) -> None:
    people, places = [p for p, _ in records], [d for _, d in records]
    table = pa.table(
        {
            "证": pa.array(people, pa.string()),
            "区": pa.array(places, pa.string()),
            "额": pa.nulls(len(people), pa.int64()),
        }
    )
    assert sum(drawn(table)["count"].to_pylist()) == len(set(people) - {None})


def test_a_missing_value_is_a_group_where_the_schema_allows_it() -> None:
    optional = planned("区", FieldRole.QUASI_IDENTIFIER, enum=["东", "西"])
    result = drawn(visits(区=["东", None, None, "北"]), plan=(IDENTITY, optional, AMOUNT))
    assert result.to_pydict() == {"区": ["东", "西", None], "count": [1, 0, 2]}


def test_groups_that_the_schema_does_not_list_are_refused() -> None:
    unlisted = planned("区", FieldRole.QUASI_IDENTIFIER)
    assert refusal(visits(), BY, (IDENTITY, unlisted, AMOUNT)).code == "no-public-domain"


def test_where_public_values_come_from() -> None:
    hierarchies = load_configuration(Path(catalog_config.__file__).parent).hierarchies
    by_table = planned("学历", FieldRole.QUASI_IDENTIFIER, required=True).declared
    assert by_table is not None
    listed = public_domain(by_table.model_copy(update={"hierarchy": "education"}), pa.string(), hierarchies)
    assert "本科" in listed.to_pylist()
    digits = by_table.model_copy(update={"constraints": {"required": True, "minimum": 1, "maximum": 3}})
    assert public_domain(digits, pa.int64(), {}).to_pylist() == [1, 2, 3]
    assert public_domain(by_table, pa.bool_(), {}).to_pylist() == [False, True]
    wide = by_table.model_copy(update={"constraints": {"minimum": 0, "maximum": 1000}})
    with pytest.raises(Refused):
        public_domain(wide, pa.int64(), {})


def test_sums_without_bounds_and_of_words_are_refused() -> None:
    summed = StatisticalTable(by=("区",), measures=("额",))
    for constraints in ({}, {"minimum": 0}, {"minimum": 5, "maximum": 1}):
        unbounded = planned("额", FieldRole.SENSITIVE, "integer", **constraints)
        assert refusal(visits(), summed, (IDENTITY, DISTRICT, unbounded)).code == "no-public-bounds"
    assert refusal(visits(额=["x"] * 4), summed).code == "measure-not-numeric"


def test_no_grouping_by_identifiers_and_not_too_fine() -> None:
    assert refusal(visits(), StatisticalTable(by=("证",))).code == "grouped-by-identifier"
    fine = [
        planned(n, FieldRole.QUASI_IDENTIFIER, "integer", required=True, minimum=0, maximum=99) for n in ("x", "y", "z")
    ]
    table = pa.table({n: pa.array([1, 2]) for n in ("x", "y", "z")})
    assert refusal(table, StatisticalTable(by=("x", "y", "z")), fine).code == "too-many-cells"


def test_the_policy_gives_an_epsilon() -> None:
    with pytest.raises(ConfigurationError):
        private_table(visits(), BY, thresholds(k=None, smallest_cell=10), PLAN, {})


def test_the_surest_identifier_tells_persons_apart() -> None:
    name = planned("名", FieldRole.DIRECT_IDENTIFIER, meaning=Meaning.PERSON_NAME)
    number = planned("号", FieldRole.DIRECT_IDENTIFIER, meaning=Meaning.CODE)
    table = visits(名=["x"] * 4, 号=["1", "2", "3", "4"])
    assert counted_subject((number, name, IDENTITY), table) == "证"
    assert counted_subject((number, name), table) == "名"
    assert counted_subject((number, DISTRICT), table) is None


def test_the_noise_is_that_of_the_stated_epsilon() -> None:
    """Discrete Laplace of scale s has the standard deviation √(2q)/(1-q), q = exp(-1/s). 20,000 draws: a correct
    sampler misses 5 % less than once in 10⁸ runs."""
    for epsilon, change in ((1.0, 1), (0.25, 1), (0.5, 100)):
        noise = with_noise(np.full(20_000, 1_000_000), change, epsilon) - 1_000_000
        q = np.exp(-epsilon / change)
        assert np.std(noise) == pytest.approx(np.sqrt(2 * q) / (1 - q), rel=0.05)
        assert abs(np.mean(noise)) < 6 * np.std(noise) / np.sqrt(len(noise))


def test_epsilon_is_shared_between_counts_and_sums_and_told() -> None:
    treated = private_table(visits(), StatisticalTable(by=("区",), measures=("额",)), LIMITS, PLAN, {})
    privacy = treated.privacy
    assert privacy is not None
    assert (privacy.epsilon, privacy.epsilon_of_each, privacy.unit, privacy.subject) == (1.0, 0.5, "person", "证")
    assert privacy.bounds == {"额": (0.0, 100.0)}
    assert privacy.margins == {"count": 6.0, "额_sum": 599.0}  # ln 20 / 0.5, and a hundred times that


def test_nineteen_of_twenty_cells_are_within_the_margin() -> None:
    place = planned("n", FieldRole.QUASI_IDENTIFIER, "integer", required=True, minimum=0, maximum=999)
    table = pa.table({"n": np.repeat(np.arange(1000), 50)})
    treated = [private_table(table, StatisticalTable(by=("n",)), LIMITS, (place,), {}) for _ in range(10)]
    margin = treated[0].privacy.margins["count"] if treated[0].privacy else 0
    counts = np.concatenate([t.table["count"].to_numpy() for t in treated])
    assert np.mean(np.abs(counts - 50) <= margin) == pytest.approx(0.95, abs=0.025)  # the margin is rounded up


def test_counts_are_distributed_as_those_of_opendps_own_counting() -> None:
    """Two samples of 2,000 counts, Kolmogorov-Smirnov; equal distributions fail once in a million runs."""
    places = [f"p{n}" for n in range(200)]
    plan = (planned("区", FieldRole.QUASI_IDENTIFIER, required=True, enum=places),)
    table = pa.table({"区": [p for p in places for _ in range(100)]})
    ours = [drawn(table, limits=LIMITS, plan=plan)["count"].to_numpy() for _ in range(10)]
    theirs = [opendp_counts(table["区"].to_pylist(), places, 1.0) for _ in range(10)]
    assert stats.ks_2samp(np.concatenate(ours), np.concatenate(theirs)).pvalue > 1e-6
    assert stats.ks_2samp(np.concatenate(ours), np.concatenate(theirs) + 2).pvalue < 1e-6  # the test can tell


def test_opendp_certifies_the_epsilon_of_the_same_noise() -> None:
    """A person changes one count by one: at the scale used, OpenDP's map gives exactly the epsilon we state."""
    space = opendp.vector_domain(opendp.atom_domain(T=opendp.i64)), opendp.l1_distance(T=opendp.i64)
    for epsilon, change in ((1.0, 1), (0.25, 1), (0.5, 100)):
        assert opendp.m.make_laplace(*space, scale=change / epsilon).map(change) == pytest.approx(epsilon)


def test_the_report_tells_the_promise_and_no_number_of_records() -> None:
    treated = private_table(visits(), BY, LIMITS, PLAN, {})
    policy = tier_policy(k=None, epsilon=1.0, epsilon_total=4.0)
    report = assess_disclosure(visits(), treated, PLAN, policy, Tier.STATISTICAL)
    assert report.extra["privacy"]["mechanism"] == "discrete-laplace"
    assert report.extra["privacy"]["records_per_subject"] == 1
    assert "records_before" not in report.extra
    assert report.outcome is Outcome.REVIEW  # four records in three groups: noise is all there is
    assert "cut too fine" in report.reasons[-1].en


def test_more_epsilon_than_the_policy_allows_fails() -> None:
    treated = private_table(visits(), BY, LIMITS, PLAN, {})
    policy = tier_policy(k=None, epsilon=0.5, epsilon_total=4.0)
    assert assess_disclosure(visits(), treated, PLAN, policy, Tier.STATISTICAL).outcome is Outcome.FAIL


def test_records_are_protected_where_persons_cannot_be_told_apart() -> None:
    treated = private_table(visits(), BY, LIMITS, (DISTRICT, AMOUNT), {})
    assert treated.privacy is not None
    assert treated.privacy.unit == "record"
    assert treated.remarks


def test_what_was_drawn_before_is_taken_as_it_is() -> None:
    first = private_table(visits(), BY, LIMITS, PLAN, {})
    again = private_table(visits(), BY, LIMITS, PLAN, {}, drawn=first.table)
    assert again.table is first.table
    assert (again.fields, again.effects, again.privacy) == (first.fields, first.effects, first.privacy)


@pytest.mark.parametrize(
    "values",
    [
        {"epsilon": 1.0},
        {"epsilon_total": 1.0},
        {"epsilon": 2.0, "epsilon_total": 1.0},
        {"epsilon": 1.0, "epsilon_total": 2.0, "smallest_cell": 10},
        {"epsilon": 1.0, "epsilon_total": 2.0, "dominance": 0.1},
        {"epsilon": 1.0, "epsilon_total": float("inf")},
    ],
)
def test_a_policy_with_half_a_budget_is_refused(values: dict) -> None:
    with pytest.raises(ValueError, match=r"epsilon|finite"):
        thresholds(k=None, **values)
