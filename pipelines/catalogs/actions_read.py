"""Reads of datasets and resources of the embedded catalogue, as CKAN's `get.py` answers them."""

from typing import Any

import sqlalchemy as sa

from pipelines.catalogs.ckan_client import NotFound, ValidationError
from pipelines.catalogs.context import Context
from pipelines.catalogs.forms import show_package, show_resource
from pipelines.catalogs.rows import (
    Row,
    find_group,
    find_package,
    groups_for,
    package_names,
    package_of_resource,
    packages_newest_first,
)
from pipelines.catalogs.validation import as_natural, required
from schemas.actor import Duty

RESOURCE_SEARCH_FIELDS = frozenset({"description", "format", "hash", "id", "mimetype", "name", "url"})


def visible_group(connection: sa.Connection, reference: str, *, is_organization: bool) -> Row | None:
    """The organisation or group whose id or name is `reference`, unless it is deleted."""
    group = find_group(connection, reference, is_organization=is_organization)
    return group if group is not None and group["state"] == "active" else None


def package_list(context: Context, data: dict[str, Any]) -> list[str]:
    """Names of all datasets, sorted. Optional: limit, offset."""
    limit = as_natural(data, "limit", None, ValidationError)
    offset = as_natural(data, "offset", 0, ValidationError)
    return package_names(context.connection, limit, offset or 0)


def current_package_list_with_resources(context: Context, data: dict[str, Any]) -> list[dict[str, Any]]:
    """All datasets with their resources, last modified first. Optional: limit, offset."""
    limit = as_natural(data, "limit", None, ValidationError)
    offset = as_natural(data, "offset", 0, ValidationError)
    rows = packages_newest_first(context.connection, limit, offset or 0)
    groups = groups_for(context.connection, rows)
    return [show_package(row, groups, context.configuration) for row in rows]


def package_show(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """A dataset with its resources. Required: id (id or name). Operators also see deleted ones."""
    reference = data.get("id") or required(data, "name_or_id")
    row = find_package(context.connection, str(reference))
    if row is None or not _may_see(context, row):
        raise NotFound("Dataset not found")
    return show_package(row, groups_for(context.connection, [row]), context.configuration)


def resource_show(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """A resource. Required: id."""
    resource_id = required(data, "id")
    row = package_of_resource(context.connection, resource_id)
    if row is None or not _may_see(context, row):
        raise NotFound("Resource not found")
    position, resource = next((i, r) for i, r in enumerate(row["body"]["resources"]) if r["id"] == resource_id)
    return show_resource(resource, row["id"], position)


def resource_search(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Resources that match `query` (`field:term`, or a list of them, joined by and).

    A term matches as a part of the field, without regard to case; `hash` as its beginning. Optional: order_by, offset,
    limit.
    """
    given = data.get("query")
    if given in (None, "", []):
        raise ValidationError({"query": ["Missing value"]})
    pairs = [_field_and_term(pair) for pair in (given if isinstance(given, list) else [given])]
    order = data.get("order_by")
    if order is not None and order not in RESOURCE_SEARCH_FIELDS:
        raise ValidationError({"order_by": [f'Field "{order}" not recognised in resource_search.']})
    limit = as_natural(data, "limit", None, ValidationError)
    offset = as_natural(data, "offset", 0, ValidationError) or 0
    found = [
        show_resource(resource, row["id"], position)
        for row in packages_newest_first(context.connection, None, 0)
        for position, resource in enumerate(row["body"]["resources"])
        if all(_matches(resource, field, term) for field, term in pairs)
    ]
    if order is not None:
        found.sort(key=lambda resource: str(resource.get(order) or ""))
    return {"count": len(found), "results": found[offset : None if limit is None else offset + limit]}


def _field_and_term(pair: Any) -> tuple[str, str]:
    field, separator, term = str(pair).partition(":")
    if not separator:
        raise ValidationError({"query": ["Must be <field>:<value> pair(s)"]})
    if field not in RESOURCE_SEARCH_FIELDS:
        raise ValidationError({"query": [f'Field "{field}" not recognised in resource_search.']})
    return field, term.lower()


def _matches(resource: dict[str, Any], field: str, term: str) -> bool:
    value = str(resource.get(field) or "").lower()
    return value.startswith(term) if field == "hash" else term in value


def _may_see(context: Context, row: Row) -> bool:
    return (row["state"] == "active" and not row["private"]) or Duty.OPERATOR in context.actor.duties
