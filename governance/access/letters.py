"""Which event tells the applicant what, by letter."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from governance.access import events as e
from governance.access.state import Application
from governance.letters import queue_letter
from schemas.actor import Actor
from schemas.text import Text

LETTER_OF: dict[type[Any], str] = {
    e.ApplicationSubmitted: "application-received",
    e.SupplementRequested: "supplement-requested",
    e.SupplementAnswered: "supplement-received",
    e.DeadlineExtended: "deadline-extended",
    e.ApplicationRefused: "application-refused",
    e.GrantIssued: "grant-issued",
    e.GrantExpired: "grant-expired",
    e.GrantRevoked: "grant-revoked",
    e.ApplicationLapsed: "application-lapsed",
}


def tell_applicant(
    connection: sa.Connection, application: Application, event: e.Event, *, actor: Actor, now: datetime
) -> None:
    """Queue the letter that belongs to an event, where there is one; once per event. It never holds a token."""
    name = LETTER_OF.get(type(event))
    if name is None:
        return
    queue_letter(
        connection,
        name,
        key=f"application:{application.id}:{application.version}",
        to=application.applicant,
        values=_values(application, event),
        actor=actor,
        now=now,
    )


def _values(application: Application, event: e.Event) -> dict[str, Any]:
    steps = application.deadline.steps
    return {
        **event.model_dump(exclude={"clock", "deadline", "actor", "at", "kind"}),
        "application": application.id,
        "dataset": application.dataset,
        "due": application.due,
        "steps": Text(zh="；".join(s.zh for s in steps), en="; ".join(s.en for s in steps)),
        "conditions": getattr(application.decided, "conditions", ""),
        "last_day": application.valid_until and application.valid_until.date().isoformat(),
    }
