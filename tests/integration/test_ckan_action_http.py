"""The Action API's envelope, statuses and ways of sending, byte for byte as CKAN clients see them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.ckan_action import BODY_LIMIT
from pipelines.catalogs.ckan_client import RemoteCKAN
from pipelines.catalogs.ckan_mapping import desired_package
from pipelines.catalogs.reconcile import reconcile
from tests.catalog_factory import CONFIGURATION, SITE, bus_stops, release_of
from tests.catalog_server import Served, catalogue_app


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    made = catalogue_app(tmp_path_factory.mktemp("catalogue"))
    reconcile(made.platform.catalog, desired_package(bus_stops(), release_of(bus_stops()), CONFIGURATION, SITE))
    return made


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[TestClient]:
    with TestClient(served.app) as opened:
        yield opened


def test_the_envelope(client: TestClient) -> None:
    answer = client.get("/api/3/action/package_show?id=bus-stops")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    body = answer.json()
    assert body.keys() == {"help", "success", "result"}
    assert body["success"] is True
    assert body["help"] == f"{SITE}/api/3/action/help_show?name=package_show"
    assert client.get("/api/action/package_show?id=bus-stops").json() == body
    assert client.get("/api/3").json() == {"version": 3}


@pytest.mark.parametrize(
    ("action", "data", "status", "kind"),
    [
        ("package_show", {"id": "nothing"}, 404, "Not Found Error"),
        ("package_show", {}, 409, "Validation Error"),
        ("package_search", {"fq": "tags:("}, 400, "Search Query Error"),
        ("package_create", {"name": "new-one"}, 403, "Authorization Error"),
    ],
)
def test_errors(client: TestClient, action: str, data: dict[str, Any], status: int, kind: str) -> None:
    answer = client.post(f"/api/3/action/{action}", json=data)
    assert answer.status_code == status
    body = answer.json()
    assert body["success"] is False
    assert body["error"]["__type"] == kind
    assert "help" in body


@pytest.mark.parametrize(
    "send",
    [
        {"content": b'{"id": "bus-stops"}', "headers": {"content-type": "application/json"}},
        {"content": b'{"id": "bus-stops"}'},
        {"data": {"id": "bus-stops"}},
        {"content": b'{"id": "bus-stops"}', "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"files": {"id": (None, "bus-stops")}},
        {"params": {"id": "bus-stops"}},
    ],
    ids=["json", "untyped", "form", "curl -d", "multipart", "address"],
)
def test_ways_of_sending(client: TestClient, send: dict[str, Any]) -> None:
    answer = client.post("/api/3/action/package_show", **send)
    assert answer.status_code == 200, answer.text
    assert answer.json()["result"]["name"] == "bus-stops"


@pytest.mark.parametrize("content", [b"{", b"[1]", b'"x"', b"\xff\xfe", b"{" * 10_000])
def test_what_is_not_a_json_object_is_refused(client: TestClient, content: bytes) -> None:
    answer = client.post("/api/3/action/package_show", content=content)
    assert answer.status_code == 400
    assert answer.json().startswith("Bad request - JSON Error")


def test_unknown_actions_and_reading_writes(client: TestClient) -> None:
    answer = client.post("/api/3/action/package_explode", json={})
    assert (answer.status_code, answer.json()) == (400, "Bad request - Action name not known: package_explode")
    answer = client.get("/api/3/action/package_create?name=x")
    assert answer.status_code == 400
    assert "POST" in answer.json()


def test_files_and_floods_are_refused(client: TestClient, served: Served) -> None:
    headers = {"Authorization": served.operator}
    answer = client.post(
        "/api/3/action/resource_create",
        data={"package_id": "bus-stops"},
        files={"upload": ("a.csv", b"a,b")},
        headers=headers,
    )
    assert answer.status_code == 409
    assert "release" in answer.json()["error"]["upload"][0]
    answer = client.post("/api/3/action/package_show", content=b" " * (BODY_LIMIT + 1))
    assert answer.status_code == 400


@pytest.mark.parametrize("scheme", ["", "Bearer "])
def test_writes_need_an_operators_token(client: TestClient, served: Served, scheme: str) -> None:
    send = {"json": {"id": "bus-stops", "author": "测试"}}
    for token, status in ((None, 403), ("gka_wrong", 403), (served.researcher, 403), (served.operator, 200)):
        headers = {"Authorization": scheme + token} if token else {}
        assert client.post("/api/3/action/package_patch", headers=headers, **send).status_code == status


def test_a_session_is_not_enough_to_write(client: TestClient) -> None:
    answer = client.post(
        "/api/3/action/package_patch", json={"id": "bus-stops"}, headers={"Cookie": "gongkai_session=x"}
    )
    assert answer.status_code == 403


def test_facet_fields_as_an_address_carries_them(client: TestClient) -> None:
    for query in ('facet.field=["tags","openness"]', "facet.field=tags&facet.field=openness"):
        found = client.get(f"/api/3/action/package_search?{query}&rows=0").json()["result"]
        assert found["facets"].keys() == {"tags", "openness"}


def test_failures_inside_say_nothing_about_the_inside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = catalogue_app(tmp_path)
    broken = replace(made.platform.catalog, clock=lambda: 1 / 0)  # type: ignore[type-var]
    made.app.state.platform = replace(made.platform, catalog=broken)
    answer = TestClient(made.app).get("/api/3/action/package_list")
    assert answer.status_code == 500
    assert answer.json()["error"] == {"__type": "Internal Server Error", "message": "Internal Server Error"}
    assert "package_list" in caplog.text


def test_a_ckan_of_its_own_answers_itself(tmp_path: Path) -> None:
    made = catalogue_app(tmp_path)
    settings = made.platform.settings.model_copy(update={"ckan_url": "https://ckan.example.cn/"})
    made.app.state.platform = replace(made.platform, settings=settings, catalog=RemoteCKAN(settings.ckan_url, "secret"))
    client = TestClient(made.app)
    answer = client.get("/api/3/action/package_show?id=x", follow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["location"] == "https://ckan.example.cn/api/3/action/package_show?id=x"
    assert client.post("/api/3/action/package_patch", json={"id": "x"}).status_code == 400


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/catalog.ttl", "text/turtle"),
        ("/catalog.xml", "application/rdf+xml"),
        ("/catalog.jsonld", "application/ld+json"),
        ("/data.json", "application/json"),
    ],
)
def test_harvesters_get_the_catalogue(client: TestClient, path: str, media_type: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == media_type
    assert f"{SITE}/datasets/bus-stops" in answer.text
    assert (
        client.get("/catalog", headers={"accept": "application/ld+json"})
        .headers["content-type"]
        .startswith("application/ld+json")
    )


def test_data_json_is_whole(client: TestClient) -> None:
    body = json.loads(client.get("/data.json").content)
    assert [dataset["title"] for dataset in body["dataset"]] == ["公交站点信息"]
    assert body["conformsTo"].endswith("v1.1/schema")


def test_pages_beyond_the_end_are_empty(client: TestClient) -> None:
    assert client.get("/catalog.ttl?page=9").status_code == 200
    assert client.get("/catalog.ttl?page=0").status_code == 422


def test_nothing_is_left_in_the_folder_of_another_test(tmp_path: Path) -> None:
    assert catalogue_app(tmp_path).platform.catalog.call_action("package_list") == []
