"""Applications for restricted data: submit, look, and one address per action."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response

from api.dependencies import Asker, Now, SignedIn, ThePlatform
from governance.access import commands as c
from governance.access.service import (
    act,
    list_applications,
    load_events,
    queue,
    show_application,
    submit_application,
)
from governance.access.state import Application
from governance.access.terms import Terms, current_terms
from governance.database.engine import reading
from schemas.actor import Actor

router = APIRouter(prefix="/applications", tags=["applications"])

# Lapse and Expire have no address: they are by the platform itself alone.
ACTIONS: dict[str, type[Any]] = {
    "supplement-request": c.RequestSupplement,
    "supplement": c.AnswerSupplement,
    "opinion": c.GiveOpinion,
    "extension": c.ExtendDeadline,
    "approval": c.Approve,
    "refusal": c.Refuse,
    "withdrawal": c.Withdraw,
    "report": c.ReportUse,
    "revocation": c.Revoke,
    "token": c.ReissueToken,
}


@router.get("/terms")
def terms() -> Terms:
    """The terms of use in force; an application names their version."""
    return current_terms()


@router.post("", status_code=201)
def submit(
    command: c.SubmitApplication, platform: ThePlatform, actor: SignedIn, now: Now, response: Response
) -> dict[str, Any]:
    """Apply. The answer holds the promised date and how it was computed."""
    with platform.engine.begin() as connection:
        application = submit_application(connection, command, actor=actor, now=now)
    response.headers["Location"] = f"/api/v1/applications/{application.id}"
    return view(application, actor)


@router.get("")
def mine(platform: ThePlatform, actor: SignedIn) -> list[dict[str, Any]]:
    """My applications."""
    with reading(platform.engine) as connection:
        return [view(a, actor) for a in list_applications(connection, applicant=actor.id)]


@router.get("/queue")
def waiting(platform: ThePlatform, actor: SignedIn) -> list[dict[str, Any]]:
    """What waits for my opinion or decision, by legal deadline."""
    with reading(platform.engine) as connection:
        return [view(a, actor) for a in queue(connection, actor)]


@router.get("/{application_id}")
def one(application_id: str, platform: ThePlatform, actor: Asker) -> dict[str, Any]:
    """One application, for whoever may see it."""
    with reading(platform.engine) as connection:
        return view(show_application(connection, application_id, actor), actor)


@router.get("/{application_id}/events")
def events(application_id: str, platform: ThePlatform, actor: SignedIn) -> list[dict[str, Any]]:
    """Everything that happened, in order. The applicant does not see opinions, which precede the decision."""
    with reading(platform.engine) as connection:
        application = show_application(connection, application_id, actor)
        found = [e.model_dump(mode="json") for e in load_events(connection, application_id)]
    return [e for e in found if actor.id != application.applicant or e["kind"] != "opinion-given"]


def view(application: Application, actor: Actor) -> dict[str, Any]:
    """The application as JSON; the applicant's without the reviewers' opinions."""
    hidden = {"opinions"} if actor.id == application.applicant else set[str]()
    return application.model_dump(mode="json", exclude=hidden)


def _action(kind: type[Any]) -> Callable[..., Any]:
    def handler(
        application_id: str,
        command: kind,  # type: ignore[valid-type]
        platform: ThePlatform,
        actor: SignedIn,
        now: Now,
        version: int | None = None,
    ) -> dict[str, Any]:
        with platform.engine.begin() as connection:
            outcome = act(connection, application_id, command, actor=actor, now=now, version=version)
        shown = view(outcome.application, actor)
        return shown if outcome.token is None else {**shown, "token": outcome.token}

    handler.__doc__ = f"{kind.__name__}. version: what you saw; refused where it has changed since."
    return handler


for _name, _kind in ACTIONS.items():
    router.add_api_route(
        f"/{{application_id}}/{_name}",
        _action(_kind),
        methods=["POST"],
        name=_name,
        operation_id=f"application-{_name}",
    )
