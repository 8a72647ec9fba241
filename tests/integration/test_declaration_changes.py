"""A changed declaration on its way to the public page: command line, API and pages."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from catalog_config.settings import Settings
from governance.database.engine import reading
from governance.declaration_changes import waiting_change
from pipelines import worker
from pipelines.cli.main import app
from pipelines.datasets import load_dataset
from pipelines.platform import Platform, open_platform
from tests.portal_city import PASSWORD, city_home

NAME = "bus-stops"
NEW = "公交站点（新）"
SITE = "http://testserver"


@pytest.fixture
def platform(tmp_path_factory: pytest.TempPathFactory) -> Any:
    opened = open_platform(Settings(home=city_home(tmp_path_factory), site_url=SITE))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def browse(platform: Platform) -> Callable[[str], TestClient]:
    from api.app import create_app

    application = create_app(platform)

    def client_of(account: str) -> TestClient:
        client = TestClient(application, follow_redirects=False, headers={"Origin": SITE})
        if account:
            answer = client.post("/en/sign-in", data={"account": account, "password": PASSWORD})
            assert answer.status_code == 303
        return client

    return client_of


def people() -> dict[str, list[dict[str, Any]]]:
    listed = yaml.safe_load((Path(__file__).resolve().parents[2] / "examples/city/people.yaml").read_text("utf-8"))
    found: dict[str, list[dict[str, Any]]] = {}
    for person in listed:
        for duty in person["duties"]:
            found.setdefault(duty, []).append(person)
    return found


def of_publisher(duty: str, publisher: str) -> str:
    return str(next(p["account"] for p in people()[duty] if p.get("organisation") == publisher))


def declaration(platform: Platform, **changed: Any) -> dict[str, Any]:
    with reading(platform.engine) as connection:
        held = load_dataset(connection, NAME)
    return {**held.model_dump(mode="json", by_alias=True, exclude={"source"}), **changed}


def title_shown(browse: Callable[[str], TestClient]) -> str:
    return browse("").get(f"/zh/datasets/{NAME}").text.split("<h1>")[1].split("</h1>")[0]


def test_through_the_pages(platform: Platform, browse: Callable[[str], TestClient]) -> None:
    declared = declaration(platform)
    steward = browse(of_publisher("steward", declared["publisher"]))
    reviewer = browse(of_publisher("agency-reviewer", declared["publisher"]))
    before = title_shown(browse)
    text = yaml.safe_dump({**declared, "title": {"zh": NEW, "en": "New stops"}}, allow_unicode=True)
    assert steward.post("/en/steward/declare", data={"declaration": text}).status_code == 303
    assert title_shown(browse) == before
    desk = steward.get(f"/en/steward/{NAME}").text
    assert "waits for a reviewer of your organisation" in desk
    with reading(platform.engine) as connection:
        change = waiting_change(connection, NAME)
    assert change is not None
    address = f"/en/reviews/declarations/{change.number}"
    assert address in reviewer.get("/en/reviews").text
    page = reviewer.get(address).text
    assert NEW in page
    assert before in page
    assert '<th scope="row">Title</th>' in page
    assert '<th scope="row">名称</th>' in reviewer.get(address.replace("/en/", "/zh/")).text
    assert steward.post(address, data={"decision": "approve"}).status_code == 403
    assert browse("").get(address).status_code in (303, 401)
    assert reviewer.post(address, data={"decision": "reject", "reason": " "}).status_code == 422
    assert reviewer.post(address, data={"decision": "approve"}).status_code == 303
    assert title_shown(browse) == NEW
    assert "Agree</button>" not in reviewer.get(address).text
    worker.run_until_idle(platform)
    package = browse("").get(f"/api/3/action/package_show?id={NAME}").json()["result"]
    assert NEW in json.dumps(package, ensure_ascii=False)


def test_through_the_api(platform: Platform, browse: Callable[[str], TestClient]) -> None:
    declared = declaration(platform)
    steward = browse(of_publisher("steward", declared["publisher"]))
    reviewer = browse(of_publisher("agency-reviewer", declared["publisher"]))
    changed = {**declared, "contact": "new@city.example", "legal_basis": "another basis"}
    answer = steward.post("/api/v1/declarations", json=changed)
    assert answer.status_code == 200
    assert answer.json()["waiting"]["fields"] == ["legal_basis"]
    assert declaration(platform)["contact"] == "new@city.example"
    assert declaration(platform)["legal_basis"] == declared["legal_basis"]
    assert steward.get("/api/v1/declarations/changes").json() == []
    (waits,) = reviewer.get("/api/v1/declarations/changes").json()
    address = f"/api/v1/declarations/changes/{waits['number']}"
    assert browse("").get(address).status_code == 401
    assert reviewer.get(address).json()["status"] == "waiting"
    refused = steward.post(f"{address}/decisions", json={"decision": "approve"})
    assert (refused.status_code, refused.json()["code"]) == (403, "duty-missing")
    assert reviewer.post(f"{address}/decisions", json={"decision": "approve"}).status_code == 201
    assert declaration(platform)["legal_basis"]["en"] == "another basis"
    assert reviewer.post(f"{address}/decisions", json={"decision": "approve"}).status_code == 409
    assert reviewer.get("/api/v1/declarations/changes/99999999999999999999").status_code == 422


def test_through_the_command_line(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGKAI_HOME", str(platform.home.folder))
    declared = declaration(platform)
    path = tmp_path / "changed.yaml"
    path.write_text(yaml.safe_dump({**declared, "title": {"zh": NEW, "en": "New"}}, allow_unicode=True), "utf-8")
    run = CliRunner()
    applied = run.invoke(app, ["dataset", "apply", str(path), "--lang", "en"])
    assert applied.exit_code == 0, applied.output
    assert "awaits a reviewer" in applied.output
    assert declaration(platform)["title"] == declared["title"]
    listed = run.invoke(app, ["dataset", "changes", "--json"])
    (change,) = json.loads(listed.output)
    assert change["fields"] == ["title"]
    reviewer = of_publisher("agency-reviewer", declared["publisher"])
    decided = run.invoke(app, ["dataset", "decide", str(change["number"]), "--decision", "approve", "--by", reviewer])
    assert decided.exit_code == 0, decided.output
    assert declaration(platform)["title"]["zh"] == NEW
