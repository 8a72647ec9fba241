"""Intersection of releases, carried out: a target who is in two releases is looked for in both at once.

The attacker knows age, place and sex of the target, takes the class that holds them in each release, and keeps those
records that have a counterpart, alike in all that was kept, in the other class (Ganta, Kasiviswanathan and Smith,
"Composition attacks and auxiliary information in data privacy", 2008).
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from anonymize.apply import apply_controls
from anonymize.rerelease import apply_controls_after, suppress_differences
from anonymize.treated import TreatedTable
from schemas.disclosure import Control, DisclosureControl, Recoding, TierPolicy
from schemas.hierarchy import Hierarchy, Level
from schemas.table_schema import FieldRole, Meaning
from tests.factories.disclosure import control, published, text, tier_policy
from tests.integration.test_attacks import covers

KNOWN = ("sex", "age", "place")
KEPT = ("diagnosis", "cost")
AGE = Hierarchy(name="bands", title=text("a"), source=text("t"), levels=(Level(band=5), Level(band=20)))
PLACE = Hierarchy(
    name="places", title=text("p"), source=text("t"), levels=(Level(prefix=4, fill="0"), Level(prefix=2, fill="0"))
)
TIER = tier_policy(suppression_limit=0.4)


def inhabitants(rows: int = 1500, seed: int = 1) -> pa.Table:
    random = np.random.default_rng(seed)
    return pa.table(
        {
            "sex": random.choice(["男", "女"], rows).tolist(),
            "age": random.integers(0, 80, rows),
            "place": [f"{p}0{c}01" for p, c in random.integers([11, 1], [14, 7], (rows, 2))],
            "diagnosis": random.choice(["感冒", "胃炎", "高血压", "糖尿病", "骨折"], rows).tolist(),
            "cost": random.integers(1, 60, rows),
        }
    )


def plan(age: int = 0, place: int = 0) -> tuple[DisclosureControl, ...]:
    """Levels are no finer than these."""
    quasi, kept = FieldRole.QUASI_IDENTIFIER, FieldRole.NON_SENSITIVE
    return (
        control("sex", quasi, Control.GENERALISE, meaning=Meaning.GENDER, levels=SEX),
        control("age", quasi, Control.GENERALISE, levels=AGE, type="integer", lowest=age),
        control("place", quasi, Control.GENERALISE, levels=PLACE, lowest=place),
        control("diagnosis", FieldRole.SENSITIVE, Control.KEEP),
        control("cost", kept, Control.KEEP, type="integer"),
    )


SEX = Hierarchy(name="flat", title=text("s"), source=text("t"))
FINE_AGE, FINE_PLACE = plan(age=1, place=2), plan(age=2, place=1)


def release(table: pa.Table, controls: Sequence[DisclosureControl], tier: TierPolicy = TIER) -> TreatedTable:
    return apply_controls(table, controls, tier, None)


def class_of(table: pa.Table, target: dict) -> Counter:
    """What was kept of the records that could be the target."""
    words = {name: {str(w) for w in table[name].unique().to_pylist() if covers(w, target[name])} for name in KNOWN}
    masks = [np.isin(table[name].to_numpy(zero_copy_only=False).astype(str), list(words[name])) for name in KNOWN]
    return Counter(tuple(row.values()) for row in table.filter(pa.array(np.all(masks, 0))).select(KEPT).to_pylist())


def candidates(one: pa.Table, other: pa.Table, target: dict) -> Counter:
    """Records that could be the target in both."""
    return class_of(one, target) & class_of(other, target)


def narrowed(one: pa.Table, other: pa.Table, targets: Sequence[dict], k: int = 5) -> int:
    """Targets who are in both and for whom fewer than k records are left, though either alone leaves k."""
    found = 0
    for target in targets:
        left = candidates(one, other, target)
        found += 0 < left.total() < k
    return found


def kept_share(checked: TreatedTable, alone: TreatedTable) -> float:
    """Of the records that would be published without the comparison: an empty table withstands any attack."""
    return checked.table.num_rows / alone.table.num_rows


def test_two_partitions_of_the_same_people_cannot_be_intersected() -> None:
    people = inhabitants()
    old, new = release(people, FINE_AGE), release(people, FINE_PLACE)
    assert (old.levels["age"], old.levels["place"]) == (1, 2)
    assert (new.levels["age"], new.levels["place"]) == (2, 1)
    targets = people.slice(0, 40).to_pylist()
    assert narrowed(old.table, new.table, targets) > 20  # the attack works on either release as it is
    checked = suppress_differences(new, people, [published(old, TIER)], FINE_PLACE, TIER)
    assert narrowed(old.table, checked.table, targets) == 0
    assert kept_share(checked, new) > 0.2  # without coarser levels, which come next


def test_levels_are_chosen_no_finer_than_those_of_the_earlier_release() -> None:
    people = inhabitants()
    old = release(people, FINE_AGE)
    tier = tier_policy(suppression_limit=0.05)
    new = apply_controls_after(people, FINE_PLACE, tier, None, None, [published(old, TIER)])
    assert (new.levels["age"], new.levels["place"]) == (2, 2)
    assert new.records_suppressed <= 0.05 * people.num_rows
    assert new.table.num_rows > 0.9 * people.num_rows
    assert narrowed(old.table, new.table, people.slice(0, 40).to_pylist()) == 0
    assert any("no finer" in remark.en and "place" in remark.en for remark in new.remarks)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("before", "after"), [(FINE_AGE, FINE_PLACE), (FINE_PLACE, FINE_AGE), (FINE_AGE, FINE_AGE)])
def test_comers_and_leavers_do_not_help(
    before: Sequence[DisclosureControl], after: Sequence[DisclosureControl], seed: int
) -> None:
    people = inhabitants(1500, seed)
    old = release(people.slice(0, 1400), before)
    present = people.slice(40)
    alone = release(present, after)
    checked = suppress_differences(alone, present, [published(old, TIER)], after, TIER)
    assert kept_share(checked, alone) > (0.8 if before is after else 0.08)
    assert narrowed(old.table, checked.table, people.slice(30, 30).to_pylist()) == 0
    assert narrowed(old.table, checked.table, people.slice(1390, 30).to_pylist()) == 0


def test_few_who_stay_among_many_who_are_replaced_are_not_told() -> None:
    """At the same levels: of a class of six, one record is the same in both, five left and five came."""

    def crowd(costs: list[int]) -> pa.Table:
        rows = len(costs)
        columns = {"sex": ["女"] * rows, "age": [33] * rows, "place": ["110101"] * rows}
        return pa.table({**columns, "diagnosis": ["感冒"] * rows, "cost": costs})

    before, after = crowd([1, 2, 3, 4, 5, 6]), crowd([1, 12, 13, 14, 15, 16])
    tier = tier_policy(suppression_limit=1.0)
    old, new = (release(table, plan(), tier) for table in (before, after))
    target = before.to_pylist()[0]
    assert candidates(old.table, new.table, target).total() == 1
    checked = suppress_differences(new, after, [published(old, tier)], plan(), tier)
    assert candidates(old.table, checked.table, target).total() == 0
    assert checked.table.num_rows == 5  # those who came


def test_homogeneous_intersections_do_not_tell_the_diagnosis() -> None:
    """Both classes hold two diagnoses, what they have in common only one."""
    old_rows = [("女", 33, "110101", "感冒", n) for n in range(6)] + [("女", 33, "110101", "胃炎", n) for n in range(6)]
    new_rows = old_rows[:6] + [("女", 33, "110101", word, n) for word in ("骨折", "高血压") for n in range(6)]
    tables = [
        pa.table(dict(zip((*KNOWN, *KEPT), map(list, zip(*rows, strict=True)), strict=True)))
        for rows in (old_rows, new_rows)
    ]
    tier = tier_policy(suppression_limit=1.0, l=2)
    old, new = (release(table, plan(), tier) for table in tables)
    target = tables[0].to_pylist()[0]
    told = candidates(old.table, new.table, target)
    assert told.total() == 6
    assert len({diagnosis for diagnosis, _ in told}) == 1
    checked = suppress_differences(new, tables[1], [published(old, tier)], plan(), tier)
    assert candidates(old.table, checked.table, target).total() == 0
    assert checked.table.num_rows == 12  # those who came, with two diagnoses


@pytest.mark.parametrize("seed", range(3))
def test_local_recoding_does_not_help_either(seed: int) -> None:
    tier = tier_policy(recoding=Recoding.LOCAL, suppression_limit=1.0)
    people = inhabitants(1100, seed)
    present = people.slice(350)
    old, new = release(people.slice(0, 700), plan(), tier), release(present, plan(), tier)
    targets = people.slice(350, 60).to_pylist()
    assert narrowed(old.table, new.table, targets) > 2
    checked = suppress_differences(new, present, [published(old, tier)], plan(), tier)
    assert kept_share(checked, new) > 0.3
    assert narrowed(old.table, checked.table, targets) == 0
