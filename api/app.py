"""The application: every router is listed here, once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from catalog_config.settings import read_settings
from pipelines.platform import Platform, open_platform


def create_app(platform: Platform | None = None) -> FastAPI:
    """The ASGI application over `platform` (default: opened from the environment)."""
    opened = platform or open_platform(read_settings())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield

    app = FastAPI(title="Gongkai", docs_url="/docs/api", redoc_url=None, lifespan=lifespan)
    app.state.platform = opened
    return app
