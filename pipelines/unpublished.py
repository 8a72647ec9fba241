"""An approved release that was not published when its turn came: which one, why, and what to do.

Publishing runs in the background, so nobody sees its refusal unless pages show it.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from governance.database.dataset_tables import outbox, publications
from pipelines.publish import newest_approved
from pipelines.side_by_side import published_meanwhile
from schemas.errors import Conflict, DependencyFailed, GongkaiError
from schemas.text import Text


@dataclass(frozen=True)
class Unpublished:
    """release: id of the one whose turn it was. error: why it was not published."""

    release: str
    error: GongkaiError


def unpublished_release(connection: sa.Connection, dataset: str) -> Unpublished | None:
    """What the newest publication of a dataset in the background came to, where it failed and none succeeded since."""
    own = sa.and_(outbox.c.kind == "publish", outbox.c.payload["dataset"].as_string() == dataset)
    task = connection.execute(sa.select(outbox).where(own).order_by(outbox.c.id.desc()).limit(1)).first()
    if task is None or task.error is None:
        return None
    last = connection.execute(
        sa.select(publications.c.published_at)
        .where(publications.c.dataset == dataset)
        .order_by(publications.c.sequence.desc())
        .limit(1)
    ).scalar()
    if last is not None and last >= (task.done_at or task.queued_at):
        return None
    release = newest_approved(connection, dataset)
    return None if release is None else Unpublished(release, _error(task.error, retried=task.done_at is None))


def _error(code: str, retried: bool) -> GongkaiError:
    """The error as people read it; the outbox keeps its code alone."""
    meanwhile = published_meanwhile()
    if code == meanwhile.code:
        return meanwhile
    if retried:
        return DependencyFailed(
            "publication-delayed",
            Text(
                zh=f"这个版本已通过审核，但发布未成功（{code}）",
                en=f"this release was approved, but publishing it failed ({code})",
            ),
            Text(
                zh="稍后会自动重试；多次失败请联系运维人员",
                en="it is tried again; tell the operator if it keeps failing",
            ),
            field="release",
        )
    return Conflict(
        "publication-failed",
        Text(
            zh=f"这个版本已通过审核，但发布失败，已停止重试（{code}）",
            en=f"this release was approved, but publishing it failed and is not tried again ({code})",
        ),
        Text(
            zh="请联系运维人员排除原因后执行 gongkai publish",
            en="tell the operator, who removes the cause and runs gongkai publish",
        ),
        field="release",
    )
