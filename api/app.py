"""The application: every router is listed here, once."""

from fastapi import FastAPI

from api import ckan_action, data_v1, datastore, dcat, downloads, v1
from api.body_limit import BodyLimit
from api.errors import install_error_handlers
from api.portal import add_portal, error_page
from catalog_config.settings import read_settings
from pipelines.platform import Platform, open_platform


def create_app(platform: Platform | None = None) -> FastAPI:
    """The ASGI application over `platform` (default: opened from the environment)."""
    app = FastAPI(
        title="Gongkai",
        version="1",
        description="政府数据开放平台。Open government data: catalogue, data and access by approval.",
        docs_url=None,  # the stock page loads scripts from elsewhere; ours is rendered here
        redoc_url=None,
    )
    app.state.platform = platform or open_platform(read_settings())
    install_error_handlers(app, error_page)
    app.add_middleware(BodyLimit)
    app.include_router(datastore.router)  # before the catalogue's catch-all for actions
    app.include_router(ckan_action.router)
    app.include_router(dcat.router)
    app.include_router(data_v1.router)
    app.include_router(downloads.router)
    app.include_router(v1.router)
    add_portal(app)
    return app
