"""Translations: templates hold English (gettext), `translations/zh.po` the Chinese."""

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from starlette.requests import Request

from schemas.text import Language

FOLDER = Path(__file__).parent / "translations"
COOKIE = "language"


@cache
def translations(language: Language) -> NullTranslations:
    """The gettext catalogue of a language, compiled in memory."""
    if language == "en":
        return NullTranslations()
    with (FOLDER / f"{language}.po").open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def negotiated_language(request: Request) -> Language:
    """Of the path's first part, else the cookie, else Accept-Language; Chinese where none says."""
    first = request.url.path.split("/")[1] if request.url.path.count("/") else ""
    for candidate in (first, request.cookies.get(COOKIE, "")):
        if candidate == "zh" or candidate == "en":
            return candidate  # type: ignore[return-value]
    return _accepted(request.headers.get("accept-language", ""))


def _accepted(header: str) -> Language:
    weighted: list[tuple[float, str]] = []
    for part in header.split(",")[:20]:
        tag, _, quality = part.strip().partition(";q=")
        try:
            weighted.append((-float(quality or 1), tag.lower()[:2]))
        except ValueError:
            continue
    best = next((tag for _, tag in sorted(weighted, key=lambda w: w[0]) if tag in {"zh", "en"}), "zh")
    return "en" if best == "en" else "zh"
