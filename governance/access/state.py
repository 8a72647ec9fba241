"""The state of an application: a fold over its events."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import singledispatch
from typing import Any

from pydantic import BaseModel, ConfigDict

from governance.access import events as e
from governance.access.transitions import TRANSITIONS, Action, Status
from governance.clocks import Clock, Deadline
from schemas.dataset import Tier


class Application(BaseModel):
    """One application. due: the date promised; None while the clock pauses or once it is answered.

    deadline: the last promise and how it was computed. valid_until: exclusive. version: number of events.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    status: Status
    version: int
    dataset: str
    tier: Tier
    applicant: str
    organisation: str | None
    purpose: str
    project: str
    statement: str
    period_from: date
    period_until: date
    terms_version: str
    submitted_at: datetime
    clock: Clock
    deadline: Deadline
    due: date | None
    supplement: e.SupplementRequested | None = None
    supplement_answer: str | None = None
    opinions: tuple[e.OpinionGiven, ...] = ()
    extension: e.DeadlineExtended | None = None
    decided: e.ApplicationApproved | e.ApplicationRefused | None = None
    grant_id: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    ended_reason: str | None = None
    reports: tuple[e.UseReported, ...] = ()


def fold(application_id: str, events: Iterable[e.Event]) -> Application | None:
    """The state after `events`; None where there is none. Raises ValueError for a sequence that cannot have been."""
    application: Application | None = None
    for event in events:
        application = project(event, application, application_id)
    return application


def project(event: e.Event, application: Application | None, application_id: str) -> Application:
    """The state after one more event."""
    status = None if application is None else application.status
    if event.action not in TRANSITIONS[status]:
        raise ValueError(f"{event.action} cannot follow {status}")
    if isinstance(event, e.ApplicationSubmitted):
        return _submitted(event, application_id)
    if application is None:
        raise ValueError("an application begins with its submission")
    return application.model_copy(
        update={
            "status": TRANSITIONS[status][Action(event.action)],
            "version": application.version + 1,
            **changes(event, application),
        }
    )


def _submitted(event: e.ApplicationSubmitted, application_id: str) -> Application:
    return Application(
        id=application_id,
        status=Status.UNDER_REVIEW,
        version=1,
        applicant=event.actor,
        submitted_at=event.at,
        due=event.deadline.due,
        **{
            name: getattr(event, name)
            for name in type(event).model_fields
            if name in Application.model_fields and name != "due"
        },
    )


@singledispatch
def changes(event: object, application: Application) -> dict[str, Any]:
    """What an event changes besides status and version. Every event type but the first is registered here."""
    raise ValueError(f"no projection for {type(event).__name__}")


@changes.register
def _(event: e.SupplementRequested, application: Application) -> dict[str, Any]:
    return {"supplement": event, "clock": event.clock, "deadline": event.deadline, "due": event.deadline.due}


@changes.register
def _(event: e.SupplementAnswered, application: Application) -> dict[str, Any]:
    return {
        "supplement_answer": event.answer,
        "clock": event.clock,
        "deadline": event.deadline,
        "due": event.deadline.due,
    }


@changes.register
def _(event: e.OpinionGiven, application: Application) -> dict[str, Any]:
    return {"opinions": (*application.opinions, event)}


@changes.register
def _(event: e.DeadlineExtended, application: Application) -> dict[str, Any]:
    return {"extension": event, "clock": event.clock, "deadline": event.deadline, "due": event.deadline.due}


@changes.register(e.ApplicationApproved)
@changes.register(e.ApplicationRefused)
def _(event: e.ApplicationApproved | e.ApplicationRefused, application: Application) -> dict[str, Any]:
    return {"decided": event, "due": None}


@changes.register(e.ApplicationWithdrawn)
@changes.register(e.GrantRevoked)
def _(event: e.ApplicationWithdrawn | e.GrantRevoked, application: Application) -> dict[str, Any]:
    return {"ended_reason": event.reason, "due": None}


@changes.register
def _(event: e.GrantIssued, application: Application) -> dict[str, Any]:
    return {"grant_id": event.grant_id, "valid_from": event.valid_from, "valid_until": event.valid_until}


@changes.register
def _(event: e.UseReported, application: Application) -> dict[str, Any]:
    return {"reports": (*application.reports, event)}


@changes.register(e.ApplicationLapsed)
@changes.register(e.TokenReissued)
@changes.register(e.GrantExpired)
def _(event: e.ApplicationLapsed | e.TokenReissued | e.GrantExpired, application: Application) -> dict[str, Any]:
    return {}
