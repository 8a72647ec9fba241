"""Differentially private aggregates: near the truth for a large epsilon, bounded per person, a budget that refuses."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.budget import BudgetLedger, open_ledger
from anonymize.dp import (
    bound_contributions,
    private_count,
    private_counts,
    private_mean,
    private_quantile,
    private_sum,
)
from schemas.errors import ConfigurationError, Refused
from tests.factories.disclosure import thresholds

VALUES = pa.chunked_array([pa.array(np.linspace(0, 100, 2001))])


def test_near_the_truth() -> None:
    assert abs(private_count(2001, 2.0) - 2001) < 30
    assert private_sum(VALUES, (0, 100), 2.0) == pytest.approx(100_050, abs=2500)
    assert private_mean(VALUES, (0, 100), 2.0) == pytest.approx(50, abs=4)
    assert private_quantile(VALUES, 0.5, (0, 100), 2.0) == pytest.approx(50, abs=3)
    assert private_quantile(VALUES, 0.9, (0, 100), 2.0) == pytest.approx(90, abs=3)
    counts = private_counts(pa.chunked_array([["a"] * 500 + ["b"] * 300]), ["a", "b", "c"], 2.0)
    assert [abs(counts[c] - true) < 30 for c, true in (("a", 500), ("b", 300), ("c", 0))] == [True] * 3


def test_less_epsilon_more_noise() -> None:
    exact = [abs(private_count(1000, 10.0) - 1000) for _ in range(40)]
    vague = [abs(private_count(1000, 0.05) - 1000) for _ in range(40)]
    assert np.mean(vague) > 5 * np.mean(exact) + 1


def test_values_out_of_bounds_are_clamped() -> None:
    wild = pa.chunked_array([pa.array([1e9, 5.0, None, float("inf")] + [5.0] * 100)])
    assert private_sum(wild, (0, 10), 5.0) == pytest.approx(515, abs=30)


@given(st.lists(st.one_of(st.none(), st.sampled_from("abc")), max_size=30), st.integers(1, 3))
@settings(deadline=None, max_examples=40)
def test_no_person_contributes_more_than_the_limit(subjects: list, limit: int) -> None:
    table = pa.table({"s": pa.array(subjects, pa.string()), "n": list(range(len(subjects)))})
    bounded = bound_contributions(table, "s", limit)
    kept = bounded["s"].to_pylist()
    for subject in "abc":
        assert kept.count(subject) == min(subjects.count(subject), limit)
    assert kept.count(None) == subjects.count(None)
    assert bounded["n"].to_pylist() == sorted(bounded["n"].to_pylist())


def test_the_budget_refuses_and_the_old_ledger_stays() -> None:
    ledger = BudgetLedger("visits", 1.0)
    spent = ledger.spend(0.4, "counts").spend(0.6, "mean")
    assert ledger.left == 1.0
    assert spent.left == pytest.approx(0.0)
    assert [s.purpose for s in spent.spent] == ["counts", "mean"]
    with pytest.raises(Refused) as refused:
        spent.spend(0.001, "one more")
    assert refused.value.code == "budget-exhausted"


def test_the_ledger_opens_with_the_budget_of_the_policy() -> None:
    assert open_ledger("visits", thresholds(epsilon=0.5, epsilon_total=2.5)).left == 2.5
    with pytest.raises(ConfigurationError):
        open_ledger("visits", thresholds())


@pytest.mark.parametrize("epsilon", [0.0, -1.0, float("nan")])
def test_epsilon_is_positive(epsilon: float) -> None:
    with pytest.raises(Refused) as refused:
        BudgetLedger("visits", 1.0).spend(epsilon, "x")
    assert refused.value.code == "epsilon-not-positive"
