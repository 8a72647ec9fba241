"""Errors at the HTTP edge: one status per class, in the form the asker understands, without raw values or traces.

RFC 9457 problem details for programs, CKAN's envelope on /api/3, a page for browsers.
"""

import logging
import traceback
from collections.abc import Callable
from html import escape
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import headers_of, preferred_language, problem_response, status_of
from schemas.errors import (
    Conflict,
    GongkaiError,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    Refused,
    TooManyAttempts,
    Withdrawn,
)
from schemas.text import Text

log = logging.getLogger(__name__)

ErrorPage = Callable[[Request, GongkaiError, int], Response]
CKAN_TYPES: tuple[tuple[type[GongkaiError], int, str], ...] = (
    (NotAuthenticated, 403, "Authorization Error"),
    (TooManyAttempts, 429, "Rate Limit Error"),
    (NotPermitted, 403, "Authorization Error"),
    (NotFound, 404, "Not Found Error"),
    (Withdrawn, 404, "Not Found Error"),
    (Conflict, 409, "Validation Error"),
    (Refused, 409, "Validation Error"),
)


def install_error_handlers(app: FastAPI, error_page: ErrorPage | None = None) -> None:
    """Answer every error. error_page(request, error, status): the portal's page; a plain one by default."""
    app.state.error_page = error_page or plain_page
    app.add_exception_handler(GongkaiError, _known)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(UnexpectedErrors)


def error_response(
    request: Request, error: GongkaiError, status: int | None = None, headers: dict[str, str] | None = None
) -> Response:
    """The answer to an error, in the form that fits the path and the asker."""
    code = status or status_of(error)
    path = request.url.path
    if path.startswith("/api/3"):
        return _ckan_envelope(request, error, code)
    if not path.startswith("/api/") and "text/html" in request.headers.get("accept", ""):
        page: Response = request.app.state.error_page(request, error, code)
        page.headers.update({**headers_of(error), **(headers or {})})
        return page
    return problem_response(request, error, status=code, headers=headers)


def plain_page(request: Request, error: GongkaiError, status: int) -> HTMLResponse:
    """A page without a template, in the asked language."""
    language = preferred_language(request)
    remedy = f"<p>{escape(error.remedy.to(language))}</p>" if error.remedy else ""
    title = escape(error.message.to(language))
    return HTMLResponse(
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{status}</title>'
        f"<h1>{title}</h1>{remedy}<p><code>{escape(error.code)}</code></p></html>",
        status,
        {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'"},
    )


class UnexpectedErrors:
    """Answers 500 to what nobody foresaw. Logs the kind and the place, never the message: it may hold a value."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as error:
            log.error("unexpected %s at %s", type(error).__name__, _place(error))
            if started:  # the answer is cut short, which the client notices
                raise ConnectionAbortedError("the answer was cut short") from None
            response = error_response(Request(scope, receive), unexpected_error(), 500)
            await response(scope, receive, send)


def unexpected_error() -> GongkaiError:
    return GongkaiError(
        "unexpected-error",
        Text(zh="平台内部出错，未保存任何更改", en="the platform failed; nothing was changed"),
        Text(zh="请稍后重试；仍有问题请联系运维人员", en="try again later, or tell the operator"),
    )


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{f.filename}:{f.lineno}" for f in reversed(frames[-5:]))


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, GongkaiError)  # noqa: S101 - registered for this class alone
    return error_response(request, error)


async def _invalid_request(request: Request, error: Exception) -> Response:
    """Names the fields and what is wrong with them, never what was sent."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    fields = [".".join(str(p) for p in e["loc"] if not isinstance(p, int)) for e in error.errors()]
    wrong = "; ".join(sorted({f"{f}: {e['type']}" for f, e in zip(fields, error.errors(), strict=True)}))
    refused = Refused(
        "invalid-request",
        Text(zh=f"请求内容有误：{wrong}", en=f"the request is wrong: {wrong}"),
        Text(zh="请对照接口文档 /docs/api", en="compare with the API documentation at /docs/api"),
        field=fields[0] if fields else None,
    )
    return error_response(request, refused)


async def _http_error(request: Request, error: Exception) -> Response:
    """Errors of the framework itself: no such address, method not allowed, body too large."""
    assert isinstance(error, HTTPException)  # noqa: S101
    texts = {
        404: Text(zh="没有这个地址", en="there is nothing at this address"),
        405: Text(zh="该地址不接受此方法", en="this address does not take that method"),
        413: Text(zh="请求内容过大", en="the request is too large"),
    }
    message = texts.get(error.status_code, Text(zh="请求无法处理", en="the request cannot be handled"))
    remedy = Text(
        zh="请对照接口文档 /docs/api 检查地址、方法和内容", en="compare address, method and content with /docs/api"
    )
    known = GongkaiError(f"http-{error.status_code}", message, remedy)
    return error_response(request, known, error.status_code, dict(error.headers or {}))


def _ckan_envelope(request: Request, error: GongkaiError, status: int) -> JSONResponse:
    known = next(((code, name) for kind, code, name in CKAN_TYPES if isinstance(error, kind)), None)
    code, name = known or (status, "Internal Server Error" if status >= 500 else "Not Found Error")
    message = f"{error.message.zh} / {error.message.en}"
    described: dict[str, Any] = {"__type": name, "message": message}
    if name == "Validation Error":
        described[error.field or "__before"] = [message]
    action = request.url.path.rsplit("/", 1)[-1]
    body = {"help": f"{request.base_url}api/3/action/help_show?name={action}", "success": False, "error": described}
    return JSONResponse(body, code, {"Cache-Control": "no-store"})
