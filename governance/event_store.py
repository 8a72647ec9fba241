"""Append an event to a review or an application: one writer per version, whoever comes second looks again."""

from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from schemas.actor import Actor
from schemas.errors import Conflict
from schemas.text import Text


class StoredEvent(Protocol):
    """An event of a review or of an application."""

    @property
    def kind(self) -> str: ...

    def model_dump(self, *, mode: str) -> dict[str, object]: ...


def append_event(
    connection: sa.Connection,
    events: sa.Table,
    subject: dict[str, str],
    version: int,
    event: StoredEvent,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Insert an event as `version` of its subject. subject: the key column of `events` and its value.

    Raises Conflict `changed-meanwhile` where that version stands already. The caller records it.
    """
    stored = {"version": version, "kind": event.kind, "event": event.model_dump(mode="json"), "actor": actor.id}
    try:
        connection.execute(events.insert().values(**subject, **stored, at=now))
    except sa.exc.IntegrityError:
        raise changed_meanwhile() from None


def changed_meanwhile() -> Conflict:
    return Conflict(
        "changed-meanwhile",
        Text(zh="刚被他人更新", en="somebody else has just changed this"),
        Text(zh="请刷新后重试", en="look again and retry"),
    )
