"""Writes of the embedded catalogue, each in the transaction the caller opened, with its audit row.

Forms and errors as CKAN's `create.py`, `update.py`, `patch.py` and `delete.py` have them.
"""

from typing import Any
from uuid import uuid4

from governance.audit import record
from pipelines.catalogs.actions_read import package_show, resource_show, visible_group
from pipelines.catalogs.ckan_client import NotAuthorized, NotFound, ValidationError
from pipelines.catalogs.context import Context
from pipelines.catalogs.forms import show_package
from pipelines.catalogs.rows import (
    Row,
    find_package,
    groups_for,
    is_name_taken,
    next_revision,
    package_of_resource,
    save_package,
)
from pipelines.catalogs.validation import (
    as_boolean,
    clean_package,
    clean_resource,
    is_uuid,
    name_errors,
    required,
)
from schemas.actor import Duty

STAY_UNLESS_GIVEN = ("groups", "resources")
PACKAGE_STATES = frozenset({"active", "draft", "deleted"})


def require_operator(context: Context, action: str) -> None:
    """Only operators write. Raises NotAuthorized with the reason."""
    if Duty.OPERATOR not in context.actor.duties:
        who = "Anonymous access" if context.actor.is_anonymous else f"User {context.actor.id}"
        raise NotAuthorized(f"{who} not authorized for {action}: the duty `operator` is needed")


def package_create(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Create a dataset. Required: name, owner_org. Returns the package."""
    require_operator(context, "package_create")
    body, errors = clean_package(data)
    package_id = data.get("id") or str(uuid4())
    if not is_uuid(package_id):
        errors["id"] = ["Invalid id provided"]
    elif find_package(context.connection, package_id) is not None:
        errors["id"] = ["Dataset id already exists"]
    _check_name(context, data.get("name"), package_id, errors)
    owner = _check_references(context, body, data.get("owner_org"), package_id, errors)
    if errors:
        raise ValidationError(errors)
    row = {
        "id": package_id,
        "name": data["name"],
        "title": data.get("title") or data["name"],
        "state": _state(data, "active"),
        "type": data.get("type") or "dataset",
        "private": as_boolean(data.get("private") or False),
        "owner_org": owner,
        "body": _stamp_resources(context, body, {}),
        "created": context.now,
        "modified": context.now,
        "creator": context.actor.id,
    }
    return _store_package(context, row, "package.create")


def package_update(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Replace a dataset, found by id or name; resources and groups stay where they are not given, as CKAN has it.
    Nothing is written when nothing differs. Returns the package.
    """
    require_operator(context, "package_update")
    reference = data.get("id") or data.get("name")
    if not reference:
        raise ValidationError({"id": ["Missing value"]})
    old = find_package(context.connection, str(reference))
    if old is None:
        raise NotFound("Package was not found.")
    standing = show_package(old, groups_for(context.connection, [old]), context.configuration)
    body, errors = clean_package({**{field: standing[field] for field in STAY_UNLESS_GIVEN}, **data})
    name = data.get("name", old["name"])
    _check_name(context, name, old["id"], errors)
    owner = _check_references(context, body, data.get("owner_org", old["owner_org"]), old["id"], errors)
    if errors:
        raise ValidationError(errors)
    row = {
        **old,
        "name": name,
        "title": data.get("title") or name,
        "state": _state(data, old["state"]),
        "type": data.get("type") or old["type"],
        "private": as_boolean(data.get("private", old["private"])),
        "owner_org": owner,
        "body": _stamp_resources(context, body, old["body"]),
    }
    if row == old:
        return standing
    return _store_package(context, row | {"modified": context.now}, "package.update")


def package_patch(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Change the fields given and keep the others. Required: id (or name). Returns the package."""
    require_operator(context, "package_patch")
    reference = data.get("id") or data.get("name") or required(data, "id")
    shown = package_show(context, {"id": reference})
    return package_update(context, {**shown, **data, "id": shown["id"]})


def package_delete(context: Context, data: dict[str, Any]) -> None:
    """Mark a dataset deleted. Its row stays, and `package_update` with `state: active` brings it back."""
    require_operator(context, "package_delete")
    old = find_package(context.connection, required(data, "id"))
    if old is None:
        raise NotFound("Dataset was not found.")
    if old["state"] != "deleted":
        _store_package(context, old | {"state": "deleted", "modified": context.now}, "package.delete")


def resource_create(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Add a resource to the end of a dataset. Required: package_id. Returns the resource."""
    require_operator(context, "resource_create")
    package = package_show(context, {"id": required(data, "package_id")})
    resource, errors = clean_resource(data)
    if errors:
        raise ValidationError(errors)
    updated = _update_resources(context, package, [*package["resources"], resource])
    return _resource(updated, resource["id"])


def resource_update(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Replace a resource, found by id. Returns the resource."""
    require_operator(context, "resource_update")
    package = _package_of(context, required(data, "id"))
    resources = [data if r["id"] == data["id"] else r for r in package["resources"]]
    return _resource(_update_resources(context, package, resources), data["id"])


def resource_patch(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Change the fields given of a resource and keep the others. Required: id. Returns the resource."""
    require_operator(context, "resource_patch")
    shown = resource_show(context, {"id": required(data, "id")})
    return resource_update(context, {**shown, **data})


def resource_delete(context: Context, data: dict[str, Any]) -> None:
    """Remove a resource from its dataset. Required: id."""
    require_operator(context, "resource_delete")
    package = _package_of(context, required(data, "id"))
    _update_resources(context, package, [r for r in package["resources"] if r["id"] != data["id"]])


def _package_of(context: Context, resource_id: str) -> dict[str, Any]:
    row = package_of_resource(context.connection, resource_id)
    if row is None:
        raise NotFound("Resource was not found.")
    return package_show(context, {"id": row["id"]})


def _update_resources(context: Context, package: dict[str, Any], resources: list[dict[str, Any]]) -> dict[str, Any]:
    try:
        return package_update(context, {**package, "resources": resources})
    except ValidationError as error:
        listed = error.error_dict.get("resources")
        raise ValidationError(
            next((e for e in listed if e), error.error_dict) if listed else error.error_dict
        ) from None


def _resource(package: dict[str, Any], resource_id: str) -> dict[str, Any]:
    return next(r for r in package["resources"] if r["id"] == resource_id)


def _check_name(context: Context, name: Any, package_id: str, errors: dict[str, Any]) -> None:
    if wrong := name_errors(name):
        errors["name"] = wrong
    elif is_name_taken(context.connection, name, package_id):
        errors["name"] = ["That URL is already in use."]


def _check_references(
    context: Context, body: dict[str, Any], owner: Any, package_id: str, errors: dict[str, Any]
) -> str | None:
    """Resolve groups to names in `body` and return the id of the owning organisation."""
    for position, resource in enumerate(body["resources"]):
        holder = package_of_resource(context.connection, resource["id"]) if is_uuid(resource["id"]) else None
        twice = any(r["id"] == resource["id"] for r in body["resources"][:position])
        if twice or (holder is not None and holder["id"] != package_id):
            listed = errors.setdefault("resources", [{} for _ in body["resources"]])
            listed[position] = {**listed[position], "id": ["Resource id already exists."]}
    resolved = [visible_group(context.connection, name, is_organization=False) for name in body["groups"]]
    if None in resolved:
        errors["groups"] = [{} if group else {"id": ["Group was not found."]} for group in resolved]
    body["groups"] = sorted({group["name"] for group in resolved if group})
    if owner in (None, ""):
        errors["owner_org"] = ["An organization must be provided"]
        return None
    organisation = visible_group(context.connection, str(owner), is_organization=True)
    if organisation is None:
        errors["owner_org"] = ["Organization does not exist"]
        return None
    return organisation["id"]


def _state(data: dict[str, Any], default: str) -> str:
    state = data.get("state") or default
    if state not in PACKAGE_STATES:
        raise ValidationError({"state": [f"Value must be one of {sorted(PACKAGE_STATES)}"]})
    return state


def _stamp_resources(context: Context, body: dict[str, Any], old_body: dict[str, Any]) -> dict[str, Any]:
    """Times of creation and change of each resource are the catalogue's, whatever the caller sends."""
    known = {r["id"]: r for r in old_body.get("resources", [])}
    times = ("created", "metadata_modified")
    stamped = []
    for resource in body["resources"]:
        content = {k: v for k, v in resource.items() if k not in times}
        old = known.get(resource["id"])
        if old is not None and {k: v for k, v in old.items() if k not in times} == content:
            stamped.append(old)
            continue
        now = context.now.replace(tzinfo=None).isoformat(timespec="microseconds")
        stamped.append(content | {"created": old["created"] if old else now, "metadata_modified": now})
    return {**body, "resources": stamped}


def _store_package(context: Context, row: Row, action: str) -> dict[str, Any]:
    row = row | {"revision": next_revision(context.connection)}
    save_package(context.connection, row)
    record(
        context.connection,
        actor=context.actor,
        action=action,
        subject=f"package:{row['name']}",
        now=context.now,
        data={"id": row["id"], "revision": row["revision"]},
    )
    return show_package(row, groups_for(context.connection, [row]), context.configuration)
