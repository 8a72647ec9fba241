"""Errors as RFC 9457 problem details, in the reader's language."""

from fastapi import Request
from fastapi.responses import JSONResponse

from schemas.errors import (
    ConfigurationError,
    Conflict,
    DependencyFailed,
    GongkaiError,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    Refused,
    TooLarge,
    TooManyAttempts,
    Withdrawn,
)
from schemas.text import Language

# The first class that fits decides, so subclasses stand before their parents.
STATUSES: tuple[tuple[type[GongkaiError], int, str], ...] = (
    (NotAuthenticated, 401, "Unauthorized"),
    (TooManyAttempts, 429, "Too Many Requests"),
    (NotPermitted, 403, "Forbidden"),
    (NotFound, 404, "Not Found"),
    (Withdrawn, 410, "Gone"),
    (Conflict, 409, "Conflict"),
    (TooLarge, 413, "Content Too Large"),
    (Refused, 422, "Unprocessable Content"),
    (ConfigurationError, 500, "Internal Server Error"),
    (DependencyFailed, 503, "Service Unavailable"),
)


def status_of(error: GongkaiError) -> int:
    """The HTTP status of an error class."""
    return next((status for kind, status, _ in STATUSES if isinstance(error, kind)), 500)


def headers_of(error: GongkaiError) -> dict[str, str]:
    """What the answer to an error says beside its text: when to come back (RFC 9110, 10.2.3)."""
    return {"Retry-After": str(error.retry_after)} if isinstance(error, TooManyAttempts) else {}


def preferred_language(request: Request) -> Language:
    """zh or en by `Accept-Language`; Chinese where neither is named."""
    for part in request.headers.get("accept-language", "").split(","):
        tag = part.split(";")[0].strip().lower()
        if tag.startswith("zh"):
            return "zh"
        if tag.startswith("en"):
            return "en"
    return "zh"


def problem_response(
    request: Request, error: GongkaiError, *, status: int | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    """`application/problem+json`: type, title, status, detail, instance; ours: code, field, message and remedy in both
    languages."""
    code = status or status_of(error)
    language = preferred_language(request)
    title = next((title for _, known, title in STATUSES if known == code), "Error")
    body = {
        "type": f"/docs/errors#{error.code}",
        "title": title,
        "status": code,
        "detail": error.message.to(language),
        "instance": request.url.path,
        "code": error.code,
        "field": error.field,
        "message": error.message.model_dump(),
        "remedy": error.remedy.model_dump() if error.remedy else None,
    }
    more = {"Cache-Control": "no-store", "Vary": "Accept-Language", **headers_of(error), **(headers or {})}
    if code == 401:
        more["WWW-Authenticate"] = 'Bearer realm="gongkai"'
    return JSONResponse(
        {k: v for k, v in body.items() if v is not None},
        status_code=code,
        media_type="application/problem+json",
        headers=more,
    )
