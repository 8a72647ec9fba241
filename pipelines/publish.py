"""publish: from an approved release to the catalogue, the row store and the transparency log.

Publishes only the bytes that were reviewed. Running it twice writes nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from governance.audit import record
from governance.database.dataset_tables import publications, releases
from governance.database.engine import reading
from governance.reasons import checked_reason
from governance.release_review.service import (
    approved_release_ids,
    load_review,
    require_approved,
    stays_withdrawn,
)
from governance.transparency_log import append_entry
from pipelines.catalogs.ckan_mapping import desired_package
from pipelines.catalogs.reconcile import reconcile
from pipelines.datasets import load_dataset, require_steward
from pipelines.field_summary import summary_path, write_summary
from pipelines.package import descriptor_mismatch, verify_release
from pipelines.platform import Platform
from pipelines.reviewing import SIGNING_KEY
from pipelines.rows.build import build_rows
from pipelines.side_by_side import one_publication_at_a_time, published_meanwhile, require_compared
from pipelines.sources import load_release
from schemas.actor import Actor
from schemas.dataset import Dataset, Openness, Tier
from schemas.errors import Conflict
from schemas.release import Release
from schemas.text import Text

LONGEST_REASON = 500  # characters of a withdrawal's: it stands on the dataset's page
REASON_REMEDY = Text(
    zh="请写一句话说明撤回的原因：它将公布在数据集页面上",
    en="say in one sentence why it is withdrawn: it is shown on the dataset's page",
)


@dataclass(frozen=True)
class PublicationReceipt:
    """What publishing did. writes: catalogue actions; empty when nothing differed. log_index: leaf in the log."""

    dataset: str
    release: str | None
    writes: tuple[str, ...]
    log_index: int | None
    new: bool


def publish(platform: Platform, dataset_name: str, actor: Actor, now: datetime) -> PublicationReceipt:
    """Publish the newest approved release of a dataset, or the entry of a closed one.

    Raises Conflict (nothing approved, `published-meanwhile`), NotPermitted, DependencyFailed (a stored file changed,
    the catalogue failed).
    """
    with reading(platform.engine) as connection:
        dataset = load_dataset(connection, dataset_name)
        require_steward(dataset, actor)
        release = _release_to_publish(connection, dataset, platform.home.key(SIGNING_KEY))
        compared = require_compared(platform, connection, release) if release is not None else frozenset[str]()
    if release is not None:
        verify_release(release, platform.store)
        _build_rows(platform, release)
    package = desired_package(dataset, release, platform.configuration, platform.settings.site_url)
    writes = tuple(f"{w.action} {w.subject}" for w in reconcile(platform.catalog, package, actor))
    try:
        return _record_publication(platform, dataset, release, compared, writes, actor, now)
    except Conflict as conflict:
        if conflict.code == published_meanwhile().code:
            _show_current(platform, dataset, actor)
        raise


def _show_current(platform: Platform, dataset: Dataset, actor: Actor) -> None:
    """The catalogue tells of what is published, not of a release that another one came before."""
    with reading(platform.engine) as connection:
        last = _current(connection, dataset.name)
        release = load_release(connection, last.release) if last is not None and last.release else None
    package = desired_package(dataset, release, platform.configuration, platform.settings.site_url)
    reconcile(platform.catalog, package, actor)


def newest_approved(connection: sa.Connection, dataset: str) -> str | None:
    """The newest approved release that was not withdrawn, or was reinstated since: what was taken back does not come
    back with the approval of another release, nor by a task that was queued before."""
    approved = [
        release
        for release in approved_release_ids(connection, dataset)
        if not stays_withdrawn(connection, load_review(connection, release))
    ]
    newest: str | None = connection.execute(
        sa.select(releases.c.id).where(releases.c.id.in_(approved)).order_by(releases.c.created_at.desc()).limit(1)
    ).scalar()
    return newest


def _release_to_publish(connection: sa.Connection, dataset: Dataset, signing_key: bytes) -> Release | None:
    """The newest approved release, its signatures checked; None for a closed dataset."""
    if dataset.openness is Openness.CLOSED:
        return None
    newest = newest_approved(connection, dataset.name)
    if newest is None:
        raise Conflict(
            "nothing-approved",
            Text(zh="没有可供发布的版本", en="no release can be published"),
            Text(
                zh="请先完成单位、合规、保密三级审核；已撤回的版本须提交改正后的数据，误撤的可申请恢复并重新三审",
                en="complete the agency, compliance and secrecy reviews first; in place of a withdrawn release hand in "
                "corrected data, or reinstate it, which the three review anew",
            ),
            field="dataset",
        )
    review = require_approved(connection, newest, signing_key=signing_key)
    release = load_release(connection, newest)
    if release.descriptor_digest != review.descriptor_digest:
        raise descriptor_mismatch()
    return release


def _build_rows(platform: Platform, release: Release) -> None:
    for distribution in release.distributions:
        parquet = distribution.file("parquet")
        folder = platform.home / "rows" / parquet.digest
        build_rows(platform.store.path(parquet.digest), folder, distribution.fields)
        if distribution.tier is not Tier.RESTRICTED:
            write_summary(platform.store.path(parquet.digest), summary_path(platform.home, distribution))


def _record_publication(
    platform: Platform,
    dataset: Dataset,
    release: Release | None,
    compared: frozenset[str],
    writes: tuple[str, ...],
    actor: Actor,
    now: datetime,
) -> PublicationReceipt:
    """compared: releases that this one was set beside; others may have been published since."""
    release_id = release.id if release else None
    with platform.engine.begin() as connection:
        one_publication_at_a_time(connection, dataset.name)
        if release is not None:
            require_compared(platform, connection, release, compared)
        last = _current(connection, dataset.name)
        if last is not None and last.release == release_id and not writes:
            return PublicationReceipt(dataset.name, release_id, (), last.log_index, new=False)
        log_index = append_entry(connection, _log_entry(dataset, release, now), actor=actor, now=now)
        connection.execute(
            publications.insert().values(
                dataset=dataset.name,
                release=release_id,
                log_index=log_index,
                writes=list(writes),
                published_at=now,
                published_by=actor.id,
            )
        )
        record(
            connection,
            actor=actor,
            action="release.publish",
            subject=f"dataset:{dataset.name}",
            now=now,
            data={"release": release_id, "log_index": log_index},
        )
    return PublicationReceipt(dataset.name, release_id, writes, log_index, new=True)


def _current(connection: sa.Connection, dataset: str) -> Any:
    return connection.execute(
        sa.select(publications)
        .where(publications.c.dataset == dataset, publications.c.withdrawn_at.is_(None))
        .order_by(publications.c.sequence.desc())
        .limit(1)
    ).first()


def _log_entry(dataset: Dataset, release: Release | None, now: datetime) -> dict[str, Any]:
    return {
        "kind": "publication",
        "dataset": dataset.name,
        "release": release.id if release else None,
        "descriptor": release.descriptor_digest if release else None,
        "files": {f"{d.tier}.{f.format}": f.digest for d in release.distributions for f in d.files} if release else {},
        "at": now.isoformat(),
    }


def withdraw(platform: Platform, dataset_name: str, reason: str, actor: Actor, now: datetime) -> bool:
    """Take a dataset's publications back: downloads end, the entry stays and says so. False: nothing was published.

    Raises NotFound, NotPermitted, Refused (no reason, or one too long).
    """
    with reading(platform.engine) as connection:
        dataset = load_dataset(connection, dataset_name)
    require_steward(dataset, actor)
    reason = checked_reason(reason, REASON_REMEDY, longest=LONGEST_REASON)
    with platform.engine.begin() as connection:
        current = _current(connection, dataset_name)
        if current is None:
            return False
        entry = {"kind": "withdrawal", "dataset": dataset_name, "release": current.release, "at": now.isoformat()}
        append_entry(connection, entry, actor=actor, now=now)
        connection.execute(
            publications.update()
            .where(publications.c.dataset == dataset_name, publications.c.withdrawn_at.is_(None))
            .values(withdrawn_at=now, withdrawn_by=actor.id, withdrawn_reason=reason)
        )
        record(
            connection,
            actor=actor,
            action="release.withdraw",
            subject=f"dataset:{dataset_name}",
            now=now,
            data={"release": current.release, "reason": reason},
        )
    package = desired_package(dataset, None, platform.configuration, platform.settings.site_url)
    reconcile(platform.catalog, package, actor)
    return True
