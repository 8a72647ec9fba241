"""The shell of release reviews: load, decide, append, in the caller's transaction."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from governance.audit import record
from governance.canonical import canonical_digest
from governance.clocks import add_working_days, local_day
from governance.database.dataset_tables import datasets, publications, releases, sources
from governance.database.decision_tables import review_events, reviews
from governance.event_store import append_event
from governance.letters import queue_letter
from governance.release_review.decide import (
    DecideStep,
    ReinstateReview,
    SubmitRelease,
    WithdrawReview,
    decide_reinstatement,
    decide_review_step,
    decide_submission,
    decide_withdrawal,
)
from governance.release_review.events import EVENT, Decision, Event, Step, StepDecided, signed_statement
from governance.release_review.permissions import may_decide
from governance.release_review.state import Review, fold, project
from governance.release_review.transitions import AWAITED_STEP, Status
from governance.signatures import public_key, sign, verify
from governance.transparency_log import append_entry, entries_about
from schemas.actor import Actor
from schemas.dataset import Dataset, unknown_dataset
from schemas.errors import Conflict, NotFound, Refused
from schemas.release import Release
from schemas.text import Text

Choice = TypeVar("Choice", Step, Decision)

STEP_WORKING_DAYS = 5  # the platform's own promise to stewards, per step


def submit_release(connection: sa.Connection, release: Release, *, actor: Actor, now: datetime) -> Review:
    """Put a release before the reviewers; also again after it was sent back.

    Raises NotFound (dataset), NotPermitted, Conflict (already submitted), Refused (`disclosure-failed`).
    """
    review = find_review(connection, release.id)
    command = SubmitRelease(release, _publisher(connection, release.dataset), _uploaders(connection, release.id, actor))
    event = decide_submission(command, review, actor, now, _due(now))
    return _append(connection, release.id, review, event, actor, now)


def decide_step(
    connection: sa.Connection,
    release_id: str,
    step: Step | str,
    decision: Decision | str,
    reason: str,
    descriptor_digest: str,
    *,
    actor: Actor,
    now: datetime,
    signing_key: bytes,
) -> Review:
    """Sign one step. descriptor_digest: of the evidence that was opened. signing_key: 32 bytes (Ed25519).

    Raises NotFound, NotPermitted, Conflict, Refused.
    """
    review = load_review(connection, release_id)
    command = DecideStep(
        _choice(Step, step, "step"), _choice(Decision, decision, "decision"), reason, descriptor_digest
    )
    event = decide_review_step(
        command, review, actor, now, _due(now), lambda s: (sign(s, signing_key), public_key(signing_key))
    )
    changed = _append(connection, release_id, review, event, actor, now)
    append_entry(connection, _log_entry(release_id, event), actor=actor, now=now)
    if event.decision is not Decision.APPROVE:
        _tell_uploaders(connection, changed, event, actor, now)
    return changed


def withdraw_review(connection: sa.Connection, release_id: str, reason: str, *, actor: Actor, now: datetime) -> Review:
    """Take a release back, also after approval: it can no longer be published."""
    review = load_review(connection, release_id)
    event = decide_withdrawal(WithdrawReview(reason), review, actor, now)
    return _append(connection, release_id, review, event, actor, now)


def reinstate_review(connection: sa.Connection, release_id: str, reason: str, *, actor: Actor, now: datetime) -> Review:
    """Put a withdrawn release before the three reviewers anew, and say so in the transparency log.

    Raises NotFound, NotPermitted, Conflict (`not-in-this-state`, `not-withdrawn`, `declaration-changed`), Refused.
    """
    review = load_review(connection, release_id)
    command = ReinstateReview(reason, stays_withdrawn(connection, review), _declared_otherwise(connection, review))
    event = decide_reinstatement(command, review, actor, now, _due(now))
    entry = {"kind": "reinstatement", "release": release_id, "descriptor": review.descriptor_digest}
    append_entry(connection, {**entry, "at": now.isoformat()}, actor=actor, now=now)
    return _append(connection, release_id, review, event, actor, now)


def stays_withdrawn(connection: sa.Connection, review: Review) -> bool:
    """Whether a publication of the release was taken back, and it was not put before the reviewers since."""
    last = connection.execute(
        sa.select(sa.func.max(publications.c.withdrawn_at)).where(publications.c.release == review.release_id)
    ).scalar()
    return last is not None and (review.reinstated is None or review.reinstated.at <= last)


def _declared_otherwise(connection: sa.Connection, review: Review) -> tuple[str, ...]:
    """What of the dataset's declaration no longer fits the release."""
    row = connection.execute(
        sa.select(releases.c.descriptor, datasets.c.declaration)
        .join(datasets, datasets.c.name == releases.c.dataset)
        .where(releases.c.id == review.release_id)
    ).first()
    if row is None:
        return ()
    release, dataset = Release.model_validate(row.descriptor), Dataset.model_validate(row.declaration)
    pairs = {
        "publisher": (review.publisher, dataset.publisher),  # its reviewers are another agency's by now
        "openness": ({d.tier for d in release.distributions}, set(dataset.published_tiers)),
        "schema": (release.table_schema, dataset.table_schema),
        "policy": (release.policy, dataset.policy),
    }
    return tuple(name for name, (made, declared) in pairs.items() if made != declared)


def find_review(connection: sa.Connection, release_id: str) -> Review | None:
    return fold(release_id, load_events(connection, release_id))


def load_review(connection: sa.Connection, release_id: str) -> Review:
    """Raises NotFound."""
    review = find_review(connection, release_id)
    if review is None:
        raise NotFound(
            "unknown-review",
            Text(zh="没有这个版本的审核", en="there is no review of this release"),
            Text(zh="请在审核列表中查找", en="look in the list of reviews"),
            field="release",
        )
    return review


def load_events(connection: sa.Connection, release_id: str) -> list[Event]:
    """The events of one review, in order."""
    query = (
        sa.select(review_events.c.event)
        .where(review_events.c.release_id == release_id)
        .order_by(review_events.c.version)
    )
    return [EVENT.validate_python(e) for e in connection.execute(query).scalars()]


def list_reviews(
    connection: sa.Connection,
    *,
    actor: Actor | None = None,
    status: Status | None = None,
    dataset: str | None = None,
    publisher: str | None = None,
) -> list[Review]:
    """Reviews by deadline, those without one last. actor: only what waits for a decision this person may take."""
    query = sa.select(reviews.c.release_id).order_by(
        reviews.c.due.is_(None), reviews.c.due, reviews.c.submitted_at, reviews.c.release_id
    )
    if actor is not None:
        query = query.where(reviews.c.status.in_(list(AWAITED_STEP)))
    for column, value in ((reviews.c.status, status), (reviews.c.dataset, dataset), (reviews.c.publisher, publisher)):
        if value is not None:
            query = query.where(column == value)
    found = [load_review(connection, i) for i in connection.execute(query).scalars()]
    return found if actor is None else [r for r in found if r.step and may_decide(actor, r, r.step).allowed]


def approved_release_ids(connection: sa.Connection, dataset: str | None = None) -> list[str]:
    """Ids of approved releases, the oldest submission first."""
    query = sa.select(reviews.c.release_id).where(reviews.c.status == Status.APPROVED).order_by(reviews.c.submitted_at)
    if dataset is not None:
        query = query.where(reviews.c.dataset == dataset)
    return list(connection.execute(query).scalars())


def require_approved(connection: sa.Connection, release_id: str, *, signing_key: bytes | None = None) -> Review:
    """The review, folded from its events. signing_key: the installation's; then no other key's signature counts.

    Raises Conflict unless it is approved, every signature holds and every decision stands in the transparency log.
    """
    review = load_review(connection, release_id)
    if review.status is not Status.APPROVED:
        raise Conflict(
            "not-approved",
            Text(zh=f"该版本未通过三审（{review.status}）", en=f"the release is not approved ({review.status})"),
            Text(zh="请先完成三级审核", en="complete the three reviews first"),
            field="release",
        )
    trusted = None if signing_key is None else public_key(signing_key)
    signed = signatures_hold(review) and all(trusted in (None, d.public_key) for d in review.decisions)
    logged = {e["entry"].get("signature_digest") for e in entries_about(connection, release_id)}
    if not signed or not {canonical_digest(d.signature) for d in review.decisions} <= logged:
        raise Conflict(
            "signature-invalid",
            Text(zh="审核签名与内容或日志不符", en="a review's signature does not fit its content or the log"),
            Text(zh="请停止发布并从备份核对", en="stop publishing and compare with a backup"),
            field="release",
        )
    return review


def signatures_hold(review: Review) -> bool:
    """Whether every decision's signature was made over what the decision says."""
    return all(
        verify(
            signed_statement(review.release_id, d.step, d.decision, d.reason, d.descriptor_digest, d.actor, d.at),
            d.signature,
            d.public_key,
        )
        for d in review.decisions
    )


def _append(
    connection: sa.Connection, release_id: str, review: Review | None, event: Event, actor: Actor, now: datetime
) -> Review:
    changed = project(event, review, release_id)
    subject = {"release_id": release_id}
    append_event(connection, review_events, subject, changed.version, event, actor=actor, now=now)
    columns = {"dataset", "publisher", "status", "due", "submitted_at", "version"}
    values = {name: getattr(changed, name) for name in columns}
    if review is None:
        connection.execute(reviews.insert().values(release_id=release_id, **values))
    else:
        connection.execute(reviews.update().where(reviews.c.release_id == release_id).values(**values))
    data: dict[str, Any] = {"version": changed.version, "status": changed.status}
    record(connection, actor=actor, action=f"review.{event.kind}", subject=f"release:{release_id}", now=now, data=data)
    return changed


def _log_entry(release_id: str, event: StepDecided) -> dict[str, str]:
    """No person in it: the signature's digest binds the decision without naming who took it."""
    return {
        "kind": "review-decision",
        "release": release_id,
        "step": event.step,
        "decision": event.decision,
        "descriptor": event.descriptor_digest,
        "signature_digest": canonical_digest(event.signature),
        "at": event.at.isoformat(),
    }


def _tell_uploaders(connection: sa.Connection, review: Review, event: StepDecided, actor: Actor, now: datetime) -> None:
    for uploader in review.uploaders:
        queue_letter(
            connection,
            "review-not-approved",
            key=f"review:{review.release_id}:{review.version}:{uploader}",
            to=uploader,
            values={
                "release": review.release_id,
                "dataset": review.dataset,
                "step": event.step,
                "decision": event.decision,
                "reason": event.reason,
            },
            actor=actor,
            now=now,
        )


def _publisher(connection: sa.Connection, dataset: str) -> str:
    declaration = connection.execute(sa.select(datasets.c.declaration).where(datasets.c.name == dataset)).scalar()
    if declaration is None:
        raise unknown_dataset()
    return str(declaration["publisher"])


def _uploaders(connection: sa.Connection, release_id: str, actor: Actor) -> tuple[str, ...]:
    row = connection.execute(
        sa.select(releases.c.created_by, sources.c.uploaded_by)
        .join(sources, sources.c.id == releases.c.source)
        .where(releases.c.id == release_id)
    ).first()
    people: Sequence[str] = [actor.id, *(row or ())]
    return tuple(sorted({p for p in people if not p.startswith("system:")}))


def _due(now: datetime) -> date:
    return add_working_days(local_day(now), STEP_WORKING_DAYS)


def _choice(kind: type[Choice], value: str, field: str) -> Choice:
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join(kind)
        raise Refused(
            f"unknown-{field}",
            Text(zh=f"没有这个选项；可选：{allowed}", en=f"there is no such choice; one of: {allowed}"),
            Text(zh="请从列出的选项中选择", en="take one of those listed"),
            field=field,
        ) from None
