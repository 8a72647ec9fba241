"""The embedded catalogue: CKAN's Action API over our own tables, in the same process."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from catalog_config.configuration import Configuration
from governance.database.engine import reading
from pipelines.catalogs import actions_read, actions_read_groups, actions_search, actions_write, actions_write_groups
from pipelines.catalogs.ckan_client import CKANAPIError, NotFound
from pipelines.catalogs.context import Action, Context
from pipelines.catalogs.search import CatalogueIndex
from pipelines.catalogs.validation import required
from schemas.actor import ANONYMOUS, Actor


def help_show(context: Context, data: dict[str, Any]) -> str | None:
    """What an action does and takes. Required: name."""
    action = ACTIONS.get(required(data, "name"))
    if action is None:
        raise NotFound(f"Action function not found: {data['name']}")
    return inspect.getdoc(action)


READS: dict[str, Action] = {
    action.__name__: action
    for action in (
        actions_read_groups.status_show,
        help_show,
        actions_read.package_list,
        actions_read.current_package_list_with_resources,
        actions_read.package_show,
        actions_search.package_search,
        actions_search.package_autocomplete,
        actions_read.resource_show,
        actions_read.resource_search,
        actions_read_groups.organization_list,
        actions_read_groups.organization_show,
        actions_read_groups.group_list,
        actions_read_groups.group_show,
        actions_read_groups.tag_list,
        actions_read_groups.tag_show,
        actions_read_groups.license_list,
        actions_read_groups.user_show,
    )
}
WRITES: dict[str, Action] = {
    action.__name__: action
    for action in (
        actions_write.package_create,
        actions_write.package_update,
        actions_write.package_patch,
        actions_write.package_delete,
        actions_write.resource_create,
        actions_write.resource_update,
        actions_write.resource_patch,
        actions_write.resource_delete,
        actions_write_groups.organization_create,
        actions_write_groups.organization_update,
        actions_write_groups.organization_patch,
        actions_write_groups.organization_delete,
        actions_write_groups.group_create,
        actions_write_groups.group_update,
        actions_write_groups.group_patch,
        actions_write_groups.group_delete,
    )
}
ACTIONS = READS | WRITES


class ActionUnknown(CKANAPIError):
    """There is no such action (CKAN answers 400)."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class EmbeddedCatalog:
    """CKAN's Action API over `engine`, as `actor` may use it. Interchangeable with `ckanapi.RemoteCKAN`."""

    engine: sa.Engine
    configuration: Configuration
    site_url: str
    index: CatalogueIndex
    actor: Actor = ANONYMOUS
    clock: Callable[[], datetime] = _utc_now

    def as_actor(self, actor: Actor) -> "EmbeddedCatalog":
        """The same catalogue, with its index, as `actor` may use it."""
        return replace(self, actor=actor)

    def call_action(self, action: str, data_dict: dict[str, Any] | None = None) -> Any:
        """Call an action; every write is one transaction with its audit row.

        Raises NotFound, NotAuthorized, ValidationError, SearchQueryError, ActionUnknown (all CKANAPIError).
        """
        data = dict(data_dict or {})
        if action in READS:
            with reading(self.engine) as connection:
                return READS[action](self._context(connection), data)
        if action in WRITES:
            with self.engine.begin() as connection:
                return WRITES[action](self._context(connection), data)
        raise ActionUnknown(f"Action name not known: {action}")

    def _context(self, connection: sa.Connection) -> Context:
        return Context(connection, self.actor, self.clock(), self.configuration, self.site_url, self.index)
