"""A later release does not undo an earlier suppression, nor single out who came or went."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from anonymize.apply import apply_controls
from anonymize.plan import plan_controls
from anonymize.rerelease import suppress_differences
from anonymize.risk import measure_risk
from anonymize.treated import TreatedTable
from schemas.dataset import Tier
from schemas.disclosure import DisclosureControl, Recoding
from tests.factories.disclosure import person_roles, person_schema, persons, policy, published, tier_policy

TIER = tier_policy(suppression_limit=0.1)
QUASI = ("性别", "年龄", "区划", "就诊日期")


def plan() -> tuple[DisclosureControl, ...]:
    return plan_controls(person_schema(), person_roles(), policy(TIER), [Tier.OPEN])[Tier.OPEN]


def release(table: pa.Table, *earlier: TreatedTable) -> TreatedTable:
    treated = apply_controls(table, plan(), TIER, None)
    return suppress_differences(treated, table, [published(old) for old in earlier], plan(), TIER)


def differences(new: pa.Table, old: pa.Table) -> tuple[Counter, Counter]:
    """Records that came and went, per class, for an attacker who holds both tables."""
    ahead = Counter(tuple(r.values()) for r in new.to_pylist())
    behind = Counter(tuple(r.values()) for r in old.to_pylist())
    came, went = Counter(), Counter()
    for row, n in (ahead - behind).items():
        came[row[: len(QUASI)]] += n
    for row, n in (behind - ahead).items():
        went[row[: len(QUASI)]] += n
    return came, went


@pytest.mark.parametrize("newcomers", [1, 4, 5, 60])
def test_few_newcomers_of_a_class_are_held_back(newcomers: int) -> None:
    everybody = persons(600 + newcomers)
    old = release(everybody.slice(0, 600))
    new = release(everybody, old)
    if new.levels != old.levels:
        pytest.skip("the levels changed: classes are compared on common ground elsewhere")
    came, went = differences(new.table, old.table)
    assert min(came.values(), default=5) >= 5
    assert min(went.values(), default=5) >= 5
    assert measure_risk(new.table, new.quasi_identifiers).k >= 5


def test_few_leavers_take_company_along() -> None:
    everybody = persons(600)
    old = release(everybody)
    without_one = everybody.filter(pa.array(np.arange(600) != 17))
    alone = apply_controls(without_one, plan(), TIER, None)
    assert alone.levels == old.levels
    assert min(differences(alone.table, old.table)[1].values()) == 1  # the attack works without the check
    new = release(without_one, old)
    came, went = differences(new.table, old.table)
    assert not came
    assert min(went.values()) >= 5
    assert new.records_suppressed > alone.records_suppressed
    assert any("earlier" in remark.en for remark in new.remarks)


def test_the_same_data_again_changes_nothing() -> None:
    table = persons(500)
    old = release(table)
    assert release(table, old).table.equals(old.table)


def test_releases_at_different_levels_are_compared_on_common_ground() -> None:
    everybody = persons(900)
    few = everybody.slice(0, 120)
    coarse, fine = apply_controls(few, plan(), TIER, None), apply_controls(everybody, plan(), TIER, None)
    assert coarse.levels != fine.levels
    new = suppress_differences(fine, everybody, [published(coarse)], plan(), TIER)
    assert measure_risk(new.table, new.quasi_identifiers).k >= 5


def test_all_earlier_releases_count() -> None:
    everybody = persons(603)
    first, second = release(everybody.slice(0, 600)), release(everybody.slice(0, 602))
    new = release(everybody, first, second)
    for old in (first, second):
        if new.levels == old.levels:
            came, went = differences(new.table, old.table)
            assert min([*came.values(), *went.values()], default=5) >= 5


def test_local_recoding_is_compared_label_by_label() -> None:
    tier = tier_policy(recoding=Recoding.LOCAL, suppression_limit=0.3)
    controls = plan_controls(person_schema(), person_roles(), policy(tier), [Tier.OPEN])[Tier.OPEN]
    everybody = persons(600)
    without_one = everybody.filter(pa.array(np.arange(600) != 17))
    old, new = (apply_controls(t, controls, tier, None) for t in (without_one, everybody))
    checked = suppress_differences(new, everybody, [published(old, tier)], controls, tier)
    came, went = differences(checked.table, old.table)
    assert min([*came.values(), *went.values()], default=5) >= 5


def test_without_earlier_releases_the_table_is_as_it_was() -> None:
    treated = apply_controls(persons(200), plan(), TIER, None)
    assert suppress_differences(treated, persons(200), [], plan(), TIER) is treated
