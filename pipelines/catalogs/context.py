"""What an action of the embedded catalogue works with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from catalog_config.configuration import Configuration
from pipelines.catalogs.rows import Row, all_groups
from schemas.actor import Actor

if TYPE_CHECKING:
    from pipelines.catalogs.search import CatalogueIndex


@dataclass(frozen=True)
class Context:
    """One call: an open connection (inside a transaction for writes), who calls, and when (aware, UTC)."""

    connection: sa.Connection
    actor: Actor
    now: datetime
    configuration: Configuration
    site_url: str
    index: "CatalogueIndex"


Action = Callable[[Context, dict[str, Any]], Any]


def groups_by_reference(connection: sa.Connection) -> dict[str, Row]:
    """Organisations and groups that are not deleted, by id and by name."""
    active = [group for group in all_groups(connection) if group["state"] == "active"]
    return {group["id"]: group for group in active} | {group["name"]: group for group in active}
