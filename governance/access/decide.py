"""Decisions about applications, pure: (command, application, actor, now, lookups) → events, or an error."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import singledispatch

from governance.access import commands as c
from governance.access import events as e
from governance.access.permissions import (
    may_act_as_applicant,
    may_apply,
    may_decide,
    may_review,
    may_revoke,
    may_run_clock,
)
from governance.access.state import Application
from governance.access.transitions import TRANSITIONS, Action
from governance.clocks import (
    ANSWER_DAYS,
    LONGEST_EXTENSION_DAYS,
    ONE_DAY,
    SHANGHAI,
    SUPPLEMENT_NOTICE_DAYS,
    SUPPLEMENT_TERM_DAYS,
    Clock,
    Pause,
    add_working_days,
    compute_deadline,
    local_day,
)
from governance.permission import require
from schemas.actor import Actor
from schemas.dataset import Openness, Tier, unknown_dataset
from schemas.errors import Conflict, Refused
from schemas.text import Text

LONGEST_TEXT = 5000  # characters
LONGEST_PERIOD = timedelta(days=3 * 366)


@dataclass(frozen=True)
class Lookups:
    """What the shell looked up. openness, tiers: of the dataset; None: there is none. grant_id: for a new grant.

    open_application: whether this applicant already has one for the same dataset and tier.
    """

    terms_version: str
    remedies: Text
    openness: Openness | None = None
    tiers: tuple[Tier, ...] = ()
    open_application: bool = False
    grant_id: str = ""


def decide_submission(command: c.SubmitApplication, actor: Actor, now: datetime, lookups: Lookups) -> e.Event:
    """Raises NotPermitted, NotFound (dataset), Conflict (already applied), Refused (names the field)."""
    require(may_apply(actor))
    _check_subject(command, lookups)
    today = local_day(now)
    if not today <= command.period_from <= command.period_until <= command.period_from + LONGEST_PERIOD:
        raise Refused(
            "invalid-period",
            Text(
                zh="使用期限须自今日或以后开始，且不超过三年",
                en="the period starts today or later, for up to three years",
            ),
            Text(zh="请改正起止日期", en="correct the two dates"),
            field="period_until" if command.period_from >= today else "period_from",
        )
    if command.terms_version != lookups.terms_version:
        raise Refused(
            "terms-not-agreed",
            Text(zh="须同意现行使用条款", en="the terms in force must be agreed to"),
            Text(zh=f"现行版本：{lookups.terms_version}", en=f"the version in force is {lookups.terms_version}"),
            field="terms_version",
        )
    clock = Clock(received=today, working_days=ANSWER_DAYS)
    return e.ApplicationSubmitted(
        actor=actor.id,
        at=now,
        dataset=command.dataset,
        tier=command.tier,
        organisation=actor.organisation,
        purpose=_text(command.purpose, "purpose"),
        project=_text(command.project, "project"),
        statement=_text(command.statement, "statement"),
        period_from=command.period_from,
        period_until=command.period_until,
        terms_version=command.terms_version,
        clock=clock,
        deadline=compute_deadline(clock),
    )


@singledispatch
def decide(
    command: object, application: Application, actor: Actor, now: datetime, lookups: Lookups
) -> Sequence[e.Event]:
    """Events of a command on an application. Raises NotPermitted, Conflict, Refused."""
    raise TypeError(f"no such command: {type(command).__name__}")


@decide.register
def _(
    command: c.RequestSupplement, application: Application, actor: Actor, now: datetime, lookups: Lookups
) -> list[e.Event]:
    require(may_review(actor, application))
    _require_allowed(application, Action.REQUEST_SUPPLEMENT)
    today = local_day(now)
    if application.supplement is not None:
        raise Conflict(
            "supplement-asked-already",
            Text(zh="补正只能要求一次（第三十条）", en="a supplement is asked for once only (art. 30)"),
            Text(zh="请按已有材料审查和决定", en="review and decide on what was handed in"),
        )
    last = add_working_days(application.clock.received, SUPPLEMENT_NOTICE_DAYS)
    if today > last:
        raise Conflict(
            "supplement-too-late",
            Text(zh=f"补正须在{last}前告知（第三十条）", en=f"a supplement had to be asked for by {last} (art. 30)"),
            Text(zh="请按已有材料审查和决定", en="review and decide on what was handed in"),
        )
    clock = application.clock.model_copy(update={"pauses": (Pause(asked=today),)})
    return [
        e.SupplementRequested(
            actor=actor.id,
            at=now,
            wanted=_text(command.wanted, "wanted"),
            answer_by=add_working_days(today, SUPPLEMENT_TERM_DAYS),
            clock=clock,
            deadline=compute_deadline(clock),
        )
    ]


@decide.register
def _(
    command: c.AnswerSupplement, application: Application, actor: Actor, now: datetime, lookups: Lookups
) -> list[e.Event]:
    require(may_act_as_applicant(actor, application))
    _require_allowed(application, Action.ANSWER_SUPPLEMENT)
    today, asked = local_day(now), application.supplement
    if asked is None or today > asked.answer_by:
        raise Conflict(
            "supplement-late",
            Text(zh="补正期限已过", en="the term for the supplement is over"),
            Text(zh="请重新提交申请", en="hand in a new application"),
        )
    pause = Pause(asked=application.clock.pauses[-1].asked, answered=today)
    clock = application.clock.model_copy(update={"pauses": (pause,)})
    return [
        e.SupplementAnswered(
            actor=actor.id,
            at=now,
            answer=_text(command.answer, "answer"),
            clock=clock,
            deadline=compute_deadline(clock),
        )
    ]


@decide.register
def _(command: c.GiveOpinion, application: Application, actor: Actor, now: datetime, lookups: Lookups) -> list[e.Event]:
    require(may_review(actor, application))
    _require_allowed(application, Action.GIVE_OPINION)
    opinion = _text(command.opinion, "opinion")
    return [e.OpinionGiven(actor=actor.id, at=now, favourable=command.favourable, opinion=opinion)]


@decide.register
def _(
    command: c.ExtendDeadline, application: Application, actor: Actor, now: datetime, lookups: Lookups
) -> list[e.Event]:
    require(may_decide(actor, application))
    _require_allowed(application, Action.EXTEND)
    if application.extension is not None:
        raise Conflict(
            "extended-already",
            Text(zh="只能延长一次（第三十三条）", en="a deadline is extended once only (art. 33)"),
            Text(zh="请在现有期限内作出决定", en="decide within the present deadline"),
        )
    if application.due is None or local_day(now) > application.due:
        raise Conflict(
            "deadline-passed",
            Text(zh="期限已过，不能延长", en="the deadline has passed"),
            Text(zh="请直接作出决定，并说明迟延的原因", en="decide now, and give the reason for the delay"),
        )
    if not 1 <= command.days <= LONGEST_EXTENSION_DAYS:
        raise Refused(
            "invalid-extension",
            Text(zh=f"延长1至{LONGEST_EXTENSION_DAYS}个工作日", en=f"1 to {LONGEST_EXTENSION_DAYS} working days"),
            Text(zh="请改为该范围内的天数", en="give a number of days within it"),
            field="days",
        )
    clock = application.clock.model_copy(update={"extension": command.days})
    return [
        e.DeadlineExtended(
            actor=actor.id,
            at=now,
            days=command.days,
            reason=_text(command.reason, "reason"),
            consented_by=_text(command.consented_by, "consented_by"),
            clock=clock,
            deadline=compute_deadline(clock),
        )
    ]


@decide.register
def _(command: c.Approve, application: Application, actor: Actor, now: datetime, lookups: Lookups) -> list[e.Event]:
    require(may_decide(actor, application))
    _require_allowed(application, Action.APPROVE)
    last_day = command.valid_until or application.period_until
    if last_day > application.period_until:
        raise Refused(
            "longer-than-asked",
            Text(zh="授权不能长于申请的期限", en="a grant is not longer than was asked for"),
            Text(zh="请给出不晚于申请期限的日期", en="give a date that is not after the one asked for"),
            field="valid_until",
        )
    valid_from = max(now, _midnight(application.period_from))
    valid_until = _midnight(last_day + ONE_DAY)
    if valid_until <= valid_from:
        raise Refused(
            "period-over",
            Text(zh="使用期限已过", en="the period of use is over or empty"),
            Text(zh="请申请人以新的期限重新申请", en="the applicant applies anew with another period"),
            field="valid_until",
        )
    return [
        e.ApplicationApproved(actor=actor.id, at=now, conditions=_optional_text(command.conditions, "conditions")),
        e.GrantIssued(
            actor=actor.id, at=now, grant_id=lookups.grant_id, valid_from=valid_from, valid_until=valid_until
        ),
    ]


@decide.register
def _(command: c.Refuse, application: Application, actor: Actor, now: datetime, lookups: Lookups) -> list[e.Event]:
    require(may_decide(actor, application))
    _require_allowed(application, Action.REFUSE)
    remedies = _optional_text(command.remedies, "remedies") or f"{lookups.remedies.zh} {lookups.remedies.en}"
    return [e.ApplicationRefused(actor=actor.id, at=now, reason=_text(command.reason, "reason"), remedies=remedies)]


@decide.register
def _(command: c.Withdraw, application: Application, actor: Actor, now: datetime, lookups: Lookups) -> list[e.Event]:
    require(may_act_as_applicant(actor, application))
    _require_allowed(application, Action.WITHDRAW)
    return [e.ApplicationWithdrawn(actor=actor.id, at=now, reason=_optional_text(command.reason, "reason"))]


@decide.register
def _(
    command: c.ReissueToken, application: Application, actor: Actor, now: datetime, lookups: Lookups
) -> list[e.Event]:
    require(may_act_as_applicant(actor, application))
    _require_allowed(application, Action.REISSUE_TOKEN)
    if application.valid_until is None or now >= application.valid_until:
        raise Conflict(
            "grant-expired",
            Text(zh="授权已到期", en="the grant has expired"),
            Text(zh="如仍需使用，请重新申请", en="apply again if the data are still needed"),
        )
    return [e.TokenReissued(actor=actor.id, at=now)]


@decide.register
def _(command: c.Revoke, application: Application, actor: Actor, now: datetime, lookups: Lookups) -> list[e.Event]:
    require(may_revoke(actor, application))
    _require_allowed(application, Action.REVOKE)
    return [e.GrantRevoked(actor=actor.id, at=now, reason=_text(command.reason, "reason"))]


@decide.register
def _(command: c.ReportUse, application: Application, actor: Actor, now: datetime, lookups: Lookups) -> list[e.Event]:
    require(may_act_as_applicant(actor, application))
    _require_allowed(application, Action.REPORT)
    return [e.UseReported(actor=actor.id, at=now, report=_text(command.report, "report"))]


@decide.register
def _(command: c.Lapse, application: Application, actor: Actor, now: datetime, lookups: Lookups) -> list[e.Event]:
    require(may_run_clock(actor))
    _require_allowed(application, Action.LAPSE)
    if application.supplement is None or local_day(now) <= application.supplement.answer_by:
        raise Conflict(
            "not-due",
            Text(zh="补正期限未到", en="the term for the supplement is not over"),
            Text(zh="期满后系统会自动处理", en="the platform does it by itself when the day has come"),
        )
    return [e.ApplicationLapsed(actor=actor.id, at=now)]


@decide.register
def _(command: c.Expire, application: Application, actor: Actor, now: datetime, lookups: Lookups) -> list[e.Event]:
    require(may_run_clock(actor))
    _require_allowed(application, Action.EXPIRE)
    if application.valid_until is None or now < application.valid_until:
        raise Conflict(
            "not-due",
            Text(zh="授权尚未到期", en="the grant has not expired"),
            Text(zh="期满后系统会自动处理", en="the platform does it by itself when the day has come"),
        )
    return [e.GrantExpired(actor=actor.id, at=now)]


def _check_subject(command: c.SubmitApplication, lookups: Lookups) -> None:
    if lookups.openness is None:
        raise unknown_dataset()
    if lookups.openness is not Openness.CONDITIONAL or command.tier not in lookups.tiers or command.tier is Tier.OPEN:
        raise Refused(
            "nothing-to-apply-for",
            Text(zh="该数据集没有需要申请的数据", en="nothing of this dataset is given on application"),
            Text(zh="有条件开放的数据集才需要申请", en="apply for a conditional dataset's restricted tier"),
            field="tier" if lookups.openness is Openness.CONDITIONAL else "dataset",
        )
    if lookups.open_application:
        raise Conflict(
            "applied-already",
            Text(zh="您已有该数据的申请或有效授权", en="you have an application or a grant for this already"),
            Text(zh="请在“我的申请”中查看进度", en="see its progress under “my applications”"),
            field="dataset",
        )


def _require_allowed(application: Application, action: Action) -> None:
    if action not in TRANSITIONS[application.status]:
        raise Conflict(
            "not-in-this-state",
            Text(
                zh=f"申请处于“{application.status}”状态，不能“{action}”",
                en=f"an application that is {application.status} does not allow: {action}",
            ),
            Text(zh="请刷新页面查看当前状态", en="look at the application's present state"),
        )


def _text(value: str, field: str) -> str:
    stripped = _optional_text(value, field)
    if not stripped:
        raise Refused(
            "missing-text",
            Text(zh="不能为空", en="this may not be empty"),
            Text(zh="请填写后再提交", en="fill it in and send it again"),
            field=field,
        )
    return stripped


def _optional_text(value: str, field: str) -> str:
    stripped = value.strip()
    if len(stripped) > LONGEST_TEXT:
        raise Refused(
            "text-too-long",
            Text(zh=f"不超过{LONGEST_TEXT}字", en=f"at most {LONGEST_TEXT} characters"),
            Text(zh="请压缩文字", en="make it shorter"),
            field=field,
        )
    return stripped


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)
