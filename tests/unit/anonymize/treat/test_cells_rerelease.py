"""Statistical tables of the same dataset, one subtracted from the other."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.assess import assess_disclosure
from anonymize.cells import statistical_table
from anonymize.cells_rerelease import Beside, Cells, cells_beside, cells_tell_apart, remarks_beside
from anonymize.earlier import Earlier
from anonymize.treated import TreatedTable
from schemas.dataset import Tier
from schemas.disclosure import Control, Outcome
from schemas.statistics import StatisticalTable
from schemas.table_schema import FieldRole, Meaning
from tests.factories.disclosure import control, thresholds, tier_policy

SMALLEST = 10
THRESHOLDS = thresholds(k=None, smallest_cell=SMALLEST)
BY_DISTRICT = StatisticalTable(by=("district",), measures=("pay",))
BY_BOTH = StatisticalTable(by=("district", "sex"), measures=("pay",))


def workers(number: dict[tuple[str, str], int]) -> pa.Table:
    """As many records of each district and sex; pay grows from record to record."""
    places = [place for place, n in number.items() for _ in range(n)]
    return pa.table(
        {
            "district": [d for d, _ in places],
            "sex": [s for _, s in places],
            "pay": pa.array(range(100, 100 + len(places)), pa.int64()),
        }
    )


def more(table: pa.Table, *newcomers: tuple[str, str, int]) -> pa.Table:
    added = [dict(zip(table.column_names, newcomer, strict=True)) for newcomer in newcomers]
    return pa.concat_tables([table, pa.Table.from_pylist(added, table.schema)])


def tabulate(table: pa.Table, statistics: StatisticalTable, *earlier: TreatedTable) -> TreatedTable:
    return statistical_table(table, statistics, THRESHOLDS, (), [Earlier(old.table) for old in earlier])


def cells(treated: TreatedTable, by: Sequence[str]) -> dict[tuple, tuple]:
    return {tuple(r[b] for b in by): (r["count"], r["pay_sum"]) for r in treated.table.to_pylist()}


EVERYBODY = workers({("A", "f"): 30, ("A", "m"): 40, ("B", "f"): 25, ("B", "m"): 33, ("C", "f"): 50, ("C", "m"): 21})


def test_a_newcomers_pay_is_no_difference_of_two_tables() -> None:
    present = more(EVERYBODY, ("B", "f", 98765))
    old, careless = tabulate(EVERYBODY, BY_BOTH), tabulate(present, BY_BOTH)
    before, after = (cells(t, BY_BOTH.by)["B", "f"] for t in (old, careless))
    assert (after[0] - before[0], after[1] - before[1]) == (1, 98765)  # the attack works on what is published today
    new = tabulate(present, BY_BOTH, old)
    assert cells(new, BY_BOTH.by)["B", "f"] == (None, None)
    withheld = [place for place, (count, _) in cells(new, BY_BOTH.by).items() if count is None]
    for line, value in ((0, "B"), (1, "f")):  # neither does a margin tell it
        assert sum(place[line] == value for place in withheld) >= 2
    assert new.cells is not None
    assert new.cells.compared == 1
    assert any("differs from an earlier table" in r.en and "此前公布的统计表" in r.zh for r in new.remarks)


def test_another_breakdown_does_not_tell_the_newcomer_either() -> None:
    present = more(EVERYBODY, ("B", "f", 98765))
    old, careless = tabulate(EVERYBODY, BY_DISTRICT), tabulate(present, BY_BOTH)

    def of_district(treated: TreatedTable) -> int | None:
        pays = [pay for (district, _), (_, pay) in cells(treated, BY_BOTH.by).items() if district == "B"]
        return None if None in pays else sum(pays)

    assert of_district(careless) - cells(old, BY_DISTRICT.by)["B",][1] == 98765
    assert of_district(tabulate(present, BY_BOTH, old)) is None
    coarser = tabulate(present, BY_DISTRICT, tabulate(EVERYBODY, BY_BOTH))
    assert cells(coarser, BY_DISTRICT.by)["B",] == (None, None)


def test_tables_without_a_common_field_are_compared_by_their_totals() -> None:
    by_sex = StatisticalTable(by=("sex",), measures=("pay",))
    old = tabulate(EVERYBODY, BY_DISTRICT)
    new = tabulate(more(EVERYBODY, ("B", "f", 98765)), by_sex, old)
    assert None in [count for count, _ in cells(new, by_sex.by).values()]


@pytest.mark.parametrize(("newcomers", "withheld"), [(0, False), (1, True), (9, True), (10, False)])
def test_differences_at_the_bounds_of_the_smallest_cell(newcomers: int, withheld: bool) -> None:
    old = tabulate(EVERYBODY, BY_DISTRICT)
    new = tabulate(more(EVERYBODY, *[("B", "f", 5)] * newcomers), BY_DISTRICT, old)
    assert (cells(new, BY_DISTRICT.by)["B",][0] is None) is withheld


@pytest.mark.parametrize(("leavers", "withheld"), [(9, True), (10, False)])
def test_leavers_at_the_bounds(leavers: int, withheld: bool) -> None:
    old = tabulate(EVERYBODY, BY_DISTRICT)
    new = tabulate(EVERYBODY.slice(leavers), BY_DISTRICT, old)
    assert (cells(new, BY_DISTRICT.by)["A",][0] is None) is withheld


def test_newcomers_add_up_over_releases_until_there_are_enough() -> None:
    tables = [tabulate(EVERYBODY, BY_DISTRICT)]
    shown = []
    for number in (4, 8, 12):
        tables.append(tabulate(more(EVERYBODY, *[("C", "f", 7)] * number), BY_DISTRICT, *tables))
        shown.append(cells(tables[-1], BY_DISTRICT.by)["C",][0])
    assert shown == [None, None, 83]


def test_a_protector_stays_withheld_as_long_as_what_it_protects() -> None:
    """A and B were withheld, A being small. Were C withheld beside A now, the old total would give A back."""
    before = workers({("A", "f"): 3, ("B", "f"): 12, ("C", "f"): 15, ("D", "f"): 40})
    after = workers({("A", "f"): 3, ("B", "f"): 25, ("C", "f"): 15, ("D", "f"): 40})
    old, careless = tabulate(before, BY_DISTRICT), tabulate(after, BY_DISTRICT)

    def withheld(treated: TreatedTable) -> set[str]:
        return {place for (place,), (count, _) in cells(treated, BY_DISTRICT.by).items() if count is None}

    assert (withheld(old), withheld(careless)) == ({"A", "B"}, {"A", "C"})
    new = tabulate(after, BY_DISTRICT, old)
    assert withheld(new) >= {"A", "B"}
    assert any("stays withheld" in r.en for r in new.remarks)
    grown = workers({("A", "f"): 20, ("B", "f"): 25, ("C", "f"): 15, ("D", "f"): 40})
    assert not withheld(tabulate(grown, BY_DISTRICT, old))
    nearly = workers({("A", "f"): 19, ("B", "f"): 25, ("C", "f"): 15, ("D", "f"): 40})
    assert withheld(tabulate(nearly, BY_DISTRICT, old)) == {"A", "B"}


def test_a_finer_table_does_not_give_back_a_withheld_district() -> None:
    number = {("A", "f"): 4, ("A", "m"): 3, ("B", "f"): 15, ("B", "m"): 14, ("C", "f"): 50, ("C", "m"): 40}
    old = tabulate(workers(number), BY_DISTRICT)
    assert cells(old, BY_DISTRICT.by)["B",] == (None, None)
    new = cells(tabulate(workers(number), BY_BOTH, old), BY_BOTH.by)
    assert None in (new["B", "f"][0], new["B", "m"][0])


def test_one_person_with_many_records_is_not_many() -> None:
    """Eleven records more, all of one person."""
    people = more(EVERYBODY, *[("B", "f", 98765)] * 11)
    numbers = pa.array([f"p{min(n, EVERYBODY.num_rows)}" for n in range(people.num_rows)])
    controls = [control("id", FieldRole.DIRECT_IDENTIFIER, Control.DROP, meaning=Meaning.RESIDENT_ID)]
    old = tabulate(EVERYBODY, BY_DISTRICT)
    new = statistical_table(
        people.append_column("id", numbers), BY_DISTRICT, THRESHOLDS, controls, [Earlier(old.table)]
    )
    assert cells(new, BY_DISTRICT.by)["B",] == (None, None)


def test_a_corrected_amount_is_for_a_reviewer_to_look_at() -> None:
    corrected = EVERYBODY.set_column(2, "pay", pa.array([*EVERYBODY["pay"].to_pylist()[:-1], 4321]))
    new = tabulate(corrected, BY_BOTH, tabulate(EVERYBODY, BY_BOTH))
    assert any(r.en.startswith("1 cell has the count") and "请审核人确认" in r.zh for r in new.remarks)
    tier = tier_policy(k=None, smallest_cell=SMALLEST)
    report = assess_disclosure(corrected, new, [], tier, Tier.STATISTICAL)
    assert report.outcome is Outcome.REVIEW


def test_the_same_table_again_is_the_same() -> None:
    old = tabulate(EVERYBODY, BY_BOTH)
    new = tabulate(EVERYBODY, BY_BOTH, old)
    assert new.table.equals(old.table)
    assert new.remarks == ()


def test_tables_with_noise_are_left_alone() -> None:
    old = Earlier(tabulate(EVERYBODY, BY_DISTRICT).table, noisy=True)
    new = statistical_table(more(EVERYBODY, ("B", "f", 1)), BY_DISTRICT, THRESHOLDS, (), [old])
    assert cells(new, BY_DISTRICT.by)["B",][0] == 59


def test_tables_that_nobody_compared_are_compared_when_signed() -> None:
    def apart(one: TreatedTable, other: TreatedTable) -> bool:
        return cells_tell_apart(Earlier(one.table), Earlier(other.table), SMALLEST)

    old = tabulate(EVERYBODY, BY_DISTRICT)
    assert not apart(old, old)
    assert apart(tabulate(more(EVERYBODY, ("B", "f", 1)), BY_DISTRICT), old)
    assert not apart(tabulate(more(EVERYBODY, *[("D", "f", 1)] * 12), BY_DISTRICT), old)
    assert apart(tabulate(more(EVERYBODY, ("D", "f", 1)), BY_DISTRICT), old)  # others are withheld
    assert apart(tabulate(EVERYBODY, BY_BOTH), old)
    corrected = EVERYBODY.set_column(2, "pay", pa.array([*EVERYBODY["pay"].to_pylist()[:-1], 4321]))
    assert apart(tabulate(corrected, BY_DISTRICT), old)


counts = st.lists(st.integers(0, 40), min_size=12, max_size=12)


@given(counts, counts, st.sampled_from([BY_DISTRICT, BY_BOTH]), st.sampled_from([BY_DISTRICT, BY_BOTH]))
@settings(max_examples=60, deadline=None)
def test_no_two_tables_differ_by_few(
    first: list[int], second: list[int], before: StatisticalTable, after: StatisticalTable
) -> None:
    """Districts as far as both tables tell of them, and cells where both list them."""
    places = [(d, s) for d in "ABCDEF" for s in "fm"]
    old_source, new_source = (workers(dict(zip(places, n, strict=True))) for n in (first, second))
    old = tabulate(old_source, before)
    new = tabulate(new_source, after, old)
    common = tuple(b for b in after.by if b in before.by)
    known = [_known(treated, statistics.by, common) for treated, statistics in ((old, before), (new, after))]
    for place in known[0].keys() & known[1].keys():
        difference = abs(known[0][place] - known[1][place])
        assert difference == 0 or difference >= SMALLEST


def _known(treated: TreatedTable, by: Sequence[str], common: Sequence[str]) -> dict[tuple, int]:
    """Totals of the common groups that the table tells."""
    totals: Counter = Counter()
    hidden = set()
    for row in treated.table.to_pylist():
        place = tuple(row[b] for b in common)
        if row["count"] is None:
            hidden.add(place)
        totals[place] += row["count"] or 0
    return {place: n for place, n in totals.items() if place not in hidden}


def test_columns_of_other_types_are_compared_by_their_words() -> None:
    numbered = pa.table({"district": [1] * 20 + [2] * 30, "pay": np.arange(50)})
    worded = pa.table({"district": ["1"] * 21 + ["2"] * 30, "pay": np.arange(51)})
    new = tabulate(worded, BY_DISTRICT, tabulate(numbered, BY_DISTRICT))
    assert cells(new, BY_DISTRICT.by)["1",] == (None, None)


@pytest.mark.parametrize(("number", "words"), [(1, ("1 cell is", "1 cell stays", "1 cell has")), (2, ("2 cells",) * 3)])
def test_one_cell_is_told_in_the_singular(number: int, words: tuple[str, ...]) -> None:
    some, none = np.arange(4) < number, np.zeros(4, bool)
    remarks = [
        *remarks_beside(Beside(some, none), none, 0),
        *remarks_beside(Beside(none, some), none, 0),
        *remarks_beside(Beside(none, none), none, number),
    ]
    assert [remark.en.startswith(start) for remark, start in zip(remarks, words, strict=True)] == [True] * 3


def test_arrays_of_what_goes_are_not_changed_by_the_next_table() -> None:
    """A frozen outcome stays what it was: each earlier table adds to a new one."""
    few = more(EVERYBODY, ("B", "f", 98765))
    old = [Earlier(tabulate(table, BY_BOTH).table) for table in (EVERYBODY, few)]
    groups = {name: old[1].table[name] for name in BY_BOTH.by}
    counts = np.array(old[1].table["count"].to_pylist(), float)
    cells_now = Cells(groups, counts, counts.astype(np.int64), np.ones(len(counts), np.int64))
    nothing = np.zeros(len(counts), bool)
    first = cells_beside(cells_now, nothing, SMALLEST, old[1:])
    assert not first.either.any()
    assert cells_beside(cells_now, nothing, SMALLEST, old).differing.sum() == 1
    assert not first.either.any()
    assert not nothing.any()
