"""reinstate: a release that was withdrawn by mistake comes back, after three new signatures on the same digests."""

from datetime import datetime

import sqlalchemy as sa

from governance.database.dataset_tables import publications, releases
from governance.database.decision_tables import reviews
from governance.release_review.service import find_review, reinstate_review, stays_withdrawn
from governance.release_review.transitions import TRANSITIONS, Action, Status
from pipelines.datasets import load_dataset, require_steward
from pipelines.platform import Platform
from schemas.actor import Actor
from schemas.errors import Conflict
from schemas.text import Text


def reinstate(
    platform: Platform, dataset_name: str, reason: str, actor: Actor, now: datetime, release_id: str | None = None
) -> str:
    """Put a withdrawn release before the reviewers anew; returns its id. Without one: what was withdrawn last.

    Raises NotFound, NotPermitted, Conflict (nothing was withdrawn; see `reinstate_review`), Refused (no reason).
    """
    with platform.engine.begin() as connection:
        require_steward(load_dataset(connection, dataset_name), actor)
        wanted = release_id or last_withdrawn(connection, dataset_name)
        if wanted is None or not _is_of(connection, wanted, dataset_name):
            raise Conflict(
                "nothing-withdrawn",
                Text(zh="这个数据集没有可恢复的已撤回版本", en="no release of this dataset waits to be reinstated"),
                Text(
                    zh="已否决的版本不能恢复，请提交改正后的数据",
                    en="what was rejected does not come back: hand in corrected data",
                ),
                field="release",
            )
        reinstate_review(connection, wanted, reason, actor=actor, now=now)
    return wanted


def last_withdrawn(connection: sa.Connection, dataset: str) -> str | None:
    """The release whose publication was taken back last, or else the one taken back before it was published; None
    where something is published, or the release is before the reviewers already."""
    standing = sa.select(publications.c.sequence).where(
        publications.c.dataset == dataset, publications.c.withdrawn_at.is_(None)
    )
    if connection.execute(standing.limit(1)).first() is not None:
        return None
    taken_back = (
        sa.select(publications.c.release)
        .where(publications.c.dataset == dataset, publications.c.release.is_not(None))
        .order_by(publications.c.withdrawn_at.desc(), publications.c.sequence.desc())
        .limit(1)
    )
    never_published = (
        sa.select(reviews.c.release_id)
        .where(reviews.c.dataset == dataset, reviews.c.status == Status.WITHDRAWN)
        .order_by(reviews.c.submitted_at.desc())
        .limit(1)
    )
    found = connection.execute(taken_back).scalar() or connection.execute(never_published).scalar()
    review = None if found is None else find_review(connection, found)
    if review is None or Action.REINSTATE not in TRANSITIONS[review.status]:
        return None
    waits = review.status is Status.WITHDRAWN or stays_withdrawn(connection, review)
    return review.release_id if waits else None


def _is_of(connection: sa.Connection, release_id: str, dataset: str) -> bool:
    query = sa.select(releases.c.id).where(releases.c.id == release_id, releases.c.dataset == dataset)
    return connection.execute(query).first() is not None
