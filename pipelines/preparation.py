"""Prepare an accepted source and submit its release for review: the shell around `prepare`.

May run twice: the same source gives the same release.
"""

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from anonymize.names.lac import has_lac, load_lac
from anonymize.spans import NameTagger
from governance.audit import record
from governance.clocks import local_day
from governance.database.dataset_tables import releases, sources
from governance.database.engine import reading
from governance.outbox import finish_key
from governance.release_review.service import submit_release
from pipelines.current_release import served_release, verified_path
from pipelines.datasets import load_dataset
from pipelines.earlier_releases import earlier_tables
from pipelines.k_choice import current_choice
from pipelines.memory_limit import ran_out_of_memory
from pipelines.models import models_cache, names_model_folder
from pipelines.platform import Platform
from pipelines.prepare import DisclosureRefused, InvalidSource, Preparation, prepare
from pipelines.privacy_budget import (
    Question,
    answered_otherwise,
    keyed_digest,
    open_question,
    recorded_answer,
    spend,
)
from pipelines.progress import Pace, Progress, TellProgress, every, progress_record
from pipelines.side_by_side import COMPARED, published_ids
from pipelines.source_refusal import refuse_source
from pipelines.source_reports import keep_verdict
from pipelines.sources import SourceRecord, load_source, preparation_key, source_path
from schemas.actor import Actor, system_actor
from schemas.dataset import Dataset, Tier
from schemas.errors import Refused
from schemas.registry import load_published
from schemas.release import Release
from schemas.validation import ValidationReport

TOLD_OF_WARNINGS = {"type", "row", "field", "message", "remedy"}  # no cells
REFERENCE_TIERS = (Tier.OPEN, Tier.RESTRICTED, Tier.STATISTICAL)  # rows before aggregates, open ones first


def prepare_source(platform: Platform, source_id: str, actor: Actor, progress: TellProgress | None = None) -> Release:
    """Prepare an accepted source and submit its release for review. May run twice.

    Raises Refused after recording for the steward why; any other error leaves the source to be tried again, also a
    Refused that comes from want of memory: a reader took that for damage.
    """
    source = load_source(platform, source_id)
    with reading(platform.engine) as connection:
        dataset = load_dataset(connection, source.dataset)
    report_progress = progress or every(1.0, partial(_record_progress, platform, source_id))
    warnings: list[dict[str, Any]] = []

    def verdict(report: ValidationReport) -> None:
        warnings[:] = [warning.model_dump(mode="json", include=TOLD_OF_WARNINGS) for warning in report.warnings]
        keep_verdict(platform, source, dataset, report, actor)

    path = source_path(platform.home, source_id, source.file_name)
    try:
        question = open_question(platform, dataset, source.digest)
        while True:
            with reading(platform.engine) as connection:
                public = published_ids(connection, dataset.name)
            preparation = _preparation(platform, dataset, source.digest, question)
            preparation = replace(preparation, today=local_day(source.uploaded_at))
            release = prepare(preparation, path, report_progress, verdict)
            if _record_release(platform, source, release, public, question, actor, warnings):
                return release
            # Meanwhile another process drew the noise for the same source: now take the table it recorded. Or the
            # steward chose another k: now take that. Or another release was published: now compare with it.
    except Refused as error:
        if not ran_out_of_memory(error):
            refuse_source(platform, source, error, actor, _reports(error))
        raise


def _preparation(platform: Platform, dataset: Dataset, source_digest: str, question: Question | None) -> Preparation:
    key = platform.home.key(f"dataset-{dataset.name}")
    # Whoever knows all records but one could try the last against the plain digest, whatever the noise.
    told_digest = source_digest if question is None else keyed_digest(source_digest, key)
    with reading(platform.engine) as connection:
        chosen = current_choice(connection, dataset.name)
    choice = chosen.choice if chosen else None
    return Preparation(
        dataset=dataset,
        schema=load_published(dataset.table_schema or "", platform.configuration.schemas),
        policy=platform.configuration.policies[dataset.policy],
        hierarchies=platform.configuration.hierarchies,
        key=key,
        store=platform.store,
        work=platform.home / "work",
        earlier=lambda tier: earlier_tables(platform, dataset, {source_digest, told_digest}, choice, tier),
        references=lambda name, columns: _referenced_columns(platform, name, columns),
        names=_names_model(platform),
        drawn=None if question is None else recorded_answer(platform, question),
        told_digest=told_digest,
        detector=platform.configuration.detector,
        choice=choice,
        boundaries=platform.configuration.boundaries,
    )


def _names_model(platform: Platform) -> NameTagger | None:
    """The model that `gongkai models fetch zh` put into the home folder, where it did."""
    folder = names_model_folder(models_cache(platform.home))
    return load_lac(folder) if has_lac(folder) else None


def _referenced_columns(platform: Platform, name: str, columns: Sequence[str]) -> pa.Table:
    """Columns of the current release of another dataset, of its most open tier. Raises NotFound."""
    with reading(platform.engine) as connection:
        release = served_release(connection, name)
    freest = min(release.distributions, key=lambda d: REFERENCE_TIERS.index(d.tier))
    parquet = freest.file("parquet")
    return pq.read_table(verified_path(platform.store, parquet.digest), columns=list(columns), memory_map=True)


def _record_progress(platform: Platform, source_id: str, now: Progress, pace: Pace, seconds: float) -> None:
    values = {"status": "preparing", "stage": now.stage, "done": now.share or 0.0}
    with platform.engine.begin() as connection:
        told = progress_record(now, pace, seconds)
        connection.execute(sources.update().where(sources.c.id == source_id).values(**values, progress=told))


def _reports(error: Refused) -> dict[str, Any]:
    if isinstance(error, InvalidSource):
        return {"validation": error.report.model_dump(mode="json")}
    if isinstance(error, DisclosureRefused):
        return {"disclosure": [r.model_dump(mode="json") for r in error.reports]}
    return {}


def _record_release(
    platform: Platform,
    source: SourceRecord,
    release: Release,
    public: Set[str],
    question: Question | None,
    actor: Actor,
    warnings: list[dict[str, Any]],
) -> bool:
    """False: nothing was recorded, as the question was answered with other noise, another k chosen, or another release
    published, meanwhile. public: the releases that this one was compared with."""
    now = datetime.now(UTC)
    with platform.engine.begin() as connection:
        chosen = current_choice(connection, release.dataset)
        if release.choice != (chosen.choice if chosen else None):
            return False
        if published_ids(connection, release.dataset) != public:
            return False
        responsible = chosen.chosen_by if chosen and chosen.chosen_at > source.uploaded_at else source.uploaded_by
        known = connection.execute(sa.select(releases.c.id).where(releases.c.id == release.id)).first() is not None
        if question is not None and answered_otherwise(connection, release, question):
            return False
        outcome: dict[str, Any] = {"release": release.id, COMPARED: sorted(public)}
        if warnings:
            outcome["warnings"] = warnings
        values = {"status": "prepared", "stage": None, "done": 1.0, "progress": None, "outcome": outcome}
        connection.execute(sources.update().where(sources.c.id == source.id).values(**values))
        finish_key(connection, preparation_key(source.id), now)
        if known:
            return True
        connection.execute(
            releases.insert().values(
                id=release.id,
                dataset=release.dataset,
                source=source.id,
                descriptor=release.model_dump(mode="json"),
                created_at=now,
                created_by=responsible,
            )
        )
        if question is not None:
            spend(connection, release, question, actor=actor, now=now)
        submit_release(connection, release, actor=_person(responsible), now=now)
        record(
            connection,
            actor=actor,
            action="release.prepare",
            subject=f"dataset:{release.dataset}",
            now=now,
            data={"release": release.id, "source": source.id},
        )
    return True


def _person(account: str) -> Actor:
    """Who handed the file in, or chose its k since: a person, or the operator at the command line."""
    part = account.removeprefix("system:")
    return system_actor(part) if part != account else Actor(id=account)
