"""The shell of applications: load, decide, append, project, in the caller's transaction."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from governance.access import commands as c
from governance.access import events as e
from governance.access.decide import Lookups, decide, decide_submission
from governance.access.grants import new_token
from governance.access.letters import tell_applicant
from governance.access.permissions import may_decide, may_review, may_see
from governance.access.state import Application, fold, project
from governance.access.terms import current_terms
from governance.access.transitions import OPEN_STATUSES, Status
from governance.accounts import token_hash
from governance.audit import record
from governance.canonical import canonical_digest
from governance.database.dataset_tables import datasets
from governance.database.decision_tables import application_events, applications, grants
from governance.event_store import append_event, changed_meanwhile
from governance.transparency_log import append_entry
from schemas.actor import Actor
from schemas.dataset import Dataset
from schemas.errors import Conflict, NotFound
from schemas.text import Text

LOGGED = (e.ApplicationApproved, e.ApplicationRefused, e.GrantRevoked)


@dataclass(frozen=True)
class Outcome:
    """token: of a grant, when its holder has it issued (`ReissueToken`); shown this once."""

    application: Application
    token: str | None = None


def submit_application(
    connection: sa.Connection, command: c.SubmitApplication, *, actor: Actor, now: datetime
) -> Application:
    """A new application. Raises NotPermitted, NotFound, Conflict, Refused."""
    event = decide_submission(command, actor, now, _submission_lookups(connection, command, actor, now))
    application_id = secrets.token_hex(16)
    application = _append(connection, application_id, None, event, actor, now)
    tell_applicant(connection, application, event, actor=actor, now=now)
    return application


def act(
    connection: sa.Connection,
    application_id: str,
    command: c.Command,
    *,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Outcome:
    """Carry out one command. version: what the person saw; Conflict where it changed since.

    Raises NotFound (also for people who may not know of it), NotPermitted, Conflict, Refused.
    """
    application = load_application(connection, application_id)
    if version is not None and version != application.version:
        raise changed_meanwhile()
    grant_id = secrets.token_hex(16)
    terms = current_terms()
    lookups = Lookups(terms_version=terms.version, remedies=terms.remedies, grant_id=grant_id)
    token = None
    for event in decide(command, application, actor, now, lookups):
        application = _append(connection, application_id, application, event, actor, now)
        token = _project_grant(connection, application, event, now) or token
        if isinstance(event, LOGGED):
            append_entry(connection, _log_entry(application, event), actor=actor, now=now)
        tell_applicant(connection, application, event, actor=actor, now=now)
    return Outcome(application, token)


def run_due(connection: sa.Connection, *, actor: Actor, now: datetime) -> list[str]:
    """Lapse and expire what is due; returns the ids. Running it again changes nothing. For the worker."""
    waiting: dict[Status, c.Command] = {Status.AWAITING_SUPPLEMENT: c.Lapse(), Status.GRANTED: c.Expire()}
    done = []
    for status, command in waiting.items():
        query = sa.select(applications.c.id).where(applications.c.status == status).order_by(applications.c.id)
        for application_id in connection.execute(query).scalars().all():
            try:
                act(connection, application_id, command, actor=actor, now=now)
                done.append(application_id)
            except Conflict as error:
                if error.code != "not-due":
                    raise
    return done


def load_application(connection: sa.Connection, application_id: str) -> Application:
    """Raises NotFound."""
    application = fold(application_id, load_events(connection, application_id))
    if application is None:
        raise _unknown()
    return application


def show_application(connection: sa.Connection, application_id: str, actor: Actor) -> Application:
    """The application for somebody who may see it. Raises NotFound for everybody else."""
    application = load_application(connection, application_id)
    if not may_see(actor, application).allowed:
        raise _unknown()
    return application


def load_events(connection: sa.Connection, application_id: str) -> list[e.Event]:
    query = (
        sa.select(application_events.c.event)
        .where(application_events.c.application_id == application_id)
        .order_by(application_events.c.version)
    )
    return [e.EVENT.validate_python(event) for event in connection.execute(query).scalars()]


def list_applications(
    connection: sa.Connection,
    *,
    applicant: str | None = None,
    dataset: str | None = None,
    status: Status | None = None,
) -> list[Application]:
    """By deadline, those without one last, then the newest first."""
    query = sa.select(applications.c.id).order_by(
        applications.c.due.is_(None), applications.c.due, applications.c.submitted_at.desc(), applications.c.id
    )
    filters = (
        (applications.c.applicant, applicant),
        (applications.c.dataset, dataset),
        (applications.c.status, status),
    )
    for column, value in filters:
        if value is not None:
            query = query.where(column == value)
    return [load_application(connection, i) for i in connection.execute(query).scalars().all()]


def queue(connection: sa.Connection, actor: Actor) -> list[Application]:
    """What waits for this person's opinion or decision, by legal deadline. Conflicts of interest are left out."""
    under_review = list_applications(connection, status=Status.UNDER_REVIEW)
    to_decide = list_applications(connection, status=Status.AWAITING_DECISION)
    mine = [a for a in under_review if may_review(actor, a).allowed]
    mine += [a for a in to_decide if may_decide(actor, a).allowed or may_review(actor, a).allowed]
    return sorted(mine, key=lambda a: (a.due is None, a.due, a.submitted_at))


def _append(
    connection: sa.Connection,
    application_id: str,
    application: Application | None,
    event: e.Event,
    actor: Actor,
    now: datetime,
) -> Application:
    changed = project(event, application, application_id)
    values = {name: getattr(changed, name) for name in ("status", "due", "version")}
    fixed = {name: getattr(changed, name) for name in ("dataset", "tier", "applicant", "organisation", "submitted_at")}
    subject = {"application_id": application_id}
    append_event(connection, application_events, subject, changed.version, event, actor=actor, now=now)
    if application is None:
        connection.execute(applications.insert().values(id=application_id, **fixed, **values))
    else:
        connection.execute(applications.update().where(applications.c.id == application_id).values(**values))
    data: dict[str, Any] = {"version": changed.version, "status": changed.status}
    action = f"access.{event.kind}"
    record(connection, actor=actor, action=action, subject=f"application:{application_id}", now=now, data=data)
    return changed


def _project_grant(connection: sa.Connection, application: Application, event: e.Event, now: datetime) -> str | None:
    """Keep the `grants` read model; returns a fresh token where one was made."""
    mine = grants.c.application_id == application.id
    if isinstance(event, e.GrantIssued):
        connection.execute(
            grants.insert().values(
                id=event.grant_id,
                application_id=application.id,
                holder=application.applicant,
                dataset=application.dataset,
                tier=application.tier,
                token_hash=token_hash(new_token()),  # known to nobody: the holder alone has one issued, not the decider
                issued_at=now,
                valid_from=event.valid_from,
                valid_until=event.valid_until,
            )
        )
    if isinstance(event, e.TokenReissued):
        token = new_token()
        connection.execute(grants.update().where(mine).values(token_hash=token_hash(token)))
        return token
    if isinstance(event, e.GrantExpired | e.GrantRevoked):
        ended_as = "revoked" if isinstance(event, e.GrantRevoked) else "expired"
        connection.execute(grants.update().where(mine).values(ended_at=now, ended_as=ended_as))
    return None


def _log_entry(application: Application, event: e.Event) -> dict[str, str]:
    """No person in it. The application's random id, which the log does not hold, salts the digest."""
    return {
        "kind": "access-decision",
        "dataset": application.dataset,
        "decision": event.kind,
        "event_digest": canonical_digest({"application": application.id, "event": event.model_dump(mode="json")}),
        "at": event.at.isoformat(),
    }


def _submission_lookups(
    connection: sa.Connection, command: c.SubmitApplication, actor: Actor, now: datetime
) -> Lookups:
    terms = current_terms()
    declaration = connection.execute(
        sa.select(datasets.c.declaration).where(datasets.c.name == command.dataset)
    ).scalar()
    dataset = None if declaration is None else Dataset.model_validate(declaration)
    same: Sequence[Any] = connection.execute(
        sa.select(applications.c.id)
        .outerjoin(grants, grants.c.application_id == applications.c.id)
        .where(
            applications.c.applicant == actor.id,
            applications.c.dataset == command.dataset,
            applications.c.tier == command.tier,
            applications.c.status.in_(OPEN_STATUSES),
            sa.or_(grants.c.valid_until.is_(None), grants.c.valid_until > now),  # expired, though not yet written so
        )
    ).all()
    return Lookups(
        terms_version=terms.version,
        remedies=terms.remedies,
        openness=None if dataset is None else dataset.openness,
        tiers=() if dataset is None else dataset.published_tiers,
        open_application=bool(same),
    )


def _unknown() -> NotFound:
    return NotFound(
        "unknown-application",
        Text(zh="没有这个申请", en="there is no such application"),
        Text(zh="请在“我的申请”中查找", en="look under “my applications”"),
        field="application",
    )
