"""Render a page: Jinja2 template, language, who is signed in, and the filters that templates use."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import jinja2
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent
from fastapi import Request
from fastapi.responses import HTMLResponse

from api.identity import current_actor
from api.portal.translation import negotiated_language, translations
from pipelines.platform import Platform
from schemas.text import Language, Text

# No script but ours, nothing from elsewhere, no framing: a page holds nothing a stranger could run.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def render(request: Request, template: str, /, status_code: int = 200, **context: Any) -> HTMLResponse:
    """The page `template` in the language of the request. Pages of signed-in people are kept by no cache."""
    language = negotiated_language(request)
    actor = current_actor(request)
    platform: Platform = request.app.state.platform
    body = (
        environment(language)
        .get_template(template)
        .render(
            **context,
            request=request,
            lang=language,
            actor=actor,
            site_url=platform.settings.site_url,
            zone=platform.settings.timezone,
            other_language_url=_other_language_url(request, language),
        )
    )
    headers = dict(PAGE_HEADERS)
    headers["Cache-Control"] = "public, max-age=60" if actor.is_anonymous else "no-store"
    headers["Vary"] = "Cookie, Accept-Language"
    headers["Content-Language"] = language
    return HTMLResponse(body, status_code=status_code, headers=headers)


@cache
def environment(language: Language) -> jinja2.Environment:
    """The templates with everything bound to one language."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("api.portal"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(
        text=lambda value: _text(value, language),
        number=lambda value: format_decimal(value, locale=language),
        percent=lambda value: format_percent(value, format="#,##0.#%", locale=language),
        size=_size,
        day=lambda value: format_date(_moment(value), format="long", locale=language),
        moment=lambda value, zone: _moment_in(value, zone, language),
        compact=lambda value: "" if value is None else str(value),
    )
    made.globals.update(link=lambda path, **query: _link(language, path, query))
    return made


def _text(value: Any, language: Language) -> str:
    if isinstance(value, Text):
        return value.to(language)
    if isinstance(value, Mapping):  # ckanext-fluent's form
        return str(value.get(language) or value.get("zh") or "")
    return "" if value is None else str(value)


def _link(language: Language, path: str, query: Mapping[str, Any]) -> str:
    """The address of a portal page in the page's language; empty query values are left out."""
    pairs = [(k, v) for k, values in query.items() for v in (values if isinstance(values, list) else [values]) if v]
    return f"/{language}{path}" + (f"?{urlencode(pairs)}" if pairs else "")


def _other_language_url(request: Request, language: Language) -> str:
    other = "en" if language == "zh" else "zh"
    _, _, rest = request.url.path.lstrip("/").partition("/")
    path = f"/{other}/{rest}" if request.url.path.split("/")[1] in {"zh", "en"} else f"/{other}/"
    return f"/language/{other}?" + urlencode({"to": path + (f"?{request.url.query}" if request.url.query else "")})


def _size(value: int) -> str:
    amount, unit = float(value), "B"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def _moment(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _moment_in(value: datetime | str, zone: str, language: Language) -> str:
    local = ZoneInfo(zone)
    moment = _moment(value)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo("UTC"))
    return format_datetime(aware.astimezone(local), "yyyy-MM-dd HH:mm z", tzinfo=local, locale=language)
