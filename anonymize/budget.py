"""The privacy budget of a dataset: what its differentially private tables may spend, and what they spent."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from schemas.disclosure import Thresholds
from schemas.errors import ConfigurationError, Refused
from schemas.text import Text

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Spending:
    """What one answer cost. split: figure → its part of epsilon, where that was told."""

    purpose: str
    epsilon: float
    split: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class BudgetLedger:
    """Privacy budget of one dataset over all its releases. Pure: spending gives a new ledger."""

    dataset: str
    epsilon: float
    spent: tuple[Spending, ...] = ()

    @property
    def left(self) -> float:
        return self.epsilon - sum(s.epsilon for s in self.spent)

    def spend(self, epsilon: float, purpose: str) -> "BudgetLedger":
        """The ledger after spending. Refused `budget-exhausted` where less is left, `epsilon-not-positive`."""
        if not epsilon > 0:
            raise Refused(
                "epsilon-not-positive",
                Text(zh="隐私预算 ε 必须大于 0", en="epsilon has to be positive"),
                Text(zh="请在策略中规定大于 0 的 epsilon，例如 1", en="state an epsilon above 0 in the policy, say 1"),
                field="epsilon",
            )
        if epsilon > self.left + TOLERANCE:
            raise Refused(
                "budget-exhausted",
                Text(
                    zh=f"数据集 {self.dataset} 的隐私预算剩余 {self.left:.4g}，本次需要 {epsilon:.4g}",
                    en=f"dataset {self.dataset} has {self.left:.4g} of its privacy budget left, {epsilon:.4g} is asked",
                ),
                Text(
                    zh="请使用已发布的统计结果，或减少统计项、增大误差",
                    en="use the statistics already published, or ask for fewer or less exact ones",
                ),
                field="epsilon",
            )
        return replace(self, spent=(*self.spent, Spending(purpose, epsilon)))


def open_ledger(dataset: str, thresholds: Thresholds) -> BudgetLedger:
    """The ledger of a dataset whose policy allows private aggregates. Raises ConfigurationError `no-epsilon`."""
    if thresholds.epsilon_total is None:
        raise no_epsilon()
    return BudgetLedger(dataset, thresholds.epsilon_total)


def no_epsilon() -> ConfigurationError:
    """The policy states no epsilon, so no noise can be drawn."""
    return ConfigurationError(
        "no-epsilon",
        Text(zh="策略未规定差分隐私预算", en="the policy gives no budget for differential privacy"),
        Text(
            zh="请在统计级的 thresholds 中规定 epsilon 和 epsilon_total",
            en="state epsilon and epsilon_total in the thresholds of the statistical tier",
        ),
        field="policy",
    )
