"""Pages for everybody: home, search, dataset, agencies, schemas, transparency log, negative list, developers."""

import json
from dataclasses import dataclass
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse

from api.platform import platform_of
from api.portal.rendering import render
from api.portal.translation import negotiated_language
from governance import transparency_log
from governance.database.dataset_tables import publications
from governance.database.engine import reading
from pipelines.catalogs.ckan_client import NotFound as CatalogNotFound
from pipelines.current_release import current_release
from pipelines.datasets import load_dataset
from pipelines.platform import Platform
from pipelines.rows.delivery_files import rows_of
from pipelines.rows.query import Query as RowQuery
from schemas.dataset import Dataset, Openness, Tier, unknown_dataset
from schemas.identifiers import resource_id
from schemas.registry import load_published, published_references, schema_folder
from schemas.release import Distribution, Release
from schemas.table_schema import TableSchema
from schemas.text import Text

router = APIRouter(include_in_schema=False)
PAGE_ROWS = 20
PREVIEW_ROWS = 20
LOG_ROWS = 50
DOWNLOAD_FORMATS = ("csv", "xlsx", "json", "ndjson", "parquet")
FACETS = ("openness", "organization", "groups", "res_format", "tags")
SORTS = {
    "": "score desc, metadata_modified desc",
    "modified": "metadata_modified desc",
    "title": "title_string asc",
}


def _search(platform: Platform, **parameters: Any) -> dict[str, Any]:
    found: dict[str, Any] = platform.catalog.call_action("package_search", parameters)
    return found


@router.get("/")
def home(request: Request) -> HTMLResponse:
    """What is here: search, figures, newest datasets, themes."""
    platform = platform_of(request)
    newest = _search(
        platform, rows=6, sort="metadata_modified desc", **{"facet.field": ["openness", "groups", "organization"]}
    )
    return render(
        request,
        "home.html",
        newest=newest["results"],
        total=newest["count"],
        facets=newest["search_facets"],
    )


@router.get("/datasets")
def datasets(
    request: Request,
    q: str = "",
    sort: str = "",
    start: Annotated[int, Query(ge=0)] = 0,
    openness: str = "",
    organization: str = "",
    groups: str = "",
    res_format: str = "",
    tags: str = "",
) -> HTMLResponse:
    """Search with facets; every state has its own address."""
    chosen = {
        "openness": openness,
        "organization": organization,
        "groups": groups,
        "res_format": res_format,
        "tags": tags,
    }
    found = _search(
        platform_of(request),
        q=q,
        fq_list=[f'{name}:"{_quoted(value)}"' for name, value in chosen.items() if value],
        rows=PAGE_ROWS,
        start=start,
        sort=SORTS.get(sort, SORTS[""]),
        **{"facet.field": list(FACETS), "facet.limit": 12},
    )
    found["search_facets"]["tags"]["items"].sort(
        key=lambda tag: (_is_chinese(tag["name"]) is not (negotiated_language(request) == "zh"), -tag["count"])
    )
    return render(
        request,
        "datasets.html",
        q=q,
        sort=sort,
        start=start,
        rows=PAGE_ROWS,
        chosen=chosen,
        found=found,
        facet_names=FACETS,
    )


def _is_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


@dataclass(frozen=True)
class TierView:
    """One distribution as the dataset page shows it.

    preview: the first rows, empty where one must apply first. treatments: field of the schema → its control.
    """

    distribution: Distribution
    preview: list[dict[str, Any]]
    resource_id: str
    formats: tuple[str, ...]
    treatments: dict[str, str]


@router.get("/datasets/{name}")
def dataset(request: Request, name: str) -> HTMLResponse:
    """One dataset: what it is, what it holds, a preview, downloads, an API example, the disclosure report."""
    platform = platform_of(request)
    declared, release, history = _published(platform, name)
    root = platform.configuration.schemas
    schema = load_published(declared.table_schema, root) if declared.table_schema else None
    return render(
        request,
        "dataset.html",
        titles=field_titles(schema),
        dataset=declared,
        release=release,
        history=history,
        publisher=platform.configuration.organisations.get(declared.publisher),
        licence=platform.configuration.licences.get(declared.licence),
        dataset_themes=[
            platform.configuration.themes[t] for t in declared.themes if t in platform.configuration.themes
        ],
        negative_item=platform.configuration.negative_list.get(declared.negative_list_item or ""),
        schema=schema,
        tiers=[_tier_view(platform, release, d) for d in release.distributions] if release else [],
        structured=_structured_data(platform, declared, release),
    )


def field_titles(schema: TableSchema | None) -> dict[str, Text]:
    """Field name → its title: what a page calls a field."""
    return {f.name: f.title for f in schema.fields} if schema else {}


def _published(platform: Platform, name: str) -> tuple[Dataset, Release | None, list[Any]]:
    """Raises NotFound for what was never published: a declaration alone is not public."""
    try:
        platform.catalog.call_action("package_show", {"id": name})
    except CatalogNotFound:
        raise unknown_dataset() from None
    with reading(platform.engine) as connection:
        history = connection.execute(
            sa.select(publications).where(publications.c.dataset == name).order_by(publications.c.sequence.desc())
        ).all()
        return load_dataset(connection, name), current_release(connection, name), list(history)


def _tier_view(platform: Platform, release: Release, distribution: Distribution) -> TierView:
    restricted = distribution.tier is Tier.RESTRICTED
    names = {f.name for f in distribution.fields} | {str(f.meaning) for f in distribution.fields}
    formats = (*DOWNLOAD_FORMATS, *(["geojson"] if {"longitude", "latitude"} <= names else []))
    return TierView(
        distribution=distribution,
        preview=[] if restricted else preview_rows(platform, distribution),
        resource_id=resource_id(release.dataset, distribution.tier, "csv"),
        formats=formats,
        treatments={e.field: str(e.control) for e in distribution.report.effects},
    )


def preview_rows(platform: Platform, distribution: Distribution, limit: int = PREVIEW_ROWS) -> list[dict[str, Any]]:
    """The first rows of a distribution, as JSON objects."""
    rows = rows_of(platform.home, platform.store, distribution)
    page = rows.page(RowQuery(limit=limit, want_total=False))
    return [json.loads(row) for row in page.rows]


def _structured_data(platform: Platform, declared: Dataset, release: Release | None) -> dict[str, Any]:
    """schema.org Dataset, for search engines."""
    site = platform.settings.site_url
    publisher = platform.configuration.organisations.get(declared.publisher)
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": declared.title.zh,
        "alternateName": declared.title.en,
        "description": declared.notes.zh,
        "url": f"{site}/zh/datasets/{declared.name}",
        "isAccessibleForFree": declared.openness is Openness.OPEN,
        "keywords": list(declared.tags),
        "creator": {"@type": "GovernmentOrganization", "name": publisher.title.zh if publisher else declared.publisher},
        "distribution": [
            {
                "@type": "DataDownload",
                "encodingFormat": f.media_type,
                "contentUrl": f"{site}/download/{declared.name}/{release.id}/{d.tier}.{f.format}",
            }
            for d in release.distributions
            if d.tier is not Tier.RESTRICTED
            for f in d.files
        ]
        if release
        else [],
    }


@router.get("/organisations")
def organisations(request: Request) -> HTMLResponse:
    found = _search(platform_of(request), rows=0, **{"facet.field": ["organization"], "facet.limit": -1})
    counts = {i["name"]: i["count"] for i in found["search_facets"]["organization"]["items"]}
    return render(request, "organisations.html", counts=counts)


@router.get("/schemas")
def schemas(request: Request) -> HTMLResponse:
    root = platform_of(request).configuration.schemas
    return render(request, "schemas.html", schemas=[load_published(r, root) for r in published_references(root)])


@router.get("/schemas/{name}/{version}")
def schema(request: Request, name: str, version: str) -> HTMLResponse:
    root = platform_of(request).configuration.schemas
    found = load_published(f"{name}@{version}", root)
    folder = schema_folder(name, version, root)
    examples = [(p.name, p.read_text("utf-8-sig")) for p in sorted(folder.glob("*valid*.csv"))]
    versions = [r.split("@")[1] for r in published_references(root) if r.split("@")[0] == name]
    return render(request, "schema.html", schema=found, examples=examples, versions=versions)


@router.get("/log")
def log(request: Request, start: Annotated[int, Query(ge=0)] = 0) -> HTMLResponse:
    """The log, the newest entry first. start: how many of the newest are passed over."""
    with reading(platform_of(request).engine) as connection:
        size = transparency_log.log_size(connection)
        last = max(size - start, 0)
        first = max(last - LOG_ROWS, 0)
        entries = transparency_log.entries(connection, start=first, limit=last - first) if last else []
        rows = connection.execute(sa.select(publications.c.release, publications.c.dataset))
        published = {row.release: row.dataset for row in rows}
        titles = {name: load_dataset(connection, name).title for name in _datasets_of(entries, published)}
        root = transparency_log.log_root(connection).hex()
    return render(
        request,
        "log.html",
        size=size,
        root=root,
        entries=entries[::-1],
        published=published,
        titles=titles,
        start=start,
        rows=LOG_ROWS,
    )


def _datasets_of(entries: list[dict[str, Any]], published: dict[str, str]) -> set[str]:
    """The datasets that entries are about, of those that were published: the others are nobody's business yet."""
    named = {e["entry"].get("dataset") or published.get(e["entry"].get("release", "")) for e in entries}
    return {name for name in published.values() if name in named}


@router.get("/negative-list")
def negative_list(request: Request) -> HTMLResponse:
    found = _search(platform_of(request), fq='openness:"closed"', rows=1000)
    return render(
        request,
        "negative_list.html",
        items=platform_of(request).configuration.negative_list.values(),
        closed=found["results"],
    )


@router.get("/developers")
def developers(request: Request) -> HTMLResponse:
    found = _search(platform_of(request), fq='openness:"open"', rows=1)
    return render(request, "developers.html", example=found["results"][0] if found["results"] else None)


@router.get("/developers/api")
def api_reference(request: Request) -> HTMLResponse:
    """Every operation of the OpenAPI description, as a page that needs no script."""
    tags: dict[str, list[dict[str, Any]]] = {}
    for path, methods in request.app.openapi()["paths"].items():
        for method, operation in methods.items():
            tag = next(iter(operation.get("tags", ())), "other")
            tags.setdefault(tag, []).append(_operation(path, method, operation))
    return render(request, "api_reference.html", tags=tags)


def _operation(path: str, method: str, described: dict[str, Any]) -> dict[str, Any]:
    """What the reference shows of one operation."""
    return {
        "id": described.get("operationId", ""),
        "path": path,
        "method": method,
        "summary": described.get("summary", ""),
        "description": described.get("description", ""),
        "parameters": [
            {
                "name": p["name"],
                "place": p["in"],
                "required": p.get("required", False),
                "type": _type_of(p.get("schema", {})),
            }
            for p in described.get("parameters", ())
        ],
    }


def _type_of(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " | ".join(t for t in map(_type_of, schema["anyOf"]) if t != "null")
    return str(schema.get("type") or schema.get("$ref", "").rsplit("/", 1)[-1])


schema_files = APIRouter(tags=["schemas"])


@schema_files.get("/schemas/{name}/{version}.json")
def schema_file(request: Request, name: str, version: str) -> JSONResponse:
    """The Frictionless Table Schema at its stable address."""
    found = load_published(f"{name}@{version}", platform_of(request).configuration.schemas)
    headers = {"Cache-Control": "public, max-age=86400", "Access-Control-Allow-Origin": "*"}
    return JSONResponse(found.descriptor, headers=headers)
