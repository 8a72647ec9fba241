"""A release set beside those that were published after it was prepared, when nobody compared the two.

Preparing compares with what is public by then. Of two files that are reviewed at the same time, and of a release that
is reinstated, the one that is published last was never compared with the other: this is done before it is signed.
"""

from datetime import datetime

import sqlalchemy as sa

from anonymize.cells_rerelease import cells_tell_apart
from anonymize.rerelease import tells_apart
from governance.database.dataset_tables import publications, releases, sources
from pipelines.earlier_releases import earlier_distribution, set_beside
from pipelines.platform import Platform
from schemas.dataset import Tier
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
            for old in other.distributions:
                if set_beside(new.tier, old.tier) and _tells_apart(platform, new, old):
                    raise published_meanwhile()


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
    """Whether two tables tell of few; where only preparing can tell, they are taken to."""
    if new.file("parquet").digest == old.file("parquet").digest:
        return False
    tables = [earlier_distribution(platform, distribution, new.tier) for distribution in (new, old)]
    if new.tier is not Tier.STATISTICAL:
        return tells_apart(tables[0], tables[1])
    thresholds = new.report.thresholds
    if thresholds is None or (thresholds.smallest_cell is None and thresholds.epsilon is None):
        return True
    return cells_tell_apart(tables[0], tables[1], thresholds.smallest_cell or 0)


def published_meanwhile() -> Conflict:
    """The refusal of a release beside which somebody might stand out."""
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
