import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.whole_file import UNFINISHED, whole_file


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("before")
    with whole_file(path) as unfinished:
        unfinished.write_text("half")
        assert (unfinished.parent, unfinished.suffix) == (path.parent, ".csv")
        assert unfinished.name.startswith(UNFINISHED)
        assert path.read_text() == "before"
        unfinished.write_text("whole")
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("there", [True, False])
def test_a_failure_leaves_what_was_there(tmp_path: Path, failure: type[BaseException], there: bool) -> None:
    path = tmp_path / "a.csv"
    if there:
        path.write_text("before")

    def fail(unfinished: Path) -> None:
        unfinished.write_text("half")
        raise failure

    with pytest.raises(failure), whole_file(path) as unfinished:
        fail(unfinished)
    assert [p.read_text() for p in tmp_path.iterdir()] == (["before"] if there else [])


def test_a_place_that_cannot_be_taken_leaves_nothing_unfinished(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError), whole_file(tmp_path / "folder") as unfinished:
        unfinished.write_text("whole")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize(("private", "mode"), [(True, 0o600), (False, 0o644)])
def test_who_may_read_it(tmp_path: Path, private: bool, mode: int) -> None:
    with whole_file(tmp_path / "a", private=private) as unfinished:
        assert stat.S_IMODE(unfinished.stat().st_mode) == mode
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


@pytest.mark.parametrize("durable", [True, False])
def test_a_durable_file_is_on_the_disk_before_it_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    path = tmp_path / "a"
    order: list[tuple[str, bool]] = []
    synced = os.fsync

    def fsync(descriptor: int) -> None:
        order.append(("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file", path.exists()))
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with whole_file(path, durable=durable) as unfinished:
        unfinished.write_text("whole")
    assert order == ([("file", False), ("folder", True)] if durable else [])


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with whole_file(path) as one, whole_file(path) as other:
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"  # the one that ended last
    assert list(tmp_path.iterdir()) == [path]


def test_a_long_name_is_no_longer_while_it_is_unfinished(tmp_path: Path) -> None:
    path = tmp_path / f"{'长' * 83}.csv"  # 253 of 255 bytes
    with whole_file(path) as unfinished:
        unfinished.write_text("whole")
    assert path.read_text() == "whole"
