"""The databases that a test runs against: SQLite in the home folder, or a PostgreSQL database of its own."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa


@contextmanager
def database_address(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address for GONGKAI_DATABASE_URL, by the fixture's parameter `sqlite` (empty) or `postgres`."""
    if request.param == "sqlite":
        yield ""
        return
    server, name = sa.make_url(request.getfixturevalue("postgres_url")), f"gongkai_{uuid.uuid4().hex}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()
