"""Decisions of a release review, pure: (command, review, lookups) → events, or an error."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from governance.permission import require
from governance.reasons import checked_reason
from governance.release_review.events import (
    Decision,
    ReinstatementRequested,
    ReleaseSubmitted,
    ReviewWithdrawn,
    Step,
    StepDecided,
    signed_statement,
)
from governance.release_review.permissions import may_decide, may_reinstate, may_submit, may_withdraw
from governance.release_review.state import Review
from governance.release_review.transitions import ACTION_OF, TRANSITIONS, Action, Status
from schemas.actor import Actor
from schemas.disclosure import Outcome
from schemas.errors import Conflict, Refused
from schemas.release import Release
from schemas.text import Text

REASON_REMEDY = Text(
    zh="请在理由栏写明要改什么、依据什么；更长的内容请另附文件",
    en="say in the reason what has to change and why; put anything longer into a document of its own",
)


@dataclass(frozen=True)
class SubmitRelease:
    """publisher, uploaders: looked up by the shell."""

    release: Release
    publisher: str
    uploaders: tuple[str, ...]


@dataclass(frozen=True)
class DecideStep:
    """descriptor_digest: of the evidence the reviewer saw."""

    step: Step
    decision: Decision
    reason: str
    descriptor_digest: str


@dataclass(frozen=True)
class WithdrawReview:
    reason: str


@dataclass(frozen=True)
class ReinstateReview:
    """publication_withdrawn: it was published, and is no longer. differs: what the dataset now declares otherwise."""

    reason: str
    publication_withdrawn: bool
    differs: tuple[str, ...]


Sign = Callable[[dict[str, str]], tuple[str, str]]  # statement → (signature, public key)


def decide_submission(
    command: SubmitRelease, review: Review | None, actor: Actor, now: datetime, due: date
) -> ReleaseSubmitted:
    """Raises NotPermitted, Conflict, Refused (a tier failed its disclosure assessment)."""
    require(may_submit(actor, command.publisher, command.uploaders))
    _require_allowed(review, Action.SUBMIT)
    failed = [d.tier for d in command.release.distributions if d.report.outcome is Outcome.FAIL]
    if failed or not command.release.distributions:
        listed = ", ".join(failed) or "-"
        raise Refused(
            "disclosure-failed",
            Text(zh=f"未通过披露风险评估：{listed}", en=f"the disclosure assessment failed: {listed}"),
            Text(zh="请调整策略或数据后重新处理", en="adjust policy or data and prepare again"),
            field="release",
        )
    return ReleaseSubmitted(
        actor=actor.id,
        at=now,
        dataset=command.release.dataset,
        publisher=command.publisher,
        descriptor_digest=command.release.descriptor_digest,
        uploaders=command.uploaders,
        due=due,
    )


def decide_review_step(
    command: DecideStep, review: Review, actor: Actor, now: datetime, next_due: date, sign: Sign
) -> StepDecided:
    """Raises NotPermitted, Conflict (not this step's turn, other evidence), Refused (a reason is wanted)."""
    require(may_decide(actor, review, command.step))
    _require_allowed(review, ACTION_OF[command.decision])
    if review.step is not command.step:
        raise Conflict(
            "not-this-step",
            Text(zh=f"当前等待的是“{review.step}”审核", en=f"the review waits for the step {review.step}"),
            Text(zh="请按单位、合规、保密的顺序审核", en="reviews go in order: agency, compliance, secrecy"),
            field="step",
        )
    if command.descriptor_digest != review.descriptor_digest:
        raise Conflict(
            "other-evidence",
            Text(zh="所看的材料不是此版本的材料", en="the evidence seen is not that of this release"),
            Text(zh="请重新打开审核材料", en="open the evidence again"),
            field="descriptor_digest",
        )
    reason = checked_reason(command.reason, REASON_REMEDY, wanted=command.decision is not Decision.APPROVE)
    statement = signed_statement(
        review.release_id, command.step, command.decision, reason, command.descriptor_digest, actor.id, now
    )
    signature, public = sign(statement)
    awaits_more = command.decision is Decision.APPROVE and command.step is not Step.SECRECY
    return StepDecided(
        actor=actor.id,
        at=now,
        step=command.step,
        decision=command.decision,
        reason=reason,
        descriptor_digest=command.descriptor_digest,
        signature=signature,
        public_key=public,
        due=next_due if awaits_more else None,
    )


def decide_withdrawal(command: WithdrawReview, review: Review, actor: Actor, now: datetime) -> ReviewWithdrawn:
    """Raises NotPermitted, Conflict, Refused (no reason)."""
    require(may_withdraw(actor, review))
    _require_allowed(review, Action.WITHDRAW)
    return ReviewWithdrawn(actor=actor.id, at=now, reason=checked_reason(command.reason, REASON_REMEDY))


def decide_reinstatement(
    command: ReinstateReview, review: Review, actor: Actor, now: datetime, due: date
) -> ReinstatementRequested:
    """A withdrawn release before the reviewers anew: all three sign again, on the same digests.

    Raises NotPermitted, Conflict (it was not withdrawn, the declaration changed since), Refused (no reason).
    """
    require(may_reinstate(actor, review))
    _require_allowed(review, Action.REINSTATE)
    if review.status is Status.APPROVED and not command.publication_withdrawn:
        raise Conflict(
            "not-withdrawn",
            Text(zh="这个版本没有被撤回", en="this release was not withdrawn"),
            Text(zh="已通过的版本可直接发布", en="an approved release can be published as it is"),
            field="release",
        )
    if command.differs:
        listed = ", ".join(command.differs)
        raise Conflict(
            "declaration-changed",
            Text(
                zh=f"数据集声明已改变（{listed}），与这个版本不符",
                en=f"the dataset is declared otherwise now ({listed}) than when this release was made",
            ),
            Text(zh="请重新提交数据文件", en="hand in the file again"),
            field="release",
        )
    reason = checked_reason(command.reason, REASON_REMEDY)
    people = {*review.uploaders, *([] if actor.id.startswith("system:") else [actor.id])}
    return ReinstatementRequested(actor=actor.id, at=now, reason=reason, uploaders=tuple(sorted(people)), due=due)


def _require_allowed(review: Review | None, action: Action) -> None:
    status = None if review is None else review.status
    if action not in TRANSITIONS[status]:
        raise Conflict(
            "not-in-this-state",
            Text(
                zh=f"审核处于“{status or '未提交'}”状态，不能“{action}”",
                en=f"a review that is {status or 'not submitted'} does not allow: {action}",
            ),
            Text(zh="请刷新页面查看当前状态", en="look at the review's present state"),
        )
