"""May this person do this to an application? Apart from whether the state allows it.

Conflict of interest: the applicant, and everybody of the applicant's organisation, neither reviews nor decides.
"""

from governance.access.state import Application
from governance.permission import GIVEN, Permission, denied
from schemas.actor import Actor, Duty


def may_apply(actor: Actor) -> Permission:
    if Duty.RESEARCHER in actor.duties:
        return GIVEN
    return denied("researcher-only", "需要“研究人员”账号才能申请", "only researchers' accounts apply")


def may_act_as_applicant(actor: Actor, application: Application) -> Permission:
    if actor.id == application.applicant:
        return GIVEN
    return denied("not-your-application", "这不是您的申请", "this is another person's application")


def may_review(actor: Actor, application: Application) -> Permission:
    """The security review: opinions and the request for a supplement."""
    return _may_with_duty(actor, application, Duty.ACCESS_REVIEWER)


def may_decide(actor: Actor, application: Application) -> Permission:
    """Approve, refuse, extend. Whoever gave an opinion does not decide (four eyes)."""
    if any(o.actor == actor.id for o in application.opinions):
        return denied("reviewer-decides", "出具审查意见的人不能作决定", "whoever gave an opinion does not decide")
    return _may_with_duty(actor, application, Duty.DECIDER)


def may_revoke(actor: Actor, application: Application) -> Permission:
    """Deciders; operators in an emergency; the holder, giving it back."""
    if actor.id == application.applicant or Duty.OPERATOR in actor.duties:
        return GIVEN
    return _may_with_duty(actor, application, Duty.DECIDER)


def may_see(actor: Actor, application: Application) -> Permission:
    """The applicant, reviewers and deciders without a conflict of interest, auditors."""
    if actor.id == application.applicant or Duty.AUDITOR in actor.duties:
        return GIVEN
    if actor.duties & {Duty.ACCESS_REVIEWER, Duty.DECIDER}:
        return _without_conflict(actor, application)
    return denied("not-your-application", "这不是您的申请", "this is another person's application")


def may_run_clock(actor: Actor) -> Permission:
    if Duty.OPERATOR in actor.duties:
        return GIVEN
    return denied("platform-only", "由平台自动执行", "the platform itself does this")


def _may_with_duty(actor: Actor, application: Application, duty: Duty) -> Permission:
    if duty not in actor.duties:
        return denied("duty-missing", f"需要“{duty.label.zh}”职责", f"this needs the duty of {duty.label.en}")
    return _without_conflict(actor, application)


def _without_conflict(actor: Actor, application: Application) -> Permission:
    if actor.id == application.applicant:
        return denied("own-application", "不能处理自己的申请", "nobody handles an application of their own")
    if actor.organisation and actor.organisation == application.organisation:
        return denied(
            "conflict-of-interest",
            "与申请人同属一个单位，须回避",
            "the applicant is of your organisation: a conflict of interest",
        )
    return GIVEN
