"""Downloads of released files."""

import csv
import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import brotli
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
import zstandard
from fastapi.testclient import TestClient

from governance.access.grants import list_uses
from governance.database.decision_tables import grant_uses
from governance.database.engine import reading
from pipelines.platform import Platform
from schemas.dataset import Tier
from schemas.release import Release
from schemas.table_schema import Meaning
from tests.factories.releases import (
    data_app,
    fields_of,
    grant_id,
    granted,
    packaged_release,
    published,
    small_platform,
    withdraw_release,
)

FORMATS = ("csv", "json", "ndjson", "parquet", "xlsx", "geojson")


def stops() -> pa.Table:
    return pa.table(
        {
            "name": pa.array(["=1+1", "海淀医院", "http://example.invalid/", "0012"] * 100),
            "lines": pa.array([3, 2**60, 2, None] * 100, pa.int64()),
            "x": pa.array([116.25, None, 116.5, 0.1] * 100),
            "y": pa.array([39.5, 39.25, 39.75, 0.2] * 100),
        }
    )


GOOD_TOKEN = "gkg_" + "a" * 40
MEANINGS = {"x": Meaning.LONGITUDE, "y": Meaning.LATITUDE}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    made = small_platform(tmp_path_factory.mktemp("platform"))
    published(made, packaged_release(made, "bus-stops", {Tier.OPEN: stops()}, fields_of(stops(), MEANINGS)))
    published(made, packaged_release(made, "plain", {Tier.OPEN: pa.table({"a": [1]})}))
    jobs = {Tier.RESTRICTED: stops(), Tier.STATISTICAL: pa.table({"n": [1]})}
    published(made, packaged_release(made, "jobs", jobs))
    return made


@pytest.fixture(scope="module")
def client(platform: Platform) -> Iterator[TestClient]:
    with TestClient(data_app(platform)) as opened:
        opened.headers["accept-encoding"] = "identity"
        yield opened


def current(client: TestClient, format: str, dataset: str = "bus-stops", tier: str = "open") -> str:
    answer = client.get(f"/download/{dataset}/latest/{tier}.{format}", follow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["cache-control"] == "no-cache"
    return answer.headers["location"]


def test_reviewed_files_are_served_byte_for_byte(client: TestClient, platform: Platform) -> None:
    for format in ("csv", "parquet"):
        answer = client.get(current(client, format))
        digest = hashlib.sha256(answer.content).hexdigest()
        assert platform.store.path(digest).is_file()
        assert answer.headers["etag"] == f'"{digest}"'
    text = client.get(current(client, "csv")).content.decode()
    assert next(csv.reader(io.StringIO(text.split("\n", 1)[1])))[0] == "=1+1"  # as reviewed


def test_all_formats_hold_the_same_rows(client: TestClient) -> None:
    expected = stops().to_pylist()
    assert client.get(current(client, "json")).json() == expected
    lines = client.get(current(client, "ndjson")).text.splitlines()
    assert [json.loads(line) for line in lines] == expected
    assert pq.read_table(io.BytesIO(client.get(current(client, "parquet")).content)).to_pylist() == expected
    features = client.get(current(client, "geojson")).json()["features"]
    assert [f["properties"] for f in features] == expected
    assert features[0]["geometry"] == {"type": "Point", "coordinates": [116.25, 39.5]}
    assert features[1]["geometry"] is None


def test_xlsx_keeps_strings_as_strings(client: TestClient) -> None:
    content = client.get(current(client, "xlsx")).content
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(min_row=1, max_row=5))
    assert [c.value for c in rows[0]] == ["name", "lines", "x", "y"]
    assert [(row[0].value, row[0].data_type) for row in rows[1:]] == [
        ("=1+1", "s"),
        ("海淀医院", "s"),
        ("http://example.invalid/", "s"),
        ("0012", "s"),
    ]
    assert rows[2][1].value == str(2**60)  # a spreadsheet would round the number
    assert sheet.max_row == 401


def test_formats_are_made_the_same_again(tmp_path: Path) -> None:
    digests = []
    for folder in ("one", "two"):
        platform = small_platform(tmp_path / folder)
        published(platform, packaged_release(platform, "bus-stops", {Tier.OPEN: stops()}, fields_of(stops(), MEANINGS)))
        with TestClient(data_app(platform)) as client:
            digests.append([client.get(f"/download/bus-stops/latest/open.{f}").headers["repr-digest"] for f in FORMATS])
    assert digests[0] == digests[1]


def test_headers(client: TestClient) -> None:
    answer = client.get(current(client, "csv"))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    disposition = answer.headers["content-disposition"]
    assert 'filename="bus-stops-open-' in disposition
    assert "filename*=UTF-8''%E6%95%B0%E6%8D%AE%E9%9B%86%20bus-stops-open-" in disposition
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    head = client.head(current(client, "csv"))
    assert head.content == b""
    for name in ("etag", "content-length", "content-type", "content-disposition"):
        assert head.headers[name] == answer.headers[name]


def test_conditional_requests(client: TestClient) -> None:
    url = current(client, "csv")
    etag = client.get(url).headers["etag"]
    for header in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        answer = client.get(url, headers={"if-none-match": header})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    assert client.get(url, headers={"if-none-match": '"other"'}).status_code == 200


def test_ranges(client: TestClient) -> None:
    url = current(client, "csv")
    whole = client.get(url).content
    size = len(whole)
    for header, start, end in (
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=5-{size * 2}", 5, size),
        (f"bytes=-{size * 2}", 0, size),
    ):
        answer = client.get(url, headers={"range": header})
        assert answer.status_code == 206
        assert answer.content == whole[start:end]
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("header", ["lines=0-3", "bytes=a-b", "bytes=9-3", "bytes=-", "bytes"])
def test_what_is_no_byte_range_is_passed_over(client: TestClient, header: str) -> None:
    answer = client.get(current(client, "csv"), headers={"range": header})
    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["content-length"])


@pytest.mark.parametrize("header", ["bytes=0-1,3-4", "bytes=99999999-", "bytes=-0"])
def test_refused_ranges(client: TestClient, header: str) -> None:
    answer = client.get(current(client, "csv"), headers={"range": header})
    assert answer.status_code == 416
    assert answer.headers["content-range"].startswith("bytes */")
    assert answer.json()["code"] == "unsatisfiable-range"


def test_if_range(client: TestClient) -> None:
    url = current(client, "csv")
    etag = client.get(url).headers["etag"]
    assert client.get(url, headers={"range": "bytes=0-9", "if-range": etag}).status_code == 206
    changed = client.get(url, headers={"range": "bytes=0-9", "if-range": '"other"'})
    assert changed.status_code == 200
    assert changed.content == client.get(url).content


DECODERS = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda content: zstandard.ZstdDecompressor().decompressobj().decompress(content),
}


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("*", "zstd"),
        ("br;q=0, *;q=0.1", "zstd"),
    ],
)
def test_content_codings(client: TestClient, accepted: str, coding: str) -> None:
    url = current(client, "csv")
    plain = client.get(url)
    with client.stream("GET", url, headers={"accept-encoding": accepted}) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == coding
    assert DECODERS[coding](packed) == plain.content
    assert len(packed) == int(answer.headers["content-length"]) < len(plain.content)
    assert answer.headers["etag"] not in (plain.headers["etag"], "")
    assert "Accept-Encoding" in answer.headers["vary"]


@pytest.mark.parametrize("accepted", ["identity", "", "gzip;q=0", "identity, gzip;q=0.5", "deflate"])
def test_no_content_coding(client: TestClient, accepted: str) -> None:
    answer = client.get(current(client, "csv"), headers={"accept-encoding": accepted})
    assert "content-encoding" not in answer.headers


def test_a_broken_compressed_download_resumes_in_the_same_coding(client: TestClient) -> None:
    url = current(client, "csv")
    with client.stream("GET", url, headers={"accept-encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())
    resumed = {"accept-encoding": "gzip", "range": "bytes=20-", "if-range": answer.headers["etag"]}
    with client.stream("GET", url, headers=resumed) as rest:
        assert rest.status_code == 206
        assert packed[:20] + b"".join(rest.iter_raw()) == packed
    plain = client.get(url, headers={"accept-encoding": "gzip", "range": "bytes=0-4"})
    assert "content-encoding" not in plain.headers


def test_packed_formats_are_not_packed_again(client: TestClient) -> None:
    for format in ("parquet", "xlsx"):
        answer = client.get(current(client, format), headers={"accept-encoding": "gzip"})
        assert "content-encoding" not in answer.headers


def test_what_does_not_exist(client: TestClient) -> None:
    for path, code in (
        ("/download/bus-stops/latest/open.exe", "unknown-format"),
        ("/download/bus-stops/latest/secret.csv", "unknown-tier"),
        ("/download/bus-stops/latest/restricted.csv", "unknown-tier"),
        ("/download/nope/latest/open.csv", "unknown-release"),
        ("/download/bus-stops/0000000000000000/open.csv", "unknown-release"),
        ("/download/plain/latest/open.geojson", "no-coordinates"),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert client.get("/download/bus-stops/..%2f..%2fkeys/open.csv").status_code == 404


def test_a_release_of_another_dataset_is_not_found(client: TestClient) -> None:
    release = current(client, "csv", "plain").split("/")[3]
    assert client.get(f"/download/bus-stops/{release}/open.csv").status_code == 404


def test_unpublished_and_withdrawn_releases(tmp_path: Path) -> None:
    platform = small_platform(tmp_path)
    release = packaged_release(platform, "plain", {Tier.OPEN: pa.table({"a": [1]})})
    url = f"/download/plain/{release.id}/open.csv"
    with TestClient(data_app(platform)) as client:
        assert client.get(url).status_code == 404
        published(platform, release)
        assert client.get(url).status_code == 200
        newer = published(platform, packaged_release(platform, "plain", {Tier.OPEN: pa.table({"a": [2]})}))
        assert client.get(url).status_code == 200
        assert current(client, "csv", "plain").split("/")[3] == newer.id
        withdraw_release(platform, release)
        assert client.get(url).status_code == 410
        withdraw_release(platform, newer)
        gone = client.get("/download/plain/latest/open.csv")
        assert (gone.status_code, gone.json()["code"]) == (410, "withdrawn-release")


def test_changed_bytes_are_not_served(tmp_path: Path) -> None:
    platform = small_platform(tmp_path)
    release = published(platform, packaged_release(platform, "plain", {Tier.OPEN: pa.table({"a": ["one", "two"]})}))
    for format in ("csv", "parquet"):
        path = platform.store.path(release.distributions[0].file(format).digest)
        path.write_bytes(path.read_bytes() + b" ")
    with TestClient(data_app(platform)) as client:
        for format in ("csv", "parquet", "json", "ndjson", "xlsx"):
            answer = client.get(f"/download/plain/{release.id}/open.{format}")
            assert (answer.status_code, answer.json()["code"]) == (503, "digest-mismatch")


def test_bytes_that_change_while_serving_are_noticed(tmp_path: Path) -> None:
    platform = small_platform(tmp_path)
    release = published(platform, packaged_release(platform, "plain", {Tier.OPEN: pa.table({"a": ["one", "two"]})}))
    url = f"/download/plain/{release.id}/open.csv"
    with TestClient(data_app(platform)) as client:
        assert client.get(url).status_code == 200
        path = platform.store.path(release.distributions[0].file("csv").digest)
        path.write_bytes(path.read_bytes().replace(b"one", b"six"))
        assert client.get(url).status_code == 503


def test_a_spoiled_copy_is_made_again(tmp_path: Path) -> None:
    platform = small_platform(tmp_path)
    published(platform, packaged_release(platform, "plain", {Tier.OPEN: pa.table({"a": ["one", "two"]})}))
    with TestClient(data_app(platform)) as client:
        good = client.get("/download/plain/latest/open.json").content
        made = next((platform.home / "rows" / "files").glob("*.json"))
        made.write_bytes(b"[]")
        assert client.get("/download/plain/latest/open.json").content == good


def test_statistical_tier_is_free_and_restricted_tier_is_not(client: TestClient) -> None:
    assert client.get("/download/jobs/latest/statistical.csv").status_code == 200
    for path in ("/download/jobs/latest/restricted.csv", f"/download/jobs/{_id(client)}/restricted.parquet"):
        answer = client.get(path)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "http://testserver/apply/jobs" in answer.json()["remedy"]["zh"]
        assert client.head(path).status_code == 401


def _id(client: TestClient) -> str:
    return current(client, "csv", "jobs", "statistical").split("/")[3]


def test_every_use_of_a_grant_is_recorded(platform: Platform, client: TestClient) -> None:
    granted(platform, GOOD_TOKEN, "jobs")
    authorised = {"authorization": f"Bearer {GOOD_TOKEN}"}
    url = f"/download/jobs/{_id(client)}/restricted.csv"
    assert client.head(url, headers=authorised).status_code == 200
    answer = client.get(url, headers=authorised)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    rows = client.get("/api/v1/datasets/jobs/rows", params={"tier": "restricted"}, headers=authorised)
    assert rows.json()["total"] == 400
    with reading(platform.engine) as connection:
        uses = list_uses(connection, grant_id(GOOD_TOKEN))
    assert [(use["what"], use["actor"]) for use in uses] == [("csv", "researcher"), ("query", "researcher")]
    assert uses[0]["digest"] == hashlib.sha256(answer.content).hexdigest()


def test_a_grant_for_other_data_or_past_its_end_is_refused(platform: Platform, client: TestClient) -> None:
    url = f"/download/jobs/{_id(client)}/restricted.csv"
    for number, (dataset, days, code) in enumerate(
        (("plain", 1, "grant-of-other-data"), ("jobs", -1, "grant-expired"))
    ):
        token = "gkg_" + str(number) * 40
        granted(platform, token, dataset, days)
        answer = client.get(url, headers={"authorization": token})
        assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert client.get(url, headers={"authorization": "gkg_unknown"}).status_code == 401
    with reading(platform.engine) as connection:
        others = sa.select(sa.func.count(grant_uses.c.sequence)).where(grant_uses.c.grant_id != grant_id(GOOD_TOKEN))
        assert connection.execute(others).scalar_one() == 0


def test_xlsx_refuses_what_does_not_fit(tmp_path: Path) -> None:
    platform = small_platform(tmp_path)
    many: Release = packaged_release(platform, "many", {Tier.OPEN: pa.table({"a": pa.nulls(1_048_576, pa.int8())})})
    published(platform, many)
    published(platform, packaged_release(platform, "long", {Tier.OPEN: pa.table({"a": ["长" * 32_768]})}))
    fits = pa.table({"a": ["长" * 32_767]})
    published(platform, packaged_release(platform, "fits", {Tier.OPEN: fits}))
    with TestClient(data_app(platform)) as client:
        answer = client.get("/download/many/latest/open.xlsx")
        assert (answer.status_code, answer.json()["code"]) == (422, "too-many-rows-for-xlsx")
        answer = client.get("/download/long/latest/open.xlsx")
        assert (answer.status_code, answer.json()["code"]) == (422, "cell-too-long-for-xlsx")
        assert "长长" not in answer.text
        content = client.get("/download/fits/latest/open.xlsx").content
        assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
    assert not list((platform.home / "rows" / "files").glob(".making*"))
