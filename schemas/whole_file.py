"""Files that are whole or not there: written beside their place, and put into it when they are finished."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = "tmp-"  # names of unfinished files begin so; backups leave them out


@contextmanager
def whole_file(path: Path, *, private: bool = True, durable: bool = False) -> Iterator[Path]:
    """An empty file in the folder of `path`, with its suffix, for the block to write. It takes the place of `path` when
    the block ends, and goes when the block fails: nobody ever reads half of it, and what stood there stays till then.

    private: readable by this account alone; else as the process makes files (umask). durable: it and its name are on
    the disk when this returns. Raises what the block raises, OSError.
    """
    unfinished = path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}{path.suffix}")
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600 if private else 0o666))
    try:
        yield unfinished
        if durable:
            _to_disk(unfinished)
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    if durable:
        _to_disk(path.parent)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
