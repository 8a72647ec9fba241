"""`package_search` and `package_autocomplete` of the embedded catalogue."""

import json
from collections.abc import Iterable
from typing import Any

from pipelines.catalogs.ckan_client import SearchQueryError, ValidationError
from pipelines.catalogs.context import Context
from pipelines.catalogs.filter_index import ORDER_FIELDS, facet_field
from pipelines.catalogs.forms import show_package
from pipelines.catalogs.rows import groups_for, packages_by_id
from pipelines.catalogs.validation import as_natural

PARAMETERS = frozenset(
    {"q", "fq", "fq_list", "rows", "start", "sort", "fl", "qf", "defType", "mm", "extras", "use_default_schema"}
    | {"facet", "facet.field", "facet.limit", "facet.mincount", "include_private", "include_drafts", "include_deleted"}
)
GROUP_FACETS = ("organization", "groups")
DEFAULT_SORT = "score desc, metadata_modified desc"
ROWS_DEFAULT, ROWS_MOST = 10, 1000  # ckan.search.rows_max
FACET_VALUES_DEFAULT = 50  # search.facets.limit


def package_search(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Search datasets.

    q: free text in Chinese, English or pinyin, or `field:value`; fq, fq_list: filters; rows (10, at most 1000), start,
    sort (`score desc, metadata_modified desc`), facet, facet.field (list), facet.limit (50; -1: all), facet.mincount.
    include_private, include_drafts and include_deleted are ignored: only published datasets are searched.
    Returns count, results, facets, search_facets, sort.
    """
    unknown = sorted(key for key in data if key not in PARAMETERS and not key.startswith("ext_"))
    if unknown:
        raise SearchQueryError(f"Invalid search parameters: {unknown}")
    rows = min(as_natural(data, "rows", ROWS_DEFAULT, ValidationError) or 0, ROWS_MOST)
    start = as_natural(data, "start", 0, ValidationError) or 0
    sort = data.get("sort")
    sort = DEFAULT_SORT if sort in (None, "", "rank") else _text(sort, "sort")
    found = context.index.up_to_date(context.connection).find(
        q=_text(data.get("q") or "", "q"),
        filters=[*_texts(data.get("fq"), "fq"), *_texts(data.get("fq_list"), "fq_list")],
        order=_order(sort),
        start=start,
        rows=rows,
        facets=_facet_fields(data),
        facet_limit=_facet_limit(data),
    )
    least = as_natural(data, "facet.mincount", 1, ValidationError) or 0
    facets = {field: {v: n for v, n in values.items() if n >= least} for field, values in found.facets.items()}
    stored = packages_by_id(context.connection, found.ids)
    named = [name for field in GROUP_FACETS for name in facets.get(field, {})]
    groups = groups_for(context.connection, stored.values(), named)
    results = [show_package(stored[i], groups, context.configuration) for i in found.ids if i in stored]
    return {
        "count": found.count,
        "facets": facets,
        "results": [_only(result, data.get("fl")) for result in results],
        "sort": sort,
        "search_facets": {
            field: {"title": field, "items": _facet_items(field, values, groups, context)}
            for field, values in facets.items()
        },
    }


def package_autocomplete(context: Context, data: dict[str, Any]) -> list[dict[str, Any]]:
    """Datasets whose title or name holds what was typed so far. Required: q. Optional: limit (10)."""
    if data.get("q") is None:
        raise ValidationError({"q": ["Missing value"]})
    typed = _text(data["q"], "q")
    limit = min(as_natural(data, "limit", 10, ValidationError) or 0, ROWS_MOST)
    found = context.index.up_to_date(context.connection).find(
        q=typed, filters=[], order=_order(DEFAULT_SORT), start=0, rows=limit, facets=[], facet_limit=0
    )
    stored = packages_by_id(context.connection, found.ids)
    return [
        {
            "name": row["name"],
            "title": row["title"],
            "match_field": "name" if typed.lower() in row["name"] else "title",
            "match_displayed": f"{row['title']} ({row['name']})",
        }
        for row in (stored[i] for i in found.ids if i in stored)
    ]


def _order(sort: str) -> list[tuple[str, bool]]:
    order = []
    for part in sort.split(","):
        field, _, direction = part.strip().partition(" ")
        direction = direction.strip().lower() or "asc"
        if field not in (*ORDER_FIELDS, "score"):
            raise SearchQueryError(f"Cannot sort by {field!r}; known: score, {', '.join(ORDER_FIELDS)}")
        if direction not in ("asc", "desc"):
            raise SearchQueryError(f"Can't determine a Sort Order (asc or desc) in sort spec {sort!r}")
        order.append((field, direction == "desc"))
    return order


def _facet_fields(data: dict[str, Any]) -> list[str]:
    if str(data.get("facet", "true")).lower() not in ("true", "1"):
        return []
    given = data.get("facet.field") or []
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            given = [given]
    fields = _texts(given, "facet.field")
    for field in fields:
        facet_field(field)
    return list(dict.fromkeys(fields))


def _facet_limit(data: dict[str, Any]) -> int:
    try:
        return int(data.get("facet.limit", FACET_VALUES_DEFAULT))
    except (TypeError, ValueError):
        raise ValidationError({"facet.limit": ["Invalid integer"]}) from None


def _facet_items(field: str, values: dict[str, int], groups: Any, context: Context) -> list[dict[str, Any]]:
    def display_name(value: str) -> str:
        if field in GROUP_FACETS and value in groups:
            return groups[value]["title"] or value
        if field == "license_id" and value in context.configuration.licences:
            return context.configuration.licences[value].title.zh
        return value

    items = [{"name": value, "display_name": display_name(value), "count": count} for value, count in values.items()]
    return sorted(items, key=lambda item: str(item["display_name"]), reverse=True)


def _only(result: dict[str, Any], fl: Any) -> dict[str, Any]:
    wanted: Iterable[str] = [name for part in _texts(fl, "fl") for name in part.replace(",", " ").split()]
    return {key: result[key] for key in wanted if key in result} if fl else result


def _texts(value: Any, field: str) -> list[str]:
    if value in (None, "", []):
        return []
    return [_text(part, field) for part in (value if isinstance(value, list) else [value])]


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise ValidationError({field: ["Must be a text"]})
    return value
