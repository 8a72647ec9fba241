"""Accounts: sign-in reveals nothing, locks out, and secrets are never stored."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from governance import accounts, audit
from governance.database import decision_tables as tables
from governance.database.engine import metadata, open_database
from schemas.actor import ANONYMOUS, Actor, Duty, system_actor
from schemas.errors import Conflict, NotAuthenticated, NotFound, NotPermitted, Refused
from schemas.text import Text

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OPERATOR = system_actor("test")
PASSWORD = "correct horse battery"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(tmp_path)
    metadata.create_all(engine)
    with engine.begin() as connection:
        _create(connection, "wang-li", frozenset({Duty.RESEARCHER}))
    yield engine
    engine.dispose()


def _create(connection: sa.Connection, name: str, duties: frozenset[Duty], actor: Actor = OPERATOR) -> None:
    accounts.create_account(
        connection,
        account=name,
        name=Text(zh="王丽", en="Wang Li"),
        password=PASSWORD,
        duties=duties,
        organisation="city-university",
        actor=actor,
        now=NOW,
    )


def _sign_in(engine: sa.Engine, password: str = PASSWORD, account: str = "wang-li", now: datetime = NOW):
    return accounts.sign_in(engine, account=account, password=password, actor=ANONYMOUS, now=now)


def test_the_right_password_opens_a_session_with_the_accounts_duties(engine):
    session = _sign_in(engine)
    with engine.begin() as connection:
        actor = accounts.actor_of_session(connection, session.token, now=NOW)
    assert actor == Actor(id="wang-li", duties=frozenset({Duty.RESEARCHER}), organisation="city-university")


def test_a_refusal_is_the_same_for_an_unknown_account_a_wrong_password_and_an_inactive_account(engine):
    with engine.begin() as connection:
        _create(connection, "gone", frozenset())
        accounts.update_account(
            connection, account="gone", duties=frozenset(), organisation=None, active=False, actor=OPERATOR, now=NOW
        )
    answers = set()
    for account, password in (("nobody-here", PASSWORD), ("wang-li", "wrong password"), ("gone", PASSWORD)):
        with pytest.raises(NotAuthenticated) as refused:
            _sign_in(engine, password, account)
        answers.add((refused.value.code, refused.value.message))
    assert len(answers) == 1


def test_sessions_end_by_time_sign_out_new_password_and_deactivation(engine):
    tokens = [_sign_in(engine).token for _ in range(2)]
    with engine.begin() as connection:
        with pytest.raises(NotAuthenticated):
            accounts.actor_of_session(connection, tokens[0], now=NOW + timedelta(hours=12))
        actor = accounts.actor_of_session(connection, tokens[0], now=NOW)
        accounts.end_session(connection, token=tokens[0], actor=actor, now=NOW)
        with pytest.raises(NotAuthenticated):
            accounts.actor_of_session(connection, tokens[0], now=NOW)
        accounts.set_password(connection, account="wang-li", password="another password", actor=actor, now=NOW)
        with pytest.raises(NotAuthenticated):
            accounts.actor_of_session(connection, tokens[1], now=NOW)


def test_api_tokens_are_shown_once_expire_and_are_revoked(engine):
    wang = Actor(id="wang-li", duties=frozenset({Duty.RESEARCHER}))
    with engine.begin() as connection:
        token = accounts.create_api_token(connection, account="wang-li", name="laptop", days=30, actor=wang, now=NOW)
        token_id = accounts.api_token_id(token)
        assert [t["id"] for t in accounts.list_api_tokens(connection, "wang-li")] == [token_id]
        assert accounts.actor_of_token(connection, token, now=NOW).id == "wang-li"
        with pytest.raises(NotAuthenticated):
            accounts.actor_of_token(connection, token, now=NOW + timedelta(days=30))
        with pytest.raises(NotFound):
            accounts.revoke_api_token(connection, token_id=token_id, actor=Actor(id="other"), now=NOW)
        accounts.revoke_api_token(connection, token_id=token_id, actor=wang, now=NOW)
        with pytest.raises(NotAuthenticated):
            accounts.actor_of_token(connection, token, now=NOW)
        assert token not in str(accounts.list_api_tokens(connection, "wang-li"))


def test_no_secret_stands_in_the_database(engine, tmp_path):
    session = _sign_in(engine)
    with pytest.raises(NotAuthenticated):
        _sign_in(engine, "x", "a-mistyped-password")
    with engine.begin() as connection:
        wang = Actor(id="wang-li")
        token = accounts.create_api_token(connection, account="wang-li", name="x", days=1, actor=wang, now=NOW)
        dump = "".join(str(connection.execute(sa.select(table)).all()) for table in metadata.sorted_tables)
    for secret in (session.token, token, PASSWORD, "a-mistyped-password"):
        assert secret not in dump


def test_who_may_manage_accounts(engine):
    wang = Actor(id="wang-li", duties=frozenset({Duty.RESEARCHER}))
    with engine.begin() as connection:
        with pytest.raises(NotPermitted):
            _create(connection, "second", frozenset(), actor=wang)
        with pytest.raises(NotPermitted):
            accounts.set_password(connection, account="wang-li", password=PASSWORD, actor=Actor(id="x"), now=NOW)
        with pytest.raises(NotPermitted):
            accounts.create_api_token(connection, account="anonymous", name="x", days=1, actor=ANONYMOUS, now=NOW)
        with pytest.raises(Conflict):
            _create(connection, "wang-li", frozenset())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"account": "A B"}, "invalid-account"),
        ({"account": "system"}, "reserved-account"),
        ({"password": "short"}, "password-length"),
        ({"duties": frozenset({Duty.STEWARD}), "organisation": None}, "organisation-missing"),
    ],
)
def test_bad_accounts_are_refused(engine, change, code):
    values = {
        "account": "new-account",
        "name": Text(zh="新", en="new"),
        "password": PASSWORD,
        "duties": frozenset(),
        "organisation": "x",
    } | change
    with engine.begin() as connection, pytest.raises(Refused) as refused:
        accounts.create_account(connection, **values, actor=OPERATOR, now=NOW)
    assert refused.value.code == code


@pytest.mark.parametrize("table", [t for t in metadata.sorted_tables if t.info.get("append_only")], ids=str)
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_the_database_itself_refuses_to_change_events(engine, table, verb):
    with engine.begin() as connection:
        for needed in _with_what_it_refers_to(table):
            connection.execute(needed.insert().values(_some_row(needed)))
    name = next(n for n in ("at", "hash", "epsilon", "chosen_at") if n in table.c)
    statement = table.delete() if verb == "delete" else table.update().values({name: _some_row(table)[name]})
    with pytest.raises(sa.exc.DatabaseError, match="never changed"), engine.begin() as connection:
        connection.execute(statement)


def _with_what_it_refers_to(table: sa.Table) -> list[sa.Table]:
    """The tables that `table` refers to, directly or not, and itself, in an order in which rows can be made."""
    needed = {table}
    while more := {key.column.table for t in needed for key in t.foreign_keys} - needed:
        needed |= more
    return [t for t in metadata.sorted_tables if t in needed]


def _some_row(table: sa.Table) -> dict[str, object]:
    return {c.name: _some_value(c) for c in table.columns if c.autoincrement is not True}


def _some_value(column: sa.Column):
    kind = column.type.python_type if not isinstance(column.type, sa.TypeDecorator) else datetime
    return {int: 7, float: 0.5, str: "x", object: {}, bytes: b"x", datetime: NOW}[kind]


def test_audit_rows_name_the_actor(engine):
    with engine.begin() as connection:
        rows = audit.entries(connection, subject="account:wang-li")
    assert [(r["action"], r["actor"], r["at"]) for r in rows] == [("account.created", "system:test", NOW)]
    assert tables.audit_log.info["append_only"]
