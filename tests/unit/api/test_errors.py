"""One status per error class, in the form the asker understands."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.errors import install_error_handlers
from schemas import errors
from schemas.text import Text

STATUSES = [
    (errors.NotAuthenticated, 401, 403),
    (errors.TooManyAttempts, 429, 429),
    (errors.NotPermitted, 403, 403),
    (errors.NotFound, 404, 404),
    (errors.Withdrawn, 410, 404),
    (errors.Conflict, 409, 409),
    (errors.TooLarge, 413, 409),
    (errors.Refused, 422, 409),
    (errors.ConfigurationError, 500, 500),
    (errors.DependencyFailed, 503, 503),
]


def client_raising(kind: type[errors.GongkaiError]) -> TestClient:
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/{path:path}")
    def fail(path: str) -> None:
        raise kind("some-code", Text(zh="不行<b>", en="no<b>"), Text(zh="改", en="mend it"), field="name")

    return TestClient(app)


@pytest.mark.parametrize(("kind", "status", "ckan_status"), STATUSES)
def test_each_class_has_its_status_in_every_form(kind, status, ckan_status):
    client = client_raising(kind)
    problem = client.get("/api/v1/x", headers={"Accept-Language": "en"})
    assert (problem.status_code, problem.headers["content-type"]) == (status, "application/problem+json")
    body = problem.json()
    assert (body["code"], body["status"], body["detail"], body["field"]) == ("some-code", status, "no<b>", "name")
    assert ("www-authenticate" in problem.headers) == (status == 401)
    envelope = client.get("/api/3/action/package_show")
    assert envelope.status_code == ckan_status
    assert envelope.json()["success"] is False
    assert envelope.json()["help"].endswith("/api/3/action/help_show?name=package_show")
    page = client.get("/datasets", headers={"Accept": "text/html", "Accept-Language": "zh-CN"})
    assert page.status_code == status
    assert "不行&lt;b&gt;" in page.text
    assert "<b>" not in page.text


def test_every_error_class_is_listed():
    def below(kind: type) -> set[type]:
        return {kind}.union(*(below(k) for k in kind.__subclasses__() if k.__module__ == "schemas.errors"))

    assert below(errors.GongkaiError) - {errors.GongkaiError} == {kind for kind, _, _ in STATUSES}


def test_programs_get_problems_also_outside_the_api():
    assert client_raising(errors.NotFound).get("/datasets").headers["content-type"] == "application/problem+json"
    assert client_raising(errors.NotFound).get("/download/x").headers["content-type"] == "application/problem+json"


def test_a_browser_that_follows_a_dead_download_gets_a_page():
    download = client_raising(errors.NotFound).get("/download/x", headers={"Accept": "text/html"})
    assert download.headers["content-type"].startswith("text/html")
