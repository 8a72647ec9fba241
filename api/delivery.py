"""Who may read a distribution, and the released data behind a request."""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from fastapi import Request

from api.identity import current_actor, presented_grant_token
from api.platform import platform_of
from governance.access.grants import Grant, record_use, require_grant
from governance.database.engine import reading
from pipelines.current_release import published_release, served_release, tier_of
from pipelines.package import verify_record
from pipelines.rows.delivery_files import rows_of
from pipelines.rows.store import RowStore
from schemas.actor import Actor
from schemas.dataset import Tier
from schemas.errors import NotAuthenticated, NotFound, NotPermitted
from schemas.release import Distribution, Release
from schemas.text import Text

FREE_TIERS = frozenset({Tier.OPEN, Tier.STATISTICAL})


@dataclass(frozen=True)
class Delivery:
    """What a request may read."""

    release: Release
    distribution: Distribution
    grant: Grant | None  # of a restricted tier


def deliver(request: Request, dataset: str, tier: Tier | None = None, release_id: str | None = None) -> Delivery:
    """The release asked for (default: the current one), once the asker may read its tier (default: the freest).

    Raises NotFound, Withdrawn, NotAuthenticated, NotPermitted. Before serving, call `record_delivery`.
    """
    with reading(platform_of(request).engine) as connection:
        release = (
            served_release(connection, dataset)
            if release_id is None
            else published_release(connection, dataset, release_id)
        )
        _require_signed_record(request, release)
        distribution = tier_of(release, tier or _freest(release))
        grant = require_access(request, connection, release, distribution.tier, datetime.now(UTC))
    return Delivery(release, distribution, grant)


_signed: set[tuple[str, str]] = set()


def _require_signed_record(request: Request, release: Release) -> None:
    """Nothing is served whose record is not what the reviewers signed; looked at once per process and release.

    Raises DependencyFailed.
    """
    store = platform_of(request).store
    key = (str(store.folder), release.id)  # a release is loaded once per process, so its id stands for its record
    if key not in _signed:
        verify_record(release, store)
        _signed.add(key)


def open_delivered_rows(request: Request, delivery: Delivery) -> RowStore:
    """The rows of what was delivered, its use recorded. Raises DependencyFailed where the reviewed file is gone or
    changed."""
    platform = platform_of(request)
    rows = rows_of(platform.home, platform.store, delivery.distribution)
    record_delivery(request, delivery, delivery.distribution.file("parquet").digest, "query")
    return rows


def parse_tier(word: str) -> Tier:
    """A tier by its name. Raises NotFound."""
    try:
        return Tier(word)
    except ValueError:
        listed = ", ".join(Tier)
        raise NotFound(
            "unknown-tier",
            Text(zh="没有这一层级", en="there is no such tier"),
            Text(zh=f"可用的层级：{listed}", en=f"tiers are: {listed}"),
            field="tier",
        ) from None


def apply_path(dataset: str) -> str:
    """Where to apply for restricted data."""
    return f"/apply/{dataset}"


def _freest(release: Release) -> Tier:
    tiers = [d.tier for d in release.distributions]
    return next((t for t in (Tier.OPEN, Tier.STATISTICAL) if t in tiers), Tier.RESTRICTED)


def require_access(
    request: Request, connection: sa.Connection, release: Release, tier: Tier, now: datetime
) -> Grant | None:
    """The valid grant that lets the asker read a tier; None where everybody may.

    Raises NotAuthenticated, NotPermitted; both say why and where to apply.
    """
    if tier in FREE_TIERS:
        return None
    try:
        return require_grant(connection, credential_of(request), dataset=release.dataset, tier=tier, now=now)
    except (NotAuthenticated, NotPermitted) as error:
        where = f"{platform_of(request).settings.site_url.rstrip('/')}{apply_path(release.dataset)}"
        remedy = Text(zh=f"申请使用该数据：{where}", en=f"apply for this data at {where}")
        raise type(error)(error.code, error.message, remedy, error.field) from None


def credential_of(request: Request) -> str | Actor:
    """The grant's token of the Authorization header, or else whoever is signed in."""
    return presented_grant_token(request) or current_actor(request)


def record_delivery(request: Request, delivery: Delivery, digest: str, what: str) -> None:
    """Write the use of restricted data down before it is served; the grant is checked again in that transaction.

    digest: of the bytes served, or of the file queried. what: a format, or `query`.
    """
    if delivery.grant is None:
        return
    now = datetime.now(UTC)
    with platform_of(request).engine.begin() as connection:
        grant = require_access(request, connection, delivery.release, delivery.distribution.tier, now)
        if grant is not None:
            holder = Actor(id=grant.holder)
            record_use(
                connection, grant, release_id=delivery.release.id, digest=digest, what=what, actor=holder, now=now
            )
