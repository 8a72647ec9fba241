"""A steward's own k in place of the policy's: larger, never smaller."""

from collections.abc import Mapping, Sequence

from schemas.dataset import Tier
from schemas.disclosure import DisclosurePolicy
from schemas.errors import Refused
from schemas.text import Text

LARGEST_K = 1_000_000
LONGEST_K = 9  # digits that are read at all; what exceeds LARGEST_K is then told so


def check_choice(policy: DisclosurePolicy, tiers: Sequence[Tier], chosen: Mapping[Tier, int]) -> None:
    """Raises Refused: `no-k-to-choose` (the tier is not published, or its policy states no k), `k-below-policy`,
    `k-too-large`."""
    for tier, k in chosen.items():
        least = policy_k(policy, tier)
        if tier not in tiers or least is None:
            raise Refused(
                "no-k-to-choose",
                Text(
                    zh=f"{tier} 级没有可选的 k：不发布该级，或策略未规定 k",
                    en=f"there is no k to choose for tier {tier}: it is not published, or its policy states none",
                ),
                Text(
                    zh="请只为要发布且策略规定了 k 的层级选择",
                    en="choose k only for a tier that is published and whose policy states one",
                ),
                field="k",
            )
        if k < least:
            raise Refused(
                "k-below-policy",
                Text(
                    zh=f"{tier} 级选择的 k={k} 低于策略的最低要求 {least}",
                    en=f"k = {k} chosen for tier {tier} is below the policy's minimum of {least}",
                ),
                Text(
                    zh=f"请选择不小于 {least} 的 k；确需更低，须由披露策略规定",
                    en=f"choose k = {least} or more; only the disclosure policy can allow less",
                ),
                field="k",
            )
        if k > LARGEST_K:
            raise Refused(
                "k-too-large",
                Text(zh=f"k 不能超过 {LARGEST_K}", en=f"k is at most {LARGEST_K}"),
                Text(zh="请选择更小的 k", en="choose a smaller k"),
                field="k",
            )


def read_k(text: str, tier: str | None) -> int:
    """The k that somebody wrote, for `tier`; None: for all. Raises Refused `invalid-k`."""
    if text.isascii() and text.isdigit() and len(text) <= LONGEST_K and (tier is None or tier in set(Tier)):
        return int(text)
    raise Refused(
        "invalid-k",
        Text(zh="k 应为整数，层级应为已有的层级", en="k has to be a whole number, and its tier one that exists"),
        Text(
            zh="请在页面的列表中选择，或在命令行写 --k 10、--k open=10",
            en="choose one of the list on the page, or write --k 10 or --k open=10 on the command line",
        ),
        field="k",
    )


def policy_k(policy: DisclosurePolicy, tier: Tier) -> int | None:
    """The least k that `policy` allows in `tier`; None where it states none."""
    return policy.tiers[tier].thresholds.k if tier in policy.tiers else None


def policy_with(policy: DisclosurePolicy, chosen: Mapping[Tier, int]) -> DisclosurePolicy:
    """`policy` with the larger of its own k and the chosen one in each tier that has a k: a policy that was made
    stricter after the choice holds."""
    tiers = dict(policy.tiers)
    for tier, k in chosen.items():
        least = policy_k(policy, tier)
        if least is not None and k > least:
            thresholds = tiers[tier].thresholds.model_copy(update={"k": k})
            tiers[tier] = tiers[tier].model_copy(update={"thresholds": thresholds})
    return policy.model_copy(update={"tiers": tiers})
