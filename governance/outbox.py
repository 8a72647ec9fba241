"""Outbox: work queued in the transaction that causes it, leased by workers, done at least once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from governance.database.dataset_tables import outbox

LEASE = timedelta(minutes=10)
BACKOFF = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))


@dataclass(frozen=True)
class Task:
    """One leased piece of work. actor: id of who caused it. attempts: this one included. error: code of the last failed
    attempt, where there was one. worker: who has it; once another one does, what this one says of it changes nothing.
    """

    id: int
    kind: str
    payload: dict[str, Any]
    actor: str
    attempts: int
    error: str | None = None
    worker: str | None = None


def _held(task: Task) -> sa.ColumnElement[bool]:
    return sa.and_(outbox.c.id == task.id, outbox.c.leased_by == task.worker)


def enqueue(connection: sa.Connection, kind: str, key: str, payload: dict[str, Any], actor: str, now: datetime) -> None:
    """Queue work once per `key`; queuing the same key again changes nothing."""
    if connection.execute(sa.select(outbox.c.id).where(outbox.c.key == key)).first():
        return
    connection.execute(
        outbox.insert().values(kind=kind, key=key, payload=payload, actor=actor, queued_at=now, due_at=now, attempts=0)
    )


def lease_next(connection: sa.Connection, now: datetime, worker: str | None = None) -> Task | None:
    """Take the oldest task that is due, for LEASE. A worker that dies loses its lease, not the task.

    worker: name of the process that takes it, which no other one has; by it `leased_task` finds the task again.
    """
    free = sa.or_(outbox.c.leased_until.is_(None), outbox.c.leased_until < now)
    row = connection.execute(
        sa.select(outbox)
        .where(outbox.c.done_at.is_(None), outbox.c.due_at <= now, free)
        .order_by(outbox.c.due_at, outbox.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).first()
    if row is None:
        return None
    values = {"leased_until": now + LEASE, "leased_by": worker, "attempts": row.attempts + 1}
    connection.execute(outbox.update().where(outbox.c.id == row.id).values(**values))
    return Task(row.id, row.kind, row.payload, row.actor, row.attempts + 1, row.error, worker)


def leased_task(connection: sa.Connection, worker: str, now: datetime) -> Task | None:
    """What a worker had in hand when it ended without a word; its lease still runs."""
    held = sa.and_(outbox.c.leased_by == worker, outbox.c.done_at.is_(None), outbox.c.leased_until >= now)
    row = connection.execute(sa.select(outbox).where(held).with_for_update()).first()
    return None if row is None else Task(row.id, row.kind, row.payload, row.actor, row.attempts, row.error, worker)


def still_held(connection: sa.Connection, task: Task) -> bool:
    """Whether no other worker took the task, as those do whose lease ran out."""
    return connection.execute(sa.select(outbox.c.id).where(_held(task))).first() is not None


def extend_lease(connection: sa.Connection, task: Task, now: datetime) -> None:
    connection.execute(outbox.update().where(_held(task)).values(leased_until=now + LEASE))


def finish(connection: sa.Connection, task: Task, now: datetime, error: str | None = None) -> None:
    """Done, or given up with the code of the error."""
    connection.execute(outbox.update().where(_held(task)).values(done_at=now, leased_until=None, error=error))


def finish_key(connection: sa.Connection, key: str, now: datetime) -> None:
    """The work of `key`, and of keys below it (`key:…`), was done otherwise, by hand: nobody needs to do it again."""
    same = sa.or_(outbox.c.key == key, outbox.c.key.startswith(f"{key}:", autoescape=True))
    connection.execute(outbox.update().where(same, outbox.c.done_at.is_(None)).values(done_at=now, leased_until=None))


def retry_later(connection: sa.Connection, task: Task, now: datetime, error: str) -> None:
    """Put back with growing pauses; for errors that can recover."""
    pause = BACKOFF[min(task.attempts, len(BACKOFF)) - 1]
    connection.execute(outbox.update().where(_held(task)).values(due_at=now + pause, leased_until=None, error=error))


def return_task(connection: sa.Connection, task: Task) -> None:
    """Put back what a worker was kept from doing, for the next one to take first. That was no attempt."""
    values = {"leased_until": None, "attempts": outbox.c.attempts - 1}
    connection.execute(outbox.update().where(_held(task)).values(**values))


def anything_due(connection: sa.Connection, now: datetime) -> bool:
    free = sa.or_(outbox.c.leased_until.is_(None), outbox.c.leased_until < now)
    due = sa.select(outbox.c.id).where(outbox.c.done_at.is_(None), outbox.c.due_at <= now, free).limit(1)
    return connection.execute(due).first() is not None
