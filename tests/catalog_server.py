"""A live server over a small catalogue: real uvicorn on a free port, real accounts and tokens."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from api import ckan_action, dcat
from catalog_config.settings import Settings
from governance.accounts import create_account, create_api_token
from pipelines.home import open_home
from pipelines.platform import Platform
from pipelines.store import Store
from schemas.actor import ANONYMOUS, Duty
from schemas.text import Text
from tests.catalog_factory import CONFIGURATION, OPERATOR, SITE, open_catalog


@dataclass(frozen=True)
class Served:
    """url: of the server. operator, researcher: API tokens of accounts with that duty."""

    url: str
    app: FastAPI
    platform: Platform
    operator: str
    researcher: str


def catalogue_app(folder: Path) -> Served:
    """The Action API and DCAT over a new, empty catalogue; not yet listening."""
    home = open_home(folder)
    catalog = open_catalog(folder).as_actor(ANONYMOUS)
    settings = Settings(home=folder, site_url=SITE)
    platform = Platform(settings, CONFIGURATION, home, catalog.engine, Store(folder / "releases"), catalog)
    app = FastAPI()
    app.state.platform = platform
    app.include_router(ckan_action.router)
    app.include_router(dcat.router)
    tokens = {duty: _token(platform, duty) for duty in (Duty.OPERATOR, Duty.RESEARCHER)}
    return Served("", app, platform, tokens[Duty.OPERATOR], tokens[Duty.RESEARCHER])


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """`catalogue_app`, listening on 127.0.0.1 until the block ends."""
    made = catalogue_app(folder)
    server = uvicorn.Server(uvicorn.Config(made.app, host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield replace(made, url=f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join(timeout=30)


def _token(platform: Platform, duty: Duty) -> str:
    now = datetime.now(UTC)
    with platform.engine.begin() as connection:
        create_account(
            connection,
            account=duty.value,
            name=Text(zh=duty.value, en=duty.value),
            password=None,
            duties=frozenset({duty}),
            organisation=None,
            actor=OPERATOR,
            now=now,
        )
        return create_api_token(connection, account=duty.value, name="test", days=1, actor=OPERATOR, now=now)
