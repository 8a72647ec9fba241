"""Guessing is slowed for the guesser, and for nobody else."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from governance import accounts
from governance.database.decision_tables import sign_in_attempts
from governance.database.engine import metadata, open_database
from governance.sign_in_limits import (
    ATTEMPTS_ALLOWED,
    ATTEMPTS_WINDOW,
    BURST,
    REFILL,
    count_attempt,
    forget_attempt,
    forget_old_attempts,
    network_of,
)
from schemas.actor import ANONYMOUS, Duty, system_actor
from schemas.errors import NotAuthenticated, TooManyAttempts
from schemas.text import Text

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
GUESSER, NEIGHBOUR, OWNER = "203.0.113.7", "203.0.113.99", "198.51.100.4"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(tmp_path)
    metadata.create_all(engine)
    with engine.begin() as connection:
        accounts.create_account(
            connection,
            account="wang-li",
            name=Text(zh="王丽", en="Wang Li"),
            password=PASSWORD,
            duties=frozenset({Duty.RESEARCHER}),
            organisation="city-university",
            actor=system_actor("test"),
            now=NOW,
        )
    yield engine
    engine.dispose()


def sign_in(
    engine: sa.Engine, password: str, client: str = GUESSER, account: str = "wang-li", now: datetime = NOW
) -> accounts.Session:
    return accounts.sign_in(engine, account=account, password=password, actor=ANONYMOUS, now=now, client=client)


def exhaust(engine: sa.Engine, account: str = "wang-li", client: str = GUESSER, now: datetime = NOW) -> None:
    for _ in range(ATTEMPTS_ALLOWED):
        count_attempt(engine, account, client, now)


@pytest.mark.parametrize("account", ["wang-li", "nobody-here"])
def test_ten_attempts_lock_a_name_for_one_network_whether_or_not_it_exists(engine: sa.Engine, account: str) -> None:
    for _ in range(ATTEMPTS_ALLOWED):
        with pytest.raises(NotAuthenticated, match="sign-in-refused"):
            sign_in(engine, "wrong password", account=account)
    for client in (GUESSER, NEIGHBOUR):
        with pytest.raises(TooManyAttempts, match="too-many-attempts") as refused:
            sign_in(engine, PASSWORD, client, account)
        assert refused.value.retry_after == ATTEMPTS_WINDOW.total_seconds()
    later = NOW + ATTEMPTS_WINDOW - timedelta(seconds=1)
    with pytest.raises(TooManyAttempts) as refused:
        sign_in(engine, PASSWORD, account=account, now=later)
    assert refused.value.retry_after == 1
    assert "1 minute;" in (refused.value.remedy or Text(zh="", en="")).en


def test_nobody_locks_somebody_else_out(engine: sa.Engine) -> None:
    exhaust(engine)
    assert sign_in(engine, PASSWORD, OWNER).actor.id == "wang-li"
    with pytest.raises(TooManyAttempts):
        sign_in(engine, PASSWORD, GUESSER)
    assert sign_in(engine, PASSWORD, GUESSER, now=NOW + ATTEMPTS_WINDOW).actor.id == "wang-li"


def test_a_right_password_clears_the_count_of_its_network(engine: sa.Engine) -> None:
    for _ in range(ATTEMPTS_ALLOWED - 1):
        count_attempt(engine, "wang-li", OWNER, NOW)
    sign_in(engine, PASSWORD, OWNER)
    exhaust(engine, client=OWNER)
    with pytest.raises(TooManyAttempts):
        count_attempt(engine, "wang-li", OWNER, NOW)


def test_an_address_that_tries_many_names_is_slowed_and_not_locked(engine: sa.Engine) -> None:
    for n in range(BURST):
        count_attempt(engine, f"name-{n}", GUESSER, NOW)
    with pytest.raises(TooManyAttempts) as refused:
        count_attempt(engine, "one-more", GUESSER, NOW)
    assert refused.value.retry_after == REFILL.total_seconds()
    count_attempt(engine, "one-more", NEIGHBOUR, NOW)
    count_attempt(engine, "one-more", GUESSER, NOW + REFILL)
    with pytest.raises(TooManyAttempts):
        count_attempt(engine, "and-another", GUESSER, NOW + REFILL)
    rested = NOW + (BURST + 2) * REFILL
    for n in range(BURST):
        count_attempt(engine, f"later-{n}", GUESSER, rested)


def test_a_large_office_is_not_slowed_by_its_own_people(engine: sa.Engine) -> None:
    for n in range(4 * BURST):
        count_attempt(engine, f"name-{n}", OWNER, NOW)
        with engine.begin() as connection:
            forget_attempt(connection, f"name-{n}", OWNER)
    count_attempt(engine, "wang-li", OWNER, NOW)


def test_names_and_networks_that_came_once_are_forgotten(engine: sa.Engine) -> None:
    for n in range(5):
        count_attempt(engine, f"name-{n}", f"2001:db8:{n:x}::1", NOW)
    later = NOW + timedelta(days=1, seconds=1)
    count_attempt(engine, "wang-li", GUESSER, later)
    with engine.begin() as connection:
        forget_old_attempts(connection, later)
        kept = connection.execute(sa.select(sign_in_attempts.c.since)).scalars().all()
    assert list(kept) == [later, later]


def test_a_refused_attempt_is_not_counted(engine: sa.Engine) -> None:
    exhaust(engine)
    for _ in range(3):
        with pytest.raises(TooManyAttempts):
            count_attempt(engine, "wang-li", GUESSER, NOW)
    with engine.begin() as connection:
        assert sorted(connection.execute(sa.select(sign_in_attempts.c.attempts)).scalars()) == [10, 10]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.200", True),
        ("203.0.113.7", "203.0.114.7", False),
        ("203.0.113.7", "::ffff:203.0.113.9", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("local", "unknown", False),
        ("local", "local", True),
    ],
)
def test_networks(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same


@given(st.text(max_size=40))
@settings(max_examples=50)
def test_what_is_no_address_makes_no_trouble(text: str) -> None:
    assert isinstance(network_of(text), str)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 600), min_size=1, max_size=80))
def test_an_address_never_has_more_than_its_burst_and_its_share(seconds: list[int]) -> None:
    """Over any sequence of attempts on ever new names: no more than BURST and one for each REFILL that has passed."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
    metadata.create_all(engine, tables=[sign_in_attempts])
    now, taken, waits = NOW, 0, []
    for n, passed in enumerate(seconds):
        now += timedelta(seconds=passed % 45)
        try:
            count_attempt(engine, f"name-{n}", GUESSER, now)
        except TooManyAttempts as refused:
            waits.append(refused.retry_after)
            continue
        taken += 1
    assert all(1 <= wait <= REFILL.total_seconds() for wait in waits)
    assert taken <= BURST + (now - NOW) // REFILL + 1
    engine.dispose()
