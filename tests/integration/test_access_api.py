"""The access API over the real application: sign in, apply, decide, be granted, and every refusal with its status."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from catalog_config.configuration import Configuration
from catalog_config.settings import Settings
from governance import accounts, merkle
from governance.access.grants import grant_of_token
from governance.access.terms import current_terms
from governance.clocks import local_day
from governance.database.dataset_tables import datasets
from governance.database.engine import metadata, open_database
from governance.signatures import verify
from governance.transparency_log import append_entry, verify_tree_head
from pipelines.catalogs.connect import connect_catalog
from pipelines.home import open_home
from pipelines.platform import Platform
from pipelines.store import Store
from schemas.actor import Duty, system_actor
from schemas.text import Text
from tests.factories.access import DECLARATION

PASSWORD = "correct horse battery"
ORIGIN = {"Origin": "http://testserver"}
TEST = system_actor("test")
PEOPLE = {
    "wang": ({Duty.RESEARCHER}, "university"),
    "zhou": ({Duty.RESEARCHER}, "institute"),
    "liu": ({Duty.ACCESS_REVIEWER}, "data-bureau"),
    "chen": ({Duty.DECIDER}, "data-bureau"),
    "colleague": ({Duty.ACCESS_REVIEWER, Duty.DECIDER}, "university"),
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder: Path = tmp_path_factory.mktemp("home")
    settings = Settings(home=folder, site_url="http://testserver")
    configuration = Configuration(organisations={}, licences={}, themes={}, negative_list={}, policies={})
    home = open_home(folder)
    engine = open_database(folder)
    metadata.create_all(engine)
    with engine.begin() as connection:
        for person, (duties, organisation) in PEOPLE.items():
            accounts.create_account(
                connection,
                account=person,
                name=Text(zh=person, en=person),
                password=PASSWORD,
                duties=frozenset(duties),
                organisation=organisation,
                actor=TEST,
                now=datetime.now(UTC),
            )
        connection.execute(
            datasets.insert().values(
                name="employment", declaration=DECLARATION, updated_at=datetime.now(UTC), updated_by="x"
            )
        )
    catalog = connect_catalog(settings, configuration, engine)
    yield Platform(settings, configuration, home, engine, Store(folder / "releases"), catalog)
    engine.dispose()


@pytest.fixture(scope="module")
def app(platform: Platform):
    return create_app(platform)


@pytest.fixture(scope="module")
def tokens(platform: Platform) -> dict[str, dict[str, str]]:
    """Authorization headers by person."""
    with platform.engine.begin() as connection:
        made = {
            person: accounts.create_api_token(
                connection, account=person, name="test", days=1, actor=TEST, now=datetime.now(UTC)
            )
            for person in PEOPLE
        }
    return {person: {"Authorization": f"Bearer {token}"} for person, token in made.items()}


@pytest.fixture
def client(app) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def application(**changed) -> dict:
    today = local_day(datetime.now(UTC))
    values = {
        "dataset": "employment",
        "tier": "restricted",
        "purpose": "研究就业",
        "project": "课题",
        "statement": "校内服务器",
        "period_from": str(today),
        "period_until": str(today + timedelta(days=90)),
        "terms_version": current_terms().version,
    }
    return values | changed


def problem(response, status: int, code: str) -> dict:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["code"] == code
    assert set(body["message"]) == {"zh", "en"}
    return body


def test_from_application_to_grant_and_report(client, tokens, platform):
    made = client.post("/api/v1/applications", json=application(), headers=tokens["wang"])
    assert made.status_code == 201
    address = made.headers["Location"]
    assert made.json()["due"]
    assert made.json()["deadline"]["steps"][0]["en"].startswith("received on")
    assert [a["id"] for a in client.get("/api/v1/applications/queue", headers=tokens["liu"]).json()] == [
        made.json()["id"]
    ]
    assert client.get("/api/v1/applications/queue", headers=tokens["colleague"]).json() == []
    problem(
        client.post(f"{address}/opinion", json={"favourable": True, "opinion": "x"}, headers=tokens["colleague"]),
        403,
        "conflict-of-interest",
    )
    opinion = client.post(
        f"{address}/opinion?version=1", json={"favourable": True, "opinion": "可以"}, headers=tokens["liu"]
    )
    assert opinion.json()["status"] == "awaiting-decision"
    problem(
        client.post(f"{address}/refusal?version=1", json={"reason": "x"}, headers=tokens["chen"]),
        409,
        "changed-meanwhile",
    )
    approved = client.post(f"{address}/approval", json={"conditions": "仅限汇总成果"}, headers=tokens["chen"])
    assert approved.json()["status"] == "granted"
    assert "token" not in approved.json()
    assert "opinions" not in client.get(address, headers=tokens["wang"]).json()
    grant = client.get("/api/v1/grants", headers=tokens["wang"]).json()[0]
    issued = client.post(f"/api/v1/grants/{grant['id']}/token", headers=tokens["wang"])
    assert issued.headers["cache-control"] == "no-store"
    with platform.engine.begin() as connection:
        assert grant_of_token(connection, issued.json()["token"], datetime.now(UTC)).holder == "wang"
    problem(client.get(f"/api/v1/grants/{grant['id']}", headers=tokens["zhou"]), 404, "unknown-application")
    revoked = client.post(
        f"/api/v1/grants/{grant['id']}/revocation", json={"reason": "违反条款"}, headers=tokens["chen"]
    )
    assert revoked.json()["ended_as"] == "revoked"
    reported = client.post(f"{address}/report", json={"report": "副本已删除"}, headers=tokens["wang"])
    assert len(reported.json()["reports"]) == 1
    kinds = [e["kind"] for e in client.get(f"{address}/events", headers=tokens["wang"]).json()]
    assert kinds == [
        "application-submitted",
        "application-approved",
        "grant-issued",
        "token-reissued",
        "grant-revoked",
        "use-reported",
    ]


def test_statuses_say_what_is_wrong(client, tokens):
    unauthorised = client.post("/api/v1/applications", json=application())
    problem(unauthorised, 401, "not-signed-in")
    assert unauthorised.headers["www-authenticate"].startswith("Bearer")
    wrong = {"Authorization": "Bearer gka_wrong"}
    problem(client.get("/api/v1/applications", headers=wrong), 401, "invalid-token")
    problem(client.get("/api/v1/applications", headers={"Authorization": "gkg_x"}), 401, "not-signed-in")
    problem(client.post("/api/v1/applications", json=application(), headers=tokens["liu"]), 403, "researcher-only")
    problem(client.get("/api/v1/applications/none", headers=tokens["wang"]), 404, "unknown-application")
    problem(client.get("/api/v1/nothing-here"), 404, "http-404")
    problem(client.delete("/api/v1/log/head"), 405, "http-405")
    invalid = client.post("/api/v1/applications", json=application(dataset="nothing"), headers=tokens["zhou"])
    assert problem(invalid, 404, "unknown-dataset")["field"] == "dataset"
    invalid = client.post("/api/v1/applications", json=application(purpose=""), headers=tokens["zhou"])
    assert problem(invalid, 422, "missing-text")["field"] == "purpose"


def test_what_was_sent_is_not_repeated(client, tokens):
    secret = "110101199003070000"
    for body in (application(period_from=secret), application(unknown_field=secret), [secret]):
        answer = client.post("/api/v1/applications", json=body, headers=tokens["zhou"])
        problem(answer, 422, "invalid-request")
        assert secret not in answer.text
    broken = client.post("/api/v1/applications", content=f'{{"dataset": {secret}', headers=tokens["zhou"])
    problem(broken, 422, "invalid-request")
    assert secret not in broken.text


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_refused_while_it_arrives(client, tokens, declared):
    body = b"x" * (2 << 20)
    content = body if declared else iter([body[:1000], body])
    problem(client.post("/api/v1/applications", content=content, headers=tokens["zhou"]), 413, "http-413")


def test_a_session_writes_only_from_this_site(client):
    problem(client.post("/api/v1/session", json={"account": "zhou", "password": "wrong"}), 401, "sign-in-refused")
    right = {"account": "zhou", "password": PASSWORD}
    foreign = client.post("/api/v1/session", json=right, headers={"Origin": "https://evil.example"})
    problem(foreign, 403, "other-origin")
    signed_in = client.post("/api/v1/session", json={"account": "zhou", "password": PASSWORD})
    assert signed_in.status_code == 201
    cookie = signed_in.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    new = {"name": "laptop", "days": 30}
    problem(client.post("/api/v1/tokens", json=new), 403, "other-origin")
    elsewhere = {"Origin": "https://evil.example"}
    problem(client.post("/api/v1/tokens", json=new, headers=elsewhere), 403, "other-origin")
    problem(client.post("/api/v1/tokens", json=new, headers={"Origin": "null"}), 403, "other-origin")
    problem(client.post("/api/v1/tokens", json=new, headers={"Sec-Fetch-Site": "cross-site"}), 403, "other-origin")
    made = client.post("/api/v1/tokens", json=new, headers=ORIGIN)
    assert made.status_code == 201
    token = {"Authorization": made.json()["token"]}
    client.cookies.clear()
    listed = client.get("/api/v1/tokens", headers=token).json()
    assert made.json()["id"] in [t["id"] for t in listed]
    assert made.json()["token"] not in str(listed)
    assert client.delete(f"/api/v1/tokens/{made.json()['id']}", headers=token).status_code == 204
    problem(client.get("/api/v1/tokens", headers=token), 401, "invalid-token")


def test_signing_out_ends_the_session_on_the_server(client):
    client.post("/api/v1/session", json={"account": "zhou", "password": PASSWORD})
    cookie = client.cookies["gongkai_session"]
    assert client.delete("/api/v1/session", headers=ORIGIN).status_code == 204
    client.cookies.set("gongkai_session", cookie)
    problem(client.get("/api/v1/tokens"), 401, "not-signed-in")
    problem(client.post("/api/v1/tokens", json={"name": "x"}, headers=ORIGIN), 401, "not-signed-in")


def test_anybody_can_check_the_log_with_nothing_but_its_answers(client, platform):
    with platform.engine.begin() as connection:
        for number in range(5):
            entry = {"kind": "publication", "dataset": f"d{number}", "descriptor": "a" * 64}
            append_entry(connection, entry, actor=TEST, now=datetime.now(UTC))
    head = client.get("/api/v1/log/head").json()
    assert verify_tree_head(head, head["public_key"])
    assert not verify(
        {"size": head["size"] + 1, "root": head["root"], "at": head["at"]}, head["signature"], head["public_key"]
    )
    root = bytes.fromhex(head["root"])
    for index in range(head["size"]):
        found = client.get(f"/api/v1/log/entries/{index}?size={head['size']}").json()
        path = [bytes.fromhex(h) for h in found["proof"]]
        leaf = merkle.leaf_hash(found["leaf"].encode())
        assert merkle.verify_inclusion(leaf, index, head["size"], path, root)
    grown = client.get("/api/v1/log/consistency?first=2").json()
    path = [bytes.fromhex(h) for h in grown["proof"]]
    roots = [bytes.fromhex(grown[name]) for name in ("first_root", "second_root")]
    assert merkle.verify_consistency(2, head["size"], path, roots[0], roots[1])
    problem(client.get("/api/v1/log/entries/999"), 404, "unknown-log-entry")
    problem(client.get("/api/v1/log/consistency?first=999"), 422, "invalid-log-size")


def test_reviews_are_for_people_with_a_duty(client, tokens):
    assert client.get("/api/v1/reviews", headers=tokens["wang"]).json() == []
    problem(client.get("/api/v1/reviews/none", headers=tokens["wang"]), 404, "unknown-review")
    body = {"step": "agency", "decision": "approve", "descriptor_digest": "d" * 64}
    problem(client.post("/api/v1/reviews/none/decisions", json=body, headers=tokens["wang"]), 404, "unknown-review")


def test_an_unforeseen_error_tells_nothing_of_its_message(app, caplog, monkeypatch):
    def fail(*_args, **_options):
        raise RuntimeError("110101199003070000")

    monkeypatch.setattr("api.v1.log.signed_head", fail)
    with TestClient(app) as client:
        answer = client.get("/api/v1/log/head")
        page = client.get("/api/v1/log/head", headers={"Accept-Language": "en"})
    assert problem(answer, 500, "unexpected-error")["detail"].startswith("平台")
    assert page.json()["detail"].startswith("the platform failed")
    assert "RuntimeError" in caplog.text
    assert "110101199003070000" not in caplog.text + answer.text


def test_ckans_paths_get_ckans_envelope_and_browsers_a_page(client):
    envelope = client.get("/api/3/nothing")
    assert envelope.status_code == 404
    assert envelope.json()["success"] is False
    page = client.get("/no-such-page", headers={"Accept": "text/html", "Accept-Language": "en"})
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
