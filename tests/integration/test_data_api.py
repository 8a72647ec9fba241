"""The data APIs over a small published release."""

import csv
import datetime as dt
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

from api import datastore
from governance.database.engine import reading
from pipelines.current_release import served_release
from pipelines.field_summary import summary_path, write_summary
from pipelines.platform import Platform
from pipelines.rows import store as store_module
from pipelines.rows.build import build_rows
from pipelines.rows.query import Query
from schemas.dataset import Tier
from schemas.identifiers import resource_id
from schemas.release import Release
from tests.factories.releases import data_app, packaged_release, published, small_platform, withdraw_release

SEARCH = "/api/3/action/datastore_search"
ROWS = "/api/v1/datasets/bus-stops/rows"
STOPS = resource_id("bus-stops", Tier.OPEN, "csv")


def stops() -> pa.Table:
    return pa.table(
        {
            "name": pa.array(["海淀医院", "朝阳公园北", "ＡＢＣ Plaza", "海淀公园", None]),
            "线路 数": pa.array([3, 1, 2, 3, None], pa.int64()),
            "fare": pa.array([Decimal("2.00"), Decimal("12.50"), Decimal("0.10"), Decimal("2.5"), None]),
            "opened": pa.array([dt.date(2001, 2, 3), None, dt.date(1999, 1, 1), dt.date(2020, 5, 6), None]),
            "seen": pa.array([dt.datetime(2026, 1, 2, 3, 4, 5), None, None, None, None], pa.timestamp("s")),
            "covered": pa.array([True, False, True, None, False]),
            "lon": pa.array([116.3, 116.4, 116.5, float("nan"), None]),
        }
    )


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    made = small_platform(tmp_path_factory.mktemp("platform"))
    published(made, packaged_release(made, "bus-stops", {Tier.OPEN: stops()}))
    published(made, packaged_release(made, "jobs", {Tier.RESTRICTED: stops()}))
    return made


@pytest.fixture(scope="module")
def client(platform: Platform) -> Iterator[TestClient]:
    with TestClient(data_app(platform)) as opened:
        yield opened


def search(client: TestClient, **parameters: Any) -> dict[str, Any]:
    answer = client.post(SEARCH, json={"resource_id": STOPS, **parameters})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()["result"]
    return result


def numbers(result: dict[str, Any]) -> list[int]:
    return [row["_id"] for row in result["records"]]


def test_search_answers_as_ckan_does(client: TestClient) -> None:
    answer = client.get(SEARCH, params={"resource_id": STOPS, "limit": 1}).json()
    assert answer["success"] is True
    assert answer["help"].endswith("/api/3/action/help_show?name=datastore_search")
    result = answer["result"]
    assert result["records"] == [
        {
            "_id": 1,
            "name": "海淀医院",
            "线路 数": 3,
            "fare": 2,
            "opened": "2001-02-03",
            "seen": "2026-01-02T03:04:05",
            "covered": True,
            "lon": 116.3,
        }
    ]
    assert [(f["id"], f["type"]) for f in result["fields"]] == [
        ("_id", "int"),
        ("name", "text"),
        ("线路 数", "int8"),
        ("fare", "numeric"),
        ("opened", "date"),
        ("seen", "timestamp"),
        ("covered", "bool"),
        ("lon", "float8"),
    ]
    assert result["fields"][1]["info"]["label"] == "字段 name"
    assert (result["total"], result["total_was_estimated"], result["limit"]) == (5, False, 1)
    assert result["resource_id"] == STOPS
    assert result["_links"]["next"] == f"{SEARCH}?resource_id={STOPS}&limit=1&offset=1"


def test_every_format_of_a_tier_answers(client: TestClient) -> None:
    for format in ("csv", "json", "parquet", "xlsx"):
        answer = client.get(SEARCH, params={"resource_id": resource_id("bus-stops", Tier.OPEN, format)})
        assert answer.json()["result"]["total"] == 5


def test_decimals_keep_their_digits_and_nan_is_null(client: TestClient) -> None:
    text = client.post(SEARCH, json={"resource_id": STOPS, "fields": ["fare", "lon"]}).text
    assert '"fare":12.5,' in text
    assert '"fare":0.1,' in text
    assert '{"fare":2.5,"lon":null}' in text


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"name": "海淀医院"}, [1]),
        ({"线路 数": [1, "2"]}, [2, 3]),
        ({"线路 数": 3, "covered": "true"}, [1]),
        ({"fare": 2.5}, [4]),
        ({"fare": {"gte": "0.1", "lt": 12.5}}, [1, 3, 4]),
        ({"opened": {"gt": "1999-01-01"}}, [1, 4]),
        ({"seen": "2026-01-02 03:04:05"}, [1]),
        ({"opened": None}, [2, 5]),
        ({"name": {"ne": None}, "covered": None}, [4]),
        ({"$or": [{"fare": 2}, {"线路 数": {"lte": 1}}]}, [1, 2]),
        ([{"fare": 2}, {"_id": 5}], [1, 5]),
        ({"fare": [0.1, {"gt": 3}]}, [2, 3]),
        ({"name": []}, []),
        ({"name": "' OR 1=1 --"}, []),
    ],
)
def test_filters(client: TestClient, filters: Any, found: list[int]) -> None:
    result = search(client, filters=filters)
    assert numbers(result) == found
    assert result["total"] == len(found)
    assert result["filters"] == filters


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("海淀", [1, 4]),
        ("淀", [1, 4]),
        ("公园 海淀", [4]),
        ("abc", [3]),
        ("plaza", [3]),
        ("海园", []),
        ({"name": "公园"}, [2, 4]),
        ('{"name": "朝阳公园"}', [2]),
    ],
)
def test_text(client: TestClient, q: Any, found: list[int]) -> None:
    assert numbers(search(client, q=q)) == found


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("fare", [3, 1, 4, 2, 5]),
        ("fare desc", [5, 2, 4, 1, 3]),
        ("fare desc nulls last", [2, 4, 1, 3, 5]),
        ('"线路 数" desc, name', [5, 4, 1, 3, 2]),
        (["线路 数 asc", "_id desc"], [2, 3, 4, 1, 5]),
    ],
)
def test_sort(client: TestClient, sort: Any, found: list[int]) -> None:
    assert numbers(search(client, sort=sort)) == found


def test_pages_fit_together(client: TestClient) -> None:
    whole = numbers(search(client, sort="fare"))
    pages = [numbers(search(client, sort="fare", limit=2, offset=o)) for o in (0, 2, 4, 6)]
    assert [number for page in pages for number in page] == whole
    assert numbers(search(client, q="公园", limit=1, offset=1)) == [4]


def test_fields_and_distinct(client: TestClient) -> None:
    result = search(client, fields="线路 数,_id", limit=1)
    assert result["records"] == [{"线路 数": 3, "_id": 1}]
    result = search(client, fields=["线路 数"], distinct=True, sort="线路 数")
    assert [r["线路 数"] for r in result["records"]] == [1, 2, 3, None]
    assert result["total"] == 4


def test_record_formats(client: TestClient) -> None:
    lists = search(client, records_format="lists", fields=["_id", "fare", "covered"])["records"]
    assert lists[:2] == [[1, 2, True], [2, 12.5, False]]
    text = search(client, records_format="csv", filters={"_id": [1, 5]})["records"]
    assert list(csv.reader(io.StringIO(text))) == [
        ["1", "海淀医院", "3", "2", "2001-02-03", "2026-01-02T03:04:05", "true", "116.3"],
        ["5", "", "", "", "", "", "false", ""],
    ]
    assert search(client, records_format="tsv", fields="_id,fare", limit=1)["records"] == "1\t2\n"


def test_without_total_and_over_the_limit(client: TestClient) -> None:
    result = search(client, include_total=False, limit=10**9)
    assert "total" not in result
    assert result["limit"] == 32_000
    assert search(client, limit=0)["records"] == []


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"filters": {"nope": 1}}, "filters"),
        ({"filters": "{"}, "filters"),
        ({"filters": {"name": {"like": "x"}}}, "filters"),
        ({"filters": {"opened": "yesterday-secret"}}, "opened"),
        ({"fields": "name,nope"}, "fields"),
        ({"sort": "nope desc"}, "sort"),
        ({"sort": "name; drop table cells"}, "sort"),
        ({"q": "x" * 500}, "q"),
        ({"q": {"fare": "1"}}, "fare"),
        ({"limit": -1}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"records_format": "xml"}, "records_format"),
        ({"filters": {"_id": list(range(501))}}, "filters"),
        ({"filters": json.loads('{"$or":[' * 400 + "]}" * 400)}, "filters"),
    ],
)
def test_wrong_parameters_are_validation_errors(client: TestClient, parameters: Any, field: str) -> None:
    answer = client.post(SEARCH, json={"resource_id": STOPS, **parameters})
    assert answer.status_code == 409
    body = answer.json()
    assert body["success"] is False
    assert body["error"]["__type"] == "Validation Error"
    assert field in body["error"]
    assert "secret" not in answer.text


def test_an_unknown_field_is_answered_with_the_known_ones(client: TestClient) -> None:
    error = client.post(SEARCH, json={"resource_id": STOPS, "fields": "nope"}).json()["error"]
    assert error["fields"] == ['field "nope" not in table; fields are: name, 线路 数, fare, opened, seen, covered, lon']


def test_missing_and_unknown_resource(client: TestClient) -> None:
    assert client.get(SEARCH).status_code == 409
    answer = client.get(SEARCH, params={"resource_id": "00000000-0000-0000-0000-000000000000"})
    assert answer.status_code == 404
    assert answer.json()["error"]["__type"] == "Not Found Error"


def test_restricted_rows_need_a_grant(client: TestClient) -> None:
    answer = client.get(SEARCH, params={"resource_id": resource_id("jobs", Tier.RESTRICTED, "csv")})
    assert answer.status_code == 403
    assert "http://testserver/apply/jobs" in answer.json()["error"]["message"]
    problem = client.get("/api/v1/datasets/jobs/rows")
    assert problem.status_code == 401
    assert problem.headers["content-type"] == "application/problem+json"
    assert "http://testserver/apply/jobs" in problem.json()["remedy"]["en"]
    assert "海淀" not in problem.text


def test_info(client: TestClient) -> None:
    result = client.get("/api/3/action/datastore_info", params={"id": STOPS}).json()["result"]
    assert result["meta"]["count"] == 5
    assert [f["id"] for f in result["fields"]][:2] == ["name", "线路 数"]


def test_v1_filters_sorts_and_chooses(client: TestClient) -> None:
    body = client.get(
        ROWS,
        params=[("线路 数", "3"), ("线路 数", "1"), ("fare[gte]", "2.5"), ("sort", "-fare"), ("fields", "name,fare")],
    ).json()
    assert body["data"] == [{"name": "朝阳公园北", "fare": 12.5}, {"name": "海淀公园", "fare": 2.5}]
    assert body["total"] == 2
    assert [f["name"] for f in body["fields"]] == ["name", "fare"]
    assert client.get(ROWS, params={"opened[null]": "true", "q": "公园"}).json()["total"] == 1
    assert client.get(ROWS, params={"name[ne]": "海淀公园"}).json()["total"] == 3


def test_v1_pages_by_cursor_within_one_release(platform: Platform, tmp_path: Path) -> None:
    fresh = small_platform(tmp_path)
    old = published(fresh, packaged_release(fresh, "bus-stops", {Tier.OPEN: stops()}))
    with TestClient(data_app(fresh)) as client:
        body = client.get(ROWS, params={"limit": 2, "sort": "fare"}).json()
        seen = body["data"]
        published(fresh, packaged_release(fresh, "bus-stops", {Tier.OPEN: stops().slice(0, 1)}))
        while body["next"]:
            body = client.get(body["next"]).json()
            assert body["release"] == old.id
            seen += body["data"]
        assert [row["fare"] for row in seen] == [0.1, 2, 2.5, 12.5, None]
        assert client.get(ROWS).json()["total"] == 1
        first = client.get(ROWS, params={"limit": 2, "release": old.id}).json()
        withdraw_release(fresh, old)
        assert client.get(first["next"]).status_code == 410


@pytest.mark.parametrize(
    ("parameters", "code", "field"),
    [
        ({"nope": "1"}, "unknown-field", "nope"),
        ({"sort": "nope"}, "unknown-field", "nope"),
        ({"fare[like]": "1"}, "invalid-parameter", "fare[like]"),
        ({"fare": "one-secret"}, "unfit-filter-value", "fare"),
        ({"limit": "0"}, "invalid-parameter", "limit"),
        ({"cursor": "AAAA"}, "invalid-parameter", "cursor"),
        ({"total": "yes"}, "invalid-parameter", "total"),
    ],
)
def test_v1_wrong_parameters_are_problems(
    client: TestClient, parameters: dict[str, str], code: str, field: str
) -> None:
    answer = client.get(ROWS, params=parameters)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["field"]) == (code, field)
    assert "secret" not in answer.text
    if code == "unknown-field":
        assert "fare" in problem["remedy"]["en"]


def test_v1_cursor_of_another_query_is_refused(client: TestClient) -> None:
    following = client.get(ROWS, params={"limit": 2}).json()["next"]
    assert client.get(following + "&fare=2").status_code == 422


def test_unknown_datasets_tiers_and_releases(client: TestClient) -> None:
    assert client.get("/api/v1/datasets/nope/rows").status_code == 404
    assert client.get(ROWS, params={"tier": "restricted"}).status_code == 404
    assert client.get(ROWS, params={"tier": "nope"}).status_code == 404
    assert client.get(ROWS, params={"release": "0" * 16}).status_code == 404


def test_changed_bytes_are_not_served(tmp_path: Path) -> None:
    platform = small_platform(tmp_path)
    release = published(platform, packaged_release(platform, "bus-stops", {Tier.OPEN: stops()}))
    _flip_a_byte(platform, release, "parquet")
    with TestClient(data_app(platform)) as client:
        assert client.get(ROWS).status_code == 503
        answer = client.get(SEARCH, params={"resource_id": STOPS})
        assert answer.status_code == 503
        assert "海淀" not in answer.text


def test_damaged_rows_are_built_again(tmp_path: Path) -> None:
    platform = small_platform(tmp_path)
    release = published(platform, packaged_release(platform, "bus-stops", {Tier.OPEN: stops()}))
    parquet = release.distributions[0].file("parquet")
    folder = platform.home / "rows" / parquet.digest
    build_rows(platform.store.path(parquet.digest), folder, release.distributions[0].fields)
    lines = folder / "rows.ndjson"
    lines.write_bytes(lines.read_bytes().replace("海淀".encode(), "改动".encode()))
    with TestClient(data_app(platform)) as client:
        assert [row["name"] for row in client.get(ROWS, params={"q": "海淀"}).json()["data"]] == [
            "海淀医院",
            "海淀公园",
        ]


def _flip_a_byte(platform: Platform, release: Release, format: str) -> None:
    path = platform.store.path(release.distributions[0].file(format).digest)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_get_takes_json_in_the_address(client: TestClient) -> None:
    parameters = {"resource_id": STOPS, "filters": json.dumps({"name": "海淀医院"}), "fields": "name"}
    assert client.get(SEARCH, params=parameters).json()["result"]["records"] == [{"name": "海淀医院"}]


def test_a_question_that_would_keep_others_waiting_goes_to_a_thread(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    search(client)  # rows are ready now, so that answering at once is tried
    monkeypatch.setattr(datastore, "QUICK_SECONDS", -1.0)
    monkeypatch.setattr(store_module, "STEPS", 1)
    tried: list[float | None] = []
    page = store_module.RowStore.page

    def watched(store: store_module.RowStore, query: Query, seconds: float | None = None) -> store_module.Page:
        tried.append(seconds)
        return page(store, query, seconds)

    monkeypatch.setattr(store_module.RowStore, "page", watched)
    assert numbers(search(client, filters={"fare": {"gte": 2.5}}, sort="lon")) == [2, 4]
    assert tried == [-1.0, None]


def test_summaries_of_columns_that_everybody_may_read(platform: Platform, client: TestClient) -> None:
    address = "/api/v1/datasets/bus-stops/summary"
    assert client.get(address).json() == []  # nothing was written yet
    with reading(platform.engine) as connection:
        (distribution,) = served_release(connection, "bus-stops").distributions
    write_summary(platform.store.path(distribution.file("parquet").digest), summary_path(platform.home, distribution))
    summaries = {s["field"]: s for s in client.get(address).json()}
    assert set(summaries) == set(stops().column_names)
    assert (summaries["线路 数"]["filled"], summaries["线路 数"]["lowest"], summaries["线路 数"]["highest"]) == (
        0.8,
        "1",
        "3",
    )
    assert client.get("/api/v1/datasets/jobs/summary").status_code == 401
    assert client.get(address, params={"tier": "restricted"}).status_code == 404
