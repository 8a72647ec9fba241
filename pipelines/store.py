"""Content-addressed store of release files: a file's name is its SHA-256 digest."""

import hashlib
import os
import tempfile
from io import BufferedReader
from pathlib import Path

from schemas.errors import DependencyFailed, NotFound
from schemas.text import Text

BLOCK = 1 << 20


class Store:
    """A folder of files named by digest (`ab/abcd…`). Writing the same bytes twice changes nothing."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path:
        """Where the bytes of `digest` are. Raises NotFound."""
        path = self._place(digest)
        if not path.is_file():
            raise NotFound(
                "unknown-digest",
                Text(zh="没有这个文件", en="there is no such file"),
                Text(zh="摘要为64位十六进制的 SHA-256", en="a digest is a SHA-256 in 64 hexadecimal digits"),
                field="digest",
            )
        return path

    def add(self, source: Path) -> str:
        """Copy a finished file in; returns its digest. Durable when it returns."""
        hasher = hashlib.sha256()
        with source.open("rb") as reader, tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as writer:
            while block := reader.read(BLOCK):
                hasher.update(block)
                writer.write(block)
            writer.flush()
            os.fsync(writer.fileno())
        place = self._place(hasher.hexdigest())
        place.parent.mkdir(exist_ok=True)
        os.replace(writer.name, place)
        return hasher.hexdigest()

    def verify(self, digest: str) -> None:
        """Raises DependencyFailed when the stored bytes no longer have their digest."""
        with self.path(digest).open("rb") as reader:
            if file_digest(reader) != digest:
                raise DependencyFailed(
                    "digest-mismatch",
                    Text(zh="存储的文件与审核时不一致", en="a stored file is not what was reviewed"),
                    Text(zh="请从备份恢复，并检查存储", en="restore it from a backup and check the storage"),
                )

    def _place(self, digest: str) -> Path:
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise NotFound(
                "unknown-digest",
                Text(zh="不是有效的摘要", en="not a digest"),
                Text(zh="摘要为64位十六进制的 SHA-256", en="a digest is a SHA-256 in 64 hexadecimal digits"),
                field="digest",
            )
        return self.folder / digest[:2] / digest


def file_digest(reader: BufferedReader) -> str:
    """SHA-256 of the rest of `reader`, hex."""
    return hashlib.file_digest(reader, "sha256").hexdigest()
