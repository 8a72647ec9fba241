"""May this person do this in a review? Apart from whether the state allows it."""

from governance.permission import GIVEN, Permission, denied
from governance.release_review.events import Step
from governance.release_review.state import Review
from schemas.actor import Actor, Duty

DUTY_OF_STEP: dict[Step, Duty] = {
    Step.AGENCY: Duty.AGENCY_REVIEWER,
    Step.COMPLIANCE: Duty.COMPLIANCE_REVIEWER,
    Step.SECRECY: Duty.SECRECY_REVIEWER,
}


def may_decide(actor: Actor, review: Review, step: Step) -> Permission:
    """The duty of the step, the publisher's own agency at the first, never the uploader, no person at two steps."""
    if DUTY_OF_STEP[step] not in actor.duties:
        duty = DUTY_OF_STEP[step].label
        return denied("duty-missing", f"需要“{duty.zh}”职责", f"this needs the duty of {duty.en}")
    if step is Step.AGENCY and actor.organisation != review.publisher:
        return denied(
            "other-organisation",
            "单位审核须由发布单位的人员进行",
            "the agency review is for the publisher's own people",
        )
    if actor.id in review.uploaders:
        return denied("own-release", "上传者不能审核自己的版本", "whoever uploaded a release does not review it")
    if any(d.actor == actor.id and d.step is not step for d in review.decisions):
        return denied(
            "another-step-signed", "同一人不能签署两级审核", "one person does not sign two steps of the same review"
        )
    return GIVEN


def may_submit(actor: Actor, publisher: str, uploaders: tuple[str, ...]) -> Permission:
    """Whoever uploaded it, a steward of the publisher, or an operator."""
    if actor.id in uploaders or Duty.OPERATOR in actor.duties or _is_steward(actor, publisher):
        return GIVEN
    return denied("not-your-dataset", "只有发布单位的数据专员可以提交", "this is for the publisher's data stewards")


def may_withdraw(actor: Actor, review: Review) -> Permission:
    """The same people as may submit."""
    return may_submit(actor, review.publisher, review.uploaders)


def may_reinstate(actor: Actor, review: Review) -> Permission:
    """The same people as may submit; whoever asks does not review."""
    return may_submit(actor, review.publisher, review.uploaders)


def _is_steward(actor: Actor, publisher: str) -> bool:
    return Duty.STEWARD in actor.duties and actor.organisation == publisher


def may_see(actor: Actor, review: Review) -> Permission:
    """Reviewers, operators, auditors, the people of the publisher, and whoever uploaded the release.

    Evidence shows rows of restricted tiers: reviewers of one agency do not see what another hands in.
    """
    may_look = {Duty.COMPLIANCE_REVIEWER, Duty.SECRECY_REVIEWER, Duty.OPERATOR, Duty.AUDITOR}
    own = actor.organisation == review.publisher and actor.duties & {Duty.STEWARD, Duty.AGENCY_REVIEWER}
    if own or actor.duties & may_look or actor.id in review.uploaders:
        return GIVEN
    return denied("not-reviewer", "这里供审核人员和发布单位使用", "this is for reviewers and the publisher")
