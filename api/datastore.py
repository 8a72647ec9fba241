"""CKAN's `datastore_search` and `datastore_info` over the released rows.

Parameters, results and errors as CKAN 2.12 gives them (https://docs.ckan.org/en/2.12/maintaining/datastore.html),
the advanced filters included. Text is found by its parts, so that Chinese words need no word boundary.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.ckan_action import BadRequest, help_address, json_answer, read_data
from api.datastore_query import DEFAULT_ROWS, Invalid, read_query
from api.delivery import FREE_TIERS, Delivery, deliver, open_delivered_rows
from api.platform import platform_of
from api.problems import status_of
from governance.database.dataset_tables import publications
from governance.database.engine import reading
from pipelines.rows.delivery_files import rows_are_ready
from pipelines.rows.formats import MEDIA_TYPES
from pipelines.rows.query import (
    ROW_NUMBER,
    Query,
    find_column,
)
from pipelines.rows.render import render_lists, render_objects, render_separated, shown_fields
from pipelines.rows.store import QueryTooSlow, RowStore
from pipelines.rows.values import CKAN_TYPES
from schemas.dataset import Tier
from schemas.errors import DependencyFailed, GongkaiError, NotAuthenticated, NotFound, NotPermitted, Refused, Withdrawn
from schemas.identifiers import resource_id as id_of_resource
from schemas.release import Distribution
from schemas.text import Text

SLOW_PARAMETERS = ("q", "full_text", "distinct")
QUICK_ROWS = 200
QUICK_SECONDS = 0.005  # that other requests may be kept waiting
MOST_RENDERED = 1_000
RECORD_FORMATS = ("objects", "lists", "csv", "tsv")

router = APIRouter(include_in_schema=False)


async def datastore_search(request: Request) -> Response:
    """Search the rows of one resource."""
    return await _answer(request, "datastore_search", _search)


async def datastore_info(request: Request) -> Response:
    """Fields and size of one resource."""
    return await _answer(request, "datastore_info", _info)


# Plain routes: the framework's reading of parameters, which is not needed here, would double the time of a page.
for _path in ("/api/3/action", "/api/action"):
    router.add_route(f"{_path}/datastore_search", datastore_search, methods=["GET", "POST"])
    router.add_route(f"{_path}/datastore_info", datastore_info, methods=["GET", "POST"])


Action = Callable[[Request, dict[str, Any], float | None], dict[str, Any]]


async def _answer(request: Request, name: str, action: Action) -> Response:
    try:
        data = await read_data(request, writes=False)
    except BadRequest as error:
        return json_answer(400, f"Bad request - JSON Error: {error}")
    help_text = help_address(platform_of(request).settings.site_url, name)
    try:
        result = await _run(request, data, action)
    except (Invalid, GongkaiError) as error:
        status, described = _described(error)
        return json_answer(status, {"help": help_text, "success": False, "error": described})
    return json_answer(200, {"help": help_text, "success": True, "result": result})


async def _run(request: Request, data: dict[str, Any], action: Action) -> dict[str, Any]:
    """Here where that is quicker than handing over to a thread, else in a thread."""
    if _is_quick(request, data):
        try:
            return action(request, data, QUICK_SECONDS)
        except QueryTooSlow:
            pass
    return await run_in_threadpool(action, request, data, None)


def _is_quick(request: Request, data: dict[str, Any]) -> bool:
    """Whether to try at once: a small page without full text, of rows that are built, with a database in this
    process, whose readers never wait."""
    limit = str(data.get("limit") or DEFAULT_ROWS)
    if any(data.get(name) for name in SLOW_PARAMETERS) or not limit.isdecimal() or int(limit[:9]) > QUICK_ROWS:
        return False
    platform = platform_of(request)
    found = _resources.get(str(data.get("resource_id") or data.get("id")))
    if found is None or found[1] not in FREE_TIERS or platform.engine.dialect.name != "sqlite":
        return False
    request.state.delivery = deliver(request, *found)
    return rows_are_ready(platform.home, request.state.delivery.distribution)


def _described(error: Invalid | GongkaiError) -> tuple[int, dict[str, Any]]:
    if isinstance(error, Invalid):
        return 409, {**error.errors, "__type": "Validation Error"}
    said = f"{error.message.en}{f': {error.remedy.en}' if error.remedy else ''}"
    if isinstance(error, NotFound | Withdrawn):
        return 404, {"__type": "Not Found Error", "message": f"Not found: {said}"}
    if isinstance(error, NotAuthenticated | NotPermitted):
        return 403, {"__type": "Authorization Error", "message": f"Access denied: {said}"}
    if isinstance(error, DependencyFailed):
        return 503, {"__type": "Service Unavailable", "message": said}
    return (409 if isinstance(error, Refused) else status_of(error)), {
        (error.field or "message"): [said],
        "__type": "Validation Error",
    }


def _search(request: Request, data: dict[str, Any], seconds: float | None) -> dict[str, Any]:
    delivery = _delivered(request, data)
    store = open_delivered_rows(request, delivery)
    query = read_query(store, data)
    records_format = str(data.get("records_format") or "objects")
    if records_format not in RECORD_FORMATS:
        raise Invalid("records_format", f"Value must be one of {list(RECORD_FORMATS)}")
    page = store.page(query, seconds)
    fields = shown_fields(store, query.fields, with_number=not query.distinct)
    match records_format:
        case "objects":
            records: Any = orjson.Fragment(render_objects(store, page, fields))
        case "lists":
            records = orjson.Fragment(render_lists(store, page, fields))
        case _:
            records = render_separated(store, page, fields, "," if records_format == "csv" else "\t")
    result: dict[str, Any] = {
        "include_total": query.want_total,
        "limit": query.limit,
        **{key: data[key] for key in ("q", "filters", "sort", "distinct", "plain", "language") if key in data},
        **({"offset": query.offset} if "offset" in data else {}),
        "records_format": records_format,
        "resource_id": _resource(data),
        "total_estimation_threshold": None,
        "records": records,
        "fields": _described_fields(store, delivery, fields),
        "_links": _links(request, query),
    }
    if page.total is not None:
        result |= {"total": page.total, "total_was_estimated": False}
    return result


def _info(request: Request, data: dict[str, Any], _seconds: float | None) -> dict[str, Any]:
    delivery = _delivered(request, data)
    store = open_delivered_rows(request, delivery)
    fields = [_field(store, delivery.distribution, name) for name in store.columns]
    for field in fields:
        field["schema"] = {"native_type": field["type"], "notnull": False, "index_name": None, "is_index": True}
    return {
        "meta": {
            "id": _resource(data),
            "count": store.rows,
            "table_type": "BASE TABLE",
            "size": delivery.distribution.file("parquet").size,
            "aliases": [],
        },
        "fields": fields,
    }


def _resource(data: dict[str, Any]) -> str:
    given = data.get("resource_id") or data.get("id")
    if not given:
        raise Invalid("resource_id", "Missing value")
    return str(given)


def _delivered(request: Request, data: dict[str, Any]) -> Delivery:
    known: Delivery | None = getattr(request.state, "delivery", None)  # looked up by `_is_quick` already
    if known is not None:
        return known
    found = find_resource(request, _resource(data))
    if found is None:
        raise NotFound(
            "unknown-resource",
            Text(zh="没有这个资源", en=f'Resource "{_resource(data)[:100]}" was not found.'),
            Text(zh="资源标识见 package_show", en="package_show lists the resources"),
            field="resource_id",
        )
    dataset, tier = found
    return deliver(request, dataset, tier)


def find_resource(request: Request, resource: str) -> tuple[str, Tier] | None:
    """(dataset, tier) of a resource id. Ids follow from names, so they are computed once and kept."""
    if resource not in _resources:
        with reading(platform_of(request).engine) as connection:
            names = connection.execute(sa.select(publications.c.dataset).distinct()).scalars().all()
        for name in set(names) - {dataset for dataset, _ in list(_resources.values())}:
            _resources.update({id_of_resource(name, tier, f): (name, tier) for tier in Tier for f in MEDIA_TYPES})
    return _resources.get(resource)


_resources: dict[str, tuple[str, Tier]] = {}


def _described_fields(store: RowStore, delivery: Delivery, names: tuple[str, ...]) -> orjson.Fragment:
    """The fields of an answer. They follow from the release, so they are rendered once and kept."""
    key = (delivery.release.id, delivery.distribution.tier, names)
    rendered = _rendered_fields.get(key)
    if rendered is None:
        while len(_rendered_fields) >= MOST_RENDERED:
            _rendered_fields.pop(next(iter(_rendered_fields)), None)
        rendered = orjson.dumps([_field(store, delivery.distribution, name) for name in names])
        _rendered_fields[key] = rendered
    return orjson.Fragment(rendered)


_rendered_fields: dict[tuple[str, Tier, tuple[str, ...]], bytes] = {}


def _field(store: RowStore, distribution: Distribution, name: str) -> dict[str, Any]:
    column = find_column(store.columns, name)
    if name == ROW_NUMBER and name not in store.columns:
        return {"id": name, "type": "int"}
    described: dict[str, Any] = {"id": name, "type": CKAN_TYPES[column.kind]}
    for field in distribution.fields:
        if field.name == name:
            described["info"] = {
                "label": field.title.zh,
                "label_en": field.title.en,
                "notes": field.description.zh,
                "notes_en": field.description.en,
            }
    return described


def _links(request: Request, query: Query) -> dict[str, str]:
    """Addresses of the first and the next page, as CKAN gives them."""
    parameters = [(k, v) for k, v in request.query_params.multi_items() if k not in ("offset", "limit")]
    parameters.append(("limit", str(query.limit)))
    path = request.url.path
    links = {"start": f"{path}?{urlencode(parameters)}"}
    links["next"] = f"{path}?{urlencode([*parameters, ('offset', str(query.offset + query.limit))])}"
    if query.offset:
        links["prev"] = f"{path}?{urlencode([*parameters, ('offset', str(max(query.offset - query.limit, 0)))])}"
    return links
