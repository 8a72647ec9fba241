"""The portal over a small city, asked without a browser."""

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from catalog_config.settings import Settings
from pipelines.platform import Platform, open_platform
from tests.portal_city import PASSWORD, city_home

SITE = "http://testserver"


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    platform = open_platform(Settings(home=city_home(tmp_path_factory), site_url=SITE))
    yield platform
    platform.engine.dispose()


@pytest.fixture(scope="session")
def _clients(city: Platform) -> Iterator[dict[str, TestClient]]:
    app, made = create_app(city), dict[str, TestClient]()
    made["-"] = TestClient(app, follow_redirects=False)
    yield made
    for client in made.values():
        client.close()


@pytest.fixture
def browse(_clients: dict[str, TestClient]) -> Callable[[str], TestClient]:
    """The client of an account, signed in once per run; `-` is nobody. It sends what a browser sends."""

    def client_of(account: str) -> TestClient:
        if account not in _clients:
            client = TestClient(_clients["-"].app, follow_redirects=False)
            client.headers["accept"] = "text/html,*/*;q=0.8"
            answer = client.post(
                "/en/sign-in", data={"account": account, "password": PASSWORD}, headers={"Origin": SITE}
            )
            assert answer.status_code == 303, answer.text
            _clients[account] = client
        client = _clients[account]
        client.headers.update({"accept": "text/html,*/*;q=0.8", "origin": SITE})
        return client

    return client_of
