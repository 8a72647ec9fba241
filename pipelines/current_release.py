"""Which release of a dataset is served, and whether its bytes are still those that were reviewed."""

import threading
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from governance.database.dataset_tables import publications, releases
from pipelines.store import Store, file_digest
from schemas.dataset import Tier
from schemas.errors import DependencyFailed, NotFound, Withdrawn
from schemas.release import Distribution, Release
from schemas.text import Text

MOST_LOADED = 256
_loaded: dict[tuple[str, str], Release] = {}


def current_release(connection: sa.Connection, dataset: str) -> Release | None:
    """The newest published release of `dataset` that is not withdrawn; None where there is none, or where the
    dataset was published as closed since."""
    standing = _standing(connection, dataset)
    return None if standing is None or standing.release is None else _load(connection, standing.release)


def published_release(connection: sa.Connection, dataset: str, release_id: str) -> Release:
    """The release `release_id` of `dataset`, current or superseded. Raises NotFound (never published) or Withdrawn
    (it, or everything since the dataset was closed)."""
    statement = (
        sa.select(publications.c.withdrawn_at)
        .where(publications.c.dataset == dataset, publications.c.release == release_id)
        .order_by(publications.c.sequence.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise no_release()
    standing = _standing(connection, dataset)
    if row.withdrawn_at is not None or standing is None or standing.release is None:
        raise withdrawn()
    return _load(connection, release_id)


def served_release(connection: sa.Connection, dataset: str) -> Release:
    """The current release. Raises NotFound, or Withdrawn where all that was ever published is withdrawn."""
    release = current_release(connection, dataset)
    if release is not None:
        return release
    ever = sa.select(sa.func.count()).where(publications.c.dataset == dataset, publications.c.release.is_not(None))
    raise withdrawn() if connection.execute(ever).scalar_one() else no_release()


# Built once: building a statement costs more than running it.
_NEWEST = (
    sa.select(publications.c.release)
    .where(publications.c.dataset == sa.bindparam("dataset"), publications.c.withdrawn_at.is_(None))
    .order_by(publications.c.sequence.desc())
    .limit(1)
)


def _standing(connection: sa.Connection, dataset: str) -> Any:
    """The newest publication that is not withdrawn; its `release` is None where the dataset is closed."""
    return connection.execute(_NEWEST, {"dataset": dataset}).one_or_none()


def _load(connection: sa.Connection, release_id: str) -> Release:
    """A release never changes, so it is read once per process and database."""
    key = (str(connection.engine.url), release_id)
    release = _loaded.get(key)
    if release is None:
        descriptor = connection.execute(
            sa.select(releases.c.descriptor).where(releases.c.id == release_id)
        ).scalar_one()
        while len(_loaded) >= MOST_LOADED:
            _loaded.pop(next(iter(_loaded)), None)
        release = _loaded[key] = Release.model_validate(descriptor)
    return release


def no_release() -> NotFound:
    return NotFound(
        "unknown-release",
        Text(zh="没有已发布的数据", en="there is no such published data"),
        Text(zh="请在目录中查找数据集", en="look the dataset up in the catalogue"),
        field="release",
    )


def withdrawn() -> Withdrawn:
    return Withdrawn(
        "withdrawn-release",
        Text(zh="该版本已撤回，不再提供", en="this release was withdrawn and is no longer served"),
        Text(zh="请查看数据集页面的说明或最新版本", en="see the dataset's page for the reason or a newer release"),
        field="release",
    )


def tier_of(release: Release, tier: Tier) -> Distribution:
    """The distribution of one tier. Raises NotFound that lists the tiers there are."""
    for distribution in release.distributions:
        if distribution.tier is tier:
            return distribution
    listed = ", ".join(d.tier for d in release.distributions)
    raise NotFound(
        "unknown-tier",
        Text(zh="该版本没有这一层级", en="this release has no such tier"),
        Text(zh=f"可用的层级：{listed}", en=f"there are: {listed}"),
        field="tier",
    )


_verified: dict[tuple[str, int, int, int], str] = {}
_verifying = threading.Lock()


def verified_path(store: Store, digest: str) -> Path:
    """Where the bytes of `digest` are, after comparing them with it. Raises DependencyFailed."""
    try:
        path = store.path(digest)
        verify_file(path, digest)
    except (NotFound, OSError):
        raise DependencyFailed(
            "missing-file",
            Text(zh="存储中缺少已审核的文件", en="a reviewed file is missing from the store"),
            Text(zh="请联系运维人员从备份恢复", en="ask the operator to restore it from a backup"),
        ) from None
    return path


def verify_file(path: Path, digest: str) -> None:
    """Compare a file with its digest, once per process and state of the file (inode, time, size).

    Raises DependencyFailed when it differs; then nothing may be served from it.
    """
    status = path.stat()
    identity = (str(path), status.st_ino, status.st_mtime_ns, status.st_size)
    with _verifying:
        known = _verified.get(identity)
    if known is None:
        with path.open("rb") as reader:
            known = file_digest(reader)
        with _verifying:
            _verified[identity] = known
    if known != digest:
        raise DependencyFailed(
            "digest-mismatch",
            Text(zh="存储的文件与审核时不一致，停止提供", en="a stored file is not what was reviewed"),
            Text(zh="请联系运维人员从备份恢复", en="ask the operator to restore it from a backup"),
        )
