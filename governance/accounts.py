"""Accounts, sign-in, sessions and API tokens. Secrets are stored hashed and shown once."""

import hashlib
import re
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import TypeAdapter

from governance.audit import record
from governance.database.decision_tables import accounts, api_tokens, sessions
from governance.database.engine import reading
from governance.sign_in_limits import LOCAL, count_attempt, forget_attempt
from schemas.actor import Actor, Duty
from schemas.dataset import Name
from schemas.errors import Conflict, NotAuthenticated, NotFound, NotPermitted, Refused
from schemas.text import Text

API_TOKEN_PREFIX = "gka_"
PASSWORD_LENGTHS = range(10, 257)  # NIST SP 800-63B: long enough, no rules of composition
TOKEN_DAYS_ALLOWED = range(1, 367)
EMAIL = re.compile(r"[^@\s<>,;:\"]+@[A-Za-z0-9.-]+")

# OWASP's argon2id setting of 19 MiB; a few at once, so that many sign-ins cannot use up the memory.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_hashing = threading.BoundedSemaphore(4)


@dataclass(frozen=True)
class Account:
    """One account, without its secrets."""

    id: str
    name: Text
    duties: frozenset[Duty]
    organisation: str | None
    active: bool
    email: str | None = None

    @property
    def actor(self) -> Actor:
        return Actor(id=self.id, duties=self.duties, organisation=self.organisation)


@dataclass(frozen=True)
class Session:
    """A fresh session. token: for the cookie, not stored."""

    token: str
    actor: Actor
    expires_at: datetime


def create_account(
    connection: sa.Connection,
    *,
    account: str,
    name: Text,
    password: str | None,
    duties: frozenset[Duty],
    organisation: str | None,
    email: str | None = None,
    actor: Actor,
    now: datetime,
) -> Account:
    """Add an account; operators only. password None: no sign-in with a password. email: where letters go.

    Raises NotPermitted, Refused, Conflict.
    """
    _require_operator(actor)
    _check_email(email)
    _check_name(account)
    _check_duties(duties, organisation)
    if find_account(connection, account) is not None:
        raise Conflict(
            "account-exists",
            Text(zh="账号已存在", en="the account exists already"),
            Text(zh="请换一个账号名", en="choose another name"),
            field="account",
        )
    connection.execute(
        accounts.insert().values(
            id=account,
            name=name.model_dump(),
            password_hash=None if password is None else _hash_password(password),
            duties=sorted(duties),
            organisation=organisation,
            email=email,
            active=True,
            created_at=now,
            created_by=actor.id,
        )
    )
    record(
        connection,
        actor=actor,
        action="account.created",
        subject=f"account:{account}",
        now=now,
        data={"duties": sorted(duties), "organisation": organisation},
    )
    return load_account(connection, account)


def update_account(
    connection: sa.Connection,
    *,
    account: str,
    duties: frozenset[Duty],
    organisation: str | None,
    active: bool,
    actor: Actor,
    now: datetime,
) -> Account:
    """Change what an account may do; operators only. An inactive account's sessions and tokens stop at once."""
    _require_operator(actor)
    _check_duties(duties, organisation)
    load_account(connection, account)
    values = {"duties": sorted(duties), "organisation": organisation, "active": active}
    connection.execute(accounts.update().where(accounts.c.id == account).values(**values))
    record(connection, actor=actor, action="account.changed", subject=f"account:{account}", now=now, data=values)
    return load_account(connection, account)


def set_password(connection: sa.Connection, *, account: str, password: str, actor: Actor, now: datetime) -> None:
    """Set a password: one's own, or as an operator. Ends all sessions of the account."""
    _require_self_or_operator(actor, account)
    load_account(connection, account)
    connection.execute(accounts.update().where(accounts.c.id == account).values(password_hash=_hash_password(password)))
    connection.execute(
        sessions.update().where(sessions.c.account == account, sessions.c.ended_at.is_(None)).values(ended_at=now)
    )
    record(connection, actor=actor, action="account.password-set", subject=f"account:{account}", now=now)


def find_account(connection: sa.Connection, account: str) -> Account | None:
    row = connection.execute(sa.select(accounts).where(accounts.c.id == account)).mappings().first()
    return None if row is None else _account(row)


def load_account(connection: sa.Connection, account: str) -> Account:
    """Raises NotFound."""
    found = find_account(connection, account)
    if found is None:
        raise NotFound(
            "unknown-account",
            Text(zh="没有这个账号", en="there is no such account"),
            Text(zh="用 gongkai account list 查看账号", en="gongkai account list shows the accounts"),
            field="account",
        )
    return found


def list_accounts(connection: sa.Connection) -> list[Account]:
    return [_account(row) for row in connection.execute(sa.select(accounts).order_by(accounts.c.id)).mappings()]


def sign_in(
    engine: sa.Engine,
    *,
    account: str,
    password: str,
    actor: Actor,
    now: datetime,
    session_hours: int = 12,
    client: str = LOCAL,
) -> Session:
    """A new session for the right password. actor: who asks, normally `ANONYMOUS`. client: the address asked from.

    Takes the engine, not a connection: the attempt is counted in a transaction of its own before the password is
    looked at, so that a refusal cannot roll it back and parallel guesses cannot slip through.
    Raises NotAuthenticated, with the same answer for an unknown account, a wrong password and an inactive account;
    TooManyAttempts where the network tried the name, or the address any names, too often.
    """
    count_attempt(engine, account, client, now)
    with reading(engine) as connection:
        row = connection.execute(sa.select(accounts).where(accounts.c.id == account)).mappings().first()
    right = _verify_password(row["password_hash"] if row else None, password)
    if row is None or not right or not row["active"]:
        with engine.begin() as connection:
            # A name that is no account may be a mistyped password: it is not written down.
            subject = f"account:{account}" if row else "account:unknown"
            record(connection, actor=actor, action="session.refused", subject=subject, now=now)
        raise NotAuthenticated(
            "sign-in-refused",
            Text(zh="账号或密码不正确", en="account or password is not right"),
            Text(zh="请检查后重试；忘记密码请联系运维人员", en="check both; ask the operator for a new password"),
        )
    token = secrets.token_urlsafe(32)
    session = Session(token, _account(row).actor, now + timedelta(hours=session_hours))
    with engine.begin() as connection:
        forget_attempt(connection, account, client)
        connection.execute(
            sessions.insert().values(
                token_hash=token_hash(token), account=account, created_at=now, expires_at=session.expires_at
            )
        )
        record(connection, actor=session.actor, action="session.started", subject=f"account:{account}", now=now)
    return session


def end_session(connection: sa.Connection, *, token: str, actor: Actor, now: datetime) -> None:
    """Sign out. Doing it again changes nothing."""
    ended = connection.execute(
        sessions.update()
        .where(sessions.c.token_hash == token_hash(token), sessions.c.ended_at.is_(None))
        .values(ended_at=now)
    )
    if ended.rowcount:
        record(connection, actor=actor, action="session.ended", subject=f"account:{actor.id}", now=now)


def actor_of_session(connection: sa.Connection, token: str, *, now: datetime) -> Actor:
    """The account behind a session token, with the duties it has now. Raises NotAuthenticated."""
    row = (
        connection.execute(
            sa.select(accounts)
            .join(sessions, sessions.c.account == accounts.c.id)
            .where(
                sessions.c.token_hash == token_hash(token),
                sessions.c.ended_at.is_(None),
                sessions.c.expires_at > now,
                accounts.c.active,
            )
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotAuthenticated(
            "session-ended",
            Text(zh="登录已失效", en="the session has ended"),
            Text(zh="请重新登录", en="sign in again"),
        )
    return _account(row).actor


def create_api_token(
    connection: sa.Connection, *, account: str, name: str, days: int, actor: Actor, now: datetime
) -> str:
    """A new token for oneself, or for another account as an operator. It is shown this once; see `api_token_id`."""
    _require_self_or_operator(actor, account)
    load_account(connection, account)
    if days not in TOKEN_DAYS_ALLOWED:
        raise Refused(
            "invalid-validity",
            Text(zh="令牌有效期须为1至366天", en="a token is valid for 1 to 366 days"),
            Text(zh="请改小天数；到期前可以新建", en="give fewer days; a new one can be made before it ends"),
            field="days",
        )
    if not 1 <= len(name.strip()) <= 100:
        raise Refused(
            "invalid-name",
            Text(zh="名称须为1至100个字符", en="a name has 1 to 100 characters"),
            Text(zh="请起一个能辨认用途的短名称", en="choose a short name that says what it is for"),
            field="name",
        )
    token = API_TOKEN_PREFIX + secrets.token_urlsafe(32)
    connection.execute(
        api_tokens.insert().values(
            id=api_token_id(token),
            token_hash=token_hash(token),
            account=account,
            name=name.strip(),
            created_at=now,
            created_by=actor.id,
            expires_at=now + timedelta(days=days),
        )
    )
    record(
        connection,
        actor=actor,
        action="token.created",
        subject=f"token:{api_token_id(token)}",
        now=now,
        data={"account": account, "days": days},
    )
    return token


def api_token_id(token: str) -> str:
    """Under which id a token is listed and revoked; says nothing about the token."""
    return token_hash(token)[:16]


def actor_of_token(connection: sa.Connection, token: str, *, now: datetime) -> Actor:
    """The account behind an API token. Raises NotAuthenticated, with one answer for unknown, expired and revoked."""
    row = (
        connection.execute(
            sa.select(accounts)
            .join(api_tokens, api_tokens.c.account == accounts.c.id)
            .where(
                api_tokens.c.token_hash == token_hash(token),
                api_tokens.c.revoked_at.is_(None),
                api_tokens.c.expires_at > now,
                accounts.c.active,
            )
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotAuthenticated(
            "invalid-token",
            Text(zh="令牌无效、已过期或已撤销", en="the token is unknown, expired or revoked"),
            Text(zh="请在“我的令牌”中新建", en="create a new one under “my tokens”"),
            field="Authorization",
        )
    return _account(row).actor


def list_api_tokens(connection: sa.Connection, account: str) -> list[dict[str, Any]]:
    """id, name, created_at, expires_at and revoked_at of an account's tokens, newest first."""
    shown = [api_tokens.c[name] for name in ("id", "name", "created_at", "expires_at", "revoked_at")]
    query = sa.select(*shown).where(api_tokens.c.account == account).order_by(api_tokens.c.created_at.desc())
    return [dict(row) for row in connection.execute(query).mappings()]


def revoke_api_token(connection: sa.Connection, *, token_id: str, actor: Actor, now: datetime) -> None:
    """Revoke one's own token, or any as an operator. Doing it again changes nothing. Raises NotFound."""
    row = connection.execute(sa.select(api_tokens).where(api_tokens.c.id == token_id)).mappings().first()
    if row is None or (row["account"] != actor.id and Duty.OPERATOR not in actor.duties):
        raise NotFound(
            "unknown-token",
            Text(zh="没有这个令牌", en="there is no such token"),
            Text(zh="用账号页面查看现有令牌", en="the account's page lists its tokens"),
            field="id",
        )
    if row["revoked_at"] is None:
        connection.execute(api_tokens.update().where(api_tokens.c.id == token_id).values(revoked_at=now))
        record(connection, actor=actor, action="token.revoked", subject=f"token:{token_id}", now=now)


def token_hash(token: str) -> str:
    """How random tokens are stored: SHA-256, hex. They hold 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def _account(row: sa.RowMapping) -> Account:
    return Account(
        id=row["id"],
        name=Text.model_validate(row["name"]),
        duties=frozenset(Duty(d) for d in row["duties"]),
        organisation=row["organisation"],
        active=row["active"],
        email=row["email"],
    )


def _hash_password(password: str) -> str:
    if len(password) not in PASSWORD_LENGTHS:
        raise Refused(
            "password-length",
            Text(zh="密码须为10至256个字符", en="a password has 10 to 256 characters"),
            Text(zh="请换一个密码；几个词连起来就很好", en="choose another; a few words in a row do well"),
            field="password",
        )
    with _hashing:
        return _hasher.hash(password)


@cache
def _unusable_hash() -> str:
    """Verified against when there is no account: the same time, the same answer."""
    return _hasher.hash(secrets.token_hex())


def _verify_password(stored: str | None, password: str) -> bool:
    try:
        with _hashing:
            return _hasher.verify(stored or _unusable_hash(), password[: PASSWORD_LENGTHS.stop]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def _check_name(account: str) -> None:
    try:
        TypeAdapter(Name).validate_python(account)
    except ValueError:
        raise Refused(
            "invalid-account",
            Text(zh="账号须为3至100个小写字母、数字、下划线或连字符", en="3 to 100 of a-z, 0-9, _ and -"),
            Text(zh="例如 liu-yun", en="for example liu-yun"),
            field="account",
        ) from None
    if account in ("anonymous", "system"):
        raise Refused(
            "reserved-account",
            Text(zh="该账号名保留", en="this name is reserved"),
            Text(zh="请换一个账号名", en="choose another name"),
            field="account",
        )


def _check_email(email: str | None) -> None:
    if email is not None and not (len(email) <= 254 and EMAIL.fullmatch(email)):
        raise Refused(
            "invalid-email",
            Text(zh="邮箱地址无效", en="this is not a mail address"),
            Text(zh="例如 name@example.cn", en="for example name@example.cn"),
            field="email",
        )


def _check_duties(duties: frozenset[Duty], organisation: str | None) -> None:
    if duties & {Duty.STEWARD, Duty.AGENCY_REVIEWER} and not organisation:
        raise Refused(
            "organisation-missing",
            Text(zh="数据专员和单位审核须属于一个单位", en="stewards and agency reviewers belong to an organisation"),
            Text(
                zh="请指定单位，例如 --organisation transport-bureau",
                en="name it, such as --organisation transport-bureau",
            ),
            field="organisation",
        )


def _require_operator(actor: Actor) -> None:
    if Duty.OPERATOR not in actor.duties:
        raise NotPermitted(
            "operator-only",
            Text(zh="仅运维人员可以管理账号", en="only operators manage accounts"),
            Text(zh="请运维人员处理", en="ask an operator"),
        )


def _require_self_or_operator(actor: Actor, account: str) -> None:
    if actor.is_anonymous or (actor.id != account and Duty.OPERATOR not in actor.duties):
        raise NotPermitted(
            "not-your-account",
            Text(zh="只能管理自己的账号", en="this is for the account itself or an operator"),
            Text(zh="请登录该账号，或请运维人员处理", en="sign in to that account, or ask an operator"),
        )
