"""tradeoff: the cost of each k before choosing."""

import pyarrow as pa

from anonymize.apply import apply_controls
from anonymize.plan import plan_controls
from anonymize.tradeoff import tradeoff
from schemas.dataset import Tier
from schemas.disclosure import Control, ControlSpec
from schemas.table_schema import FieldRole
from tests.factories.disclosure import control, person_roles, person_schema, persons, policy, tier_policy

KEYED = tier_policy({FieldRole.DIRECT_IDENTIFIER: ControlSpec(control=Control.PSEUDONYM)})


def test_loss_grows_with_k_and_equals_that_of_the_treatment() -> None:
    table = persons(500)
    controls = plan_controls(person_schema(), person_roles(), policy(KEYED), [Tier.OPEN])[Tier.OPEN]
    points = tradeoff(table, controls, KEYED, (20, 3, 5, 10))
    assert [p.k for p in points] == [3, 5, 10, 20]
    assert all(p.feasible for p in points)
    losses = [p.loss for p in points]
    assert losses == sorted(losses)
    treated = apply_controls(table, controls, KEYED, b"k" * 32)
    assert points[1].loss == treated.loss
    assert points[1].records_suppressed == treated.records_suppressed
    assert set(points[0].losses) == {"性别", "年龄", "区划", "就诊日期"}


def test_what_cannot_be_reached_says_why() -> None:
    table = pa.table({"q": ["a"] * 8 + ["b"] * 4})
    points = tradeoff(table, [control("q", FieldRole.QUASI_IDENTIFIER, Control.KEEP)], tier_policy(), (3, 5))
    assert [p.feasible for p in points] == [True, False]
    assert points[1].note is not None
    assert "k = 4 is reachable" in points[1].note.en


def test_without_quasi_identifiers_there_is_nothing_to_choose() -> None:
    table = pa.table({"q": ["a"]})
    assert tradeoff(table, [control("q", FieldRole.NON_SENSITIVE, Control.KEEP)], tier_policy()) == ()
