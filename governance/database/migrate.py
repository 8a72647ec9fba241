"""Bring a database to the newest revision (Alembic). Running it again changes nothing."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from schemas.errors import DependencyFailed
from schemas.text import Text


def migrate(engine: sa.Engine) -> None:
    """Upgrade to head inside one transaction, so that a killed upgrade leaves the old revision.

    Raises DependencyFailed when the database does not answer.
    """
    try:
        with engine.begin() as connection:
            command.upgrade(migration_config(connection), "head")
    except sa.exc.OperationalError:
        raise DependencyFailed(
            "database-unreachable",
            Text(zh="数据库无法连接或无法使用", en="the database cannot be reached or used"),
            Text(
                zh="请检查 GONGKAI_DATABASE_URL、数据库服务和磁盘",
                en="check GONGKAI_DATABASE_URL, the database server and the disk",
            ),
        ) from None


def migration_config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("governance.database") / "migrations"))
    config.attributes["connection"] = connection
    return config
