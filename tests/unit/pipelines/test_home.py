import os
import stat
import threading
from pathlib import Path

import pytest

from pipelines.home import clear_old_work, open_home, sole_server
from schemas.errors import ConfigurationError, Conflict


def test_keys_are_made_once_and_are_private(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    first = home.key("dataset-a")
    assert len(first) == 32
    assert home.key("dataset-a") == first
    assert home.key("dataset-b") != first
    assert stat.S_IMODE((home / "keys" / "dataset-a.key").stat().st_mode) == 0o600


def test_all_who_ask_for_a_key_at_once_get_the_same(tmp_path: Path) -> None:
    """Nobody reads a key that another is still writing: an empty key would make other pseudonyms and questions."""
    home = open_home(tmp_path / "home")
    for name in map(str, range(40)):
        together, found = threading.Barrier(6), set()

        def ask(name: str = name, together: threading.Barrier = together, found: set[bytes] = found) -> None:
            together.wait()
            found.add(home.key(name))

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [len(key) for key in found] == [32]
    assert {path.suffix for path in (home / "keys").iterdir()} == {".key"}


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    (home / "keys" / "a.key").touch()
    with pytest.raises(ConfigurationError, match="damaged-key"):
        home.key("a")


def test_the_home_folder_is_private(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "sources").stat().st_mode) == 0o700


def test_a_second_server_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    with sole_server(home), pytest.raises(Conflict, match="already-serving"), sole_server(home):
        pass
    with sole_server(home):  # the lock ended with its holder
        pass


def test_scratch_of_a_killed_process_does_not_stay(tmp_path: Path) -> None:
    home = open_home(tmp_path / "home")
    for name in ("old", "new"):
        (home / "work" / name).mkdir()
        (home / "work" / name / "table.arrow").write_text("raw")
    os.utime(home / "work" / "old", (0, 0))
    clear_old_work(home)
    assert [p.name for p in (home / "work").iterdir()] == ["new"]
