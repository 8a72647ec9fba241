"""Back up and restore the home folder while the platform serves.

The database is copied first (SQLite's online backup): whatever it names was written before and never changes.
"""

import contextlib
import os
import sqlite3
import tarfile
import tempfile
from pathlib import Path

from governance.database.engine import DATABASE
from pipelines.home import FOLDERS, open_home
from schemas.errors import Conflict, NotFound, Refused
from schemas.text import Text

KEPT = tuple(f for f in FOLDERS if f not in {"work", "rows"})  # scratch, and derived from releases


def backup(home: Path, target: Path) -> int:
    """Write `target` (.tar.gz, mode 600: it holds the keys); returns its size in bytes. Refuses to overwrite."""
    if not (home / DATABASE).is_file():
        raise NotFound(
            "no-database",
            Text(zh="这个目录里没有数据库", en="there is no database in this home folder"),
            Text(
                zh="请设置 GONGKAI_HOME；使用 PostgreSQL 时请用 pg_dump 备份数据库",
                en="set GONGKAI_HOME; with PostgreSQL back its database up with pg_dump",
            ),
        )
    try:
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise Conflict(
            "backup-exists",
            Text(zh="备份文件已存在", en="the backup file exists already"),
            Text(zh="请换一个文件名", en="choose another name"),
            field="target",
        ) from None
    try:
        with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz", compresslevel=3) as archive:
            with tempfile.TemporaryDirectory(dir=home / "work") as scratch:
                snapshot = Path(scratch) / DATABASE
                _copy_database(home / DATABASE, snapshot)
                archive.add(snapshot, DATABASE)
            for folder in KEPT:
                archive.add(home / folder, folder, filter=_without_unfinished)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return target.stat().st_size


def _copy_database(source: Path, target: Path) -> None:
    with contextlib.closing(sqlite3.connect(source)) as reader, contextlib.closing(sqlite3.connect(target)) as writer:
        reader.backup(writer, pages=1000)


def _without_unfinished(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if Path(member.name).name.startswith("tmp") else member


def restore(source: Path, home: Path) -> None:
    """Unpack a backup into an empty or absent folder; all or nothing."""
    if home.exists() and any(home.iterdir()):
        raise Conflict(
            "home-not-empty",
            Text(zh="目标目录不是空的", en="the home folder is not empty"),
            Text(
                zh="请恢复到一个新目录，再切换 GONGKAI_HOME",
                en="restore into a new folder and set GONGKAI_HOME",
            ),
            field="home",
        )
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        unpacked = Path(scratch) / "home"
        try:
            with tarfile.open(source, "r:gz") as archive:
                archive.extractall(unpacked, filter="data")
        except (OSError, tarfile.TarError, EOFError) as error:
            raise Refused(
                "unreadable-backup",
                Text(zh="备份文件无法读取或不完整", en="the backup cannot be read or is not whole"),
                Text(zh="请换用另一份备份", en="use another backup"),
                field="source",
            ) from error
        if not (unpacked / DATABASE).is_file():
            raise Refused(
                "not-a-backup",
                Text(zh="这不是 gongkai 的备份文件", en="this is not a backup of gongkai"),
                Text(zh="请选择由 gongkai backup 生成的文件", en="choose a file that gongkai backup wrote"),
                field="source",
            )
        open_home(unpacked)
        if home.exists():
            home.rmdir()
        os.replace(unpacked, home)
