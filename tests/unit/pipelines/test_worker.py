"""What becomes of a task whose handler fails, and of workers that end without a word."""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
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
from pipelines.worker_deaths import ATTEMPTS, FATAL_ATTEMPTS, cause_of_death, worker_name
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
    assert (row.done_at, row.leased_until, row.due_at, row.attempts) == (None, None, NOW, 1)
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


def test_a_publication_that_takes_too_much_memory_keeps_the_code(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    with platform.engine.begin() as connection:
        enqueue(connection, "publish", "a", {"dataset": "bus-stops"}, "li", NOW)
    failing(monkeypatch, "publish", MemoryError())
    worker.run_until_idle(platform)
    assert only_task(platform).error == "too-much-memory"


@pytest.mark.parametrize(
    ("returncode", "kernel_killed", "code", "attempts"),
    [
        (-signal.SIGKILL, True, "out-of-machine-memory", FATAL_ATTEMPTS),
        (-signal.SIGKILL, False, "worker-ended", ATTEMPTS),
        (-signal.SIGABRT, False, "preparation-crashed", FATAL_ATTEMPTS),
        (-signal.SIGABRT, True, "preparation-crashed", FATAL_ATTEMPTS),
        (-signal.SIGSEGV, False, "preparation-crashed", FATAL_ATTEMPTS),
        (-signal.SIGTERM, True, "worker-ended", ATTEMPTS),
        (1, False, "worker-ended", ATTEMPTS),
        (0, True, "worker-ended", ATTEMPTS),
    ],
)
def test_each_end_is_told_as_what_it_was(returncode: int, kernel_killed: bool, code: str, attempts: int) -> None:
    death = cause_of_death(returncode, kernel_killed)
    assert (death.code, death.attempts) == (code, attempts)
    assert death.refusal.remedy is not None


def test_workers_of_one_machine_have_names_of_their_own() -> None:
    assert worker_name(7) != worker_name(8)
    assert worker_name() == worker_name(None)


def test_nothing_is_due_before_its_time(platform: Platform) -> None:
    with platform.engine.begin() as connection:
        enqueue(connection, "letter", "a", {}, "li", datetime.now(UTC) + timedelta(hours=1))
    assert not worker.run_one(platform)
