"""No raw identifier of a conditional dataset stands anywhere but among the sources: not stored, not served.

The identifiers come from the sources themselves: the columns that the schema calls direct identifiers of persons, and
the numbers and addresses that free texts hold.
"""

import gzip
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import brotli
import pyarrow.parquet as pq
import pytest
import zstandard
from fastapi.testclient import TestClient

from api.app import create_app
from catalog_config.settings import Settings
from pipelines.datasets import read_declaration
from pipelines.platform import Platform, open_platform
from pipelines.read import read_source
from pipelines.rows.formats import MEDIA_TYPES
from pipelines.validation.validate import ValidatedTable, validate_table
from schemas.registry import load_published
from schemas.table_schema import FieldRole, Meaning
from tests.portal_city import CITY, PASSWORD, city_home

pytestmark = pytest.mark.slow

CONDITIONAL = ("employment-registrations", "resident-population-flow")
IN_TEXTS = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}[\dXx])(?!\d)|[\w.]+@[\w.]+")
LONGEST = 14  # characters that are looked for: the beginning of an address tells whose it is
SHORTEST = 3  # names of two characters are common words as well
ESCAPED = re.compile(r"\\u([0-9a-f]{4})")
LINK = re.compile(r'(?:href|src)="(/[^"#]*)"')
MOST_PAGES = 150
SITE = "http://testserver"

Needles = dict[int, dict[str, str]]  # length → beginning → which field it is of


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    opened = open_platform(Settings(home=city_home(tmp_path_factory), site_url=SITE))
    yield opened
    opened.engine.dispose()


@pytest.fixture(scope="module")
def needles() -> Needles:
    found: Needles = {}
    for name in CONDITIONAL:
        dataset = read_declaration(CITY / "datasets" / f"{name}.yaml")
        schema = load_published(dataset.table_schema or "")
        validated = validate_table(read_source(Path(dataset.source or "")), schema)
        assert isinstance(validated, ValidatedTable)
        for field in schema.fields:
            cells = [str(v) for v in validated.table[field.name].to_pylist() if v is not None]
            of_person = field.role is FieldRole.DIRECT_IDENTIFIER and field.meaning is not None  # employers have none
            texts = field.meaning is Meaning.FREE_TEXT
            values = cells if of_person else [hit for c in cells for hit in IN_TEXTS.findall(c)] if texts else []
            for value in values:
                beginning = value[:LONGEST]
                if len(beginning) >= SHORTEST:
                    found.setdefault(len(beginning), {})[beginning] = f"{name}: {field.name}"
    return found


def found_in(text: str, needles: Needles) -> set[str]:
    """The fields whose values stand in the text; never the values."""
    fields: set[str] = set()
    for length, values in needles.items():
        windows = {text[i : i + length] for i in range(len(text) - length + 1)}
        fields |= {values[window] for window in windows & values.keys()}
    return fields


def readable(content: bytes, name: str) -> Iterator[str]:
    """What a file says, however it is packed."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(name) as archive:
            for member in archive.namelist():
                yield from readable(archive.read(member), member)
        return
    if content.startswith(b"PAR1"):
        table = pq.read_table(name)
        yield str(pq.read_metadata(name).to_dict())
        yield "\n".join(str(value) for column in table.columns for value in column.unique().to_pylist())
    elif content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    elif content.startswith(b"\x28\xb5\x2f\xfd"):
        content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
    elif name.endswith(".br"):
        content = brotli.decompress(content)
    text = content.decode("utf-8", "ignore")
    yield text
    if "\\u" in text:
        yield ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def test_the_search_finds_what_it_looks_for(needles: Needles) -> None:
    assert sum(len(values) for values in needles.values()) > 5_000
    for name in CONDITIONAL:
        source = Path(read_declaration(CITY / "datasets" / f"{name}.yaml").source or "")
        texts = "\n".join(readable(source.read_bytes(), str(source)))
        assert any(field.startswith(name) for field in found_in(texts, needles))
    assert len({field for values in needles.values() for field in values.values()}) >= 6


def test_no_raw_value_is_stored_outside_the_sources(platform: Platform, needles: Needles) -> None:
    home = platform.home.folder
    served = TestClient(create_app(platform), headers={"Origin": SITE})
    for name in (*CONDITIONAL, "bus-stops"):  # what is made on demand is made
        for tier in ("open", "restricted", "statistical"):
            for format in MEDIA_TYPES:
                served.get(f"/download/{name}/latest/{tier}.{format}")
    files = [p for p in sorted(home.rglob("*")) if p.is_file() and p.relative_to(home).parts[0] != "sources"]
    assert len(files) > 30
    found = {
        f"{path.relative_to(home)}: {sorted(fields)}"
        for path in files
        if path.suffix != ".key"
        for text in readable(path.read_bytes(), str(path))
        if (fields := found_in(text, needles))
    }
    assert not found


def test_no_raw_value_is_served(platform: Platform, needles: Needles) -> None:
    nobody = TestClient(create_app(platform))
    addresses = ["/zh/", "/en/", "/catalog.ttl", "/catalog.jsonld", "/catalog.xml", "/data.json", "/openapi.json"]
    addresses += [f"/api/3/action/package_search?rows=100&facet.field={field}" for field in ("tags", "organization")]
    addresses += ["/api/v1/log/entries", "/api/v1/log/head", "/api/3/action/package_list", "/zh/datasets/nothing"]
    packages = nobody.get("/api/3/action/package_search?rows=100").json()["result"]["results"]
    for package in packages:
        addresses.append(f"/api/v1/datasets/{package['name']}/rows?limit=1000")
        for resource in package["resources"]:
            addresses.append(f"/api/3/action/datastore_search?limit=1000&resource_id={resource['id']}")
            addresses.append(f"/api/3/action/datastore_info?id={resource['id']}")
    seen: set[str] = set()
    found: set[str] = set()
    while addresses and len(seen) < MOST_PAGES:
        address = addresses.pop(0)
        if address in seen:
            continue
        seen.add(address)
        answer = nobody.get(address.replace("&amp;", "&"), headers={"Accept": "text/html,*/*"})
        assert answer.status_code < 500
        text = answer.text
        if fields := found_in(text + ESCAPED.sub(lambda match: chr(int(match[1], 16)), text), needles):
            found.add(f"{address}: {sorted(fields)}")
        addresses += [link for link in LINK.findall(text) if not link.startswith("/static/")]
    assert len(seen) > 50
    assert not found


def test_no_raw_value_is_shown_to_reviewers(platform: Platform, needles: Needles) -> None:
    client = TestClient(create_app(platform), headers={"Origin": SITE, "Accept": "text/html"})
    answer = client.post("/zh/sign-in", data={"account": "he-jing", "password": PASSWORD})
    assert answer.status_code == 200
    pages = [link for link in LINK.findall(client.get("/zh/reviews").text) if "/reviews/" in link]
    assert len(pages) >= len(CONDITIONAL)
    for page in pages:
        assert not found_in(client.get(page).text, needles)
