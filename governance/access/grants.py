"""Grants: what an approved application gives, checked at every use."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from governance.accounts import token_hash
from governance.audit import record
from governance.database.decision_tables import accounts, grant_uses, grants
from schemas.actor import Actor
from schemas.dataset import Tier
from schemas.errors import NotAuthenticated, NotFound, NotPermitted
from schemas.text import Text

GRANT_TOKEN_PREFIX = "gkg_"
APPLY = Text(
    zh="请登录后申请：/api/v1/applications 或数据集页面",
    en="sign in and apply: /api/v1/applications or the dataset's page",
)


@dataclass(frozen=True)
class Grant:
    """valid_until: exclusive. ended_as: `expired` or `revoked`."""

    id: str
    application_id: str
    holder: str
    dataset: str
    tier: Tier
    issued_at: datetime
    valid_from: datetime
    valid_until: datetime
    ended_at: datetime | None
    ended_as: str | None


def new_token() -> str:
    return GRANT_TOKEN_PREFIX + secrets.token_urlsafe(32)


def grant_of_token(connection: sa.Connection, token: str, now: datetime) -> Grant:
    """The grant behind a token. Raises NotAuthenticated (unknown), NotPermitted (expired, revoked, not yet valid)."""
    row = _first(connection, grants.c.token_hash == token_hash(token))
    if row is None:
        raise NotAuthenticated(
            "invalid-grant-token",
            Text(zh="授权令牌无效或已被替换", en="the grant's token is unknown or was replaced"),
            Text(zh="请在“我的申请”中重新签发", en="have it issued again under “my applications”"),
            field="Authorization",
        )
    _require_valid(connection, row, now)
    return row


def require_grant(
    connection: sa.Connection, credential: str | Actor, *, dataset: str, tier: Tier, now: datetime
) -> Grant:
    """The valid grant of a token or of a signed-in person for this dataset and tier.

    Raises NotAuthenticated, or NotPermitted with the reason and where to apply.
    """
    if isinstance(credential, str):
        grant = grant_of_token(connection, credential, now)
        if (grant.dataset, grant.tier) != (dataset, tier):
            raise NotPermitted(
                "grant-of-other-data",
                Text(zh="该授权不包含此数据", en="this grant is for other data"),
                APPLY,
                field="Authorization",
            )
        return grant
    if credential.is_anonymous:
        raise NotAuthenticated(
            "grant-needed", Text(zh="此数据须经申请获得授权", en="this data needs an approved application"), APPLY
        )
    mine = [g for g in list_grants(connection, holder=credential.id) if (g.dataset, g.tier) == (dataset, tier)]
    if not mine:
        raise NotPermitted("no-grant", Text(zh="您没有此数据的授权", en="you hold no grant for this data"), APPLY)
    _require_valid(connection, mine[0], now)
    return mine[0]


def record_use(
    connection: sa.Connection, grant: Grant, *, release_id: str, digest: str, what: str, actor: Actor, now: datetime
) -> None:
    """Write down that data was served under a grant, in the transaction before it is served.

    digest: of the bytes served (or of the file queried). what: format of a download, or `query`.
    """
    connection.execute(
        grant_uses.insert().values(
            grant_id=grant.id, at=now, actor=actor.id, release_id=release_id, digest=digest, what=what
        )
    )
    data = {"release": release_id, "digest": digest, "what": what}
    record(connection, actor=actor, action="grant.used", subject=f"grant:{grant.id}", now=now, data=data)


def list_grants(connection: sa.Connection, *, holder: str | None = None, dataset: str | None = None) -> list[Grant]:
    """The newest first."""
    query = sa.select(grants).order_by(grants.c.issued_at.desc(), grants.c.id)
    for column, value in ((grants.c.holder, holder), (grants.c.dataset, dataset)):
        if value is not None:
            query = query.where(column == value)
    return [_grant(row) for row in connection.execute(query).mappings()]


def load_grant(connection: sa.Connection, grant_id: str) -> Grant:
    """Raises NotFound."""
    grant = _first(connection, grants.c.id == grant_id)
    if grant is None:
        raise NotFound(
            "unknown-grant",
            Text(zh="没有这个授权", en="there is no such grant"),
            Text(zh="请在“我的申请”中查看授权", en="see the grants under “my applications”"),
            field="grant",
        )
    return grant


def list_uses(connection: sa.Connection, grant_id: str) -> list[dict[str, Any]]:
    """at, actor, release_id, digest and what of every use, the oldest first."""
    query = sa.select(grant_uses).where(grant_uses.c.grant_id == grant_id).order_by(grant_uses.c.sequence)
    return [dict(row) for row in connection.execute(query).mappings()]


def _require_valid(connection: sa.Connection, grant: Grant, now: datetime) -> None:
    active = connection.execute(sa.select(accounts.c.active).where(accounts.c.id == grant.holder)).scalar()
    if grant.ended_as == "revoked" or active is False:
        raise NotPermitted("grant-revoked", Text(zh="授权已被撤销", en="the grant was revoked"), APPLY)
    if grant.ended_as == "expired" or now >= grant.valid_until:
        raise NotPermitted("grant-expired", Text(zh="授权已到期", en="the grant has expired"), APPLY)
    if now < grant.valid_from:
        begins = grant.valid_from.date()
        raise NotPermitted(
            "grant-not-yet-valid",
            Text(zh=f"授权自{begins}起有效", en=f"the grant is valid from {begins}"),
            Text(zh="请在生效日期之后使用", en="use it from that day on"),
        )


def _first(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> Grant | None:
    row = connection.execute(sa.select(grants).where(condition)).mappings().first()
    return None if row is None else _grant(row)


def _grant(row: sa.RowMapping) -> Grant:
    values = {name: row[name] for name in Grant.__dataclass_fields__}
    return Grant(**values | {"tier": Tier(row["tier"])})
