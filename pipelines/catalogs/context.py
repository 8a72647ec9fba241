"""What an action of the embedded catalogue works with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from catalog_config.configuration import Configuration
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
