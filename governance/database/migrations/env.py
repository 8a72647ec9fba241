"""Alembic environment: the connection comes from `migrate`."""

from alembic import context

from governance.database import all_tables
from governance.database.engine import metadata

assert all_tables  # noqa: S101 - imported so that every table is known

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True)
context.run_migrations()
