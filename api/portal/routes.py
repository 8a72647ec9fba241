"""Every page under `/zh` and `/en`; addresses without a language lead to the reader's."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from api.portal import (
    access_pages,
    account_pages,
    declaration_pages,
    public_pages,
    review_pages,
    source_pages,
    steward_pages,
)
from api.portal.rendering import render
from api.portal.templating import STATIC, page_address
from api.portal.translation import negotiated_language
from schemas.errors import GongkaiError
from schemas.text import LANGUAGES, Text

TITLES = {
    401: Text(zh="请先登录", en="Please sign in"),
    403: Text(zh="无权访问", en="Not permitted"),
    404: Text(zh="没有找到", en="Not found"),
    409: Text(zh="当前不能这样操作", en="Not possible now"),
    410: Text(zh="已撤回", en="Withdrawn"),
    413: Text(zh="内容过大", en="Too large"),
    422: Text(zh="提交的内容有误", en="What was sent is wrong"),
    429: Text(zh="请求过多，请稍后再试", en="Too many attempts"),
    500: Text(zh="平台出错", en="The platform failed"),
    503: Text(zh="暂时无法提供", en="Not available at the moment"),
}
OTHER = Text(zh="出错了", en="Something is wrong")

without_language = APIRouter(include_in_schema=False)


@without_language.get("/")
@without_language.get("/datasets")
@without_language.get("/organisations")
@without_language.get("/schemas")
@without_language.get("/developers")
@without_language.get("/sign-in")
@without_language.get("/log")
@without_language.get("/negative-list")
@without_language.get("/applications")
@without_language.get("/reviews")
@without_language.get("/steward")
@without_language.get("/access-desk")
@without_language.get("/account")
@without_language.get("/apply/{name}")
@without_language.get("/applications/{name}")
@without_language.get("/reviews/{name}")
@without_language.get("/datasets/{name}")
@without_language.get("/schemas/{name}/{version}")
def to_language(request: Request) -> RedirectResponse:
    return _with_language(request, request.url.path)


@without_language.get("/dataset/{name}")  # CKAN's address
def to_dataset(request: Request, name: str) -> RedirectResponse:
    return _with_language(request, f"/datasets/{quote(name)}")


@without_language.get("/docs/api")
def to_api_reference(request: Request) -> RedirectResponse:
    return _with_language(request, "/developers/api")


def _with_language(request: Request, path: str) -> RedirectResponse:
    query = f"?{request.url.query}" if request.url.query else ""
    address = f"/{negotiated_language(request)}{path}{query}"
    return RedirectResponse(address, status_code=307, headers={"Vary": "Accept-Language, Cookie"})


class LastingFiles(StaticFiles):
    """Files whose address changes with their content (`?v=…`), so that browsers keep them for a year."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def add_portal(app: FastAPI) -> None:
    """Mount static files and every page in both languages."""
    app.mount("/static", LastingFiles(directory=STATIC), name="static")
    app.include_router(public_pages.schema_files)
    app.include_router(account_pages.language_router)
    pages_of_people = (steward_pages, source_pages, review_pages, declaration_pages, access_pages, account_pages)
    for language in LANGUAGES:
        for pages in (public_pages, *pages_of_people):
            app.include_router(pages.router, prefix=f"/{language}")
    app.include_router(without_language)


def error_page(request: Request, error: GongkaiError, status: int) -> Response:
    """An error as a page; whoever asks for a page that wants a sign-in is led there and back."""
    language = negotiated_language(request)
    path = request.url.path
    if status == 401 and request.method == "GET" and path.startswith(tuple(f"/{known}/" for known in LANGUAGES)):
        to = path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(page_address(language, "/sign-in", {"to": to}), 303, {"Cache-Control": "no-store"})
    return render(
        request,
        "error.html",
        status,
        title=TITLES.get(status, OTHER).to(language),
        message=error.message.to(language),
        remedy=error.remedy.to(language) if error.remedy else "",
        code=error.code,
        offer_sign_in=status == 401,
    )
