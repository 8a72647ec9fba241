"""Changes of a declaration that others rely on: proposed by its steward, shown when a reviewer of the publisher agreed.

Readers rely on what is declared: the licence, the legal basis, for whom it is open. Until somebody besides the steward
has agreed, the public page keeps what was agreed before. `schemas.dataset.CHANGED_AT_ONCE` lists what needs no review.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from governance.audit import record
from governance.canonical import canonical_digest
from governance.database.dataset_tables import datasets, declaration_changes, publications
from governance.database.decision_tables import reviews
from governance.outbox import enqueue
from governance.permission import GIVEN, Permission, denied, require
from governance.reasons import checked_reason
from governance.release_review.transitions import Status
from governance.transparency_log import append_entry
from schemas.actor import Actor, Duty
from schemas.errors import Conflict, NotFound, Refused
from schemas.text import Text


class ChangeStatus(StrEnum):
    """Where a proposal stands. Only what waits can be decided, superseded or taken back."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"  # by a later proposal, or taken back


SIGNED = (Status.AWAITING_COMPLIANCE, Status.AWAITING_SECRECY, Status.APPROVED)  # by one reviewer at least
DECIDED = {"approve": ChangeStatus.APPROVED, "reject": ChangeStatus.REJECTED}


@dataclass(frozen=True)
class DeclarationChange:
    """One proposal. held: the declaration that holds while it waits; declaration: what is proposed, whole.

    fields: names of what changes and waits. publisher: whose reviewers decide, by the declaration that holds.
    """

    number: int
    dataset: str
    held: dict[str, Any]
    declaration: dict[str, Any]
    fields: tuple[str, ...]
    status: ChangeStatus
    proposed_at: datetime
    proposed_by: str
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str | None = None

    @property
    def publisher(self) -> str:
        return str(self.held["publisher"])


def others_rely(connection: sa.Connection, dataset: str) -> bool:
    """Whether its declaration is more than a draft: the public saw it (then its page stands, even where the data was
    withdrawn), or a reviewer has signed a release made under it."""
    seen = sa.select(publications.c.sequence).where(publications.c.dataset == dataset).limit(1)
    signed = sa.select(reviews.c.release_id).where(reviews.c.dataset == dataset, reviews.c.status.in_(SIGNED)).limit(1)
    return any(connection.execute(query).first() is not None for query in (seen, signed))


def propose_change(
    connection: sa.Connection,
    dataset: str,
    held: dict[str, Any],
    declaration: dict[str, Any],
    *,
    actor: Actor,
    now: datetime,
) -> bool:
    """Let `declaration` wait for a reviewer in place of `held`; True where that is news.

    A proposal that waited is superseded; where both declarations are the same it is taken back. The caller has checked
    that the actor is a steward of the dataset.
    """
    waiting = waiting_change(connection, dataset)
    names = sorted(held.keys() | declaration.keys())
    fields = [name for name in names if held.get(name) != declaration.get(name)]
    if (waiting.declaration if waiting else held) == declaration:
        return False
    if waiting is not None:
        _close(connection, waiting.number, ChangeStatus.SUPERSEDED, actor, now, None)
    if fields:
        connection.execute(
            declaration_changes.insert().values(
                dataset=dataset,
                declaration=declaration,
                fields=fields,
                status=ChangeStatus.WAITING,
                proposed_at=now,
                proposed_by=actor.id,
            )
        )
    action = "dataset.change-proposed" if fields else "dataset.change-taken-back"
    record(connection, actor=actor, action=action, subject=f"dataset:{dataset}", now=now, data={"fields": fields})
    return True


def decide_change(
    connection: sa.Connection, number: int, decision: str, reason: str = "", *, actor: Actor, now: datetime
) -> DeclarationChange:
    """Approve or reject a proposal; when approved it holds from now on, and the catalogue is told.

    The decision stands in the transparency log with the declaration's digest. Raises NotFound, NotPermitted, Conflict
    (it no longer waits), Refused (unknown decision; a rejection without a reason).
    """
    change = load_change(connection, number, lock=True)
    require(may_decide_change(actor, change))
    reason = _check(change, decision, reason)
    _close(connection, number, DECIDED[decision], actor, now, reason or None)
    if decision == "approve":
        values = {"declaration": change.declaration, "updated_at": now, "updated_by": change.proposed_by}
        connection.execute(datasets.update().where(datasets.c.name == change.dataset).values(**values))
        if _stands(connection, change.dataset):
            enqueue(connection, "publish", f"publish-declaration:{number}", {"dataset": change.dataset}, actor.id, now)
    entry = {
        "kind": "declaration",
        "dataset": change.dataset,
        "declaration": declaration_digest(change.declaration),
        "decision": decision,
        "at": now.isoformat(),
    }
    append_entry(connection, entry, actor=actor, now=now)
    record(
        connection,
        actor=actor,
        action=f"dataset.change-{DECIDED[decision]}",
        subject=f"dataset:{change.dataset}",
        now=now,
        data={"number": number, "fields": list(change.fields)},
    )
    return load_change(connection, number)


def declaration_digest(declaration: dict[str, Any]) -> str:
    """SHA-256 of the declaration as JSON text with sorted keys; shares and bounds in it are numbers with fractions."""
    return canonical_digest(json.dumps(declaration, sort_keys=True, ensure_ascii=False))


def may_decide_change(actor: Actor, change: DeclarationChange) -> Permission:
    """An agency reviewer of the publisher, as at the first step of a release review; never whoever proposed it."""
    if Duty.AGENCY_REVIEWER not in actor.duties:
        duty = Duty.AGENCY_REVIEWER.label
        return denied("duty-missing", f"需要“{duty.zh}”职责", f"this needs the duty of {duty.en}")
    if actor.organisation != change.publisher:
        return denied(
            "other-organisation",
            "声明的变更须由发布单位的人员审核",
            "changes of a declaration are for the publisher's own reviewers",
        )
    if actor.id == change.proposed_by:
        return denied("own-change", "提出变更的人不能审核", "whoever proposed a change does not review it")
    return GIVEN


def may_see_change(actor: Actor, change: DeclarationChange) -> Permission:
    """The publisher's stewards and reviewers, operators and auditors."""
    own = actor.organisation == change.publisher and actor.duties & {Duty.STEWARD, Duty.AGENCY_REVIEWER}
    if own or actor.duties & {Duty.OPERATOR, Duty.AUDITOR}:
        return GIVEN
    return denied("not-reviewer", "这里供审核人员和发布单位使用", "this is for reviewers and the publisher")


def waiting_change(connection: sa.Connection, dataset: str) -> DeclarationChange | None:
    """The proposal of a dataset that waits, if any."""
    return next(iter(_found(connection, declaration_changes.c.dataset == dataset)), None)


def waiting_changes(connection: sa.Connection) -> list[DeclarationChange]:
    """All that wait, the oldest first."""
    return _found(connection, sa.true())


def load_change(connection: sa.Connection, number: int, lock: bool = False) -> DeclarationChange:
    """Raises NotFound."""
    query = _QUERY.where(declaration_changes.c.number == number)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    if row is None:
        raise NotFound(
            "unknown-change",
            Text(zh="没有这项声明变更", en="there is no such change of a declaration"),
            Text(zh="用 gongkai dataset changes 查看待审核的变更", en="gongkai dataset changes lists what waits"),
            field="number",
        )
    return _change(row)


_QUERY = sa.select(declaration_changes, datasets.c.declaration.label("held")).join(
    datasets, datasets.c.name == declaration_changes.c.dataset
)


def _found(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[DeclarationChange]:
    waiting = _QUERY.where(condition, declaration_changes.c.status == ChangeStatus.WAITING)
    rows = connection.execute(waiting.order_by(declaration_changes.c.number)).mappings()
    return [_change(row) for row in rows]


def _change(row: sa.RowMapping) -> DeclarationChange:
    values = {**row, "fields": tuple(row["fields"]), "status": ChangeStatus(row["status"])}
    return DeclarationChange(**values)


def _stands(connection: sa.Connection, dataset: str) -> bool:
    standing = sa.select(publications.c.sequence).where(
        publications.c.dataset == dataset, publications.c.withdrawn_at.is_(None)
    )
    return connection.execute(standing.limit(1)).first() is not None


def _close(
    connection: sa.Connection, number: int, status: ChangeStatus, actor: Actor, now: datetime, reason: str | None
) -> None:
    values = {"status": status, "decided_at": now, "decided_by": actor.id, "reason": reason}
    connection.execute(declaration_changes.update().where(declaration_changes.c.number == number).values(**values))


def _check(change: DeclarationChange, decision: str, reason: str) -> str:
    """The reason as it is kept."""
    if decision not in DECIDED:
        raise Refused(
            "unknown-decision",
            Text(zh=f"没有这个选项；可选：{'、'.join(DECIDED)}", en=f"no such choice; one of: {', '.join(DECIDED)}"),
            Text(zh="请从列出的选项中选择", en="take one of those listed"),
            field="decision",
        )
    if change.status is not ChangeStatus.WAITING:
        raise Conflict(
            "change-decided",
            Text(zh="这项变更已不再等待审核", en="this change no longer waits for a review"),
            Text(zh="请刷新页面查看当前声明", en="look at the declaration as it is now"),
            field="number",
        )
    remedy = Text(zh="请写明不同意哪一项、为什么", en="say which of it you do not agree with, and why")
    return checked_reason(reason, remedy, wanted=decision == "reject")
