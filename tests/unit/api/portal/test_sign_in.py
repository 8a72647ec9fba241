"""Signing in: back to where one came from, never elsewhere, never for another site."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from api.portal.account_pages import local_path
from tests.portal_city import PASSWORD

Browse = Callable[[str], TestClient]
SITE = "http://testserver"


def _sign_in(client: TestClient, **fields: str):  # type: ignore[no-untyped-def]
    return client.post("/en/sign-in", data={"account": "wei-ran", "password": PASSWORD} | fields)


@pytest.fixture
def visitor(browse: Browse) -> TestClient:
    return TestClient(browse("-").app, follow_redirects=False, headers={"Accept": "text/html", "Origin": SITE})


def test_leads_back(visitor: TestClient) -> None:
    asked = visitor.get("/zh/apply/employment-registrations")
    assert "/zh/sign-in?to=%2Fzh%2Fapply%2Femployment-registrations" in asked.text
    answer = _sign_in(visitor, to="/zh/apply/employment-registrations")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/zh/apply/employment-registrations"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize(
    ("account", "desk"), [("wei-ran", "/applications"), ("liu-yun", "/steward"), ("guo-ping", "/reviews")]
)
def test_leads_to_the_desk_of_the_duty(visitor: TestClient, account: str, desk: str) -> None:
    assert _sign_in(visitor, account=account).headers["location"] == f"/en{desk}"


def test_wrong_password_keeps_the_name_and_drops_the_password(visitor: TestClient) -> None:
    answer = _sign_in(visitor, password="not this one", to="/zh/log")
    assert answer.status_code == 401
    assert 'value="wei-ran"' in answer.text
    assert 'value="/zh/log"' in answer.text
    assert "not this one" not in answer.text
    assert "set-cookie" not in answer.headers


def test_other_sites_cannot_sign_people_in(visitor: TestClient) -> None:
    visitor.headers["Origin"] = "http://elsewhere.example"
    answer = _sign_in(visitor)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_sign_out_ends_the_session(visitor: TestClient) -> None:
    _sign_in(visitor)
    assert visitor.get("/en/account").status_code == 200
    assert visitor.post("/en/sign-out").status_code == 303
    assert visitor.get("/en/account").status_code == 303


def test_writes_with_a_session_from_another_site_are_refused(browse: Browse) -> None:
    client = browse("lin-zhi")
    answer = client.post("/en/account/tokens", data={"name": "x"}, headers={"Origin": "http://elsewhere.example"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "", "evil", "/a\r\nb", "/\\/x"],
)
def test_local_path_refuses(path: str) -> None:
    assert local_path(path, "/zh/") == "/zh/"


@given(st.text(max_size=40))
def test_local_path_stays_here(path: str) -> None:
    kept = local_path(path, "/zh/")
    assert kept.startswith("/")
    assert not kept.startswith("//")
    assert not set(kept) & set("\\\r\n\t\0")


def test_language_switch_stays_here(browse: Browse) -> None:
    answer = browse("-").get("/language/en?to=//evil.example")
    assert answer.headers["location"] == "/en/"
    assert browse("-").get("/language/xx?to=/zh/log").headers["location"] == "/zh/log"


def test_too_many_attempts_say_when_to_come_back(visitor: TestClient) -> None:
    for _ in range(10):
        assert _sign_in(visitor, account="nobody-of-this-name", password="not this one").status_code == 401
    answer = _sign_in(visitor, account="nobody-of-this-name")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900
    assert "wait 15 minutes" in answer.text.lower()
    credentials = {"account": "nobody-of-this-name", "password": PASSWORD}
    problem = visitor.post("/api/v1/session", json=credentials, headers={"Accept": "application/json"})
    assert problem.status_code == 429
    assert problem.json()["code"] == "too-many-attempts"
    assert problem.json()["title"] == "Too Many Requests"
    assert 0 < int(problem.headers["retry-after"]) <= 900
