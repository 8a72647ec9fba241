"""Every page: its status for each kind of visitor, its language, its headers, and what it must never show."""

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from api.portal.words import WORDS
from governance.database.engine import reading
from pipelines.current_release import current_release
from pipelines.platform import Platform
from schemas.dataset import Dataset, Tier
from schemas.text import LANGUAGES
from tests.portal_city import CLOSED, PUBLISHED, SOURCES, UNPUBLISHED

Browse = Callable[[str], TestClient]
PUBLIC = (
    "/",
    "/datasets",
    "/datasets?q=公交&openness=open&sort=title",
    "/datasets?start=20",
    *(f"/datasets/{name}" for name in (*PUBLISHED, CLOSED)),
    "/organisations",
    "/schemas",
    "/schemas/bus-stops/1.0.0",
    "/log",
    "/negative-list",
    "/developers",
    "/developers/api",
    "/sign-in",
    "/apply/employment-registrations",
)
PEOPLE = {
    "steward": "liu-yun",
    "agency-reviewer": "sun-qiao",
    "compliance-reviewer": "he-jing",
    "access-reviewer": "gao-yuan",
    "decider": "liang-chen",
    "researcher": "lin-zhi",
    "auditor": "guo-ping",
    "operator": "ma-kai",
}
REVIEWERS = {"agency-reviewer", "compliance-reviewer", "auditor", "operator"}
# page → the duties that may open it; everybody else is refused, and nobody in particular is led to the sign-in
GUARDED = {
    "/steward": {"steward", "operator"},
    "/steward/declare": {"steward", "operator"},
    "/steward/bus-stops": {"steward", "operator"},
    "/steward/employment-registrations": {"operator"},  # of another agency
    "/reviews": REVIEWERS,
    "/access-desk": {"access-reviewer", "decider", "auditor"},
    "/applications": set(PEOPLE),
    "/account": set(PEOPLE),
}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("page", PUBLIC)
def test_public_page(browse: Browse, page: str, language: str) -> None:
    answer = browse("-").get(f"/{language}{page}")
    assert answer.status_code == 200
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in answer.text
    assert answer.headers["content-language"] == language
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    shown = _visible_text(answer.text)
    code = next((c for c in _codes() if re.search(rf"(?<![\w/@.-]){re.escape(c)}(?![\w/@.-])", shown)), None)
    assert code is None, f"the page shows the code {code}"


def _codes() -> set[str]:
    """Codes that are no words of either language."""
    known = {code for words in WORDS.values() for code, text in words.items() if code != text.en}
    return {code for code in known if "-" in code or code.isupper()}


@pytest.mark.parametrize("page", [p for p in PUBLIC if p not in ("/developers/api",)])
def test_chinese_page_has_no_english_sentence(browse: Browse, page: str) -> None:
    """Names of software and formats stay; three English words in a row are a text that nobody translated."""
    shown = _visible_text(browse("-").get(f"/zh{page}").text)
    found = re.search(r"\b[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}\b", shown)
    assert found is None, found


class _Text(HTMLParser):
    """The text people see, without code, scripts and text in a declared language."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"code", "pre", "script", "style"}:
            self.hidden += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in {"code", "pre", "script", "style"}:
            self.hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def _visible_text(page: str) -> str:
    parser = _Text()
    parser.feed(page)
    return "\n".join(parser.parts)


@pytest.mark.parametrize("page", GUARDED)
def test_page_for_some_duties_only(browse: Browse, page: str) -> None:
    anonymous = browse("-").get(f"/zh{page}?a=1")
    assert anonymous.status_code == 303
    assert anonymous.headers["location"] == f"/zh/sign-in?to=%2Fzh{page.replace('/', '%2F')}%3Fa%3D1"
    statuses = {duty: browse(account).get(f"/en{page}").status_code for duty, account in PEOPLE.items()}
    assert statuses == {duty: 200 if duty in GUARDED[page] else 403 for duty in PEOPLE}


@pytest.mark.parametrize("name", PUBLISHED)
def test_evidence_for_its_people_only(browse: Browse, city: Platform, name: str) -> None:
    with reading(city.engine) as connection:
        release = current_release(connection, name)
    assert release is not None
    page = f"/en/reviews/{release.id}"
    assert browse("-").get(page).status_code == 303
    for duty in ("compliance-reviewer", "auditor", "operator"):
        answer = browse(PEOPLE[duty]).get(page)
        assert answer.status_code == 200
        assert release.descriptor_digest in answer.text
        assert 'name="decision"' not in answer.text  # all three have signed
    assert browse(PEOPLE["researcher"]).get(page).status_code == 403
    assert browse(PEOPLE["steward"]).get(page).status_code == (200 if name == "bus-stops" else 403)


def test_pages_of_signed_in_people_are_kept_by_no_cache(browse: Browse) -> None:
    for page in ("/", "/datasets", "/account"):
        answer = browse("lin-zhi").get(f"/zh{page}")
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers
        assert "content-encoding" not in answer.headers


def test_public_page_is_revalidated(browse: Browse) -> None:
    first = browse("-").get("/zh/datasets")
    assert first.headers["cache-control"] == "public, max-age=0, s-maxage=60"
    assert first.headers["content-encoding"] == "gzip"
    assert "Cookie" in first.headers["vary"]
    again = browse("-").get("/zh/datasets", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert browse("-").get("/zh/sign-in").headers["cache-control"] == "no-store"
    assert browse("-").get("/zh/nothing").headers["cache-control"] == "no-store"


def test_static_files_are_kept_for_a_year(browse: Browse) -> None:
    page = browse("-").get("/zh/").text
    for name in ("portal.css", "portal.js", "icon.svg"):
        found = re.search(rf'"(/static/{re.escape(name)}\?v=\w+)"', page)
        assert found is not None
        assert "max-age=31536000" in browse("-").get(found[1]).headers["cache-control"]


def test_pages_are_small(browse: Browse) -> None:
    """What a phone loads for a dataset's page: page, style and script, as sent."""
    page = browse("-").get("/zh/datasets/employment-registrations")
    sent = int(page.headers["content-length"])
    assert sent + sum(len(browse("-").get(f"/static/{n}").content) for n in ("portal.css", "portal.js")) < 40_000


@pytest.mark.parametrize(
    ("header", "cookie", "language"),
    [
        ("en-GB,en;q=0.8", None, "en"),
        ("zh-TW", None, "zh"),
        ("fr;q=0.9, en;q=0.5, zh;q=0.2", None, "en"),
        ("fr", None, "zh"),
        ("", None, "zh"),
        ("en;q=abc", None, "zh"),
        ("zh", "en", "en"),
        ("en", "xx", "en"),
    ],
)
def test_language_of_an_address_without_one(browse: Browse, header: str, cookie: str | None, language: str) -> None:
    headers = {"Accept-Language": header} | ({"Cookie": f"language={cookie}"} if cookie else {})
    answer = browse("-").get("/datasets?q=a", headers=headers)
    assert answer.headers["location"] == f"/{language}/datasets?q=a"
    assert "Accept-Language" in answer.headers["vary"]


def test_restricted_values_are_on_no_public_page(browse: Browse, city: Platform) -> None:
    """No identifier of the source file, and no cell of the restricted distribution, stands on any public page."""
    source = (SOURCES / "employment-registrations.csv").read_bytes()
    text = source.decode("utf-8-sig") if source.startswith(b"\xef\xbb\xbf") else source.decode("gb18030")
    identifiers = set(re.findall(r"\b\d{17}[\dX]\b|\b1[3-9]\d{9}\b", text))
    assert len(identifiers) > 1000
    treated = _restricted_table(city)
    values = {str(v) for column in treated.columns for v in column.to_pylist() if len(str(v)) >= 8} | identifiers
    for page in PUBLIC:
        for language in ("zh", "en"):
            shown = browse("-").get(f"/{language}{page}").text
            assert not any(value in shown for value in identifiers), page
            words = set(re.split(r"[<>\s]+", shown))
            assert not words & values, page


def _restricted_table(city: Platform) -> pa.Table:
    with reading(city.engine) as connection:
        release = current_release(connection, "employment-registrations")
    assert release is not None
    return pq.read_table(city.store.path(release.distribution(Tier.RESTRICTED).file("parquet").digest))


def test_declared_dataset_that_was_never_published_is_not_public(browse: Browse) -> None:
    assert browse("-").get(f"/zh/datasets/{UNPUBLISHED}").status_code == 404
    assert UNPUBLISHED not in browse("-").get("/zh/log").text


@pytest.mark.parametrize(
    ("language", "title"),
    [("zh", "没有找到"), ("en", "Not found")],
)
def test_error_page_speaks_the_language(browse: Browse, language: str, title: str) -> None:
    answer = browse("-").get(f"/{language}/datasets/no-such-dataset")
    assert answer.status_code == 404
    assert f"<h1>{title}</h1>" in answer.text


def test_restricted_download_in_a_browser_says_where_to_apply(browse: Browse) -> None:
    answer = browse("-").get("/download/employment-registrations/latest/restricted.csv")
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert 'href="http://testserver/apply/employment-registrations"' in answer.text
    program = browse("-").get("/download/employment-registrations/latest/restricted.csv", headers={"Accept": "*/*"})
    assert program.headers["content-type"] == "application/problem+json"


def test_every_item_of_a_declaration_has_a_word() -> None:
    items = {field.alias or name for name, field in Dataset.model_fields.items()}
    assert set(WORDS["declaration"]) == items
    assert not items & {text.to(language) for text in WORDS["declaration"].values() for language in LANGUAGES}
