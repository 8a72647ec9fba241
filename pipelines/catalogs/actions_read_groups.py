"""Reads of organisations, groups (themes), tags, licences and the site itself."""

import json
from typing import Any

from pipelines.catalogs.ckan_client import NotAuthorized, NotFound, ValidationError
from pipelines.catalogs.context import Context
from pipelines.catalogs.forms import show_group, show_package, show_tag
from pipelines.catalogs.rows import Row, all_groups, find_group, groups_for, packages_by_id
from pipelines.catalogs.validation import as_boolean, as_natural, required
from schemas.actor import Duty

CKAN_VERSION = "2.12.0"  # whose forms we follow
GROUP_SORTS = ("name", "title", "package_count")
PACKAGES_SHOWN = 1000


def organization_list(context: Context, data: dict[str, Any]) -> list[Any]:
    """Organisations: names, or dicts with all_fields. Optional: all_fields, organizations, sort, limit, offset."""
    return _list(context, data, is_organization=True)


def group_list(context: Context, data: dict[str, Any]) -> list[Any]:
    """Groups (themes): names, or dicts with all_fields. Optional: all_fields, groups, sort, limit, offset."""
    return _list(context, data, is_organization=False)


def organization_show(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """An organisation. Required: id (id or name). Optional: include_datasets."""
    return _show(context, data, is_organization=True)


def group_show(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """A group (theme). Required: id (id or name). Optional: include_datasets."""
    return _show(context, data, is_organization=False)


def license_list(context: Context, data: dict[str, Any]) -> list[dict[str, Any]]:
    """The licences datasets may have."""
    return [
        {
            "id": licence.id,
            "title": licence.title.zh,
            "title_translated": licence.title.model_dump(),
            "url": licence.url,
            "status": "active",
            "is_okd_compliant": licence.is_open,
            "od_conformance": "approved" if licence.is_open else "not reviewed",
            "osd_conformance": "not reviewed",
            "domain_content": True,
            "domain_data": True,
            "domain_software": False,
            "family": "",
            "is_generic": False,
            "maintainer": "",
        }
        for licence in context.configuration.licences.values()
    ]


def tag_list(context: Context, data: dict[str, Any]) -> list[Any]:
    """Tags in use: names, or dicts with all_fields. Optional: query, all_fields."""
    names = sorted(context.index.up_to_date(context.connection).counts("tags"))
    if query := data.get("query"):
        names = [name for name in names if str(query).lower() in name.lower()]
    return [show_tag(name) for name in names] if as_boolean(data.get("all_fields", False)) else names


def tag_show(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """A tag in use. Required: id (id or name). Optional: include_datasets."""
    reference = required(data, "id")
    index = context.index.up_to_date(context.connection)
    name = next((n for n in index.counts("tags") if reference in (n, show_tag(n)["id"])), None)
    if name is None:
        raise NotFound("Tag not found")
    shown = show_tag(name)
    if as_boolean(data.get("include_datasets", False)):
        shown["packages"] = _packages(context, "tags", name)
    return shown


def status_show(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Facts about this site."""
    return {
        "ckan_version": CKAN_VERSION,
        "error_emails_to": None,
        "extensions": ["gongkai", "scheming_datasets", "scheming_organizations", "scheming_groups"],
        "locale_default": "zh_Hans_CN",
        "site_description": "",
        "site_title": "Gongkai",
        "site_url": context.site_url,
    }


def user_show(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The caller's own account, as far as CKAN clients need it. Other accounts are not shown."""
    actor = context.actor
    if actor.is_anonymous or data.get("id") not in (None, "", actor.id):
        raise NotAuthorized("accounts are shown to their holders alone")
    return {
        "id": actor.id,
        "name": actor.id,
        "display_name": actor.id,
        "state": "active",
        "sysadmin": Duty.OPERATOR in actor.duties,
    }


def show_group_row(context: Context, row: Row) -> dict[str, Any]:
    """An organisation or group with its number of datasets, as the index knows it.

    The index is not brought up to date here: a write must not show it rows that may yet be rolled back.
    """
    counts = context.index.counts("organization" if row["is_organization"] else "groups")
    return show_group(row, counts.get(row["name"], 0))


def _list(context: Context, data: dict[str, Any], *, is_organization: bool) -> list[Any]:
    context.index.up_to_date(context.connection)
    rows = [r for r in all_groups(context.connection) if r["is_organization"] is is_organization]
    shown = [show_group_row(context, row) for row in rows if row["state"] == "active"]
    if wanted := _names(data.get("organizations" if is_organization else "groups")):
        shown = [group for group in shown if group["name"] in wanted]
    field, _, direction = str(data.get("sort") or "title asc").strip().partition(" ")
    field = {"packages": "package_count"}.get(field, field)
    if field not in GROUP_SORTS:
        raise ValidationError({"sort": [f"Cannot sort by field `{field}`"]})
    shown.sort(key=lambda group: group[field], reverse=direction.strip() == "desc")
    offset = as_natural(data, "offset", 0, ValidationError) or 0
    limit = as_natural(data, "limit", None, ValidationError)
    page = shown[offset : None if limit is None else offset + limit]
    return page if as_boolean(data.get("all_fields", False)) else [group["name"] for group in page]


def _names(given: Any) -> list[str]:
    if isinstance(given, str) and given.startswith("["):
        try:
            given = json.loads(given)
        except ValueError:
            raise ValidationError({"message": "not a list"}) from None
    if isinstance(given, str):
        given = given.split(",")
    return [str(name) for name in given or []]


def _show(context: Context, data: dict[str, Any], *, is_organization: bool) -> dict[str, Any]:
    row = find_group(context.connection, required(data, "id"), is_organization=is_organization)
    if row is None or (row["state"] != "active" and Duty.OPERATOR not in context.actor.duties):
        raise NotFound(f"{'Organization' if is_organization else 'Group'} not found")
    context.index.up_to_date(context.connection)
    shown = show_group_row(context, row)
    if as_boolean(data.get("include_datasets", False)):
        shown["packages"] = _packages(context, "organization" if is_organization else "groups", row["name"])
    return shown


def _packages(context: Context, field: str, value: str) -> list[dict[str, Any]]:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    found = context.index.find(
        q="",
        filters=[f'{field}:"{escaped}"'],
        order=[("metadata_modified", True)],
        start=0,
        rows=PACKAGES_SHOWN,
        facets=[],
        facet_limit=0,
    )
    stored = packages_by_id(context.connection, found.ids)
    groups = groups_for(context.connection, stored.values())
    return [show_package(stored[i], groups, context.configuration) for i in found.ids if i in stored]
