"""The home folder: all state of an installation, and its keys (created on first start, mode 600)."""

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ConfigurationError, Conflict
from schemas.text import Text

KEY_BYTES = 32
FOLDERS = ("sources", "work", "releases", "rows", "outbox", "keys")


@dataclass(frozen=True)
class Home:
    """sources: accepted uploads, for stewards and preparing alone. work: scratch. releases: content-addressed store.
    rows: row store. outbox: letters written as files. keys: secrets."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def key(self, name: str) -> bytes:
        """The 32-byte secret `name`, made on first use. Lost keys break joins and sessions: back them up.

        Raises ConfigurationError `damaged-key`.
        """
        path = self.folder / "keys" / f"{name}.key"
        if not path.exists():
            # Whole or not there: whoever asks at the same moment must not read a key that is still being written.
            with tempfile.NamedTemporaryFile(dir=self.folder / "keys", prefix=".") as writer:
                writer.write(secrets.token_bytes(KEY_BYTES))
                writer.flush()
                os.fsync(writer.fileno())
                with contextlib.suppress(FileExistsError):
                    os.link(writer.name, path)
        key = path.read_bytes()
        if len(key) != KEY_BYTES:
            raise ConfigurationError(
                "damaged-key",
                Text(zh=f"密钥文件 {path.name} 已损坏", en=f"the key file {path.name} is damaged"),
                Text(
                    zh="请从备份恢复 keys 目录；从未使用过的密钥可以删除",
                    en="restore the folder keys from a backup; a key that was never used can be deleted",
                ),
                field="keys",
            )
        return key


def open_home(folder: Path) -> Home:
    """Create what is missing; private to the account that runs the platform (mode 700)."""
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return Home(folder)


def clear_old_work(home: Home) -> None:
    """Remove scratch that a killed process left: it may hold raw values. Nothing works on one file for a day."""
    oldest = time.time() - 24 * 3600
    for path in (home / "work").iterdir():
        if path.lstat().st_mtime < oldest:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


@contextmanager
def sole_server(home: Home) -> Iterator[None]:
    """Held by the one server of a home folder; a second one is refused. The lock ends with the process."""
    with (home / "serve.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "already-serving",
                Text(zh="这个目录已有一个服务在运行", en="a server is already running on this home folder"),
                Text(
                    zh="请先停止它，或为另一个实例设置不同的 GONGKAI_HOME",
                    en="stop it first, or give the other instance a GONGKAI_HOME of its own",
                ),
            ) from None
        yield
