"""Groups that two tables tell apart, against a count by brute force over the values that labels cover."""

from collections import Counter
from collections.abc import Sequence
from itertools import product
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.earlier import ladder_of
from anonymize.hierarchies import generalise_column
from anonymize.joint_groups import JointGroups, Standard, Watched
from anonymize.rerelease import suppress_differences
from anonymize.treated import TreatedTable
from schemas.disclosure import Control
from schemas.errors import Refused
from schemas.hierarchy import Hierarchy, Level
from schemas.table_schema import FieldRole
from tests.factories.disclosure import control, published, text, tier_policy

K = 3
WIDTHS = (1, 2, 4, 8)  # of the bands at levels 0 to 3; the root is everything
BANDS = Hierarchy(name="bands", title=text("b"), source=text("t"), levels=(Level(band=2), Level(band=4)))
TIER = tier_policy(k=K, suppression_limit=1.0)
PLAN = (
    control("x", FieldRole.QUASI_IDENTIFIER, Control.GENERALISE, levels=BANDS, type="integer"),
    control("y", FieldRole.QUASI_IDENTIFIER, Control.GENERALISE, levels=BANDS, type="integer"),
    control("v", FieldRole.NON_SENSITIVE, Control.KEEP),
)
EVERY_VALUE = pa.table({"x": [n for n in range(8) for _ in range(8)], "y": list(range(8)) * 8, "v": ["a"] * 64})
Row = tuple[int, int, str]
rows = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.sampled_from("abc")), max_size=40)
levels = st.tuples(st.integers(0, 3), st.integers(0, 3))


def labelled(people: Sequence[Row], at: Sequence[tuple[int, int]], mixed: bool = False) -> TreatedTable:
    """Each row at its own levels."""
    words: dict[str, list[str | None]] = {}
    ladders = {}
    for n, name in enumerate("xy"):
        column = generalise_column(name, EVERY_VALUE[name], BANDS)
        place = {value: i for i, value in enumerate(EVERY_VALUE[name].unique().to_pylist())}
        words[name] = [column.label(level[n], place[row[n]]) for row, level in zip(people, at, strict=True)]
        ladders[name] = ladder_of(BANDS.levels)
    table = pa.table({**words, "v": [row[2] for row in people]}, schema=pa.schema([(c, pa.string()) for c in "xyv"]))
    own = {"x": -1, "y": -1} if mixed else dict(zip("xy", at[0] if at else (0, 0), strict=True))
    return TreatedTable(
        table, (), (), quasi_identifiers=("x", "y"), levels=own, treatments={"v": "keep:1"}, ladders=ladders
    )


def covered(label: str) -> frozenset[int]:
    """The values a label may mean, from its words."""
    if label == "*":
        return frozenset(range(8))
    low, _, high = label.partition("-")
    return frozenset(range(int(low), int(high or low) + 1))


def classes(table: pa.Table) -> dict[tuple[str, str], Counter]:
    found: dict[tuple[str, str], Counter] = {}
    for row in table.to_pylist():
        found.setdefault((row["x"], row["y"]), Counter())[row["v"]] += 1
    return found


def common(old: pa.Table, new: pa.Table) -> list[int]:
    """Records in a class of both, for each two classes that may hold the same person."""
    return [
        (before & after).total()
        for (one, before), (other, after) in product(classes(old).items(), classes(new).items())
        if all(covered(a) & covered(b) for a, b in zip(one, other, strict=True))
    ]


def on_ground(table: pa.Table, at: Sequence[int]) -> dict[tuple[int, ...], Counter]:
    found: dict[tuple[int, ...], Counter] = {}
    for row in table.to_pylist():
        place = tuple(min(covered(row[name])) // WIDTHS[level] for name, level in zip("xy", at, strict=True))
        found.setdefault(place, Counter())[row["v"]] += 1
    return found


def moved(one: pa.Table, other: pa.Table, at: Sequence[int]) -> list[int]:
    """Records of each class of `one` that have no counterpart in `other`."""
    surplus = {g: c - on_ground(other, at).get(g, Counter()) for g, c in on_ground(one, at).items()}
    return [
        (content & surplus[tuple(min(covered(w)) // WIDTHS[level] for w, level in zip(words, at, strict=True))]).total()
        for words, content in classes(one).items()
    ]


@given(rows, rows, levels, levels)
@settings(max_examples=150, deadline=None)
def test_every_group_has_k_records_or_none(
    before: list[Row], after: list[Row], old_at: tuple[int, int], new_at: tuple[int, int]
) -> None:
    old, new = labelled(before, [old_at] * len(before)), labelled(after, [new_at] * len(after))
    old_table = old.table.filter(
        pa.array([classes(old.table)[r["x"], r["y"]].total() >= K for r in old.table.to_pylist()], pa.bool_())
    )
    earlier = published(old, TIER, table=old_table)
    checked = suppress_differences(new, EVERY_VALUE, [earlier], PLAN, TIER).table
    at = [max(pair) for pair in zip(old_at if before else (0, 0), new_at if after else (0, 0), strict=True)]
    assert all(n == 0 or n >= K for n in common(old_table, checked))
    assert all(n == 0 or n >= K for n in moved(old_table, checked, at))
    assert all(n == 0 or n >= K for n in moved(checked, old_table, at))
    assert all(c.total() >= K for c in classes(checked).values())


@given(rows, rows, st.lists(levels, min_size=40, max_size=40), st.lists(levels, min_size=40, max_size=40))
@settings(max_examples=60, deadline=None)
def test_levels_that_differ_between_records(
    before: list[Row], after: list[Row], old_at: list[tuple[int, int]], new_at: list[tuple[int, int]]
) -> None:
    old, new = (labelled(p, at[: len(p)], mixed=True) for p, at in ((before, old_at), (after, new_at)))
    checked = suppress_differences(new, EVERY_VALUE, [published(old, TIER)], PLAN, TIER).table
    assert all(n == 0 or n >= K for n in common(old.table, checked))


@pytest.mark.parametrize("old_at", [(1, 1), (2, 2), (1, 2)])
@pytest.mark.parametrize("new_at", [(1, 1), (2, 2), (2, 1)])
def test_what_need_not_go_stays(old_at: tuple[int, int], new_at: tuple[int, int]) -> None:
    """An empty table would meet the two tests above as well."""
    random = Random(1)
    people = [(random.randrange(8), random.randrange(8), random.choice("abc")) for _ in range(600)]
    before, after = people[:570], people[30:]
    old, new = labelled(before, [old_at] * len(before)), labelled(after, [new_at] * len(after))
    checked = suppress_differences(new, EVERY_VALUE, [published(old, TIER)], PLAN, TIER).table
    assert checked.num_rows > 0.9 * len(after)
    assert all(n == 0 or n >= K for n in common(old.table, checked))


@given(rows, levels)
@settings(max_examples=40, deadline=None)
def test_the_same_table_again_stays(people: list[Row], at: tuple[int, int]) -> None:
    treated = labelled(people, [at] * len(people))
    fit = pa.array([classes(treated.table)[r["x"], r["y"]].total() >= K for r in treated.table.to_pylist()], pa.bool_())
    once = labelled([p for p, f in zip(people, fit.to_pylist(), strict=True) if f], [at] * fit.to_pylist().count(True))
    again = suppress_differences(once, EVERY_VALUE, [published(once, TIER)], PLAN, TIER)
    assert again.table.equals(once.table)


def test_a_coarser_table_of_the_same_people_stays() -> None:
    people = [(x, y, "abc"[(x + y) % 3]) for x in range(8) for y in range(8)]
    fine, coarse = (labelled(people, [at] * len(people)) for at in ((1, 1), (2, 3)))
    assert suppress_differences(coarse, EVERY_VALUE, [published(fine, TIER)], PLAN, TIER).table.equals(coarse.table)


@pytest.mark.parametrize(("stayed", "small"), [(0, False), (1, True), (2, True), (3, False)])
def test_at_the_bounds_of_k(stayed: int, small: bool) -> None:
    codes = [np.array([0] * stayed + [1] * 5 + [0] * stayed + [2] * 5)]
    groups = JointGroups((5 + stayed, 5 + stayed), [], content=codes)
    assert groups.any_small(Standard(K, K)) is small


@pytest.mark.parametrize(
    ("persons", "small"),
    [([1, 1, 2], True), ([1, 2, 3], False), ([1, 1, -1], True), ([1, 2, -1], False), ([-1, -1, -1], False)],
)
def test_records_of_one_person_are_one(persons: list[int], small: bool) -> None:
    """Three records stayed; five left and five came. A negative code: a record that tells no person."""
    content = np.array([0, 1, 2, *range(3, 8), 0, 1, 2, *range(8, 13)])
    codes = np.array([*persons, *range(10, 15), *persons, *range(20, 25)])
    groups = JointGroups((8, 8), [], content=[content], watched=[Watched(codes, K, K)])
    assert groups.any_small(Standard(K, K)) is small


def test_too_many_combinations_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [(x, y, "a") for x in range(8) for y in range(8)]
    fine, across = (labelled(people, [at] * len(people)) for at in ((1, 2), (2, 1)))
    monkeypatch.setattr("anonymize.joint_groups.MOST_PAIRS", 3)
    with pytest.raises(Refused) as refused:
        suppress_differences(across, EVERY_VALUE, [published(fine, TIER)], PLAN, TIER)
    assert refused.value.code == "releases-not-comparable"
    assert refused.value.field == "x"
    assert "x now in bands of 4, before in bands of 2" in refused.value.message.en
    assert "y 现在每 2 一段，此前每 4 一段" in refused.value.message.zh
    assert refused.value.remedy is not None
