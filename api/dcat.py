"""The catalogue for harvesters: `/catalog.{jsonld,ttl,xml}` (DCAT-AP) and `/data.json` (DCAT-US)."""

from collections.abc import Iterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from api.platform import platform_of
from pipelines.catalogs.catalog import Catalog
from pipelines.catalogs.dcat import catalogue_graph, dcat_us_dataset
from pipelines.catalogs.rdf import json_ld, rdf_xml, turtle

PAGE_SIZE = 100  # datasets of one page, as ckanext-dcat has it
MEDIA_TYPES = {"jsonld": "application/ld+json", "ttl": "text/turtle", "xml": "application/rdf+xml"}
DCAT_US = "https://project-open-data.cio.gov/v1.1/schema"

router = APIRouter(tags=["catalogue"])


@router.get("/catalog")
def catalogue_address(request: Request, page: Annotated[int, Query(ge=1, le=100_000)] = 1) -> RedirectResponse:
    """The address of the catalogue in its own graphs: on to the notation the client asks for."""
    accepted = request.headers.get("accept", "")
    notation = next((name for name, media_type in MEDIA_TYPES.items() if media_type in accepted), "ttl")
    return RedirectResponse(f"/catalog.{notation}?page={page}", status_code=303, headers={"Vary": "Accept"})


@router.get("/catalog.jsonld")
def catalogue_json_ld(request: Request, page: Annotated[int, Query(ge=1, le=100_000)] = 1) -> Response:
    """One page of the catalogue as JSON-LD."""
    return _page(request, page, "jsonld")


@router.get("/catalog.ttl")
def catalogue_turtle(request: Request, page: Annotated[int, Query(ge=1, le=100_000)] = 1) -> Response:
    """One page of the catalogue as Turtle."""
    return _page(request, page, "ttl")


@router.get("/catalog.xml")
def catalogue_rdf_xml(request: Request, page: Annotated[int, Query(ge=1, le=100_000)] = 1) -> Response:
    """One page of the catalogue as RDF/XML."""
    return _page(request, page, "xml")


@router.get("/data.json")
def data_json(request: Request) -> StreamingResponse:
    """The whole catalogue as DCAT-US 1.1, page by page from the database."""
    platform = platform_of(request)
    return StreamingResponse(
        _dcat_us(platform.catalog, platform.settings.site_url), media_type="application/json", headers=_OPEN_TO_ALL
    )


_OPEN_TO_ALL = {"Access-Control-Allow-Origin": "*"}


def _page(request: Request, page: int, notation: str) -> Response:
    platform = platform_of(request)
    site_url = platform.settings.site_url
    found = _datasets(platform.catalog, page)
    pages = max(1, -(-found["count"] // PAGE_SIZE))
    triples = catalogue_graph(found["results"], site_url, page, pages)
    if notation == "jsonld":
        content: bytes | str = orjson.dumps(json_ld(triples))
    else:
        content = turtle(triples) if notation == "ttl" else rdf_xml(triples)
    headers = dict(_OPEN_TO_ALL)
    if page < pages:
        headers["Link"] = f'<{site_url.rstrip("/")}/catalog.{notation}?page={page + 1}>; rel="next"'
    return Response(content, media_type=MEDIA_TYPES[notation], headers=headers)


def _datasets(catalog: Catalog, page: int) -> dict[str, Any]:
    return catalog.call_action(
        "package_search", {"rows": PAGE_SIZE, "start": (page - 1) * PAGE_SIZE, "sort": "name asc"}
    )


def _dcat_us(catalog: Catalog, site_url: str) -> Iterator[bytes]:
    head = {"@type": "dcat:Catalog", "conformsTo": DCAT_US, "describedBy": f"{DCAT_US}/catalog.json"}
    yield orjson.dumps(head)[:-1] + b',"dataset":['
    page, separator = 1, b""
    while found := _datasets(catalog, page)["results"]:
        for package in found:
            yield separator + orjson.dumps(dcat_us_dataset(package, site_url))
            separator = b","
        page += 1
    yield b"]}"
