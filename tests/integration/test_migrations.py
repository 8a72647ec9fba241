"""The migrations make exactly the tables that the code declares, on SQLite and on PostgreSQL."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from governance.database.all_tables import dataset_tables  # noqa: F401 - makes the tables known
from governance.database.engine import metadata, open_database
from governance.database.migrate import migrate


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    if request.param == "sqlite":
        opened = open_database(tmp_path)
        yield opened
        opened.dispose()
        return
    server = sa.make_url(request.getfixturevalue("postgres_url"))
    name = f"gongkai_{uuid.uuid4().hex}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    opened = open_database(tmp_path, server.set(database=name).render_as_string(hide_password=False))
    yield opened
    opened.dispose()
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def test_the_newest_revision_is_what_the_code_declares(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert differences == []


def test_migrating_again_changes_nothing_and_events_cannot_be_edited(engine: sa.Engine) -> None:
    migrate(engine)
    migrate(engine)
    append_only = [t for t in metadata.tables.values() if t.info.get("append_only")]
    assert append_only
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO audit_log (at, actor, action, subject, data) "
                "VALUES ('2026-01-01 00:00:00', 'li', 'test', 'test', '{}')"
            )
        )
    for verb in ("UPDATE audit_log SET actor = 'wang'", "DELETE FROM audit_log"):
        with pytest.raises(sa.exc.DBAPIError, match="never changed"), engine.begin() as connection:
            connection.execute(sa.text(verb))
