"""Open the database: SQLite (WAL) in the home folder, or what GONGKAI_DATABASE_URL names."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

DATABASE = "gongkai.sqlite"


def open_database(home: Path, url: str = "") -> sa.Engine:
    """An engine whose `begin()` takes the write lock at once on SQLite, so that load-decide-append is serial."""
    if not url:
        (home / DATABASE).touch(mode=0o600)
    engine = sa.create_engine(url or f"sqlite:///{home / DATABASE}")
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_immediate)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event sends BEGIN itself
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("gongkai_read_only", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def reading(engine: sa.Engine) -> sa.Connection:
    """A connection for reading only: takes no write lock. Use as a context manager."""
    return engine.connect().execution_options(gongkai_read_only=True)
