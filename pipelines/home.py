"""The home folder: all state of an installation, and its keys (created on first start, mode 600)."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

FOLDERS = ("sources", "work", "releases", "rows", "outbox", "keys")


@dataclass(frozen=True)
class Home:
    """sources: accepted uploads, for stewards and preparing alone. work: scratch. releases: content-addressed store.
    rows: row store. outbox: letters written as files. keys: secrets."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def key(self, name: str) -> bytes:
        """The 32-byte secret `name`, made on first use. Lost keys break joins and sessions: back them up."""
        path = self.folder / "keys" / f"{name}.key"
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return path.read_bytes()
        with os.fdopen(descriptor, "wb") as writer:
            writer.write(secrets.token_bytes(32))
            writer.flush()
            os.fsync(writer.fileno())
        return path.read_bytes()


def open_home(folder: Path) -> Home:
    """Create what is missing; private to the account that runs the platform (mode 700)."""
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return Home(folder)
