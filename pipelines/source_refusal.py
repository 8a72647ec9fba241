"""Refusing a source that was accepted: what the steward is told. Light, as the server itself does it too."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from governance.audit import record
from governance.database.dataset_tables import sources
from governance.outbox import finish_key
from pipelines.platform import Platform
from pipelines.sources import SourceRecord, error_record, preparation_key
from schemas.actor import Actor
from schemas.errors import Refused


def refuse_source(
    platform: Platform, source: SourceRecord, error: Refused, actor: Actor, reports: Mapping[str, Any] | None = None
) -> None:
    """Record why the source is not prepared, and that nobody needs to prepare it. May run twice.

    reports: JSON that the steward reads with the error, by kind; may hold raw values of the steward's own file.
    """
    outcome = {"error": error_record(error), **(reports or {})}
    now = datetime.now(UTC)
    with platform.engine.begin() as connection:
        values = {"status": "refused", "stage": None, "done": 1.0, "progress": None, "outcome": outcome}
        connection.execute(sources.update().where(sources.c.id == source.id).values(**values))
        finish_key(connection, preparation_key(source.id), now)
        record(
            connection,
            actor=actor,
            action="source.refuse",
            subject=f"dataset:{source.dataset}",
            now=now,
            data={"source": source.id, "code": error.code},
        )
