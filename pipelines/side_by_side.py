"""A release set beside those that were published after it was prepared, when nobody compared the two.

Preparing compares with what is public by then. Of two files that are reviewed at the same time, and of a release that
is reinstated, the one that is published last was never compared with the other: this is done before it is signed.
"""

from datetime import datetime

import pyarrow.parquet as pq
import sqlalchemy as sa

from anonymize.rerelease import stand_out
from governance.database.dataset_tables import publications, releases, sources
from pipelines.current_release import verified_path
from pipelines.platform import Platform
from schemas.errors import Conflict
from schemas.release import Distribution, Release
from schemas.text import Text


def require_compared(platform: Platform, connection: sa.Connection, release: Release) -> None:
    """Raises Conflict `published-meanwhile` where somebody might stand out. What was ever published is public."""
    if release.id in published_ids(connection, release.dataset):
        return
    since = _prepared_at(connection, release)
    for other in _published_since(connection, release.dataset, since):
        for new in release.distributions:
            old = next((d for d in other.distributions if d.tier is new.tier), None)
            if old is not None and _tells_apart(platform, new, old):
                raise _published_meanwhile()


def published_ids(connection: sa.Connection, dataset: str) -> frozenset[str]:
    """Releases of a dataset that were ever published, withdrawn since or not."""
    query = sa.select(publications.c.release).where(publications.c.dataset == dataset)
    return frozenset(found for found in connection.execute(query).scalars() if found is not None)


def _prepared_at(connection: sa.Connection, release: Release) -> datetime:
    """When the release was last compared: as it was made, or as its source was handed in again and gave the same."""
    made: datetime = connection.execute(
        sa.select(releases.c.created_at).where(releases.c.id == release.id)
    ).scalar_one()
    again = connection.execute(
        sa.select(sources.c.uploaded_at, sources.c.outcome).where(
            sources.c.dataset == release.dataset, sources.c.status == "prepared", sources.c.uploaded_at > made
        )
    )
    return max([made, *(row.uploaded_at for row in again if (row.outcome or {}).get("release") == release.id)])


def _published_since(connection: sa.Connection, dataset: str, since: datetime) -> list[Release]:
    query = (
        sa.select(releases.c.id, releases.c.descriptor)
        .join(publications, publications.c.release == releases.c.id)
        .where(publications.c.dataset == dataset, publications.c.published_at >= since)
    )
    return [Release.model_validate(d) for d in {row.id: row.descriptor for row in connection.execute(query)}.values()]


def _tells_apart(platform: Platform, new: Distribution, old: Distribution) -> bool:
    """Whether records stand out between two tables; at different levels, that cannot be told without the source."""
    k = new.report.thresholds.k if new.report.thresholds else None
    if k is None or not new.report.quasi_identifiers:
        return False
    levels = [d.report.extra.get("levels") for d in (new, old)]
    if levels[0] != levels[1] or new.report.quasi_identifiers != old.report.quasi_identifiers:
        return True
    tables = [
        pq.read_table(verified_path(platform.store, d.file("parquet").digest), memory_map=True) for d in (new, old)
    ]
    return stand_out(tables[0], tables[1], new.report.quasi_identifiers, k)


def _published_meanwhile() -> Conflict:
    return Conflict(
        "published-meanwhile",
        Text(
            zh="这个版本处理之后，本数据集已公布了另一个版本；两者并列时可能有人因增减而暴露",
            en="another release of this dataset was published after this one was prepared; side by side they might "
            "single somebody out",
        ),
        Text(
            zh="请撤回这个版本并重新提交文件，处理时会与已公布的版本比对",
            en="withdraw this release and hand the file in again: it is then compared with what is public",
        ),
        field="release",
    )
