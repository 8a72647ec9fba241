"""A steward's k: never below the policy's."""

import pytest

from anonymize.chosen_k import LARGEST_K, check_choice, policy_k, policy_with, read_k
from schemas.dataset import Tier
from schemas.disclosure import DisclosurePolicy
from schemas.errors import Refused
from tests.factories.disclosure import text, tier_policy

POLICY = DisclosurePolicy(
    name="tested",
    title=text("t"),
    description=text(""),
    tiers={Tier.OPEN: tier_policy(k=5), Tier.STATISTICAL: tier_policy(k=None)},
)


@pytest.mark.parametrize(("k", "code"), [(4, "k-below-policy"), (1, "k-below-policy"), (LARGEST_K + 1, "k-too-large")])
def test_what_is_out_of_bounds_is_refused(k: int, code: str) -> None:
    with pytest.raises(Refused) as refused:
        check_choice(POLICY, [Tier.OPEN], {Tier.OPEN: k})
    assert refused.value.code == code


@pytest.mark.parametrize("k", [5, 6, LARGEST_K])
def test_the_policys_k_and_more_may_be_chosen(k: int) -> None:
    check_choice(POLICY, [Tier.OPEN], {Tier.OPEN: k})
    assert policy_k(policy_with(POLICY, {Tier.OPEN: k}), Tier.OPEN) == k


@pytest.mark.parametrize("tier", [Tier.STATISTICAL, Tier.RESTRICTED])
def test_a_tier_without_k_takes_no_choice(tier: Tier) -> None:
    with pytest.raises(Refused) as refused:
        check_choice(POLICY, [Tier.OPEN, Tier.STATISTICAL], {tier: 10})
    assert refused.value.code == "no-k-to-choose"
    assert policy_with(POLICY, {tier: 10}) == POLICY


def test_a_policy_that_became_stricter_holds() -> None:
    assert policy_k(policy_with(POLICY, {Tier.OPEN: 3}), Tier.OPEN) == 5


def test_nothing_but_k_changes() -> None:
    changed = policy_with(POLICY, {Tier.OPEN: 9}).tiers[Tier.OPEN]
    before = POLICY.tiers[Tier.OPEN]
    assert changed.thresholds.model_copy(update={"k": 5}) == before.thresholds
    assert changed.by_role == before.by_role


@pytest.mark.parametrize(("written", "tier"), [("10", None), ("10", "open"), ("999999999", "restricted")])
def test_a_written_k_is_read(written: str, tier: str | None) -> None:
    assert read_k(written, tier) == int(written)


@pytest.mark.parametrize(
    ("written", "tier"),
    [("", None), ("ten", None), ("-1", None), ("１０", None), ("1" * 10, None), ("10", ""), ("10", "x")],
)
def test_what_is_no_k_is_refused(written: str, tier: str | None) -> None:
    with pytest.raises(Refused, match="invalid-k"):
        read_k(written, tier)
