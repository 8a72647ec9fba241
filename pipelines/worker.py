"""Worker: takes tasks from the outbox and runs them. Every handler may run twice.

`gongkai serve` keeps an embedded worker: a thread that starts a short-lived child process whenever something is
due, so that the server's memory and latency do not pay for preparing.
"""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from governance.access.service import run_due
from governance.database.engine import reading
from governance.outbox import Task, anything_due, extend_lease, finish, lease_next, retry_later
from governance.sign_in_limits import forget_old_attempts
from pipelines.letters import send_letter
from pipelines.platform import Platform
from pipelines.source_files import list_files
from pipelines.sources import load_source
from schemas.actor import Actor, Duty, system_actor
from schemas.errors import DependencyFailed, GongkaiError

logger = logging.getLogger("gongkai.worker")
ATTEMPTS = 8
RENEW_EVERY = 60  # seconds
CLOCKS_EVERY = 600  # seconds


def _prepare(platform: Platform, task: Task) -> None:
    from pipelines.preparation import prepare_source  # the heavy libraries load only where something is prepared

    prepare_source(platform, task.payload["source"], system_actor("worker"))


def _publish(platform: Platform, task: Task) -> None:
    from pipelines.publish import publish

    actor = Actor(id=task.actor, duties=frozenset({Duty.OPERATOR}))
    publish(platform, task.payload["dataset"], actor, datetime.now(UTC))


def _source_file(platform: Platform, task: Task) -> None:
    from pipelines.source_reports import make_file

    make_file(platform, task.payload["source"], task.payload["name"])


def _letter(platform: Platform, task: Task) -> None:
    send_letter(platform.settings, platform.home, task.id, task.payload)


HANDLERS: dict[str, Callable[[Platform, Task], None]] = {
    "prepare": _prepare,
    "publish": _publish,
    "letter": _letter,
    "source-file": _source_file,
}


def run_clocks(platform: Platform) -> None:
    """Lapse applications and expire grants whose time is over, forget attempts to sign in. Running it again changes
    nothing."""
    now = datetime.now(UTC)
    with platform.engine.begin() as connection:
        run_due(connection, actor=system_actor("worker"), now=now)
        forget_old_attempts(connection, now)


def run_until_idle(platform: Platform) -> int:
    """Run everything that is due; returns how many tasks were run."""
    run_clocks(platform)
    count = 0
    while run_one(platform):
        count += 1
    return count


def run_one(platform: Platform) -> bool:
    """Lease and run one task; False when none is due. A refusal ends the task; what may recover is tried again."""
    with platform.engine.begin() as connection:
        task = lease_next(connection, datetime.now(UTC))
    if task is None:
        return False
    error: str | None = None
    recoverable = False
    try:
        if task.attempts > ATTEMPTS:  # every worker that took it died of it, or was killed
            raise _WorkersDied
        with _lease_kept(platform, task):
            HANDLERS[task.kind](platform, task)
    except DependencyFailed as failure:
        error, recoverable = failure.code, task.attempts < ATTEMPTS
    except GongkaiError as refusal:
        error = refusal.code
    except Exception as failure:
        error, recoverable = f"unexpected:{type(failure).__name__}", task.attempts < 3
        _log_without_values(task, failure)
    if error and not recoverable and task.kind in GIVING_UP:
        GIVING_UP[task.kind](platform, task)
    now = datetime.now(UTC)
    with platform.engine.begin() as connection:
        if error and recoverable:
            retry_later(connection, task, now, error)
        else:
            finish(connection, task, now, error)
    logger.info("task %s %s: %s", task.id, task.kind, error or "done")
    return True


class _WorkersDied(Exception):
    """A task outlived every worker that ran it."""


def _give_up_preparing(platform: Platform, task: Task) -> None:
    """The steward learns that nothing more will come; what was refused has its reason already."""
    from pipelines.preparation import give_up_source

    source = load_source(platform, task.payload["source"])
    if source.status in ("received", "preparing"):
        give_up_source(platform, source.id, system_actor("worker"))


def _give_up_file(platform: Platform, task: Task) -> None:
    from pipelines.source_reports import give_up_file

    name = task.payload["name"]
    known = list_files(platform, task.payload["source"]).get(name)
    if known is not None and known.status == "making":
        give_up_file(platform, task.payload["source"], name)


GIVING_UP: dict[str, Callable[[Platform, Task], None]] = {"prepare": _give_up_preparing, "source-file": _give_up_file}


def _log_without_values(task: Task, failure: Exception) -> None:
    """Where it failed, never what the exception says: its text may quote a cell."""
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    logger.error("task %s %s failed: %s at %s", task.id, task.kind, type(failure).__name__, place)


@contextmanager
def _lease_kept(platform: Platform, task: Task) -> Iterator[None]:
    over = threading.Event()

    def renew() -> None:
        while not over.wait(RENEW_EVERY):
            with platform.engine.begin() as connection:
                extend_lease(connection, task, datetime.now(UTC))

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def run_forever(platform: Platform, stop: threading.Event, pause: float = 2.0) -> None:
    """Work until `stop` is set."""
    clocks_at = float("-inf")
    while not stop.is_set():
        if time.monotonic() - clocks_at >= CLOCKS_EVERY:
            run_clocks(platform)
            clocks_at = time.monotonic()
        if not run_one(platform):
            stop.wait(pause)


def run_embedded(platform: Platform, stop: threading.Event, pause: float = 0.5) -> None:
    """Watch the outbox and the clocks; when a task is due, run a child worker until it is idle again."""
    clocks_at = float("-inf")
    while not stop.wait(pause):
        if time.monotonic() - clocks_at >= CLOCKS_EVERY:
            run_clocks(platform)
            clocks_at = time.monotonic()
        with reading(platform.engine) as connection:
            due = anything_due(connection, datetime.now(UTC))
        if due:
            _run_child(platform, stop)


def _run_child(platform: Platform, stop: threading.Event) -> None:
    """Its scratch files may hold raw values: they stay in the home folder, whatever ends the process."""
    environment = {**os.environ, "TMPDIR": str((platform.home / "work").resolve())}
    child = subprocess.Popen([sys.executable, "-m", "pipelines.cli", "worker", "--until-idle"], env=environment)
    while child.poll() is None:
        if stop.wait(0.2):
            child.terminate()  # its task keeps its place in the outbox
            child.wait(timeout=30)
    if child.returncode:
        time.sleep(1)
