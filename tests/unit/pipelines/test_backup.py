import sqlite3
import stat
import tarfile
import threading
from pathlib import Path

import pytest

from pipelines.backup import backup, restore
from pipelines.home import open_home
from pipelines.store import Store
from schemas.errors import Conflict, NotFound, Refused


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A home with a database, a release file and a key."""
    home = open_home(tmp_path / "home")
    with sqlite3.connect(home / "gongkai.sqlite") as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE t (n INTEGER)")
        database.execute("INSERT INTO t VALUES (0)")
    database.close()
    home.key("dataset-a")
    (tmp_path / "file").write_bytes(b"content")
    Store(home / "releases").add(tmp_path / "file")
    return home.folder


def test_what_was_backed_up_comes_back(full: Path, tmp_path: Path) -> None:
    assert backup(full, tmp_path / "b.tar.gz") > 0
    assert stat.S_IMODE((tmp_path / "b.tar.gz").stat().st_mode) == 0o600
    restore(tmp_path / "b.tar.gz", tmp_path / "other")
    other = open_home(tmp_path / "other")
    assert other.key("dataset-a") == open_home(full).key("dataset-a")
    assert stat.S_IMODE((other / "keys" / "dataset-a.key").stat().st_mode) == 0o600
    assert [p.read_bytes() for p in (other / "releases").rglob("*") if p.is_file()] == [b"content"]
    database = sqlite3.connect(other / "gongkai.sqlite")
    assert database.execute("SELECT n FROM t").fetchall() == [(0,)]
    database.close()


def test_a_backup_taken_while_writing_holds_whole_transactions(full: Path, tmp_path: Path) -> None:
    over = threading.Event()

    def write() -> None:
        database = sqlite3.connect(full / "gongkai.sqlite", timeout=30)
        n = 1
        while not over.is_set():
            with database:  # always two rows together
                database.execute("INSERT INTO t VALUES (?)", (n,))
                database.execute("INSERT INTO t VALUES (?)", (-n,))
            n += 1
        database.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        backup(full, tmp_path / "b.tar.gz")
    finally:
        over.set()
        writer.join()
    restore(tmp_path / "b.tar.gz", tmp_path / "other")
    database = sqlite3.connect(tmp_path / "other" / "gongkai.sqlite")
    assert database.execute("SELECT SUM(n) FROM t").fetchone() == (0,)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_nothing_is_overwritten(full: Path, tmp_path: Path) -> None:
    backup(full, tmp_path / "b.tar.gz")
    with pytest.raises(Conflict, match="backup-exists"):
        backup(full, tmp_path / "b.tar.gz")
    with pytest.raises(Conflict, match="home-not-empty"):
        restore(tmp_path / "b.tar.gz", full)


def test_a_cut_backup_is_refused_and_leaves_nothing(full: Path, tmp_path: Path) -> None:
    backup(full, tmp_path / "b.tar.gz")
    whole = (tmp_path / "b.tar.gz").read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Refused, match="unreadable-backup"):
        restore(tmp_path / "cut.tar.gz", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_an_archive_that_escapes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "evil").write_text("x")
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "evil", "../escaped")
    with pytest.raises(Refused, match="unreadable-backup"):
        restore(tmp_path / "evil.tar.gz", tmp_path / "other")
    assert not (tmp_path / "escaped").exists()


def test_an_empty_home_has_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no-database"):
        backup(open_home(tmp_path / "home").folder, tmp_path / "b.tar.gz")
    assert not (tmp_path / "b.tar.gz").exists()
