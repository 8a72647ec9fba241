"""Small files that fill the memory: the child that prepares them is held to its share, and says so once."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from catalog_config.settings import LEAST_MEMORY, Settings
from governance.database.dataset_tables import outbox
from governance.database.engine import reading
from governance.outbox import anything_due
from pipelines import worker
from pipelines.datasets import apply_dataset, read_declaration
from pipelines.demo import CITY
from pipelines.platform import Platform, open_platform
from pipelines.sources import accept_source, load_source, source_path
from pipelines.worker_deaths import NAME
from schemas.actor import system_actor
from tests.factories.hostile_files import MARK, repeated_by_difference, repeated_by_list

OPERATOR = system_actor("test")
STOPS, PENALTIES = "bus-stops", "administrative-penalties"
LONG_AGO = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def platform(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setenv("GONGKAI_WORKER_MEMORY", str(LEAST_MEMORY))  # of the child
    opened = open_platform(Settings(home=home, worker_memory=LEAST_MEMORY))
    with opened.engine.begin() as connection:
        for name in (STOPS, PENALTIES):
            declared = read_declaration(CITY / "datasets" / f"{name}.yaml")
            apply_dataset(connection, declared, opened.configuration, OPERATOR, LONG_AGO)
    yield opened
    opened.engine.dispose()


def hand_in(platform: Platform, dataset: str, path: Path) -> str:
    with path.open("rb") as content:
        return accept_source(platform, dataset, content, path.name, OPERATOR, datetime.now(UTC))


def good(platform: Platform) -> str:
    return hand_in(platform, STOPS, CITY / "sources" / f"{STOPS}.csv")


def task(platform: Platform, source: str) -> sa.Row:
    with reading(platform.engine) as connection:
        return connection.execute(sa.select(outbox).where(outbox.c.key == f"prepare:{source}")).one()


def make_due(platform: Platform) -> None:
    with platform.engine.begin() as connection:
        connection.execute(outbox.update().values(due_at=LONG_AGO))


def work_off(platform: Platform) -> int:
    """Children, one after another, until nothing is due; returns how many there were."""
    count = 0
    while True:
        with reading(platform.engine) as connection:
            if not anything_due(connection, datetime.now(UTC)):
                return count
        worker.run_child(platform, threading.Event())
        count += 1
        assert count < 10


@pytest.mark.slow
@pytest.mark.parametrize(("dataset", "make"), [(STOPS, repeated_by_difference), (PENALTIES, repeated_by_list)])
def test_a_file_that_fills_the_memory_is_refused_once_and_others_are_not(
    platform: Platform, tmp_path: Path, dataset: str, make: Callable[[Path], Path]
) -> None:
    path = make(tmp_path / "hostile.parquet")
    assert path.stat().st_size < 100_000
    hostile = hand_in(platform, dataset, path)
    after = good(platform)
    assert work_off(platform) == 2  # with so little memory, each file has a process of its own
    refused = load_source(platform, hostile)
    assert refused.status == "refused"
    assert refused.outcome is not None
    error = refused.outcome["error"]
    assert error["code"] == "too-much-memory"
    assert "GONGKAI_WORKER_MEMORY" in error["remedy"]["zh"]
    assert "拆分" in error["remedy"]["zh"]
    assert "split" in error["remedy"]["en"]
    assert MARK not in json.dumps(refused.outcome, ensure_ascii=False)
    row = task(platform, hostile)
    assert (row.error, row.attempts, row.done_at is not None) == ("too-much-memory", 1, True)
    assert source_path(platform.home, hostile, path.name).read_bytes() == path.read_bytes()
    assert load_source(platform, after).status == "prepared"
    assert list((platform.home / "work").iterdir()) == []


def killed_by(platform: Platform, how: signal.Signals) -> None:
    """Run a child, and end it by a signal as soon as it has a task in hand. The machine kills nothing meanwhile."""
    running = threading.Thread(target=worker.run_child, args=(platform, threading.Event(), lambda: 0))
    running.start()
    with child_at_work(platform) as child:
        os.kill(child, how)
    running.join(180)
    assert not running.is_alive()


@contextmanager
def child_at_work(platform: Platform) -> Iterator[int]:
    """Id of a child that has a task in hand. It cannot close the task meanwhile: the database's one lock is ours."""
    for _ in range(2400):
        with platform.engine.begin() as connection:
            held = sa.select(outbox.c.leased_by).where(outbox.c.leased_until >= datetime.now(UTC))
            name = connection.execute(held).scalar()
            if name:
                yield pid_of(name)
                return
        time.sleep(0.05)
    raise AssertionError("no child took the task")


def wait_for_end(pid: int) -> None:
    with suppress(ProcessLookupError):
        for _ in range(2400):
            os.kill(pid, 0)
            time.sleep(0.05)
        raise AssertionError("it did not end")


def pid_of(name: str) -> int:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # another's, or gone
            named = f"{NAME}={name}".encode() in (process / "environ").read_bytes().split(b"\0")
            if named and b"--until-idle" in (process / "cmdline").read_bytes():
                return int(process.name)
    raise ProcessLookupError


@pytest.mark.slow
def test_a_file_over_which_the_process_crashes_is_tried_twice(platform: Platform) -> None:
    source = good(platform)
    killed_by(platform, signal.SIGABRT)
    row = task(platform, source)
    assert (row.error, row.attempts, row.done_at, row.leased_until) == ("preparation-crashed", 1, None, None)
    assert load_source(platform, source).status in ("received", "preparing")
    make_due(platform)
    killed_by(platform, signal.SIGSEGV)
    row = task(platform, source)
    assert (row.error, row.attempts, row.done_at is not None) == ("preparation-crashed", 2, True)
    refused = load_source(platform, source)
    assert refused.status == "refused"
    assert refused.outcome is not None
    assert refused.outcome["error"]["code"] == "preparation-crashed"
    assert "SIGSEGV" in refused.outcome["error"]["message"]["zh"]


@pytest.mark.slow
def test_a_worker_that_somebody_kills_says_nothing_against_the_file(platform: Platform) -> None:
    source = good(platform)
    for attempt in (1, 2):
        killed_by(platform, signal.SIGKILL)
        row = task(platform, source)
        assert (row.error, row.attempts, row.done_at) == ("worker-ended", attempt, None)
        assert row.due_at > datetime.now(UTC)
        make_due(platform)
    assert work_off(platform) == 1
    assert load_source(platform, source).status == "prepared"


@pytest.mark.slow
def test_a_worker_that_is_stopped_gives_its_task_back(platform: Platform) -> None:
    source = good(platform)
    stop = threading.Event()
    running = threading.Thread(target=worker.run_child, args=(platform, stop))
    running.start()
    with child_at_work(platform) as child:
        stop.set()
        wait_for_end(child)
    running.join(180)
    row = task(platform, source)
    assert (row.error, row.done_at, row.leased_until) == (None, None, None)
    with reading(platform.engine) as connection:
        assert anything_due(connection, datetime.now(UTC) + timedelta(seconds=1))


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["worker", "serve"])
def test_worker_and_server_end_with_their_child_and_give_its_task_back(
    platform: Platform, command: str, how: signal.Signals
) -> None:
    source = good(platform)
    port = ["--port", str(free_port())] if command == "serve" else []
    running = subprocess.Popen([sys.executable, "-m", "pipelines.cli", command, *port])
    with child_at_work(platform) as child:
        running.send_signal(how)
        wait_for_end(child)
    assert running.wait(180) == 0
    row = task(platform, source)
    assert (row.error, row.done_at, row.leased_until) == (None, None, None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line under a limit of the shell's (ulimit -d)."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (LEAST_MEMORY, LEAST_MEMORY))

    environment = {**os.environ, "MIMALLOC_ARENA_EAGER_COMMIT": "0"}
    environment.pop("GONGKAI_WORKER_MEMORY", None)
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        preexec_fn=limit,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("language", "words"), [("zh", "内存不足"), ("en", "not enough memory")])
def test_validating_says_that_memory_ran_out(home: Path, tmp_path: Path, language: str, words: str) -> None:
    path = repeated_by_difference(tmp_path / "hostile.parquet")
    ran = command("validate", str(path), "--schema", STOPS, "--lang", language)
    assert (ran.returncode, "out-of-memory" in ran.stderr, words in ran.stderr) == (3, True, True), ran.stderr
    assert "Traceback" not in ran.stderr
    assert MARK not in ran.stderr + ran.stdout


@pytest.mark.slow
def test_preparing_by_hand_says_so_and_leaves_the_source_to_the_worker(platform: Platform, tmp_path: Path) -> None:
    path = repeated_by_difference(tmp_path / "hostile.parquet")
    ran = command("prepare", STOPS, "--source", str(path), "--lang", "en")
    assert (ran.returncode, "out-of-memory" in ran.stderr, "Traceback" in ran.stderr) == (3, True, False), ran.stderr
    with reading(platform.engine) as connection:
        assert anything_due(connection, datetime.now(UTC))
