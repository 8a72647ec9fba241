"""The audit log: who did what to what, when. Written in the transaction of the deed, never changed."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from governance.database.decision_tables import audit_log
from schemas.actor import Actor


def record(
    connection: sa.Connection,
    *,
    actor: Actor,
    action: str,
    subject: str,
    now: datetime,
    data: dict[str, Any] | None = None,
) -> None:
    """Add one row. action: `<thing>.<verb>`, e.g. `grant.revoked`. subject: `<kind>:<id>`. data: no raw value."""
    connection.execute(
        audit_log.insert().values(
            at=now, actor=actor.id, organisation=actor.organisation, action=action, subject=subject, data=data or {}
        )
    )


def entries(
    connection: sa.Connection, *, subject: str | None = None, actor: str | None = None, limit: int = 200
) -> list[dict[str, Any]]:
    """The newest rows first, as dictionaries (sequence, at, actor, organisation, action, subject, data)."""
    query = sa.select(audit_log).order_by(audit_log.c.sequence.desc()).limit(limit)
    if subject is not None:
        query = query.where(audit_log.c.subject == subject)
    if actor is not None:
        query = query.where(audit_log.c.actor == actor)
    return [dict(row) for row in connection.execute(query).mappings()]
