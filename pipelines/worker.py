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
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from governance.access.service import run_due
from governance.database.engine import reading
from governance.outbox import (
    Task,
    anything_due,
    extend_lease,
    finish,
    lease_next,
    leased_task,
    retry_later,
    return_task,
    still_held,
)
from governance.sign_in_limits import forget_old_attempts
from pipelines.letters import send_letter
from pipelines.memory_limit import (
    memory_for_work,
    memory_half_full,
    no_thread_started,
    oom_kills,
    ran_out_of_memory,
    too_much_memory,
)
from pipelines.platform import Platform
from pipelines.source_files import list_files
from pipelines.source_refusal import refuse_source
from pipelines.sources import load_source
from pipelines.worker_deaths import (
    ATTEMPTS,
    NAME,
    cause_of_death,
    file_failed,
    new_worker_name,
    preparation_failed,
    worker_name,
)
from schemas.actor import Actor, Duty, system_actor
from schemas.errors import DependencyFailed, GongkaiError, Refused

logger = logging.getLogger("gongkai.worker")
RENEW_EVERY = 60  # seconds
CLOCKS_EVERY = 600  # seconds
AFTER_FAILURE = 10  # seconds
ENDS_WITHIN = 5  # seconds; service managers and container engines wait for ten at least before they kill
STOPPED_TOGETHER = 2  # seconds; Ctrl-C and systemd end a child with its parent, which may take longer to know
CHILD = (sys.executable, "-m", "pipelines.cli", "worker", "--until-idle")


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


class MemorySpent(Exception):
    """A task ran out of memory. Allocators do not give everything back: a new process has to go on."""


def run_until_idle(platform: Platform) -> int:
    """Run everything that is due; returns how many tasks were run. Ends early where its memory is full, or half full,
    so that each task finds what it needs: then a new process has to go on."""
    run_clocks(platform)
    count = 0
    with suppress(MemorySpent):
        while count == 0 or not memory_half_full():
            if not run_one(platform, fresh=count == 0):
                break
            count += 1
    return count


def run_one(platform: Platform, fresh: bool = True) -> bool:
    """Lease and run one task; False when none is due. A refusal ends the task; what may recover is tried again.

    fresh: this process has run no other task, so that its memory is the task's own. Raises MemorySpent where memory
    ran out: the task is closed or tried again later where the process was fresh, else it is back in its place.
    """
    with platform.engine.begin() as connection:
        task = lease_next(connection, datetime.now(UTC), worker_name())
    if task is None:
        return False
    with _lease_kept(platform, task):  # a thread: that it cannot start says nothing about the task
        outcome = _attempt(platform, task)
    if outcome.memory_spent and not fresh:
        with platform.engine.begin() as connection:
            return_task(connection, task)
    else:
        _close(platform, task, outcome)
    if outcome.memory_spent:
        raise MemorySpent
    return True


@dataclass(frozen=True)
class _Outcome:
    """error: code, None where it is done. recoverable: to be tried again. refusal: what its owner reads where it is
    given up, None: that it failed often."""

    error: str | None = None
    recoverable: bool = False
    refusal: Refused | None = None
    memory_spent: bool = False


def _attempt(platform: Platform, task: Task) -> _Outcome:
    try:
        if task.attempts > ATTEMPTS:  # every worker that took it died of it, or was killed
            raise _WorkersDied
        HANDLERS[task.kind](platform, task)
    except Exception as failure:  # not handed on: it holds on to what it had in hand
        return _judged(platform, task, failure)
    return _Outcome()


def _judged(platform: Platform, task: Task, failure: Exception) -> _Outcome:
    again = task.attempts < ATTEMPTS
    if ran_out_of_memory(failure):
        if no_thread_started(failure) and not memory_half_full():  # there are too many elsewhere
            return _Outcome("no-thread-started", again, memory_spent=True)
        refusal = too_much_memory(memory_for_work(platform.settings.worker_memory))
        if task.kind in GIVING_UP:  # its file will want as much the next time
            return _Outcome(refusal.code, refusal=refusal, memory_spent=True)
        return _Outcome(refusal.code, again, memory_spent=True)
    if isinstance(failure, DependencyFailed):
        return _Outcome(failure.code, again)
    if isinstance(failure, GongkaiError):
        return _Outcome(failure.code)
    logger.error("task %s %s failed: %s", task.id, task.kind, _told_without_values(failure))
    return _Outcome(f"unexpected:{type(failure).__name__}", task.attempts < 3)


def _close(platform: Platform, task: Task, outcome: _Outcome) -> None:
    """Done, put back for later, or given up; unless another worker has it by now, as this one was away for too long."""
    with reading(platform.engine) as connection:
        if not still_held(connection, task):
            logger.warning("task %s %s was taken over by another worker", task.id, task.kind)
            return
    tried_again = outcome.error is not None and outcome.recoverable
    if outcome.error is not None and not tried_again and task.kind in GIVING_UP:
        GIVING_UP[task.kind](platform, task, outcome.refusal)
    now = datetime.now(UTC)
    with platform.engine.begin() as connection:
        if outcome.error is not None and tried_again:
            retry_later(connection, task, now, outcome.error)
        else:
            finish(connection, task, now, outcome.error)
    logger.info("task %s %s: %s", task.id, task.kind, outcome.error or "done")


class _WorkersDied(Exception):
    """A task outlived every worker that ran it."""


def _give_up_preparing(platform: Platform, task: Task, refusal: Refused | None) -> None:
    """The steward learns that nothing more will come; what was refused has its reason already."""
    source = load_source(platform, task.payload["source"])
    if source.status in ("received", "preparing"):
        refuse_source(platform, source, refusal or preparation_failed(), system_actor("worker"))


def _give_up_file(platform: Platform, task: Task, refusal: Refused | None) -> None:
    from pipelines.source_reports import give_up_file

    name = task.payload["name"]
    known = list_files(platform, task.payload["source"]).get(name)
    if known is not None and known.status == "making":
        give_up_file(platform, task.payload["source"], name, refusal or file_failed())


GIVING_UP: dict[str, Callable[[Platform, Task, Refused | None], None]] = {
    "prepare": _give_up_preparing,
    "source-file": _give_up_file,
}


def _told_without_values(failure: Exception) -> str:
    """What failed and where, never what the exception says: its text may quote a cell."""
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    return f"{type(failure).__name__} at {place}"


@contextmanager
def _lease_kept(platform: Platform, task: Task) -> Iterator[None]:
    over = threading.Event()

    def renew() -> None:
        while not over.wait(RENEW_EVERY):
            try:
                with platform.engine.begin() as connection:
                    extend_lease(connection, task, datetime.now(UTC))
            except Exception as failure:  # of the database: the lease outlives some of them
                logger.error("lease of task %s was not renewed: %s", task.id, _told_without_values(failure))

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def embedded_worker(platform: Platform) -> Iterator[None]:
    """`run_embedded` in a thread; at the end its child is ended too, and what that had in hand is free."""
    stop = threading.Event()
    watch = threading.Thread(target=run_embedded, args=(platform, stop), daemon=True)
    watch.start()
    try:
        yield
    finally:
        stop.set()
        watch.join(2 * ENDS_WITHIN)


def run_embedded(platform: Platform, stop: threading.Event, pause: float = 0.5) -> None:
    """Watch the outbox and the clocks until `stop` is set; when a task is due, run a child worker until it is idle
    again.

    Nothing ends the watch before: whatever fails (the database starts anew, no process can be had) is tried again.
    """
    clocks_at = float("-inf")
    while not stop.wait(pause):
        try:
            if time.monotonic() - clocks_at >= CLOCKS_EVERY:
                clocks_at = time.monotonic()  # also where they fail: the tasks do not wait for them
                run_clocks(platform)
            with reading(platform.engine) as connection:
                due = anything_due(connection, datetime.now(UTC))
            if due:
                run_child(platform, stop)
        except Exception as failure:
            logger.error("the watch over tasks and clocks failed: %s", _told_without_values(failure))
            stop.wait(AFTER_FAILURE)


def run_child(platform: Platform, stop: threading.Event, kernel_kills: Callable[[], int] = oom_kills) -> None:
    """Run one child worker to its end. What it had in hand when it died is tried again, or given up with the reason.

    Its scratch files may hold raw values: they stay in the home folder, whatever ends the process. kernel_kills: counts
    the processes that the kernel has killed for want of memory.
    """
    name = new_worker_name()
    environment = {**os.environ, "TMPDIR": str((platform.home / "work").resolve()), NAME: name}
    killed_before = kernel_kills()
    child = subprocess.Popen(CHILD, env=environment)  # noqa: S603 - our own command
    stopped = False
    try:
        while child.poll() is None and not stopped:
            stopped = stop.wait(0.2)
    finally:
        _end(child)
    with platform.engine.begin() as connection:
        task = leased_task(connection, name, datetime.now(UTC))
    if task is not None:
        death = cause_of_death(child.returncode, kernel_kills() > killed_before)
        if stopped or (death.refusal is None and stop.wait(STOPPED_TOGETHER)):
            with platform.engine.begin() as connection:
                return_task(connection, task)  # it keeps its place
        else:
            logger.error("worker %s ended with %s over task %s: %s", child.pid, child.returncode, task.id, death.code)
            before = task.error if task.kind in GIVING_UP else None  # a letter has no file that could be at fault
            last_word = death.last_word(task.attempts, before)
            _close(platform, task, _Outcome(death.code, last_word is None, last_word))
    if child.returncode:
        stop.wait(1)


def _end(child: "subprocess.Popen[bytes]") -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(timeout=ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
