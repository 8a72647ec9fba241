from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from governance.database.all_tables import dataset_tables  # noqa: F401 - makes the tables known
from governance.database.dataset_tables import outbox
from governance.database.engine import metadata, open_database
from governance.outbox import (
    BACKOFF,
    LEASE,
    anything_due,
    enqueue,
    extend_lease,
    finish,
    lease_next,
    leased_task,
    retry_later,
    return_task,
    still_held,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    opened = open_database(tmp_path)
    metadata.create_all(opened)
    yield opened
    opened.dispose()


def _queue(engine: sa.Engine, key: str) -> None:
    with engine.begin() as connection:
        enqueue(connection, "prepare", key, {"source": key}, "li", NOW)


def test_the_same_key_is_queued_once(engine: sa.Engine) -> None:
    _queue(engine, "a")
    _queue(engine, "a")
    with engine.begin() as connection:
        first = lease_next(connection, NOW)
        assert first is not None
        assert first.payload == {"source": "a"}
        assert lease_next(connection, NOW) is None
        finish(connection, first, NOW)
    _queue(engine, "a")
    with engine.begin() as connection:
        assert lease_next(connection, NOW) is None


def test_work_is_given_back_when_its_worker_dies(engine: sa.Engine) -> None:
    _queue(engine, "a")
    with engine.begin() as connection:
        assert lease_next(connection, NOW) is not None
        assert not anything_due(connection, NOW + LEASE)
        again = lease_next(connection, NOW + LEASE + timedelta(seconds=1))
        assert again is not None
        assert again.attempts == 2


def test_what_a_worker_had_in_hand_is_known_after_its_end(engine: sa.Engine) -> None:
    _queue(engine, "a")
    _queue(engine, "b")
    with engine.begin() as connection:
        taken = lease_next(connection, NOW, "here:7")
        assert taken is not None
        assert leased_task(connection, "here:7", NOW) == taken
        assert leased_task(connection, "here:8", NOW) is None
        assert leased_task(connection, "here:7", NOW + LEASE + timedelta(seconds=1)) is None
        return_task(connection, taken)
        assert leased_task(connection, "here:7", NOW) is None
        again = lease_next(connection, NOW, "here:8")
        assert again is not None
        assert (again.id, again.attempts) == (taken.id, 1)
        finish(connection, again, NOW)
        assert leased_task(connection, "here:8", NOW) is None


def test_who_lost_a_task_says_nothing_more_about_it(engine: sa.Engine) -> None:
    _queue(engine, "a")
    later = NOW + LEASE + timedelta(seconds=1)
    with engine.begin() as connection:
        lost = lease_next(connection, NOW, "here:a")
        assert lost is not None
        assert still_held(connection, lost)
        taken = lease_next(connection, later, "here:b")
        assert taken is not None
        before = connection.execute(sa.select(outbox)).one()
        assert not still_held(connection, lost)
        extend_lease(connection, lost, later + timedelta(hours=1))
        return_task(connection, lost)
        retry_later(connection, lost, later, "mail-failed")
        finish(connection, lost, later, "mail-failed")
        assert connection.execute(sa.select(outbox)).one() == before
        extend_lease(connection, taken, later + timedelta(hours=1))
        assert leased_task(connection, "here:b", later + timedelta(hours=1)) == taken
        finish(connection, taken, later)
        assert connection.execute(sa.select(outbox.c.done_at)).scalar_one() == later


def test_what_was_put_back_was_no_attempt_and_a_failed_one_is_remembered(engine: sa.Engine) -> None:
    _queue(engine, "a")
    with engine.begin() as connection:
        for _ in range(3):
            task = lease_next(connection, NOW)
            assert task is not None
            assert (task.attempts, task.error) == (1, None)
            return_task(connection, task)
        failed = lease_next(connection, NOW)
        assert failed is not None
        retry_later(connection, failed, NOW, "mail-failed")
        after = lease_next(connection, NOW + BACKOFF[0], "here:7")
        assert after is not None
        assert (after.attempts, after.error) == (2, "mail-failed")
        assert leased_task(connection, "here:7", NOW + BACKOFF[0]) == after


def test_a_retry_waits_and_work_queued_in_a_failed_transaction_is_gone(engine: sa.Engine) -> None:
    _queue(engine, "a")
    with engine.begin() as connection:
        task = lease_next(connection, NOW)
        assert task is not None
        retry_later(connection, task, NOW, "mail-failed")
        assert lease_next(connection, NOW + BACKOFF[0] - timedelta(seconds=1)) is None
        assert lease_next(connection, NOW + BACKOFF[0]) is not None
    with engine.connect() as connection, connection.begin() as transaction:
        enqueue(connection, "prepare", "b", {}, "li", NOW)
        transaction.rollback()
    with engine.begin() as connection:
        assert not anything_due(connection, NOW + timedelta(seconds=11))


def test_two_workers_never_take_the_same_task(engine: sa.Engine) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for n in range(30):
        _queue(engine, str(n))

    def work(_: int) -> list[int]:
        taken = []
        while True:
            with engine.begin() as connection:
                task = lease_next(connection, NOW)
            if task is None:
                return taken
            taken.append(task.id)

    with ThreadPoolExecutor(4) as pool:
        taken = [i for part in pool.map(work, range(4)) for i in part]
    assert sorted(taken) == sorted(set(taken))
    assert len(taken) == 30
