"""What becomes of a task whose handler fails, and of workers that end without a word."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path

import pytest
import sqlalchemy as sa

from catalog_config.settings import Settings
from governance.database.dataset_tables import outbox, source_files
from governance.outbox import enqueue
from pipelines import worker
from pipelines.datasets import apply_dataset, read_declaration
from pipelines.demo import CITY
from pipelines.platform import Platform, open_platform
from pipelines.sources import accept_source, load_source
from pipelines.worker_deaths import ATTEMPTS, NAME, cause_of_death, new_worker_name
from schemas.actor import system_actor
from schemas.errors import Refused
from schemas.text import Text

OPERATOR = system_actor("test")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    opened = open_platform(Settings(home=tmp_path / "home"))
    with opened.engine.begin() as connection:
        declared = read_declaration(CITY / "datasets" / "bus-stops.yaml")
        apply_dataset(connection, declared, opened.configuration, OPERATOR, NOW)
    yield opened
    opened.engine.dispose()


def handed_in(platform: Platform) -> str:
    path = CITY / "sources" / "bus-stops.csv"
    with path.open("rb") as content:
        return accept_source(platform, "bus-stops", content, path.name, OPERATOR, NOW)


def failing(monkeypatch: pytest.MonkeyPatch, kind: str, failure: Exception) -> None:
    def fail(platform: Platform, task: worker.Task) -> None:
        raise failure

    monkeypatch.setitem(worker.HANDLERS, kind, fail)


def only_task(platform: Platform) -> sa.Row:
    with platform.engine.connect() as connection:
        return connection.execute(sa.select(outbox)).one()


def test_a_used_process_leaves_the_judgement_to_a_fresh_one(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = handed_in(platform)
    failing(monkeypatch, "prepare", MemoryError())
    with pytest.raises(worker.MemorySpent):
        worker.run_one(platform, fresh=False)
    row = only_task(platform)
    assert (row.done_at, row.leased_until, row.due_at, row.attempts) == (None, None, NOW, 0)
    assert load_source(platform, source).status == "received"
    with pytest.raises(worker.MemorySpent):
        worker.run_one(platform, fresh=True)
    row = only_task(platform)
    assert (row.error, row.done_at is not None) == ("too-much-memory", True)
    refused = load_source(platform, source)
    assert (refused.status, (refused.outcome or {})["error"]["code"]) == ("refused", "too-much-memory")


def test_what_a_reader_took_for_damage_is_want_of_memory(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    source = handed_in(platform)
    damaged = Refused("damaged-file", Text(zh="损坏", en="damaged"))
    damaged.__context__ = MemoryError()
    failing(monkeypatch, "prepare", damaged)
    assert worker.run_until_idle(platform) == 0  # a new process has to go on
    assert (load_source(platform, source).outcome or {})["error"]["code"] == "too-much-memory"


def test_a_file_about_a_source_that_takes_too_much_memory_is_refused(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = handed_in(platform)
    with platform.engine.begin() as connection:
        connection.execute(outbox.delete())
        values = {"source": source, "name": "corrected.csv", "status": "making"}
        connection.execute(source_files.insert().values(**values, requested_at=NOW, requested_by="li"))
        enqueue(connection, "source-file", "a", {"source": source, "name": "corrected.csv"}, "li", NOW)
    failing(monkeypatch, "source-file", MemoryError())
    assert worker.run_until_idle(platform) == 0
    with platform.engine.connect() as connection:
        row = connection.execute(sa.select(source_files)).one()
    assert (row.status, row.outcome["error"]["code"]) == ("refused", "too-much-memory")
    assert load_source(platform, source).status == "received"


@pytest.mark.parametrize("kind", ["publish", "letter"])
def test_where_no_file_can_be_refused_want_of_memory_is_tried_again(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    with platform.engine.begin() as connection:
        enqueue(connection, kind, "a", {"dataset": "bus-stops"}, "li", NOW)
    failing(monkeypatch, kind, MemoryError())
    for attempt in range(1, ATTEMPTS + 1):
        make_due(platform)
        worker.run_until_idle(platform)
        row = only_task(platform)
        expected = ("too-much-memory", attempt, attempt == ATTEMPTS)
        assert (row.error, row.attempts, row.done_at is not None) == expected


def test_a_letter_over_which_workers_crash_is_tried_as_often(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    with platform.engine.begin() as connection:
        enqueue(connection, "letter", "a", {}, "li", NOW)
        connection.execute(outbox.update().values(attempts=1, error="preparation-crashed"))
    a_child_that(monkeypatch, platform, ABORT)
    row = only_task(platform)
    assert (row.error, row.attempts, row.done_at) == ("preparation-crashed", 2, None)


@pytest.mark.parametrize(
    ("full", "status", "code"), [(False, "received", "no-thread-started"), (True, "refused", "too-much-memory")]
)
def test_a_file_is_refused_for_a_thread_that_did_not_start_only_where_memory_is_full(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, full: bool, status: str, code: str
) -> None:
    source = handed_in(platform)
    failing(monkeypatch, "prepare", RuntimeError("can't start new thread"))
    monkeypatch.setattr(worker, "memory_half_full", lambda: full)
    with pytest.raises(worker.MemorySpent):
        worker.run_one(platform)
    row = only_task(platform)
    assert (row.error, row.done_at is not None, row.attempts) == (code, full, 1)
    assert load_source(platform, source).status == status


def test_a_lease_whose_thread_does_not_start_says_nothing_about_the_file(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = handed_in(platform)

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        worker.run_one(platform)  # whoever watches this process puts the task back
    monkeypatch.undo()
    row = only_task(platform)
    assert (row.error, row.done_at, load_source(platform, source).status) == (None, None, "received")


@pytest.mark.parametrize(
    ("returncode", "kernel_killed", "code", "fatal"),
    [
        (-signal.SIGKILL, True, "out-of-machine-memory", True),
        (-signal.SIGKILL, False, "worker-ended", False),
        (-signal.SIGABRT, False, "preparation-crashed", True),
        (-signal.SIGABRT, True, "preparation-crashed", True),
        (-signal.SIGSEGV, False, "preparation-crashed", True),
        (-signal.SIGTERM, True, "worker-ended", False),
        (1, False, "worker-ended", False),
        (0, True, "worker-ended", False),
    ],
)
def test_each_end_is_told_as_what_it_was(returncode: int, kernel_killed: bool, code: str, fatal: bool) -> None:
    death = cause_of_death(returncode, kernel_killed)
    assert death.code == code
    assert death.last_word(2, None) is None  # this way for the first time
    assert death.last_word(ATTEMPTS - 1, "mail-failed") is None
    again = death.last_word(2, code)
    assert (again.code if again else None) == (code if fatal else None)
    last = death.last_word(ATTEMPTS, "mail-failed")
    assert last is not None
    assert (last.code, last.remedy is not None) == ("preparation-failed", True)


def a_child_that(
    monkeypatch: pytest.MonkeyPatch,
    platform: Platform,
    does: str,
    stop: threading.Event | None = None,
    kernel_kills: Iterator[int] | None = None,
) -> None:
    """Run a real child that takes the next task and then `does`. kernel_kills: so many, before and after."""
    counts = kernel_kills or repeat(0)
    script = f"""
import os, signal, time
from datetime import UTC, datetime
from pathlib import Path
from governance.database.engine import open_database
from governance.outbox import lease_next
from pipelines.worker_deaths import worker_name
with open_database(Path({str(platform.settings.home)!r})).begin() as connection:
    lease_next(connection, datetime.now(UTC), worker_name())
{does}
"""
    monkeypatch.setattr(worker, "STOPPED_TOGETHER", 0.01)
    monkeypatch.setattr(worker, "CHILD", (sys.executable, "-c", script))
    worker.run_child(platform, stop or threading.Event(), lambda: next(counts))


def stopped_in_order(monkeypatch: pytest.MonkeyPatch, platform: Platform) -> None:
    stop = threading.Event()

    def stop_it_at_work() -> None:
        for _ in range(600):
            if only_task(platform).leased_until is not None:
                break
            time.sleep(0.05)
        stop.set()

    watch = threading.Thread(target=stop_it_at_work)
    watch.start()
    a_child_that(monkeypatch, platform, "time.sleep(60)", stop)
    watch.join()


def make_due(platform: Platform) -> None:
    with platform.engine.begin() as connection:
        connection.execute(outbox.update().values(due_at=NOW))


ABORT = "os.kill(os.getpid(), signal.SIGABRT)"


def test_a_file_over_which_the_kernel_kills_is_tried_twice_whatever_it_killed_before(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = handed_in(platform)
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    for before, after, code in [
        (7, 7, "worker-ended"),
        (7, 8, "out-of-machine-memory"),
        (8, 9, "out-of-machine-memory"),
    ]:
        make_due(platform)
        assert load_source(platform, source).status == "received"
        a_child_that(monkeypatch, platform, kill, kernel_kills=iter([before, after]))
        assert only_task(platform).error == code
    refused = load_source(platform, source)
    assert (refused.status, (refused.outcome or {})["error"]["code"]) == ("refused", "out-of-machine-memory")


class SetMeanwhile(threading.Event):
    """An event that is set between two looks at it."""

    looks = 0

    def is_set(self) -> bool:
        self.looks += 1
        return self.looks > 1


def test_a_stop_at_the_last_moment_leaves_no_task_leased(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    handed_in(platform)
    a_child_that(monkeypatch, platform, ABORT, SetMeanwhile())
    row = only_task(platform)
    assert (row.leased_until, row.error) == (None, "preparation-crashed")


class SetSoonAfter(threading.Event):
    """An event that is set while somebody waits for it for longer than a moment."""

    def wait(self, timeout: float | None = None) -> bool:
        if timeout == worker.STOPPED_TOGETHER:
            self.set()
        return super().wait(timeout)


@pytest.mark.parametrize(("end", "attempts"), [("raise SystemExit(0)", 0), (ABORT, 1)])
def test_a_child_that_is_stopped_with_its_parent_has_not_failed(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, end: str, attempts: int
) -> None:
    handed_in(platform)
    a_child_that(monkeypatch, platform, end, SetSoonAfter())
    row = only_task(platform)
    assert (row.leased_until, row.attempts, row.done_at) == (None, attempts, None)


def test_only_two_fatal_ends_in_a_row_speak_against_a_file(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    source = handed_in(platform)
    stopped_in_order(monkeypatch, platform)
    row = only_task(platform)
    assert (row.attempts, row.error, row.leased_until, row.due_at) == (0, None, None, NOW)
    a_child_that(monkeypatch, platform, "raise SystemExit(1)")
    assert (only_task(platform).attempts, only_task(platform).error) == (1, "worker-ended")
    make_due(platform)
    a_child_that(monkeypatch, platform, ABORT)  # for the first time
    row = only_task(platform)
    assert (row.attempts, row.error, row.done_at) == (2, "preparation-crashed", None)
    assert load_source(platform, source).status == "received"
    make_due(platform)
    stopped_in_order(monkeypatch, platform)  # changes nothing
    assert (only_task(platform).attempts, only_task(platform).error) == (2, "preparation-crashed")
    a_child_that(monkeypatch, platform, ABORT)
    assert only_task(platform).done_at is not None
    refused = load_source(platform, source)
    assert (refused.status, (refused.outcome or {})["error"]["code"]) == ("refused", "preparation-crashed")


def test_workers_have_names_of_their_own_also_where_host_and_process_ids_are_the_same() -> None:
    ask = "from pipelines.worker_deaths import *; print(worker_name() == worker_name(), worker_name())"
    environment = {name: value for name, value in os.environ.items() if name != NAME}
    told = [
        subprocess.run(
            [sys.executable, "-c", ask], capture_output=True, text=True, check=True, env={**environment, **given}
        ).stdout.split()
        for given in ({}, {}, {NAME: "here:a"})
    ]
    assert [same for same, _ in told] == ["True"] * 3
    assert told[0][1] != told[1][1]
    assert told[2][1] == "here:a"
    assert new_worker_name() != new_worker_name()


def test_who_lost_a_task_gives_no_source_up(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    source = handed_in(platform)

    def fail(platform: Platform, task: worker.Task) -> None:
        with platform.engine.begin() as connection:  # it slept too long, and another one went on
            connection.execute(outbox.update().values(leased_by="here:b"))
        raise MemoryError

    monkeypatch.setitem(worker.HANDLERS, "prepare", fail)
    worker.run_until_idle(platform)
    row = only_task(platform)
    assert (row.error, row.done_at, row.leased_by) == (None, None, "here:b")
    assert row.leased_until is not None
    assert load_source(platform, source).status == "received"


def test_the_watch_goes_on_after_a_failure_and_tells_no_values(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    handed_in(platform)
    stop = threading.Event()
    turns: list[int] = []

    def run_child(platform: Platform, stop: threading.Event) -> None:
        turns.append(len(turns))
        if len(turns) == 3:
            stop.set()
            return
        raise (
            OSError(errno.ENOMEM, "a cell: 王小明") if turns[-1] else sa.exc.OperationalError("王小明", None, OSError())
        )

    monkeypatch.setattr(worker, "run_child", run_child)
    monkeypatch.setattr(worker, "AFTER_FAILURE", 0)
    worker.run_embedded(platform, stop, pause=0)
    assert turns == [0, 1, 2]
    assert ("OperationalError at " in caplog.text, "OSError at " in caplog.text) == (True, True)
    assert "王小明" not in caplog.text


def test_clocks_that_fail_do_not_keep_the_tasks_waiting(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    handed_in(platform)
    stop = threading.Event()
    failed: list[bool] = []

    def run_clocks(platform: Platform) -> None:
        failed.append(True)
        raise ValueError

    monkeypatch.setattr(worker, "run_clocks", run_clocks)
    monkeypatch.setattr(worker, "run_child", lambda platform, stop: stop.set())
    monkeypatch.setattr(worker, "AFTER_FAILURE", 0)
    worker.run_embedded(platform, stop, pause=0)
    assert failed == [True]


def test_giving_up_loads_no_library_that_only_preparing_needs(platform: Platform) -> None:
    source = handed_in(platform)
    script = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from catalog_config.settings import Settings
from pipelines import worker
from pipelines.platform import open_platform
platform = open_platform(Settings(home=Path({str(platform.settings.home)!r})))
with platform.engine.begin() as connection:
    task = worker.lease_next(connection, datetime.now(UTC), "here:a")
worker._close(platform, task, worker._Outcome("worker-ended"))
print([name for name in ("pandas", "frictionless", "pipelines.preparation") if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
    assert load_source(platform, source).status == "refused"


def test_nothing_is_due_before_its_time(platform: Platform) -> None:
    with platform.engine.begin() as connection:
        enqueue(connection, "letter", "a", {}, "li", datetime.now(UTC) + timedelta(hours=1))
    assert not worker.run_one(platform)
