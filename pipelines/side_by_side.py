"""A release set beside those that it was not compared with when it was prepared.

Preparing compares with what is public by then, and keeps with the source which releases those were. Of two files that
are reviewed at the same time, and of a release that is reinstated, the one that is published last was never compared
with the other: this is done before it is signed, and again before it is published. Times would not do: publishing
takes a while, and what is prepared meanwhile does not see its release yet.
"""

import sqlalchemy as sa

from anonymize.cells_rerelease import cells_tell_apart
from anonymize.rerelease import tells_apart
from governance.database.dataset_tables import datasets, publications, releases, sources
from pipelines.earlier_releases import earlier_distribution, set_beside
from pipelines.platform import Platform
from schemas.dataset import Tier
from schemas.errors import Conflict
from schemas.release import Distribution, Release
from schemas.text import Text

COMPARED = "compared"  # in the outcome of a prepared source: ids of the releases that its own was set beside


def require_compared(
    platform: Platform, connection: sa.Connection, release: Release, known: frozenset[str] = frozenset()
) -> frozenset[str]:
    """The releases that this one stands beside without telling of anybody. known: those that an earlier call gave.

    Raises Conflict `published-meanwhile` where somebody might stand out. What was ever published is public.
    """
    public = published_ids(connection, release.dataset)
    if release.id in public:
        return public
    for other in _releases(connection, public - known - _compared_before(connection, release)):
        for new in release.distributions:
            for old in other.distributions:
                if set_beside(new.tier, old.tier) and _tells_apart(platform, new, old):
                    raise published_meanwhile()
    return public


def published_ids(connection: sa.Connection, dataset: str) -> frozenset[str]:
    """Releases of a dataset that were ever published, withdrawn since or not."""
    query = sa.select(publications.c.release).where(publications.c.dataset == dataset)
    return frozenset(found for found in connection.execute(query).scalars() if found is not None)


def one_publication_at_a_time(connection: sa.Connection, dataset: str) -> None:
    """Until the transaction ends, no other one records a publication of this dataset: each sees those before it.

    Only PostgreSQL needs it; SQLite's writers take turns.
    """
    row = sa.select(datasets.c.name).where(datasets.c.name == dataset)
    connection.execute(row.with_for_update(key_share=True))


def _compared_before(connection: sa.Connection, release: Release) -> set[str]:
    """The releases that this one was set beside as it was made, or as its source was handed in again and gave the same.
    None where that is not on record."""
    prepared = connection.execute(
        sa.select(sources.c.outcome).where(sources.c.dataset == release.dataset, sources.c.status == "prepared")
    ).scalars()
    own = [outcome for outcome in prepared if outcome and outcome.get("release") == release.id]
    return {other for outcome in own for other in outcome.get(COMPARED, ())}


def _releases(connection: sa.Connection, ids: frozenset[str]) -> list[Release]:
    query = sa.select(releases.c.descriptor).where(releases.c.id.in_(ids)).order_by(releases.c.id)
    return [Release.model_validate(descriptor) for descriptor in connection.execute(query).scalars()]


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
            zh="请重新提交文件，处理时会与已公布的版本比对：若仍得到这个版本，即可继续；否则请撤回这个版本",
            en="hand the file in again: it is then compared with what is public. Where that gives this release, go on "
            "with it; where it gives another, withdraw this one",
        ),
        field="release",
    )
