"""How the catalogue's rows look from outside: the dicts CKAN 2.12 returns.

Source: CKAN, `ckan/lib/dictization/model_dictize.py` and `ckan/logic/schema`. Fields of ours stand beside CKAN's own,
as ckanext-scheming would put them; texts in two languages are `{"zh": …, "en": …}`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid5

from catalog_config.configuration import Configuration
from pipelines.catalogs.rows import Row
from schemas.identifiers import NAMESPACE

PACKAGE_TEXTS = ("author", "author_email", "license_id", "maintainer", "maintainer_email", "notes", "url", "version")
PACKAGE_TRANSLATED = ("title_translated", "notes_translated")
PACKAGE_OURS = (
    "access_conditions",
    "legal_basis",
    "negative_list_item",
    "openness",
    "policy",
    "release",
    "schema_reference",
    "schema_url",
    "spatial",
    "update_frequency",
)
RESOURCE_FIELDS = (
    "cache_last_updated",
    "cache_url",
    "description",
    "format",
    "hash",
    "last_modified",
    "mimetype",
    "mimetype_inner",
    "name",
    "resource_type",
    "size",
    "url",
    "url_type",
)
GROUP_TEXTS = ("description", "image_url", "approval_status")

# How CKAN writes the formats it knows (ckan/config/resource_formats.json), by lower-case name.
FORMAT_NAMES = {name.lower(): name for name in ("CSV", "JSON", "NDJSON", "XLSX", "GeoJSON", "XML", "PDF", "ZIP", "XLS")}


def show_package(row: Row, groups: Mapping[str, Row], configuration: Configuration) -> dict[str, Any]:
    """A package as `package_show` returns it. `groups`: organisations and groups by id and by name."""
    body = row["body"]
    resources = [show_resource(r, row["id"], position) for position, r in enumerate(body["resources"])]
    owner = groups.get(row["owner_org"] or "")
    shown: dict[str, Any] = {
        **{field: body.get(field) for field in PACKAGE_TEXTS},
        **{field: body[field] for field in PACKAGE_TRANSLATED + PACKAGE_OURS if body.get(field) is not None},
        **show_licence(body.get("license_id"), configuration),
        "creator_user_id": row["creator"],
        "id": row["id"],
        "metadata_created": show_time(row["created"]),
        "metadata_modified": show_time(row["modified"]),
        "name": row["name"],
        "num_resources": len(resources),
        "num_tags": len(body["tags"]),
        "organization": show_owner(owner) if owner else None,
        "owner_org": row["owner_org"],
        "private": row["private"],
        "state": row["state"],
        "title": row["title"],
        "type": row["type"],
        "extras": body["extras"],
        "groups": [show_group_of_package(groups[name]) for name in body["groups"] if name in groups],
        "resources": resources,
        "tags": [show_tag(name) for name in sorted(body["tags"])],
        "relationships_as_subject": [],
        "relationships_as_object": [],
    }
    return shown


def show_licence(licence_id: str | None, configuration: Configuration) -> dict[str, Any]:
    """license_title, license_url and isopen of a package. CKAN shows the id where it does not know the licence."""
    licence = configuration.licences.get(licence_id or "")
    if licence is None:
        return {"license_title": licence_id, "isopen": False}
    return {"license_title": licence.title.zh, "license_url": licence.url, "isopen": licence.is_open}


def show_resource(resource: Mapping[str, Any], package_id: str, position: int) -> dict[str, Any]:
    """A resource as `resource_show` returns it."""
    return {
        **dict.fromkeys(RESOURCE_FIELDS),
        "hash": "",
        "format": "",
        "url": "",
        **resource,
        "package_id": package_id,
        "position": position,
        "state": "active",
    }


def show_tag(name: str) -> dict[str, Any]:
    """A free tag. Its id is made of its name, so that it never changes."""
    return {
        "display_name": name,
        "id": str(uuid5(NAMESPACE, f"tag:{name}")),
        "name": name,
        "state": "active",
        "vocabulary_id": None,
    }


def show_owner(group: Row) -> dict[str, Any]:
    """The organisation as it stands in a package."""
    body = group["body"]
    return {
        "id": group["id"],
        "name": group["name"],
        "title": group["title"],
        "type": "organization" if group["is_organization"] else "group",
        "description": body.get("description") or "",
        "image_url": body.get("image_url") or "",
        "created": show_time(group["created"]),
        "is_organization": group["is_organization"],
        "approval_status": body.get("approval_status") or "approved",
        "state": group["state"],
        **{field: body[field] for field in ("title_translated", "description_translated") if body.get(field)},
    }


def show_group_of_package(group: Row) -> dict[str, Any]:
    """A group as it stands in a package."""
    body = group["body"]
    return {
        "description": body.get("description") or "",
        "display_name": group["title"] or group["name"],
        "id": group["id"],
        "image_display_url": body.get("image_url") or "",
        "name": group["name"],
        "title": group["title"],
        **{field: body[field] for field in ("title_translated",) if body.get(field)},
    }


def show_group(group: Row, package_count: int) -> dict[str, Any]:
    """An organisation or group as `organization_show` and `group_show` return it, without its packages."""
    return {
        **show_owner(group),
        "display_name": group["title"] or group["name"],
        "image_display_url": group["body"].get("image_url") or "",
        "num_followers": 0,
        "package_count": package_count,
        "extras": group["body"].get("extras", []),
        "groups": [],
        "users": [],
    }


def show_time(moment: datetime) -> str:
    """CKAN writes UTC without offset."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # SQLite gives naive UTC
    return aware.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def clean_format(given: str) -> str:
    """`csv`, `text/csv` → `CSV`, as CKAN unifies formats it knows."""
    return FORMAT_NAMES.get(given.strip().lower().removeprefix("text/"), given.strip())


def guess_format(url: str) -> str:
    """The format a resource's address ends with, if CKAN knows it; else nothing."""
    return FORMAT_NAMES.get(PurePosixPath(urlsplit(url).path).suffix.removeprefix(".").lower(), "")
