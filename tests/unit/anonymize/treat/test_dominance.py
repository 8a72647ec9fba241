"""Dominated sums: p% and (n,k) rules on both sides, contributors and not records, and what margins give away."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from anonymize.cells import statistical_table
from anonymize.dominance import contributions, needed_protection
from anonymize.suppression import Magnitude, protect
from schemas.disclosure import Concentration, Control, Thresholds
from schemas.statistics import StatisticalTable
from schemas.table_schema import FieldRole, Meaning
from tests.factories.disclosure import control, thresholds

SUMS = StatisticalTable.model_validate({"by": ["区"], "measures": ["额"]})


def limits(p: float | None = None, n: int = 2, k: float | None = None) -> Thresholds:
    rule = None if k is None else Concentration(contributors=n, share=k)
    return thresholds(k=None, smallest_cell=3, dominance=p, concentration=rule)


def is_withheld(amounts: list[float], rules: Thresholds, who: list[str] | None = None) -> bool:
    """Whether the first of three cells is withheld; the others are large and even."""
    rows = len(amounts)
    table = pa.table(
        {
            "区": ["a"] * rows + ["b"] * 20 + ["c"] * 20,
            "额": pa.array([*amounts, *[5.0] * 40], pa.float64()),
            "证": [*(who or [f"a{n}" for n in range(rows)]), *(f"x{n}" for n in range(40))],
        }
    )
    plan = [control("证", FieldRole.DIRECT_IDENTIFIER, Control.DROP, meaning=Meaning.RESIDENT_ID)]
    return bool(statistical_table(table, SUMS, rules, plan).table["suppressed"].to_pylist()[0])


@pytest.mark.parametrize(("rest", "withheld"), [(9.9, True), (10.0, False), (10.1, False)])
def test_both_sides_of_the_p_percent_rule(rest: float, withheld: bool) -> None:
    """Largest 100, second 50: the second estimates the largest to within the rest, which must be 10 % of it."""
    assert is_withheld([100, 50, rest / 2, rest / 2], limits(p=0.1)) is withheld


@pytest.mark.parametrize(("rest", "withheld"), [(19.9, True), (20.0, False), (20.1, False)])
def test_both_sides_of_the_n_k_rule(rest: float, withheld: bool) -> None:
    """The two largest have 80 of 80 + rest; more than 80 % is too much."""
    assert is_withheld([50, 30, rest / 2, rest / 2], limits(n=2, k=0.8)) is withheld


def test_the_rules_are_apart() -> None:
    """Cox's example of what (n,k) misses: two even leaders satisfy p% and not (2, 80 %), and the other way round."""
    even, one = [48.0, 48.0, 6.0, 6.0], [70.0, 4.0, 4.0, *[1.0] * 22]
    assert (is_withheld(even, limits(p=0.2)), is_withheld(even, limits(n=2, k=0.8))) == (False, True)
    assert (is_withheld(one, limits(p=0.4)), is_withheld(one, limits(n=2, k=0.8))) == (True, False)


def test_one_persons_records_are_one_contribution() -> None:
    amounts = [20.0] * 5 + [10.0] * 6
    assert not is_withheld(amounts, limits(n=1, k=0.5))
    assert is_withheld(amounts, limits(n=1, k=0.5), ["one"] * 5 + [f"a{n}" for n in range(6)])


def test_negative_amounts_count_by_their_size() -> None:
    assert is_withheld([-100, 50, 4, 4], limits(p=0.1))


def test_without_rules_sums_of_large_cells_are_published() -> None:
    assert not is_withheld([1000, 1, 1, 1], limits())


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.floats(0, 100)), max_size=30), st.integers(1, 3))
@settings(deadline=None, max_examples=40)
def test_contributions_add_up(rows: list[tuple[int, int, float]], number: int) -> None:
    cell, who, amount = (np.array(c) for c in zip(*rows, strict=True)) if rows else (np.array([], int),) * 3
    given_ = contributions(amount.astype(float), cell, who, 4)
    for c in range(4):
        by_person: dict[int, float] = {}
        for at, person, value in rows:
            if at == c:
                by_person[person] = by_person.get(person, 0.0) + value
        assert given_.number[c] == len(by_person)
        assert given_.largest(number)[c] == pytest.approx(sum(sorted(by_person.values(), reverse=True)[:number]))
        assert given_.total[c] == pytest.approx(sum(by_person.values()))


@given(st.lists(st.integers(0, 200), min_size=12, max_size=12), st.integers(0, 11))
@settings(deadline=None, max_examples=30)
def test_no_margin_gives_a_dominated_sum_away(sums: list[int], dominated: int) -> None:
    """Whoever knows all margins of counts and sums cannot bound the dominated sum closer than the rule wants."""
    codes = [np.array([n // 4 for n in range(12)]), np.array([n % 4 for n in range(12)])]
    amounts, counts = np.array(sums, float), np.full(12, 30)
    needed = np.zeros(12)
    needed[dominated] = 0.1 * amounts[dominated]
    suppressed = protect(codes, counts, needed > 0, 10, [Magnitude(amounts, needed)]).suppressed
    if not (needed > 0).any() or suppressed.all():
        return
    hidden = np.flatnonzero(suppressed)
    equations = [[float(d[h] == line) for h in hidden] for d in codes for line in np.unique(d)]
    totals = [amounts[hidden][d[hidden] == line].sum() for d in codes for line in np.unique(d)]
    goal = -(hidden == dominated).astype(float)
    highest = -optimize.linprog(goal, A_eq=equations, b_eq=totals).fun
    assert highest >= amounts[dominated] + needed[dominated] - 1e-4


def test_a_neighbour_without_amounts_does_not_hide_a_sum() -> None:
    """The cheapest neighbours by count have nothing to add: hiding them alone would leave the sum plain."""
    cells = list(itertools.product("ab", "xyz"))
    amounts = {"ax": [900.0, *[1.0] * 19], "ay": [0.0] * 20, "az": [50.0] * 30, "bx": [0.0] * 20}
    rows = [(a, b, v) for a, b in cells for v in amounts.get(a + b, [50.0] * 30)]
    table = pa.table({"区": [r[0] for r in rows], "类": [r[1] for r in rows], "额": [r[2] for r in rows]})
    asked = StatisticalTable.model_validate({"by": ["区", "类"], "measures": ["额"]})
    rules = thresholds(k=None, smallest_cell=10, dominance=0.1)
    hidden = {(r["区"], r["类"]) for r in statistical_table(table, asked, rules).table.to_pylist() if r["suppressed"]}
    assert {("a", "x"), ("a", "z")} <= hidden


def test_a_dominated_cell_needs_what_the_rules_say() -> None:
    """Upper protection of Hundepool et al. 2012, ch. 4.2: p·x₁ − (X − x₁ − x₂), and (x₁ + x₂)/k − X."""
    given_ = contributions(np.array([100.0, 20, 4]), np.zeros(3, int), np.arange(3), 1)
    assert needed_protection(given_, limits(p=0.1))[0] == pytest.approx(6)
    assert needed_protection(given_, limits(n=2, k=0.8))[0] == pytest.approx(120 / 0.8 - 124)
    assert needed_protection(given_, limits(p=0.1, n=2, k=0.8))[0] == pytest.approx(26)


@pytest.mark.parametrize(
    "wrong", [{"contributors": 0, "share": 0.8}, {"contributors": 2, "share": 1.0}, {"share": 0.8}]
)
def test_a_wrong_rule_is_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=r"contributors|share"):
        thresholds(k=None, smallest_cell=10, concentration=wrong)
