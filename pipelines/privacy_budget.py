"""The privacy budget of a dataset: what was asked, what it cost, and the answer that was given.

The same question about the same source is answered once: drawing noise again would let it be averaged away.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from anonymize.budget import BudgetLedger, Spending, open_ledger
from governance.audit import record
from governance.database.dataset_tables import datasets, privacy_spendings
from governance.database.engine import reading
from pipelines.current_release import verified_path
from pipelines.datasets import load_dataset
from pipelines.platform import Platform
from pipelines.sources import load_release
from schemas.actor import Actor
from schemas.dataset import Dataset, Tier
from schemas.disclosure import Thresholds
from schemas.release import Release


@dataclass(frozen=True)
class Question:
    """What a table with noise asks of one source, as 64 hex digits, and the thresholds that give the budget."""

    digest: str
    epsilon: float
    thresholds: Thresholds


def open_question(platform: Platform, dataset: Dataset, source_digest: str) -> Question | None:
    """The question that preparing this source asks; None where no table with noise is published.

    Raises Refused `budget-exhausted`, before any noise is drawn, unless the question was paid for.
    """
    policy = platform.configuration.policies[dataset.policy]
    if Tier.STATISTICAL not in dataset.published_tiers or Tier.STATISTICAL not in policy.tiers:
        return None
    thresholds = policy.tiers[Tier.STATISTICAL].thresholds
    if thresholds.epsilon is None:
        return None
    question = Question(
        _question_digest(dataset, thresholds.epsilon, source_digest, platform.home.key(f"dataset-{dataset.name}")),
        thresholds.epsilon,
        thresholds,
    )
    with reading(platform.engine) as connection:
        if _answering_release(connection, question) is None:
            load_ledger(connection, dataset.name, thresholds).spend(thresholds.epsilon, question.digest)
    return question


def _question_digest(dataset: Dataset, epsilon: float, source_digest: str, key: bytes) -> str:
    """The same for the same source, schema version, groups, sums and epsilon, whatever else the policy says."""
    asked = {
        "dataset": dataset.name,
        "source": source_digest,
        "schema": dataset.table_schema,
        "statistics": dataset.statistics.model_dump(mode="json") if dataset.statistics else None,
        "epsilon": epsilon,
    }
    return keyed_digest(json.dumps(asked, ensure_ascii=False, sort_keys=True), key)


def keyed_digest(text: str, key: bytes) -> str:
    """BLAKE2b of `text` under `key`: 64 hex digits that nobody without the key can compare with a guess."""
    return hashlib.blake2b(text.encode(), digest_size=32, key=hashlib.sha256(key).digest()).hexdigest()


def recorded_answer(platform: Platform, question: Question) -> pa.Table | None:
    """The table that was drawn for `question`, None where none was. Raises DependencyFailed when the store lost it."""
    with reading(platform.engine) as connection:
        release_id = _answering_release(connection, question)
        if release_id is None:
            return None
        release = load_release(connection, release_id)
    return pq.read_table(verified_path(platform.store, _answer_digest(release)))


def load_ledger(connection: sa.Connection, dataset: str, thresholds: Thresholds) -> BudgetLedger:
    """The budget that the policy gives, and what all releases so far spent of it, under whatever policy."""
    ledger = open_ledger(dataset, thresholds)
    query = (
        sa.select(privacy_spendings.c.release, privacy_spendings.c.epsilon)
        .where(privacy_spendings.c.dataset == dataset)
        .order_by(privacy_spendings.c.sequence)
    )
    spent = tuple(Spending(row.release, row.epsilon) for row in connection.execute(query))
    return BudgetLedger(ledger.dataset, ledger.epsilon, spent)


def answered_otherwise(connection: sa.Connection, release: Release, question: Question) -> bool:
    """Whether other noise than this release's was recorded for `question`. Holds the dataset until the transaction
    ends, so that it stays so."""
    # PostgreSQL: one spending of a dataset at a time. SQLite holds the write lock already.
    connection.execute(sa.select(datasets.c.name).where(datasets.c.name == release.dataset).with_for_update())
    answered = _answering_release(connection, question)
    return answered is not None and _answer_digest(load_release(connection, answered)) != _answer_digest(release)


def spend(connection: sa.Connection, release: Release, question: Question, *, actor: Actor, now: datetime) -> None:
    """Record what `release` spent, in the transaction that records the release; nothing where the question was paid
    for. Raises Refused `budget-exhausted`."""
    if _answering_release(connection, question) is not None:
        return
    ledger = load_ledger(connection, release.dataset, question.thresholds).spend(question.epsilon, release.id)
    connection.execute(
        privacy_spendings.insert().values(
            dataset=release.dataset,
            release=release.id,
            question=question.digest,
            epsilon=question.epsilon,
            spent_at=now,
            spent_by=actor.id,
        )
    )
    record(
        connection,
        actor=actor,
        action="privacy.spend",
        subject=f"dataset:{release.dataset}",
        now=now,
        data={"release": release.id, "epsilon": question.epsilon, "split": _split(release), "left": ledger.left},
    )


def read_budget(platform: Platform, dataset_name: str) -> BudgetLedger:
    """The ledger of a dataset, with what each figure cost. Raises NotFound, ConfigurationError `no-epsilon`."""
    with reading(platform.engine) as connection:
        dataset = load_dataset(connection, dataset_name)
        thresholds = platform.configuration.policies[dataset.policy].tiers[Tier.STATISTICAL].thresholds
        ledger = load_ledger(connection, dataset_name, thresholds)
        spent = tuple(replace(s, split=_split(load_release(connection, s.purpose))) for s in ledger.spent)
    return replace(ledger, spent=spent)


def _split(release: Release) -> dict[str, float]:
    """Figure → its part of epsilon, as the disclosure report tells; releases of older versions do not tell it."""
    privacy = release.distribution(Tier.STATISTICAL).report.extra.get("privacy") or {}
    return dict(privacy.get("split") or {})


def _answering_release(connection: sa.Connection, question: Question) -> str | None:
    query = sa.select(privacy_spendings.c.release).where(privacy_spendings.c.question == question.digest)
    return connection.execute(query).scalar()


def _answer_digest(release: Release) -> str:
    return release.distribution(Tier.STATISTICAL).file("parquet").digest
