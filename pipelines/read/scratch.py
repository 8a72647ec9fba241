"""Scratch folders that vanish with the object that needs them."""

import shutil
import tempfile
import weakref
from pathlib import Path


class Scratch:
    """A private folder (mode 700), removed when this object is no longer used, or at the end of the process."""

    def __init__(self, prefix: str, folder: Path | None = None):
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=folder))
        self._remove = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def remove(self) -> None:
        self._remove()
