"""Sign in and out, switch the language, manage one's API tokens."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.client_address import client_address
from api.identity import SESSION_COOKIE, current_actor, refuse_other_origin, set_session_cookie, signed_in_actor
from api.platform import platform_of
from api.portal.rendering import desks, redirect, render
from api.portal.translation import COOKIE, negotiated_language
from api.problems import headers_of, status_of
from governance.accounts import create_api_token, end_session, list_api_tokens, load_account, revoke_api_token, sign_in
from governance.database.engine import reading
from schemas.actor import ANONYMOUS
from schemas.errors import GongkaiError, Refused
from schemas.text import LANGUAGES

router = APIRouter(include_in_schema=False)
language_router = APIRouter(include_in_schema=False)


def local_path(path: str, fallback: str) -> str:
    """`path` when it stays on this site, else `fallback`: a link must not lead people elsewhere."""
    inside = path.startswith("/") and "\\" not in path and not path.startswith("//") and path.isprintable()
    return path if inside else fallback


@language_router.get("/language/{language}")
def switch_language(language: str, to: str = "/") -> RedirectResponse:
    chosen = language if language in LANGUAGES else "zh"
    response = RedirectResponse(local_path(to, f"/{chosen}/"), status_code=303)
    response.set_cookie(COOKIE, chosen, max_age=365 * 24 * 3600, samesite="lax")
    return response


@router.get("/sign-in")
def sign_in_form(request: Request, to: str = "") -> HTMLResponse:
    return render(request, "sign_in.html", cached=False, to=to, account="", error=None)


@router.post("/sign-in")
def start_session(
    request: Request,
    account: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    to: Annotated[str, Form()] = "",
) -> Response:
    """A session, and back to where the person came from (`to`), else to the desk of their first duty."""
    refuse_other_origin(request)  # nobody is signed in to another person's account by a stranger's page
    request.state.actor = ANONYMOUS  # whoever was signed in before does not matter here
    platform = platform_of(request)
    try:
        session = sign_in(
            platform.engine,
            account=account.strip(),
            password=password,
            actor=ANONYMOUS,
            now=datetime.now(UTC),
            session_hours=platform.settings.session_hours,
            client=client_address(request),
        )
    except GongkaiError as error:
        page = render(request, "sign_in.html", status_of(error), to=to, account=account, error=error)
        page.headers.update(headers_of(error))
        return page
    desk = next(iter(desks(session.actor)), "/account")
    response = RedirectResponse(local_path(to, f"/{negotiated_language(request)}{desk}"), status_code=303)
    set_session_cookie(response, session, platform.settings)
    return response


@router.post("/sign-out")
def stop_session(request: Request) -> RedirectResponse:
    token = request.cookies.get(SESSION_COOKIE)
    if token:
        with platform_of(request).engine.begin() as connection:
            end_session(connection, token=token, actor=current_actor(request), now=datetime.now(UTC))
    response = redirect(request, "/")
    response.delete_cookie(SESSION_COOKIE)
    return response


@router.get("/account")
def account(request: Request) -> HTMLResponse:
    return _account_page(request)


def _account_page(
    request: Request,
    status: int = 200,
    new_token: str = "",
    error: GongkaiError | None = None,
    given: dict[str, str] | None = None,
) -> HTMLResponse:
    actor = signed_in_actor(request)
    with reading(platform_of(request).engine) as connection:
        return render(
            request,
            "account.html",
            status,
            account=load_account(connection, actor.id),
            tokens=list_api_tokens(connection, actor.id),
            new_token=new_token,
            given=given or {"name": "", "days": "90"},
            error=error,
        )


@router.post("/account/tokens")
def make_token(
    request: Request, name: Annotated[str, Form(max_length=200)] = "", days: Annotated[str, Form(max_length=20)] = "90"
) -> HTMLResponse:
    """The token is on this page and nowhere else."""
    actor = signed_in_actor(request)
    try:
        with platform_of(request).engine.begin() as connection:
            token = create_api_token(
                connection,
                account=actor.id,
                name=name,
                days=int(days) if days.isascii() and days.isdigit() else 0,
                actor=actor,
                now=datetime.now(UTC),
            )
    except Refused as error:
        return _account_page(request, 422, error=error, given={"name": name, "days": days})
    return _account_page(request, new_token=token)


@router.post("/account/tokens/{token_id}/revoke")
def revoke_token(request: Request, token_id: str) -> RedirectResponse:
    actor = signed_in_actor(request)
    with platform_of(request).engine.begin() as connection:
        revoke_api_token(connection, token_id=token_id, actor=actor, now=datetime.now(UTC))
    return redirect(request, "/account")
