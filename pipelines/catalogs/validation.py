"""What a package, resource, organisation or group must be; errors worded as CKAN words them.

Source: CKAN, `ckan/logic/validators.py` and `ckan/logic/schema/__init__.py`. Values are checked and cleaned in one
pass; all errors are collected before anything is refused.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from pipelines.catalogs.ckan_client import ValidationError
from pipelines.catalogs.forms import (
    GROUP_TEXTS,
    PACKAGE_OURS,
    PACKAGE_TEXTS,
    PACKAGE_TRANSLATED,
    RESOURCE_FIELDS,
    clean_format,
    guess_format,
)
from schemas.dataset import Openness, UpdateFrequency
from schemas.text import LANGUAGES

Errors = dict[str, Any]

NAME = re.compile(r"[a-z0-9_-]*")
TAG = re.compile(r"[\w \-.]*")
EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
NAME_LENGTHS = (2, 100)
TAG_LENGTHS = (2, 100)
RESERVED_NAMES = frozenset({"new", "edit", "search"})
VERSION_LENGTH = 100
CHOICES: dict[str, list[str]] = {
    "openness": [choice.value for choice in Openness],
    "update_frequency": [choice.value for choice in UpdateFrequency],
}
TEXTS_IN_TWO_LANGUAGES = (*PACKAGE_TRANSLATED, "legal_basis", "access_conditions")
NOT_STORED_IN_RESOURCES = frozenset({"package_id", "position", "state", "revision_id"})


def clean_package(data: Mapping[str, Any]) -> tuple[dict[str, Any], Errors]:
    """The body of a package as it is stored, and what is wrong with it. CKAN too leaves out fields it does not know."""
    errors: Errors = {}
    body: dict[str, Any] = {}
    for field in PACKAGE_TEXTS:
        body[field] = _text(data, field, errors)
    if len(body["version"] or "") > VERSION_LENGTH:
        errors["version"] = [f"Version must be a maximum of {VERSION_LENGTH} characters long"]
    for field in PACKAGE_OURS:
        if field not in TEXTS_IN_TWO_LANGUAGES and data.get(field) not in (None, ""):
            body[field] = _text(data, field, errors)
    for field in TEXTS_IN_TWO_LANGUAGES:
        if data.get(field) not in (None, "", {}):
            body[field] = _translated(data[field], field, errors)
    for field, choices in CHOICES.items():
        if body.get(field) is not None and body[field] not in choices:
            errors.setdefault(field, []).append(f"Value must be one of {choices}")
    for field in ("author_email", "maintainer_email"):
        if body[field] and not EMAIL.fullmatch(body[field].strip()):
            errors.setdefault(field, []).append(f"Email {body[field]} is not a valid format")
    body["extras"] = _extras(data.get("extras") or [], errors)
    body["tags"] = _tags(data, errors)
    body["groups"] = _group_references(data.get("groups") or [], errors)
    body["resources"] = _resources(data.get("resources") or [], errors)
    return body, errors


def clean_group(data: Mapping[str, Any]) -> tuple[dict[str, Any], Errors]:
    """The body of an organisation or group as it is stored, and what is wrong with it."""
    errors: Errors = {}
    body: dict[str, Any] = {field: _text(data, field, errors) or "" for field in GROUP_TEXTS}
    for field in ("title_translated", "description_translated"):
        if data.get(field) not in (None, "", {}):
            body[field] = _translated(data[field], field, errors)
    body["extras"] = _extras(data.get("extras") or [], errors)
    return body, errors


def name_errors(value: Any) -> list[str]:
    """What is wrong with the name of a package, organisation or group."""
    if value in (None, ""):
        return ["Missing value"]
    if not isinstance(value, str):
        return ["Names must be strings"]
    if value in RESERVED_NAMES:
        return ["That name cannot be used"]
    if len(value) < NAME_LENGTHS[0]:
        return [f"Must be at least {NAME_LENGTHS[0]} characters long"]
    if len(value) > NAME_LENGTHS[1]:
        return [f"Name must be a maximum of {NAME_LENGTHS[1]} characters long"]
    if not NAME.fullmatch(value):
        return ["Must be purely lowercase alphanumeric (ascii) characters and these symbols: -_"]
    return []


def is_uuid(value: Any) -> bool:
    try:
        UUID(value)
    except (ValueError, AttributeError, TypeError):
        return False
    return True


def as_boolean(value: Any) -> bool:
    """CKAN's boolean_validator."""
    return value if isinstance(value, bool) else str(value).lower() in {"true", "yes", "t", "y", "1"}


def as_natural(data: Mapping[str, Any], field: str, default: int | None, error: Callable[..., Exception]) -> int | None:
    """A whole number from 0 up, also written as text. Raises `error` naming the field."""
    value = data.get(field)
    if value in (None, ""):
        return default
    try:
        number = int(value) if not isinstance(value, float) or value.is_integer() else -1
    except (TypeError, ValueError):
        raise error({field: ["Invalid integer"]}) from None
    if number < 0:
        raise error({field: ["Must be a natural number"]})
    return number


def required(data: Mapping[str, Any], field: str) -> str:
    """A required text. Raises ValidationError as CKAN does."""
    value = data.get(field)
    if value in (None, ""):
        raise ValidationError({field: ["Missing value"]})
    if not isinstance(value, str):
        raise ValidationError({field: ["Must be a text"]})
    return value


def _text(data: Mapping[str, Any], field: str, errors: Errors) -> str | None:
    value = data.get(field)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    errors.setdefault(field, []).append("Must be a text")
    return None


def _translated(value: Any, field: str, errors: Errors) -> dict[str, str]:
    """`{"zh": …, "en": …}`, also as JSON text, as the plugin for CKAN accepts it."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            errors.setdefault(field, []).append("Failed to decode JSON string")
            return {}
    if not isinstance(value, Mapping):
        errors.setdefault(field, []).append("expecting JSON object")
        return {}
    for language, text in value.items():
        if language not in LANGUAGES:
            errors.setdefault(field, []).append(f'invalid language code: "{language}"')
        elif not isinstance(text, str):
            errors.setdefault(field, []).append(f'invalid type for "{language}" value')
    return dict(value)


def _extras(given: Any, errors: Errors) -> list[dict[str, str]]:
    if not _is_list_of_mappings(given, "extras", errors):
        return []
    extras: list[dict[str, str]] = []
    wrong: list[Errors] = []
    for extra in given:
        missing = [k for k in ("key", "value") if extra.get(k) in (None, "") and (k == "key" or k not in extra)]
        wrong.append({k: ["Missing value"] for k in missing})
        if not missing:
            extras.append({"key": str(extra["key"]), "value": extra["value"]})
    if any(wrong):
        errors["extras"] = wrong
    keys = [extra["key"] for extra in extras]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        errors["extras_validation"] = [f'Duplicate key "{twice[0]}"']
    return sorted(extras, key=lambda extra: extra["key"])


def _tags(data: Mapping[str, Any], errors: Errors) -> list[str]:
    given = data.get("tags") or []
    if isinstance(data.get("tag_string"), str):
        given = [*given, *({"name": name.strip()} for name in data["tag_string"].split(",") if name.strip())]
    if not _is_list_of_mappings(given, "tags", errors):
        return []
    if wrong := [error for tag in given for error in _tag_errors(tag.get("name"))]:
        errors["tags"] = wrong
        return []
    return sorted({tag["name"] for tag in given})


def _tag_errors(name: Any) -> list[str]:
    if not isinstance(name, str) or not name:
        return ["Missing value"]
    if len(name) < TAG_LENGTHS[0]:
        return [f'Tag "{name}" length is less than minimum {TAG_LENGTHS[0]}']
    if len(name) > TAG_LENGTHS[1]:
        return [f'Tag "{name}" length is more than maximum {TAG_LENGTHS[1]}']
    if not TAG.fullmatch(name):
        allowed = 'alphanumeric characters, spaces (" "), hyphens ("-"), underscores ("_") or dots (".")'
        return [f'Tag "{name}" can only contain {allowed}']
    return []


def _group_references(given: Any, errors: Errors) -> list[str]:
    if not _is_list_of_mappings(given, "groups", errors):
        return []
    return [str(group.get("name") or group.get("id") or "") for group in given]


def _resources(given: Any, errors: Errors) -> list[dict[str, Any]]:
    if not _is_list_of_mappings(given, "resources", errors):
        return []
    cleaned = [clean_resource(resource) for resource in given]
    if any(wrong for _, wrong in cleaned):
        errors["resources"] = [wrong for _, wrong in cleaned]
    return [resource for resource, _ in cleaned]


def clean_resource(given: Mapping[str, Any]) -> tuple[dict[str, Any], Errors]:
    """A resource as it is stored, and what is wrong with it. Fields nobody knows are kept, as CKAN does."""
    errors: Errors = {}
    kept = {k: v for k, v in given.items() if k not in NOT_STORED_IN_RESOURCES and v is not None}
    resource = {k: v for k, v in kept.items() if v != "" or k not in RESOURCE_FIELDS}
    for field in RESOURCE_FIELDS:
        if field != "size" and field in resource:
            resource[field] = _text(resource, field, errors)
    if "size" in resource:
        try:
            resource["size"] = as_natural(resource, "size", None, ValidationError)
        except ValidationError as error:
            errors |= error.error_dict
    if isinstance(resource.get("url"), str):
        resource["url"] = resource["url"].strip()
    resource["format"] = clean_format(resource.get("format") or guess_format(resource.get("url") or ""))
    resource["id"] = resource.get("id") or str(uuid4())
    if not is_uuid(resource["id"]):
        errors["id"] = ["Invalid id provided"]
    return resource, errors


def _is_list_of_mappings(given: Any, field: str, errors: Errors) -> bool:
    fits = isinstance(given, Sequence) and not isinstance(given, str) and all(isinstance(x, Mapping) for x in given)
    if not fits:
        errors[field] = ["Only lists of dicts can be placed against subschema"]
    return fits
