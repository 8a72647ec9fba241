"""Make the catalogue as it should be: read, compare, write only what differs.

Only fields that are desired are compared and written; what else stands in the catalogue (views, followers, times) is
its own. Running it twice writes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pipelines.catalogs.catalog import Catalog
from pipelines.catalogs.ckan_client import CKANAPIError, NotFound, ServerIncompatibleError, ValidationError
from pipelines.catalogs.connect import acting_as
from schemas.actor import Actor, Duty, system_actor
from schemas.errors import DependencyFailed
from schemas.text import Text

Result = TypeVar("Result")
PUBLISHER = system_actor("publisher")


@dataclass(frozen=True)
class Write:
    """One call of an action. subject: name of what it is about. fields: what it changes; data: what is sent."""

    action: str
    subject: str
    fields: tuple[str, ...]
    data: dict[str, Any]


def reconcile(catalog: Catalog, desired_package: dict[str, Any], actor: Actor | None = None) -> list[Write]:
    """Write what differs, organisation and groups first; returns the writes done. A second run writes nothing.

    actor: on whose behalf; the caller has checked that they may publish. The embedded catalogue records their id.
    Raises DependencyFailed when the catalogue does not answer as it should.
    """
    writing = acting_as(catalog, _publishing_for(actor))
    writes = _translated(lambda: _differences(writing, desired_package))
    for write in writes:
        _translated(lambda write=write: writing.call_action(write.action, write.data))  # type: ignore[misc]
    return writes


def plan_writes(catalog: Catalog, desired_package: dict[str, Any]) -> list[Write]:
    """The writes `reconcile` would do now. Raises DependencyFailed."""
    reading_as = acting_as(catalog, PUBLISHER)
    return _translated(lambda: _differences(reading_as, desired_package))


def _publishing_for(actor: Actor | None) -> Actor:
    return PUBLISHER if actor is None else actor.model_copy(update={"duties": actor.duties | {Duty.OPERATOR}})


def _differences(catalog: Catalog, desired: dict[str, Any]) -> list[Write]:
    writes = _group_write(catalog, "organization", desired["organization"])
    for group in desired["groups"]:
        writes += _group_write(catalog, "group", group)
    return writes + _package_write(catalog, desired)


def _group_write(catalog: Catalog, kind: str, desired: dict[str, Any]) -> list[Write]:
    current = _find(catalog, f"{kind}_show", {"id": desired["name"]})
    if current is None:
        return [Write(f"{kind}_create", desired["name"], tuple(sorted(desired)), desired)]
    changed = changed_fields(current, desired)
    if current.get("state") == "deleted":
        changed["state"] = "active"
    if not changed:
        return []
    return [Write(f"{kind}_patch", desired["name"], tuple(sorted(changed)), {"id": current["id"], **changed})]


def _package_write(catalog: Catalog, desired: dict[str, Any]) -> list[Write]:
    wanted = {key: value for key, value in desired.items() if key != "organization"}
    wanted["groups"] = [{"name": group["name"]} for group in desired["groups"]]
    current = _find(catalog, "package_show", {"id": desired["id"]})
    if current is None:
        given = {key: value for key, value in wanted.items() if value is not None}
        return [Write("package_create", desired["name"], tuple(sorted(given)), given)]
    owner = (current.get("organization") or {}).get("name")
    changed = changed_fields({**current, "owner_org": owner}, wanted)
    if not changed:
        return []
    if "resources" in changed:
        changed["resources"] = [_keep_unknown(current, resource) for resource in wanted["resources"]]
    return [Write("package_patch", desired["name"], tuple(sorted(changed)), {"id": current["id"], **changed})]


def changed_fields(current: dict[str, Any], desired: dict[str, Any]) -> dict[str, Any]:
    """Fields of `desired` whose value differs in `current`; absent, None and blank are the same."""
    return {key: value for key, value in desired.items() if not is_same(current.get(key), value)}


def is_same(current: Any, desired: Any) -> bool:
    """Whether `current` holds what is desired. Of dicts only the desired keys count; extras and tags have no order."""
    if desired in (None, "", [], {}):
        return current in (None, "", [], {})
    if isinstance(desired, dict):
        return isinstance(current, dict) and not changed_fields(current, desired)
    if isinstance(desired, list):
        if not isinstance(current, list) or len(current) != len(desired):
            return False
        pairs = zip(_in_order(current), _in_order(desired), strict=True)
        return all(is_same(a, b) for a, b in pairs)
    if isinstance(desired, bool) or isinstance(current, bool):
        return bool(current) is bool(desired)
    return str(current) == str(desired)  # CKAN gives some numbers back as text


def _in_order(items: list[Any]) -> list[Any]:
    """Tags, groups and extras by name; resources as they stand."""
    if all(isinstance(item, dict) and ("key" in item or ("name" in item and "url" not in item)) for item in items):
        return sorted(items, key=lambda item: str(item.get("key") or item["name"]))
    return items


def _keep_unknown(current: dict[str, Any], resource: dict[str, Any]) -> dict[str, Any]:
    """A resource with the fields somebody else added to it in the catalogue."""
    standing: dict[str, Any] = next((r for r in current.get("resources", []) if r["id"] == resource["id"]), {})
    return {**{k: v for k, v in standing.items() if v is not None}, **resource}


def _find(catalog: Catalog, action: str, data: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return catalog.call_action(action, data)
    except NotFound:
        return None


def _translated(call: Callable[[], Result]) -> Result:
    try:
        return call()
    except ValidationError as error:
        fields = ", ".join(sorted(key for key in error.error_dict if key != "__type"))
        raise DependencyFailed(
            "catalogue-refused",
            Text(zh=f"目录拒绝了条目，字段：{fields}", en=f"the catalogue refused the entry; fields: {fields}"),
            Text(
                zh="请核对目录的字段配置（CKAN 须启用随附的 scheming 方案）",
                en="check the catalogue's fields (a CKAN needs the scheming schema that comes with the platform)",
            ),
            field=fields,
        ) from error
    except (CKANAPIError, ServerIncompatibleError, OSError) as error:
        kind = type(error).__name__
        raise DependencyFailed(
            "catalogue-failed",
            Text(zh=f"目录没有正常应答（{kind}）", en=f"the catalogue did not answer as it should ({kind})"),
            Text(zh="请检查目录的地址和令牌，然后重试", en="check the catalogue's address and token and try again"),
        ) from error
