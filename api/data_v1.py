"""Rows of a dataset: `/api/v1/datasets/<name>/rows`.

Grammar of the query: `field=value` (repeated: any of them), `field[gte]=value` with `eq ne gt gte lt lte`,
`field[null]=true`, `q=words`, `sort=-field,field`, `fields=a,b`, `limit`, `cursor`, `tier`, `release`, `total=false`.
A field that is named like a parameter is meant by `field[eq]=`.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.delivery import Delivery, deliver, open_delivered_rows, parse_tier
from api.platform import platform_of
from pipelines.field_summary import FieldSummary, read_summary, summary_path
from pipelines.rows.query import AllOf, AnyOf, Comparison, Condition, Operator, Query, Sort, UnknownField, find_column
from pipelines.rows.render import render_objects
from pipelines.rows.store import RowStore
from pipelines.rows.values import CKAN_TYPES
from schemas.errors import Refused
from schemas.text import Text

MOST_ROWS = 10_000
DEFAULT_ROWS = 100
PARAMETERS = frozenset({"q", "sort", "fields", "limit", "cursor", "tier", "release", "total"})
NULL = "null"
_BRACKETS = re.compile(r"(?s)(?P<field>.+)\[(?P<word>[a-z]+)\]")

router = APIRouter(tags=["data"])


@router.get("/api/v1/datasets/{dataset}/rows", response_class=Response)
def rows(request: Request, dataset: str) -> Response:
    """Rows of one distribution, filtered, sorted, page by page."""
    given = request.query_params
    place = _read_cursor(given.get("cursor"), request)
    tier = parse_tier(given["tier"]) if "tier" in given else None
    release_id = place["release"] if place else given.get("release")
    delivery = deliver(request, dataset, tier, release_id)
    store = open_delivered_rows(request, delivery)
    query = replace(read_query(store, given.multi_items()), offset=place["offset"] if place else 0)
    page = store.page(replace(query, limit=query.limit + 1))  # one more tells whether there is a next page
    more = len(page.rows) > query.limit
    page = replace(page, rows=page.rows[: query.limit], numbers=page.numbers[: query.limit])
    body = {
        "dataset": dataset,
        "release": delivery.release.id,
        "tier": delivery.distribution.tier,
        **({"total": page.total} if page.total is not None else {}),
        "fields": _fields(store, delivery, query),
        "data": orjson.Fragment(render_objects(store, page, query.fields or tuple(store.columns))),
        "next": _next(request, delivery, query) if more else None,
    }
    headers = {
        "Cache-Control": "no-cache" if delivery.grant is None else "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(orjson.dumps(body), media_type="application/json", headers=headers)


@router.get("/api/v1/datasets/{dataset}/summary")
def summary(request: Request, dataset: str, tier: str = "", release: str | None = None) -> list[FieldSummary]:
    """Each column of one distribution: how full, its range, its frequent values. Empty for restricted tiers."""
    delivery = deliver(request, dataset, parse_tier(tier) if tier else None, release)
    return read_summary(summary_path(platform_of(request).home, delivery.distribution))


def read_query(store: RowStore, pairs: Sequence[tuple[str, str]]) -> Query:
    """The query of the address's parameters. Raises Refused, UnknownField (both HTTP 422, naming the parameter)."""
    single: dict[str, str] = {}
    filters: dict[str, list[Condition]] = {}
    for key, value in pairs:
        if key in PARAMETERS:
            if key in single:
                raise _wrong(key, "只能出现一次", "may be given once")
            single[key] = value
        else:
            field, condition = _filter(store, key, value)
            filters.setdefault(f"{field}=" if _is_equality(condition) else f"{key} {value}", []).append(condition)
    return Query(
        condition=AllOf(tuple(AnyOf(tuple(same)) for same in filters.values())),
        text=single.get("q", ""),
        sort=_sort(store, single.get("sort", "")),
        fields=_chosen(store, single.get("fields", "")),
        limit=_limit(single.get("limit")),
        want_total=_truth("total", single.get("total", "true")),
    )


def _filter(store: RowStore, key: str, value: str) -> tuple[str, Condition]:
    if key in store.columns:
        return key, Comparison(key, Operator.EQ, value)
    match = _BRACKETS.fullmatch(key)
    if match is None:
        raise UnknownField(key, list(store.columns))
    field, word = match["field"], match["word"]
    find_column(store.columns, field)
    if word == NULL:
        operator = Operator.EQ if _truth(key, value) else Operator.NE
        return field, Comparison(field, operator, None)
    if word not in list(Operator):
        raise _wrong(key, f"比较方式应为 {', '.join(Operator)}, null", f"comparisons are {', '.join(Operator)}, null")
    return field, Comparison(field, Operator(word), value)


def _is_equality(condition: Condition) -> bool:
    return isinstance(condition, Comparison) and condition.operator is Operator.EQ


def _sort(store: RowStore, text: str) -> tuple[Sort, ...]:
    terms = [term.strip() for term in text.split(",") if term.strip()]
    sort = tuple(
        Sort(term) if term in store.columns else Sort(term.removeprefix("-"), term.startswith("-")) for term in terms
    )
    for item in sort:
        find_column(store.columns, item.field)
    return sort


def _chosen(store: RowStore, text: str) -> tuple[str, ...] | None:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        find_column(store.columns, name)
    return names or None


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_ROWS
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= MOST_ROWS:
        raise _wrong("limit", f"应为 1 至 {MOST_ROWS} 的整数", f"is a whole number from 1 to {MOST_ROWS}")
    return int(text)


def _truth(parameter: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise _wrong(parameter, "应为 true 或 false", "is true or false")
    return text == "true"


def _wrong(parameter: str, zh: str, en: str) -> Refused:
    name = parameter[:100]
    return Refused(
        "invalid-parameter",
        Text(zh=f"参数“{name}”{zh}", en=f"the parameter “{name}” {en}"),
        Text(zh="用法见 /docs 中的数据接口说明", en="see the data API in the documentation"),
        field=name,
    )


def _fields(store: RowStore, delivery: Delivery, query: Query) -> list[dict[str, Any]]:
    titles = {f.name: f for f in delivery.distribution.fields}
    return [
        {
            "name": name,
            "type": CKAN_TYPES[find_column(store.columns, name).kind],
            **({"title": titles[name].title.model_dump()} if name in titles else {}),
        }
        for name in query.fields or tuple(store.columns)
    ]


def _next(request: Request, delivery: Delivery, query: Query) -> str:
    """Address of the next page. The cursor holds the release, so that pages fit together when a newer one appears."""
    place = {"release": delivery.release.id, "offset": query.offset + query.limit, "query": _fingerprint(request)}
    cursor = base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")
    kept = [(k, v) for k, v in request.query_params.multi_items() if k != "cursor"]
    return f"{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"


def _read_cursor(cursor: str | None, request: Request) -> dict[str, Any] | None:
    if cursor is None:
        return None
    try:
        place = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        good = isinstance(place["release"], str) and isinstance(place["offset"], int) and 0 <= place["offset"] < 2**53
        good = good and place["query"] == _fingerprint(request)
    except (ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise _wrong("cursor", "不属于这个查询", "does not belong to this query")
    return {"release": place["release"], "offset": place["offset"]}


def _fingerprint(request: Request) -> str:
    """What a cursor is bound to: all parameters but the ones that may change from page to page."""
    kept = sorted((k, v) for k, v in request.query_params.multi_items() if k not in ("cursor", "limit", "total"))
    return hashlib.sha256(orjson.dumps([request.url.path, kept])).hexdigest()[:16]
