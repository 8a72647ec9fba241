"""Writes of organisations (publishing agencies) and groups (themes) of the embedded catalogue."""

from typing import Any
from uuid import uuid4

from governance.audit import record
from pipelines.catalogs.actions_read_groups import show_group_row
from pipelines.catalogs.actions_write import require_operator
from pipelines.catalogs.ckan_client import NotFound, ValidationError
from pipelines.catalogs.context import Context
from pipelines.catalogs.rows import (
    Row,
    find_group,
    next_revision,
    packages_with_owner,
    save_group,
    touch_packages_of_group,
)
from pipelines.catalogs.validation import clean_group, is_uuid, name_errors, required


def _create(context: Context, data: dict[str, Any], *, is_organization: bool) -> dict[str, Any]:
    kind = kind_name(is_organization)
    require_operator(context, f"{kind}_create")
    body, errors = clean_group(data)
    group_id = data.get("id") or str(uuid4())
    if not is_uuid(group_id):
        errors["id"] = ["Invalid id provided"]
    elif find_group(context.connection, group_id) is not None:
        errors["id"] = ["Id already exists"]
    _check_name(context, data.get("name"), group_id, errors)
    if errors:
        raise ValidationError(errors)
    row = {
        "id": group_id,
        "name": data["name"],
        "is_organization": is_organization,
        "title": data.get("title") or "",
        "state": "active",
        "body": body,
        "created": context.now,
    }
    return _store(context, row, f"{kind}.create")


def _update(context: Context, data: dict[str, Any], *, is_organization: bool) -> dict[str, Any]:
    kind = kind_name(is_organization)
    require_operator(context, f"{kind}_update")
    old = _existing(context, required(data, "id"), is_organization)
    body, errors = clean_group(data)
    name = data.get("name") or old["name"]
    _check_name(context, name, old["id"], errors)
    if name != old["name"] and not is_organization:
        errors.setdefault("name", []).append("The name of a group cannot be changed")
    if errors:
        raise ValidationError(errors)
    row = {**old, "name": name, "title": data.get("title") or "", "state": data.get("state") or "active", "body": body}
    if row["state"] not in ("active", "deleted"):
        raise ValidationError({"state": ["Value must be one of ['active', 'deleted']"]})
    return show_group_row(context, old) if row == old else _store(context, row, f"{kind}.update")


def _patch(context: Context, data: dict[str, Any], *, is_organization: bool) -> dict[str, Any]:
    require_operator(context, f"{kind_name(is_organization)}_patch")
    old = _existing(context, required(data, "id"), is_organization)
    shown = {**old["body"], "name": old["name"], "title": old["title"], "state": old["state"]}
    return _update(context, {**shown, **data, "id": old["id"]}, is_organization=is_organization)


def _delete(context: Context, data: dict[str, Any], *, is_organization: bool) -> None:
    kind = kind_name(is_organization)
    require_operator(context, f"{kind}_delete")
    old = _existing(context, required(data, "id"), is_organization)
    if is_organization and packages_with_owner(context.connection, old["id"]):
        raise ValidationError({"message": "Organization cannot be deleted while it still has datasets"})
    if old["state"] != "deleted":
        _store(context, old | {"state": "deleted"}, f"{kind}.delete")


def organization_create(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Create an organisation. Required: name. Returns the organisation."""
    return _create(context, data, is_organization=True)


def organization_update(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Replace an organisation. Required: id (or name as id). Returns the organisation."""
    return _update(context, data, is_organization=True)


def organization_patch(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Change the fields given of an organisation. Required: id. Returns the organisation."""
    return _patch(context, data, is_organization=True)


def organization_delete(context: Context, data: dict[str, Any]) -> None:
    """Mark an organisation that has no datasets deleted. Required: id."""
    _delete(context, data, is_organization=True)


def group_create(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Create a group (theme). Required: name. Returns the group."""
    return _create(context, data, is_organization=False)


def group_update(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Replace a group (theme). Required: id. Returns the group."""
    return _update(context, data, is_organization=False)


def group_patch(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Change the fields given of a group (theme). Required: id. Returns the group."""
    return _patch(context, data, is_organization=False)


def group_delete(context: Context, data: dict[str, Any]) -> None:
    """Mark a group (theme) deleted; datasets no longer show it. Required: id."""
    _delete(context, data, is_organization=False)


def kind_name(is_organization: bool) -> str:
    return "organization" if is_organization else "group"


def _existing(context: Context, reference: str, is_organization: bool) -> Row:
    row = find_group(context.connection, reference, is_organization=is_organization)
    if row is None:
        raise NotFound(f"{kind_name(is_organization).capitalize()} was not found.")
    return row


def _check_name(context: Context, name: Any, group_id: str, errors: dict[str, Any]) -> None:
    if wrong := name_errors(name):
        errors["name"] = wrong
        return
    other = find_group(context.connection, name)
    if other is not None and other["id"] != group_id:
        errors["name"] = ["Group name already exists in database"]


def _store(context: Context, row: Row, action: str) -> dict[str, Any]:
    row = row | {"revision": next_revision(context.connection)}
    save_group(context.connection, row)
    touch_packages_of_group(context.connection, row, row["revision"])
    record(
        context.connection,
        actor=context.actor,
        action=action,
        subject=f"{action.split('.')[0]}:{row['name']}",
        now=context.now,
        data={"id": row["id"], "revision": row["revision"]},
    )
    return show_group_row(context, row)
