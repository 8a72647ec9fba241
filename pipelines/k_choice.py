"""The k of a dataset, where its steward chose one: recorded for good, kept for later releases until another is chosen.

A choice is never below the policy. It says nothing of a person; who chose stands in the record and the audit log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from anonymize.chosen_k import check_choice, policy_k
from governance.audit import record
from governance.database.dataset_tables import k_choices, publications, releases, sources
from governance.outbox import enqueue
from governance.release_review.service import find_review, withdraw_review
from governance.release_review.transitions import TRANSITIONS, Action, Status
from pipelines.datasets import load_dataset, require_steward
from pipelines.platform import Platform
from pipelines.sources import SourceRecord, load_release, load_source, preparation_key
from schemas.actor import Actor
from schemas.dataset import Dataset, Tier
from schemas.disclosure import DisclosurePolicy, KChoice
from schemas.errors import Conflict
from schemas.text import Text


@dataclass(frozen=True)
class ChoiceRecord:
    """A choice, who took it and when."""

    choice: KChoice
    chosen_by: str
    chosen_at: datetime


class Chosen(StrEnum):
    """What follows from a choice for the file on whose page it was taken."""

    PREPARED_AGAIN = "prepared-again"  # queued; its release that was under review is withdrawn
    KEPT = "kept"  # for later files: this one is published, or its release was rejected
    UNCHANGED = "unchanged"


def current_choice(connection: sa.Connection, dataset: str) -> ChoiceRecord | None:
    """The choice that holds for a dataset; None where the policy's k does."""
    query = sa.select(k_choices).where(k_choices.c.dataset == dataset).order_by(k_choices.c.sequence.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _choice_record(row)


def find_choice(connection: sa.Connection, number: int) -> ChoiceRecord | None:
    """The choice of that number, of whatever dataset; None where there is none."""
    row = connection.execute(sa.select(k_choices).where(k_choices.c.sequence == number)).first()
    return None if row is None else _choice_record(row)


def _choice_record(row: sa.Row) -> ChoiceRecord:
    return ChoiceRecord(KChoice(number=row.sequence, k=row.k), row.chosen_by, row.chosen_at)


def record_choice(
    connection: sa.Connection,
    dataset: Dataset,
    policy: DisclosurePolicy,
    chosen: Mapping[Tier, int],
    actor: Actor,
    now: datetime,
) -> KChoice | None:
    """The choice that holds from now on; None where the policy's k does. What holds already is not recorded again.

    Raises NotPermitted, Refused (see check_choice).
    """
    require_steward(dataset, actor)
    check_choice(policy, dataset.published_tiers, chosen)
    current = current_choice(connection, dataset.name)
    held = current.choice.k if current else {}
    if all(k == max(held.get(tier, 0), policy_k(policy, tier) or 0) for tier, k in chosen.items()):
        return current.choice if current else None
    k = {**held, **chosen}
    told = {str(tier): k[tier] for tier in sorted(k)}
    row = k_choices.insert().values(dataset=dataset.name, k=told, chosen_at=now, chosen_by=actor.id)
    number = connection.execute(row.returning(k_choices.c.sequence)).scalar_one()
    record(
        connection,
        actor=actor,
        action="dataset.choose-k",
        subject=f"dataset:{dataset.name}",
        now=now,
        data={"choice": number, "k": told},
    )
    return KChoice(number=number, k=k)


def choose_k(platform: Platform, source_id: str, chosen: Mapping[Tier, int], actor: Actor, now: datetime) -> Chosen:
    """Choose k for the dataset of a file, and queue the file to be prepared again under it.

    A file that was ever published is not prepared again: two releases of the same records, generalised in two ways,
    could be joined. Raises NotFound, NotPermitted, Refused, Conflict (the file is being prepared).
    """
    source = load_source(platform, source_id)
    with platform.engine.begin() as connection:
        dataset = load_dataset(connection, source.dataset)
        choice = record_choice(connection, dataset, platform.configuration.policies[dataset.policy], chosen, actor, now)
        # PostgreSQL: two choices at the same moment queue the file once. SQLite holds the write lock already.
        status, outcome = connection.execute(
            sa.select(sources.c.status, sources.c.outcome).where(sources.c.id == source_id).with_for_update()
        ).one()
        if bytes_were_published(connection, source):
            return Chosen.KEPT
        _require_finished(status)
        release_id = (outcome or {}).get("release")
        if release_id is not None:
            if load_release(connection, release_id).choice == choice:
                return Chosen.UNCHANGED
            review = find_review(connection, release_id)
            if review is not None and review.status is Status.REJECTED:
                return Chosen.KEPT
            if review is not None and Action.WITHDRAW in TRANSITIONS[review.status]:
                withdraw_review(connection, release_id, _superseded(chosen), actor=actor, now=now)
        values = {"status": "received", "stage": None, "done": 0.0, "progress": None, "outcome": None}
        connection.execute(sources.update().where(sources.c.id == source_id).values(**values))
        key = f"{preparation_key(source_id)}:{now:%Y%m%dT%H%M%S%f}"
        enqueue(connection, "prepare", key, {"source": source_id}, actor.id, now)
    return Chosen.PREPARED_AGAIN


def bytes_were_published(connection: sa.Connection, source: SourceRecord) -> bool:
    """Whether a release of the same bytes was ever published, withdrawn since or not."""
    query = (
        sa.select(publications.c.sequence)
        .join(releases, releases.c.id == publications.c.release)
        .join(sources, sources.c.id == releases.c.source)
        .where(releases.c.dataset == source.dataset, sources.c.digest == source.digest)
        .limit(1)
    )
    return connection.execute(query).first() is not None


def _require_finished(status: str) -> None:
    if status not in ("prepared", "refused"):
        raise Conflict(
            "being-prepared",
            Text(zh="这个文件正在处理", en="the file is being prepared"),
            Text(zh="请等处理完成后再选择", en="choose when it is done"),
            field="k",
        )


def _superseded(chosen: Mapping[Tier, int]) -> str:
    """Reason of the withdrawal, for readers of both languages."""
    listed = ", ".join(f"{tier} k={k}" for tier, k in chosen.items())
    return f"另选了 k，重新处理（{listed}） / another k was chosen, prepared again ({listed})"
