"""CKAN's Action API over HTTP: `/api/3/action/<action>` and `/api/action/<action>`.

Envelope, error forms and statuses as CKAN's `ckan/views/api.py` gives them: 200, 400 (unknown action, unreadable
request, unreadable query), 403, 404, 409 (validation). Reads answer GET and POST, writes POST with an API token.
"""

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, quote

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api.identity import current_actor, presented_token
from api.platform import platform_of
from pipelines.catalogs.ckan_client import NotAuthorized, NotFound, SearchError, SearchQueryError, ValidationError
from pipelines.catalogs.embedded import READS, WRITES, ActionUnknown, EmbeddedCatalog
from schemas.actor import ANONYMOUS, Actor
from schemas.errors import NotAuthenticated, NotPermitted

log = logging.getLogger(__name__)

BODY_LIMIT = 16 * 1024**2  # bytes; a package is some kilobytes

# Listed after the routers that own single actions, such as `datastore_search`: the first route that fits answers.
router = APIRouter(include_in_schema=False)


class BadRequest(Exception):
    """The request cannot be read; CKAN answers with a bare text."""


@router.get("/api/3")
def api_version() -> dict[str, int]:
    """The version of the API, as CKAN clients ask for it."""
    return {"version": 3}


@router.api_route("/api/3/action/{action}", methods=["GET", "POST"])
@router.api_route("/api/action/{action}", methods=["GET", "POST"])
async def call_action(request: Request, action: str) -> Response:
    """Call one action of the catalogue."""
    platform = platform_of(request)
    if not isinstance(platform.catalog, EmbeddedCatalog):
        return _elsewhere(request, action, platform.settings.ckan_url)
    try:
        if action not in READS and action not in WRITES:
            raise ActionUnknown(f"Action name not known: {action}")
        data = await read_data(request, writes=action in WRITES)
    except ActionUnknown as error:
        return json_answer(400, f"Bad request - {error}")
    except BadRequest as error:
        return json_answer(400, f"Bad request - JSON Error: {error}")
    except ValidationError as error:
        return _failure(platform.settings.site_url, action, error)
    try:
        actor = await run_in_threadpool(_actor, request)
        result = await run_in_threadpool(platform.catalog.as_actor(actor).call_action, action, data)
    except Exception as error:
        return _failure(platform.settings.site_url, action, error)
    return json_answer(
        200, {"help": help_address(platform.settings.site_url, action), "success": True, "result": result}
    )


def help_address(site_url: str, action: str) -> str:
    return f"{site_url.rstrip('/')}/api/3/action/help_show?name={quote(action)}"


async def read_data(request: Request, *, writes: bool) -> dict[str, Any]:
    """The action's parameters: of the address for GET, of a JSON or form body for POST.

    Raises BadRequest, and ValidationError for an uploaded file.
    """
    if request.method == "GET":
        if writes:
            raise BadRequest("Invalid request. Please use POST method for your request")
        return _single_values(request.query_params.multi_items())
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _read_multipart(request)
    body = await _read_body(request)
    if kind == "application/x-www-form-urlencoded":
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        if len(pairs) == 1 and pairs[0][1] in ("1", ""):  # `curl -d '{…}'`
            return _decode(pairs[0][0].encode())
        return _single_values(pairs)
    if body.strip():
        return _decode(body)
    return {} if writes else _single_values(request.query_params.multi_items())


async def _read_multipart(request: Request) -> dict[str, Any]:
    if int(request.headers.get("content-length") or BODY_LIMIT + 1) > BODY_LIMIT:
        raise BadRequest(f"The request is larger than {BODY_LIMIT} bytes, or does not say how large it is")
    async with request.form(max_files=20, max_fields=1000) as form:
        pairs = form.multi_items()
    if files := sorted({key for key, value in pairs if isinstance(value, UploadFile)}):
        raise ValidationError({key: ["Files are not taken here: publish them through a release"] for key in files})
    return _single_values(pairs)


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_LIMIT:
            raise BadRequest(f"The request is larger than {BODY_LIMIT} bytes")
    return bytes(body)


def _decode(body: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"Error decoding JSON data. {error}") from None
    if not isinstance(data, dict):
        raise BadRequest(f"Request data JSON decoded to {type(data).__name__} but it needs to be a dictionary.")
    return data


def _single_values(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """One value as itself, several as a list."""
    values: dict[str, list[Any]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    return {key: given[0] if len(given) == 1 else given for key, given in values.items()}


def _actor(request: Request) -> Actor:
    """Whoever the API token names. A session does not count here, so that no other site can act through it."""
    return current_actor(request) if presented_token(request) else ANONYMOUS


def _failure(site_url: str, action: str, error: Exception) -> Response:
    status, described = _described(error)
    if status == 500:
        log.exception("the action %s failed", action, exc_info=error)
    return json_answer(status, {"help": help_address(site_url, action), "success": False, "error": described})


def _described(error: Exception) -> tuple[int, dict[str, Any]]:
    if isinstance(error, ValidationError):
        return 409, {**error.error_dict, "__type": "Validation Error"}
    if isinstance(error, NotFound):
        return 404, {"__type": "Not Found Error", "message": f"Not found: {error}"}
    if isinstance(error, NotAuthorized):
        return 403, {"__type": "Authorization Error", "message": f"Access denied: {error}"}
    if isinstance(error, NotAuthenticated | NotPermitted):
        return 403, {"__type": "Authorization Error", "message": f"Access denied: {error.message.en}"}
    if isinstance(error, SearchQueryError):
        return 400, {"__type": "Search Query Error", "message": f"Search Query is invalid: {str(error)!r}"}
    if isinstance(error, SearchError):
        return 409, {"__type": "Search Error", "message": f"Search error: {str(error)!r}"}
    return 500, {"__type": "Internal Server Error", "message": "Internal Server Error"}


def _elsewhere(request: Request, action: str, ckan_url: str) -> Response:
    """The catalogue of this installation is a CKAN of its own: send readers there, and writers never."""
    address = f"{ckan_url.rstrip('/')}/api/3/action/{quote(action)}"
    if request.method == "GET":
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(address + query, status_code=307)
    return json_answer(400, f"Bad request - The catalogue of this site is at {address}")


def json_answer(status: int, content: Any) -> Response:
    """An answer of the Action API; browsers are told not to guess another type."""
    return Response(
        orjson.dumps(content),
        status_code=status,
        media_type="application/json",
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"},
    )
