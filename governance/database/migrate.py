"""Bring a database to the newest revision (Alembic). Running it again changes nothing."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import command
from alembic.config import Config


def migrate(engine: sa.Engine) -> None:
    """Upgrade to head inside one transaction, so that a killed upgrade leaves the old revision."""
    with engine.begin() as connection:
        command.upgrade(migration_config(connection), "head")


def migration_config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("governance.database") / "migrations"))
    config.attributes["connection"] = connection
    return config
