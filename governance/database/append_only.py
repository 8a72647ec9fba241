"""Tables whose rows are never changed or removed: the database itself refuses, on SQLite and PostgreSQL."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

MESSAGE = "rows of this table are never changed"
_FUNCTION = "gongkai_refuse_change"


def append_only_statements(table: str, dialect: str) -> list[str]:
    """Statements that make `table` append-only. dialect: `sqlite` or `postgresql`. A migration executes the same.

    SQLite's batch operations rebuild a table and so lose its triggers: execute these again after one.
    """
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
            for verb in ("update", "delete")
        ]
    return [
        f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$",
        f"DROP TRIGGER IF EXISTS {table}_append_only ON {table}",
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()",
    ]


def append_only(table: sa.Table) -> sa.Table:
    """Mark `table`: whoever creates it through `metadata` gets the triggers as well."""
    event.listen(table, "after_create", _create_triggers)
    table.info["append_only"] = True
    return table


def _create_triggers(table: sa.Table, connection: sa.Connection, **_options: Any) -> None:
    for statement in append_only_statements(table.name, connection.dialect.name):
        connection.exec_driver_sql(statement)
