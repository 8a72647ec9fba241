"""A later release does not undo an earlier suppression, nor single out who came or went."""

import weakref
from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from anonymize.apply import apply_controls
from anonymize.earlier import Earlier
from anonymize.plan import plan_controls
from anonymize.rerelease import apply_controls_after, suppress_differences, tells_apart
from anonymize.rerelease_words import withheld
from anonymize.risk import measure_risk
from anonymize.treated import TreatedTable
from anonymize.treatments.pseudonyms import pseudonymise
from schemas.dataset import Tier
from schemas.disclosure import Control, ControlSpec, DisclosureControl, Recoding
from schemas.table_schema import FieldRole, Meaning
from tests.factories.disclosure import KEY, person_roles, person_schema, persons, policy, published, tier_policy

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
    assert new.levels == old.levels  # at other levels classes are compared on common ground, elsewhere
    assert new.table.num_rows >= 0.85 * everybody.num_rows
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
    assert new.levels == first.levels == second.levels
    assert new.table.num_rows >= 0.9 * everybody.num_rows
    for old in (first, second):
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


@pytest.mark.parametrize(("number", "words"), [(1, "1 more record would"), (2, "2 more records would")])
def test_one_record_is_told_in_the_singular(number: int, words: str) -> None:
    told = withheld(number, {}).en
    assert told.startswith(words)
    assert told.endswith("was withheld" if number == 1 else "were withheld")


def test_a_hierarchy_that_changed_since_is_for_a_reviewer_to_look_at() -> None:
    table = persons(600)
    old, new = release(table), apply_controls(table, plan(), TIER, None)
    other_steps = {**old.ladders, "就诊日期": ("0" * 16,) * 4}
    checked = suppress_differences(new, table, [published(old, ladders=other_steps)], plan(), TIER)
    assert 0 < new.levels["就诊日期"] < 5
    assert [r.en for r in checked.remarks if r.en.startswith("就诊日期 was treated or generalised differently")]
    assert [r.zh for r in checked.remarks if r.zh.startswith("字段 就诊日期") and "请审核人" in r.zh]


def test_what_was_published_before_ladders_were_on_record_is_compared_by_its_labels() -> None:
    everybody = persons(600)
    old = release(everybody)
    without_one = everybody.filter(pa.array(np.arange(600) != 17))
    new = apply_controls(without_one, plan(), TIER, None)
    unrecorded = published(old, ladders=None, treatments={"诊断": "keep", "科室": "keep"})
    checked = suppress_differences(new, without_one, [unrecorded], plan(), TIER)
    assert min(differences(checked.table, old.table)[1].values()) >= 5
    assert not [r for r in checked.remarks if "differently" in r.en]


def test_a_kept_field_that_was_treated_otherwise_before_links_nothing_and_is_told() -> None:
    table = persons(600)
    old, new = release(table), apply_controls(table, plan(), TIER, None)
    rounded = published(old, treatments={**old.treatments, "科室": "mask:0"})
    remarks = suppress_differences(new, table, [rounded], plan(), TIER).remarks
    assert [r for r in remarks if r.en.startswith("科室 was treated")]


def test_a_k_below_the_earlier_one_is_no_excuse() -> None:
    """Where the policy states no k any more, the earlier release's holds for what they tell together."""
    table = persons(600)
    old = release(table)
    bare = tier_policy(k=None, suppression_limit=1.0)
    controls = plan_controls(person_schema(), person_roles(), policy(bare), [Tier.OPEN])[Tier.OPEN]
    raw = TreatedTable(
        table.select([*QUASI, "诊断", "科室"]),
        (),
        (),
        quasi_identifiers=QUASI,
        treatments=dict.fromkeys((*QUASI, "诊断", "科室"), "keep:1"),
    )
    checked = suppress_differences(raw, table, [published(old)], controls, bare)
    assert checked.table.num_rows == 0
    assert suppress_differences(raw, table, [], controls, bare).table.num_rows == 600


def test_two_releases_without_any_k_are_for_a_reviewer_to_look_at() -> None:
    table = persons(100)
    treated = apply_controls(table, plan(), tier_policy(suppression_limit=1.0), None)
    bare = tier_policy(k=None)
    controls = plan_controls(person_schema(), person_roles(), policy(bare), [Tier.OPEN])[Tier.OPEN]
    checked = suppress_differences(treated, table, [published(treated, bare)], controls, bare)
    assert checked.table.equals(treated.table)
    assert ["states a k" in r.en and "均未规定 k" in r.zh for r in checked.remarks[len(treated.remarks) :]] == [True]


def test_a_smaller_k_before_does_not_empty_the_release_of_today() -> None:
    """What an earlier release tells alone no later one takes back."""
    table, weaker = persons(700), tier_policy(k=3, suppression_limit=0.1)
    controls = plan_controls(person_schema(), person_roles(), policy(weaker), [Tier.OPEN])[Tier.OPEN]
    old = apply_controls(table, controls, weaker, None)
    strict = tier_policy(k=20, suppression_limit=0.1)
    checked = apply_controls_after(table, plan(), strict, None, None, [published(old, weaker)])
    assert checked.table.num_rows >= 630
    assert measure_risk(checked.table, checked.quasi_identifiers).k >= 20


def test_a_field_that_only_one_release_has_still_makes_its_classes() -> None:
    """Age in one, place in the other: nobody shares a word, and yet both know the target."""
    rows = 400
    source = persons(rows).set_column(7, "诊断", pa.array([f"病{n}" for n in range(rows)]))  # everybody can be linked
    some = {"性别", "年龄", "诊断"}, {"性别", "区划", "诊断"}
    controls = [tuple(c for c in plan() if c.field in names) for names in some]
    old, new = (apply_controls(source.select([c.field for c in listed]), listed, TIER, None) for listed in controls)
    joined = (
        old.table.join(new.table, "诊断", right_suffix="2")
        .group_by(["性别", "年龄", "区划"])
        .aggregate([([], "count_all")])
    )
    assert min(joined["count_all"].to_pylist()) < 5  # the attack works
    checked = suppress_differences(
        new, source.select([c.field for c in controls[1]]), [published(old)], controls[1], TIER
    )
    joined = old.table.join(checked.table, "诊断", "诊断", "inner", right_suffix="2")
    sizes = joined.group_by(["性别", "年龄", "区划"]).aggregate([([], "count_all")])["count_all"].to_pylist()
    assert min(sizes, default=5) >= 5


def test_tables_made_alike_are_compared_when_signed_and_others_refused() -> None:
    everybody = persons(600)
    old = release(everybody)
    one_less = apply_controls(everybody.slice(0, 599), plan(), TIER, None)
    assert one_less.levels == old.levels
    assert not tells_apart(published(old), published(old))
    assert tells_apart(published(one_less), published(old))
    assert not tells_apart(published(release(everybody.slice(0, 599), old)), published(old))
    assert tells_apart(published(old, levels={}), published(one_less, table=old.table.slice(0, 400)))
    assert not tells_apart(published(old, quasi_identifiers=()), published(one_less, quasi_identifiers=()))


ADDED = {
    None: {},
    "microaggregate:varies": {"pay": "microaggregate:varies"},
    "top-bottom-code:varies": {"pay": "top-bottom-code:varies"},
    "keep:1": {"pay": "keep:1"},
}


@pytest.mark.parametrize("added", ADDED)
@pytest.mark.parametrize("same_tier", [True, False])
def test_who_moved_to_another_class_is_seen_whatever_is_kept_beside(added: str | None, same_tier: bool) -> None:
    """One of rare work moved from A to B; the others are the same. Other fields' values are another one each time."""
    jobs = ["judge", *["clerk"] * 9, *["clerk"] * 10]
    places = ["A"] * 10 + ["B"] * 10, ["B", *["A"] * 9, *["B"] * 10]
    treatments = {"place": "generalise:1", "job": "keep:1", **ADDED[added]}
    if not same_tier:
        treatments["number"] = "pseudonym:1"
    met = {"quasi_identifiers": ("place",), "k": 3, "levels": {"place": 0}, "ladders": {}, "treatments": treatments}
    tables = [
        pa.table({"place": place, "job": jobs, "pay": list(range(n, n + 20)), "number": [f"{n}-{i}" for i in jobs]})
        for n, place in ((0, places[0]), (100, places[1]))
    ]
    old, new = (Earlier(t.select(list(treatments)), same_tier=same_tier, **met) for t in tables)
    if added == "keep:1":  # all twenty may be others
        assert not tells_apart(new, old)
    else:
        assert tells_apart(new, old)


def test_quasi_identifiers_that_nobody_can_compare_are_left_to_preparing() -> None:
    table = pa.table({"place": ["A"] * 5 + ["B"] * 5})
    met = {"quasi_identifiers": ("place",), "k": 3, "levels": {"place": 1}, "ladders": {}}
    districts = [Earlier(t, treatments={"place": "generalise:varies"}, **met) for t in (table, table.slice(5))]
    assert tells_apart(*districts)
    known = [Earlier(t, treatments={"place": "generalise:1"}, **met) for t in (table, table.slice(5))]
    assert not tells_apart(*known)


def test_a_small_register_without_quasi_identifiers_stays() -> None:
    table = pa.table({"科室": ["内科", "外科"]})
    control = next(c for c in plan() if c.field == "科室")
    old = apply_controls(table, [control], TIER, None)
    assert suppress_differences(old, table, [published(old)], [control], TIER).table.num_rows == 2


def test_pseudonyms_of_another_tier_link_nothing_and_ask_for_nobody() -> None:
    keyed = {FieldRole.DIRECT_IDENTIFIER: ControlSpec(control=Control.PSEUDONYM)}
    tier = tier_policy(keyed, suppression_limit=0.1)
    controls = plan_controls(person_schema(), person_roles(), policy(tier), [Tier.OPEN])[Tier.OPEN]
    table = persons(400)
    old, new = (apply_controls(table, controls, tier, key) for key in (KEY, KEY[::-1]))
    checked = suppress_differences(new, table, [published(old, tier, same_tier=False)], controls, tier)
    assert checked.table.equals(new.table)
    assert checked.remarks == new.remarks


def test_comparisons_made_again_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = persons(603)
    first, second = release(everybody.slice(0, 600)), release(everybody.slice(20, 560))
    held = release(everybody.slice(3), first, second)
    monkeypatch.setattr("anonymize.rerelease.HELD_ROWS", 0)
    again = release(everybody.slice(3), first, second)
    assert again.table.equals(held.table)
    assert 0 < again.table.num_rows < apply_controls(everybody.slice(3), plan(), TIER, None).table.num_rows


def test_visits_of_few_patients_are_not_many_patients() -> None:
    """Six visits of one patient come to a class: six newcomers, and still one person."""
    keyed = {FieldRole.DIRECT_IDENTIFIER: ControlSpec(control=Control.PSEUDONYM)}
    tier = tier_policy(keyed, suppression_limit=1.0)
    controls = plan_controls(person_schema(), person_roles(), policy(tier), [Tier.OPEN])[Tier.OPEN]
    before = persons(300)
    newcomer = persons(1, seed=9).to_pylist()[0] | {name: before[name][0].as_py() for name in QUASI}
    visits = pa.Table.from_pylist([newcomer] * 6, before.schema)
    after = pa.concat_tables([before, visits])
    old, new = (apply_controls(table, controls, tier, KEY) for table in (before, after))
    assert new.levels == old.levels
    number = pseudonymise(visits["身份证号"], KEY, Meaning.RESIDENT_ID.value)[0].as_py()
    assert new.table["身份证号"].to_pylist().count(number) == 6  # the attack works without the check
    signed = [published(t, tier, person="身份证号") for t in (new, old)]
    assert tells_apart(*signed)
    assert not tells_apart(*(published(t, tier) for t in (new, old)))  # six records, if nobody counts persons
    checked = suppress_differences(new, after, [published(old, tier)], controls, tier)
    assert checked.table["身份证号"].to_pylist().count(number) == 0


def test_of_many_earlier_tables_one_is_in_memory_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve releases, none of whose comparisons is kept for the next round; also where levels have to be coarser."""
    monkeypatch.setattr("anonymize.rerelease.HELD_ROWS", 0)
    everybody = persons(620)
    read_before: list[weakref.ref[pa.Table]] = []
    most = 0

    def stored(table: pa.Table) -> Callable[[], pa.Table]:
        def read() -> pa.Table:
            nonlocal most
            opened = table.slice(0)
            read_before.append(weakref.ref(opened))
            most = max(most, sum(ref() is not None for ref in read_before))
            return opened

        return read

    treated = [apply_controls(everybody.slice(n, 600), plan(), TIER, None) for n in range(12)]
    earlier = [published(old, table=stored(old.table)) for old in treated]
    lazy = apply_controls_after(everybody, plan(), TIER, None, None, earlier)
    assert len(read_before) >= 12
    assert most == 1
    assert lazy == apply_controls_after(everybody, plan(), TIER, None, None, [published(old) for old in treated])
    assert any("earlier" in remark.en for remark in lazy.remarks)
