"""Noise and choice: bounded per person, calibrated by OpenDP, no surer than epsilon allows; a budget that refuses."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from anonymize.budget import BudgetLedger, open_ledger
from anonymize.dp import bound_contributions, choose_quantiles, noise_margin, rank_margin, with_noise
from schemas.errors import ConfigurationError, Refused
from tests.factories.disclosure import thresholds
from tests.factories.opendp_chains import opendp_quantile, opendp_sum
from tests.factories.privacy import largest_ratio

CANDIDATES = np.linspace(0, 100, 101)


def test_less_epsilon_more_noise() -> None:
    truth = np.full(2000, 1000)
    exact, vague = (np.abs(with_noise(truth, 1, epsilon) - 1000) for epsilon in (10.0, 0.05))
    assert np.mean(vague) > 5 * np.mean(exact) + 1


def test_noise_stays_within_its_margin_in_nineteen_of_twenty_draws() -> None:
    """20,000 draws: a correct sampler leaves the band less than once in 10⁸ runs."""
    for change, epsilon in ((1, 0.2), (300, 0.5)):
        noise = np.abs(with_noise(np.zeros(20_000, np.int64), change, epsilon))
        assert np.mean(noise <= noise_margin(change, epsilon, 0.05)) == pytest.approx(0.95, abs=0.01)


def test_sums_are_distributed_as_opendps_own() -> None:
    """Kolmogorov-Smirnov on 3,000 draws each, in units of a thousandth; equal ones fail once in a million runs."""
    values = np.linspace(-3, 12, 40)
    ours = with_noise(np.full(3000, round(values.clip(0, 10).sum() * 1000)), 10_000, 0.5) / 1000
    draw = opendp_sum(values, (0.0, 10.0), 0.5)
    theirs = np.array([draw() for _ in range(3000)])
    assert stats.ks_2samp(ours, theirs).pvalue > 1e-6
    assert stats.ks_2samp(ours, theirs + 5).pvalue < 1e-6  # the test can tell


@pytest.mark.parametrize(("share", "records"), [(0.5, 1), (0.9, 1), (0.25, 3)])
def test_quantiles_are_distributed_as_opendps_own(share: float, records: int) -> None:
    """The same scores and the same selection, so the same distribution (chi-square, 1,000 draws each)."""
    values = np.sort(np.concatenate([np.linspace(0, 60, 25), [20.0] * 8, [95.0] * 3]))
    candidates = np.linspace(0, 100, 11)
    ours = choose_quantiles([values] * 1000, candidates, share, 0.3, records)
    draw = opendp_quantile(values, share, candidates, 0.3, records)
    theirs = np.array([draw() for _ in range(1000)])
    table = np.array([[np.sum(drawn == c) for c in candidates] for drawn in (ours, theirs)])
    assert stats.chi2_contingency(table[:, table.sum(axis=0) > 0]).pvalue > 1e-6


@given(
    st.lists(st.floats(-50, 150), max_size=40),
    st.sampled_from([0.01, 0.25, 0.5, 0.9, 0.999]),
)
@settings(deadline=None, max_examples=15)
def test_with_much_epsilon_the_quantile_is_right(values: list[float], share: float) -> None:
    """Then the best candidate is chosen: as many values below it, and above it, as asked, or as near as they go."""
    data = np.sort(np.array(values))
    chosen = choose_quantiles([data], CANDIDATES, share, 1e6)[0]
    scores = [abs((1 - share) * np.sum(data < c) - share * np.sum(data > c)) for c in CANDIDATES]
    assert scores[int(np.flatnonzero(chosen == CANDIDATES)[0])] == pytest.approx(min(scores), abs=1e-3)


def test_an_empty_cell_gives_any_candidate() -> None:
    drawn = choose_quantiles([np.array([])] * 900, np.arange(3.0), 0.5, 1.0)
    assert np.bincount(drawn.astype(int)).min() > 200  # 300 each; 7 standard deviations


def test_the_rank_margin_holds() -> None:
    """At most one of twenty quantiles is further off in rank, apart from one step between candidates."""
    data = np.sort(np.random.default_rng(1).gamma(3, 9, 400))
    for share in (0.25, 0.9):
        chosen = choose_quantiles([data] * 500, CANDIDATES, share, 0.1)
        below, upto = np.searchsorted(data, chosen - 1), np.searchsorted(data, chosen + 1)
        off = np.maximum(np.maximum(below - share * 400, share * 400 - upto), 0)
        assert np.mean(off > rank_margin(len(CANDIDATES), share, 0.1, 0.05)) <= 0.05


def test_the_rank_margin_is_no_larger_than_it_must_be() -> None:
    """The worst cell: everybody has one value, all other candidates are equally wrong. There one of twenty choices is
    off by the margin, or a little less than that. 1,000 draws; 6 standard deviations are 0.04."""
    margin = rank_margin(len(CANDIDATES), 0.5, 0.5, 0.05)
    chosen = choose_quantiles([np.full(int(2 * margin), 50.0)] * 1000, CANDIDATES, 0.5, 0.5)
    assert 0.005 < np.mean(chosen != 50.0) < 0.09


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_choice_keeps_its_epsilon(share: float) -> None:
    """Likelihood ratios of all outcomes on neighbouring cells: within e^epsilon, with room for chance of one in 10⁹;
    draws with six times that epsilon are found out, so the test can tell."""
    candidates = np.array([0.0, 25.0, 50.0, 75.0, 100.0])
    cell, neighbour = np.array([10.0, 20.0, 60.0]), np.array([10.0, 20.0, 60.0, 100.0, 100.0])

    def ratio(epsilon: float) -> float:
        drawn = [choose_quantiles([c] * 2500, candidates, share, epsilon, 2) for c in (cell, neighbour)]
        outcomes = [[d == c for c in candidates] + [d >= c for c in candidates[1:]] for d in drawn]
        return largest_ratio(*outcomes)

    assert ratio(1.0) <= np.exp(1.0)
    assert ratio(6.0) > np.exp(1.0)


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
