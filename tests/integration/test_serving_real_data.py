"""Six hundred thousand real rows come back as they went in, streamed, and can be searched."""

import csv
import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from fastapi.testclient import TestClient

from schemas.dataset import Tier
from schemas.identifiers import resource_id
from tests.factories.releases import data_app, packaged_release, published, small_platform
from tests.shared_data import shared

VILLAGES = "validation/cn/npm-china-division/dist/villages.csv.gz"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_villages(tmp_path: Path) -> None:
    source = shared(VILLAGES)
    with gzip.open(source) as reader:
        content = reader.read()
    header = content.partition(b"\n")[0].decode("utf-8-sig").strip().split(",")
    types = pacsv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()))
    table = pacsv.read_csv(pa.BufferReader(content), convert_options=types)
    assert table.num_rows > 600_000
    platform = small_platform(tmp_path)
    published(platform, packaged_release(platform, "villages", {Tier.OPEN: table}))
    with TestClient(data_app(platform)) as client:
        resource = resource_id("villages", Tier.OPEN, "csv")
        page = client.get("/api/3/action/datastore_search", params={"resource_id": resource, "offset": 600_000})
        assert [{k: v for k, v in r.items() if k != "_id"} for r in page.json()["result"]["records"]] == table.slice(
            600_000, 100
        ).to_pylist()
        names = table["name"].to_pylist()
        for words in ("海淀", "社区", "村", "居民委员会"):
            found = client.get("/api/v1/datasets/villages/rows", params={"q": words, "limit": 5}).json()
            matching = [name for name in names if words in name]
            assert found["total"] == len(matching)
            assert [row["name"] for row in found["data"]] == matching[:5]
        before = psutil.Process().memory_info().rss
        with client.stream("GET", "/download/villages/latest/open.csv") as answer:
            lines = sum(1 for _ in csv.reader(_text(answer.iter_bytes())))
        assert lines == table.num_rows + 1
        digest = answer.headers["etag"].strip('"').split("-")[0]
        assert hashlib.sha256(platform.store.path(digest).read_bytes()).hexdigest() == digest
        assert psutil.Process().memory_info().rss - before < 200 * 2**20


def _text(blocks: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from (line.decode() for line in lines)
    if rest:
        yield rest.decode()
