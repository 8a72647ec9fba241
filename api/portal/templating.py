"""The templates with everything bound to one language: gettext, and the filters that templates use."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import jinja2
from babel.dates import format_date, format_datetime, get_timezone_name
from babel.numbers import format_decimal, format_percent
from markupsafe import Markup

from api.portal.charts import tradeoff_curve
from api.portal.translation import translations
from api.portal.words import constraint, meaning, tone, word
from schemas.text import Language, Text

ADDRESS = re.compile(r"(https?://[\w/:.?=&%#~+-]*[\w/])", re.ASCII)
STATIC = Path(__file__).parent / "static"


@cache
def environment(language: Language) -> jinja2.Environment:
    """Jinja2 with autoescape; an unknown name in a template is an error."""
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
        size=file_size,
        day=lambda value: format_date(_parsed(value), format="long", locale=language),
        moment=lambda value, zone: _in_zone(value, zone, language),
        iso=lambda value: _parsed(value).isoformat(),
        zone_name=lambda zone: get_timezone_name(ZoneInfo(zone), locale=language),
        cell=_cell,
        sentence=lambda text: text[:1].upper() + text[1:],
        lowest=lambda band: int(band.rstrip("+").partition("-")[0]),
        word=lambda code, kind: word(code, kind, language),
        meaning=lambda code: meaning(code, language),
        constraint=lambda name, limit: constraint(name, limit, language),
        tone=tone,
        curve=tradeoff_curve,
        linked=linked,
        organisation=jinja2.pass_context(lambda context, name: _organisation(context, name, language)),
    )
    made.globals.update(link=lambda path, **query: page_address(language, path, query), static=static_address)
    return made


def page_address(language: Language, path: str, query: Mapping[str, Any]) -> str:
    """The address of a portal page in a language; empty query values are left out."""
    pairs = [(k, v) for k, values in query.items() for v in (values if isinstance(values, list) else [values]) if v]
    return f"/{language}{path}" + (f"?{urlencode(pairs)}" if pairs else "")


@cache
def static_address(name: str) -> str:
    """The address of a static file, which changes with its content, so that caches may keep it for long."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"


def file_size(value: int) -> str:
    """Bytes as people read them: 38.9 KiB."""
    amount, unit = float(value), "B"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def linked(text: str) -> Markup:
    """`text` with its web addresses as links, also where no space stands before them, as in Chinese."""
    parts = ADDRESS.split(text)
    return Markup("").join(
        Markup('<a href="{0}">{0}</a>').format(part) if index % 2 else part for index, part in enumerate(parts)
    )


def _text(value: Any, language: Language) -> str:
    if isinstance(value, Text):
        return value.to(language)
    if isinstance(value, Mapping):  # a text as the catalogue gives it
        return str(value.get(language) or value.get("zh") or "")
    return "" if value is None else str(value)


def _cell(value: Any) -> str:
    """A cell as CSV writes it."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _organisation(context: jinja2.runtime.Context, name: str | None, language: Language) -> str:
    known = context["organisations"].get(name)
    return known.title.to(language) if known else name or ""


def _parsed(value: datetime | date | str) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _in_zone(value: datetime | str, zone: str, language: Language) -> str:
    local, moment = ZoneInfo(zone), _parsed(value)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return format_datetime(aware.astimezone(local), "yyyy-MM-dd HH:mm", tzinfo=local, locale=language)
