"""Pages of gated access: apply, follow the clock, answer; review and decide."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from api.identity import current_actor, signed_in_actor
from api.platform import platform_of
from api.portal.rendering import redirect, render
from api.problems import status_of
from governance.access import commands as c
from governance.access.grants import list_uses
from governance.access.permissions import (
    may_act_as_applicant,
    may_apply,
    may_decide,
    may_review,
    may_revoke,
    may_see,
)
from governance.access.service import act, list_applications, load_events, queue, show_application, submit_application
from governance.access.state import Application
from governance.access.terms import current_terms
from governance.access.transitions import TRANSITIONS, Action
from governance.clocks import local_day
from governance.database.engine import reading
from pipelines.current_release import current_release
from pipelines.datasets import load_dataset
from schemas.actor import Actor, Duty
from schemas.dataset import Openness, Tier
from schemas.errors import GongkaiError, NotFound, NotPermitted, Refused
from schemas.text import Text

router = APIRouter(include_in_schema=False)
MOST_OTHERS = 100


@router.get("/apply/{name}")
def apply_form(request: Request, name: str) -> HTMLResponse:
    return _apply_page(request, name, {}, None)


def _apply_page(
    request: Request, name: str, given: dict[str, str], error: GongkaiError | None, status: int = 200
) -> HTMLResponse:
    platform, actor = platform_of(request), current_actor(request)
    with reading(platform.engine) as connection:
        dataset = load_dataset(connection, name)
        release = current_release(connection, name)
    if dataset.openness is not Openness.CONDITIONAL or release is None:
        raise NotFound(
            "nothing-to-apply-for",
            Text(zh="这个数据集没有需要申请的数据", en="this dataset has no data that one applies for"),
            Text(zh="开放数据可直接下载", en="open data can be downloaded at once"),
        )
    today = datetime.now(ZoneInfo(platform.settings.timezone)).date()
    return render(
        request,
        "apply.html",
        status,
        dataset=dataset,
        distribution=next((d for d in release.distributions if d.tier is Tier.RESTRICTED), None),
        terms=current_terms(),
        permission=may_apply(actor),
        given={"period_from": today.isoformat(), "period_until": (today + timedelta(days=365)).isoformat()}
        | dict.fromkeys(("purpose", "project", "statement", "terms_version"), "")
        | given,
        error=error,
    )


@router.post("/apply/{name}")
def apply(
    request: Request,
    name: str,
    purpose: Annotated[str, Form()] = "",
    project: Annotated[str, Form()] = "",
    statement: Annotated[str, Form()] = "",
    period_from: Annotated[str, Form()] = "",
    period_until: Annotated[str, Form()] = "",
    terms_version: Annotated[str, Form()] = "",
) -> Response:
    """Submit an application; what was typed is kept when something is wrong."""
    actor = signed_in_actor(request)
    given = {"purpose": purpose, "project": project, "statement": statement, "terms_version": terms_version}
    given |= {"period_from": period_from, "period_until": period_until}
    try:
        command = c.SubmitApplication(
            dataset=name,
            tier=Tier.RESTRICTED,
            purpose=purpose,
            project=project,
            statement=statement,
            period_from=_date(period_from, "period_from"),
            period_until=_date(period_until, "period_until"),
            terms_version=terms_version,
        )
        with platform_of(request).engine.begin() as connection:
            application = submit_application(connection, command, actor=actor, now=datetime.now(UTC))
    except Refused as error:
        return _apply_page(request, name, given, error, status_of(error))
    return redirect(request, f"/applications/{application.id}")


def _date(value: str, field: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Refused(
            "invalid-date",
            Text(zh="日期应写作 2026-01-31", en="a date is written 2026-01-31"),
            Text(zh="请改正日期", en="correct the date"),
            field=field,
        ) from None


@router.get("/applications")
def my_applications(request: Request) -> HTMLResponse:
    actor, platform = signed_in_actor(request), platform_of(request)
    with reading(platform.engine) as connection:
        mine = list_applications(connection, applicant=actor.id)
        titles = {a.dataset: load_dataset(connection, a.dataset).title for a in mine}
    return render(request, "applications.html", heading="mine", waiting=mine, others=[], titles=titles, today=_today())


@router.get("/access-desk")
def access_desk(request: Request) -> HTMLResponse:
    """What waits for me, by legal deadline; conflicts of interest are left out."""
    actor, platform = signed_in_actor(request), platform_of(request)
    if not actor.duties & {Duty.ACCESS_REVIEWER, Duty.DECIDER, Duty.AUDITOR}:
        raise NotPermitted(
            "not-access-reviewer",
            Text(zh="这里供申请审查和决定人员使用", en="this is for those who review and decide applications"),
            Text(
                zh="请用审查、决定或审计账号登录；查看自己的申请请到“我的申请”",
                en="sign in with an account for reviewing, deciding or auditing; your own applications are under "
                "“My applications”",
            ),
        )
    with reading(platform.engine) as connection:
        waiting = queue(connection, actor)
        known = {a.id for a in waiting}
        others = [a for a in list_applications(connection) if a.id not in known and may_see(actor, a).allowed]
        titles = {a.dataset: load_dataset(connection, a.dataset).title for a in (*waiting, *others)}
    return render(
        request,
        "applications.html",
        heading="desk",
        waiting=waiting,
        others=others[:MOST_OTHERS],
        titles=titles,
        today=_today(),
    )


def _today() -> date:
    return local_day(datetime.now(UTC))


@router.get("/applications/{application_id}")
def application(request: Request, application_id: str) -> HTMLResponse:
    return _application_page(request, application_id)


def _application_page(
    request: Request,
    application_id: str,
    status: int = 200,
    token: str | None = None,
    error: GongkaiError | None = None,
    given: dict[str, str] | None = None,
) -> HTMLResponse:
    actor, platform = signed_in_actor(request), platform_of(request)
    with reading(platform.engine) as connection:
        found = show_application(connection, application_id, actor)
        dataset = load_dataset(connection, found.dataset)
        events = load_events(connection, application_id)
        uses = list_uses(connection, found.grant_id) if found.grant_id else []
        release = current_release(connection, found.dataset)
    return render(
        request,
        "application.html",
        status,
        application=found,
        dataset=dataset,
        happened=sorted(
            [*((e.at, e.kind, "") for e in events), *((u["at"], "use", u["what"]) for u in uses)],
            key=lambda moment: moment[0],
        ),
        given=given or {"action": "", "text": "", "extra": ""},
        release=release,
        may=_possible(actor, found),
        token=token,
        error=error,
    )


def _possible(actor: Actor, application: Application) -> set[Action]:
    """What this person may do in this state: the page offers nothing else."""
    allowed = {
        **dict.fromkeys(
            (Action.ANSWER_SUPPLEMENT, Action.WITHDRAW, Action.REISSUE_TOKEN, Action.REPORT),
            may_act_as_applicant(actor, application),
        ),
        **dict.fromkeys((Action.REQUEST_SUPPLEMENT, Action.GIVE_OPINION), may_review(actor, application)),
        **dict.fromkeys((Action.APPROVE, Action.REFUSE, Action.EXTEND), may_decide(actor, application)),
        Action.REVOKE: may_revoke(actor, application),
    }
    possible = {a for a, permission in allowed.items() if permission.allowed and a in TRANSITIONS[application.status]}
    return possible - ({Action.REQUEST_SUPPLEMENT} if application.supplement else set())


COMMANDS: dict[Action, Callable[[str, str], c.Command]] = {
    Action.REQUEST_SUPPLEMENT: lambda text, extra: c.RequestSupplement(text),
    Action.ANSWER_SUPPLEMENT: lambda text, extra: c.AnswerSupplement(text),
    Action.GIVE_OPINION: lambda text, extra: c.GiveOpinion(extra == "favourable", text),
    Action.EXTEND: lambda text, extra: c.ExtendDeadline(20, text, extra),
    Action.APPROVE: lambda text, extra: c.Approve(text),
    Action.REFUSE: lambda text, extra: c.Refuse(text),
    Action.WITHDRAW: lambda text, extra: c.Withdraw(text),
    Action.REISSUE_TOKEN: lambda text, extra: c.ReissueToken(),
    Action.REVOKE: lambda text, extra: c.Revoke(text),
    Action.REPORT: lambda text, extra: c.ReportUse(text),
}


@router.post("/applications/{application_id}")
def act_on(
    request: Request,
    application_id: str,
    action: Annotated[str, Form()],
    version: Annotated[int, Form()],
    text: Annotated[str, Form()] = "",
    extra: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """One command on what this person saw (`version`). A new token is on the answered page and nowhere else."""
    actor = signed_in_actor(request)
    command = next((make for known, make in COMMANDS.items() if known == action), None)
    if command is None:
        raise Refused(
            "unknown-action",
            Text(zh="没有这种操作", en="there is no such action"),
            Text(zh="请刷新页面，使用页面上的按钮", en="load the page again and use the buttons on it"),
            field="action",
        )
    try:
        with platform_of(request).engine.begin() as connection:
            outcome: Any = act(
                connection,
                application_id,
                command(text.strip(), extra.strip()),
                actor=actor,
                now=datetime.now(UTC),
                version=version,
            )
    except Refused as error:  # what was typed stays in its form
        given = {"action": action, "text": text, "extra": extra}
        return _application_page(request, application_id, status_of(error), error=error, given=given)
    if outcome.token:
        return _application_page(request, application_id, token=outcome.token)
    return redirect(request, f"/applications/{application_id}")
