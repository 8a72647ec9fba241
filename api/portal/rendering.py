"""Render a page: template, language, who is signed in, and how long the answer may be kept."""

import gzip
import hashlib
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from api.identity import current_actor
from api.platform import platform_of
from api.portal.templating import environment, page_address
from api.portal.translation import negotiated_language
from schemas.actor import Actor, Duty
from schemas.text import LANGUAGES, Language

# No script but ours, nothing from elsewhere, no framing: a page holds nothing a stranger could run.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
# Browsers ask each time (an answer of 304 costs little), so that signing in shows at once; caches in between may keep
# a public page for a minute.
PUBLIC_CACHE = "public, max-age=0, s-maxage=60"
SMALLEST_COMPRESSED = 1024  # bytes
DESK_OF_DUTY = {
    Duty.STEWARD: "/steward",
    Duty.OPERATOR: "/steward",
    Duty.AGENCY_REVIEWER: "/reviews",
    Duty.COMPLIANCE_REVIEWER: "/reviews",
    Duty.SECRECY_REVIEWER: "/reviews",
    Duty.ACCESS_REVIEWER: "/access-desk",
    Duty.DECIDER: "/access-desk",
    Duty.RESEARCHER: "/applications",
}
DESKS_OF_AUDITORS = ("/reviews", "/access-desk")


def render(
    request: Request, template: str, /, status_code: int = 200, *, cached: bool = True, **context: Any
) -> HTMLResponse:
    """The page `template` in the language of the request.

    Kept by caches for a minute where it is public: asked for with GET, found, by nobody in particular, and `cached`.
    """
    language = negotiated_language(request)
    actor = current_actor(request)
    platform = platform_of(request)
    body = (
        environment(language)
        .get_template(template)
        .render(
            **{"organisations": platform.configuration.organisations, "themes": platform.configuration.themes},
            **context,
            lang=language,
            actor=actor,
            desks=desks(actor),
            here=path_without_language(request),
            site_url=platform.settings.site_url,
            zone=platform.settings.timezone,
            sign_in_url=_sign_in_url(request, language),
            other_language_url=_other_language_url(request, language),
            alternates=_alternates(request, platform.settings.site_url),
        )
        .encode()
    )
    public = cached and actor.is_anonymous and status_code == 200 and request.method in ("GET", "HEAD")
    headers = {**PAGE_HEADERS, "Content-Language": language, "Vary": "Cookie, Accept-Language, Accept-Encoding"}
    headers["Cache-Control"] = PUBLIC_CACHE if public else "no-store"
    if not public:
        return HTMLResponse(body, status_code, headers)
    headers["ETag"] = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
    if headers["ETag"] in (tag.strip() for tag in request.headers.get("if-none-match", "").split(",")):
        return HTMLResponse(None, 304, headers)
    if len(body) >= SMALLEST_COMPRESSED and "gzip" in request.headers.get("accept-encoding", ""):
        # Public pages alone: compressing secrets beside what a stranger chose would give their length away (BREACH).
        body = gzip.compress(body, 5, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return HTMLResponse(body, status_code, headers)


def redirect(request: Request, path: str) -> RedirectResponse:
    """On to a page after a form, in the language of the request. path: without the language, on this site."""
    return RedirectResponse(f"/{negotiated_language(request)}{path}", status_code=303)


def desks(actor: Actor) -> list[str]:
    """Where this person works, the first being where to begin; empty for the public."""
    found = [desk for duty, desk in DESK_OF_DUTY.items() if duty in actor.duties]
    found += DESKS_OF_AUDITORS if Duty.AUDITOR in actor.duties else ()
    return list(dict.fromkeys(found))


def path_without_language(request: Request) -> str:
    """`/datasets` of `/zh/datasets`."""
    language, _, rest = request.url.path.removeprefix("/").partition("/")
    return f"/{rest}" if language in LANGUAGES else request.url.path


def _sign_in_url(request: Request, language: Language) -> str:
    """To the sign-in page and back here; from the sign-in page itself, and after a form, to the person's desk."""
    here = path_without_language(request)
    back = "" if here in ("/", "/sign-in") or request.method != "GET" else _with_query(request, request.url.path)
    return page_address(language, "/sign-in", {"to": back})


def _other_language_url(request: Request, language: Language) -> str:
    other: Language = "en" if language == "zh" else "zh"
    return f"/language/{other}?" + urlencode({"to": _in_language(request, other)})


def _alternates(request: Request, site_url: str) -> dict[str, str]:
    tags = {"zh": "zh-CN", "en": "en"}
    return {tags[language]: site_url.rstrip("/") + _in_language(request, language) for language in LANGUAGES}


def _in_language(request: Request, language: Language) -> str:
    """This page in a language; the home page for an address that has none, or that answers forms only."""
    if request.url.path.split("/")[1] not in LANGUAGES or request.method not in ("GET", "HEAD"):
        return f"/{language}/"
    return _with_query(request, f"/{language}{path_without_language(request)}")


def _with_query(request: Request, path: str) -> str:
    return path + (f"?{request.url.query}" if request.url.query else "")
