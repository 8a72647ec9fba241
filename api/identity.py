"""Who is asking: the session cookie, or `Authorization: <token>` / `Authorization: Bearer <token>`.

Writes by session are protected against other sites twice: the cookie is SameSite, and `Origin` (or `Sec-Fetch-Site`)
must be this site's. A token in a header needs neither, because no other site can set it.
"""

from datetime import UTC, datetime
from urllib.parse import urlsplit

from fastapi import Request, Response

from api.platform import platform_of
from catalog_config.settings import Settings
from governance.access.grants import GRANT_TOKEN_PREFIX
from governance.accounts import Session, actor_of_session, actor_of_token
from governance.database.engine import reading
from schemas.actor import ANONYMOUS, Actor
from schemas.errors import NotAuthenticated, NotPermitted
from schemas.text import Text

SESSION_COOKIE = "gongkai_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def current_actor(request: Request) -> Actor:
    """The account asking, or ANONYMOUS. A grant's token names no account: see `presented_grant_token`.

    Raises NotAuthenticated (a wrong token) and NotPermitted (a write by session from another site), once per request:
    whoever renders the error then sees ANONYMOUS. A session that has ended is no session.
    """
    known: Actor | None = getattr(request.state, "actor", None)
    if known is not None:
        return known
    request.state.actor = ANONYMOUS
    request.state.actor = _identify(request)
    return request.state.actor


def signed_in_actor(request: Request) -> Actor:
    """The account asking. Raises NotAuthenticated where nobody is signed in."""
    actor = current_actor(request)
    if actor.is_anonymous:
        raise NotAuthenticated(
            "not-signed-in",
            Text(zh="请先登录或提供令牌", en="sign in, or send a token"),
            Text(
                zh="在页面登录；程序请用请求头 Authorization: Bearer <令牌>",
                en="sign in on this site; programs send the header Authorization: Bearer <token>",
            ),
        )
    return actor


def presented_token(request: Request) -> str | None:
    """The token of the Authorization header, with or without `Bearer`."""
    header = request.headers.get("authorization", "").strip()
    scheme, _, rest = header.partition(" ")
    return (rest.strip() if scheme.lower() == "bearer" else header) or None


def presented_grant_token(request: Request) -> str | None:
    """The token, where it is a grant's; hand it to `governance.access.grants.require_grant`."""
    token = presented_token(request)
    return token if token is not None and token.startswith(GRANT_TOKEN_PREFIX) else None


def set_session_cookie(response: Response, session: Session, settings: Settings) -> None:
    """Out of reach of scripts, not sent along by other sites' forms, over TLS only where the site is."""
    response.set_cookie(
        SESSION_COOKIE,
        session.token,
        max_age=settings.session_hours * 3600,
        httponly=True,
        samesite="lax",
        secure=settings.site_url.startswith("https://"),
    )


def refuse_other_origin(request: Request) -> None:
    """For sign-in, where there is no session yet: a browser that says another site sent this is refused."""
    if "origin" in request.headers or request.headers.get("sec-fetch-site", "none") != "none":
        require_same_origin(request)


def require_same_origin(request: Request) -> None:
    """Raises NotPermitted unless the request was made by a page of this site."""
    origin = request.headers.get("origin")
    platform = platform_of(request)
    hosts = {request.headers.get("host", ""), urlsplit(platform.settings.site_url).netloc}
    by_origin = origin is not None and _host_of(origin) in hosts - {""}
    by_fetch = origin is None and request.headers.get("sec-fetch-site") == "same-origin"
    if not (by_origin or by_fetch):
        raise NotPermitted(
            "other-origin",
            Text(zh="请求不是从本站页面发出的", en="the request does not come from a page of this site"),
            Text(zh="请从本站操作，或使用接口令牌", en="do it on this site, or use an API token"),
            field="Origin",
        )


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # not an address
        return None


def _identify(request: Request) -> Actor:
    platform = platform_of(request)
    now = datetime.now(UTC)
    if (token := presented_token(request)) is not None:
        if token.startswith(GRANT_TOKEN_PREFIX):
            return ANONYMOUS
        with reading(platform.engine) as connection:
            return actor_of_token(connection, token, now=now)
    if not (session := request.cookies.get(SESSION_COOKIE)):
        return ANONYMOUS
    try:
        with reading(platform.engine) as connection:
            actor = actor_of_session(connection, session, now=now)
    except NotAuthenticated:
        return ANONYMOUS
    if request.method not in SAFE_METHODS:
        require_same_origin(request)
    return actor
