"""Platform: the opened parts of one installation, handed to commands, the worker and the API."""

from dataclasses import dataclass

import sqlalchemy as sa

from catalog_config.configuration import Configuration, load_configuration
from catalog_config.settings import Settings
from governance.database.engine import open_database
from governance.database.migrate import migrate
from pipelines.catalogs.catalog import Catalog
from pipelines.catalogs.connect import connect_catalog
from pipelines.home import Home, open_home
from pipelines.store import Store


@dataclass(frozen=True)
class Platform:
    """settings and configuration as data; home: folders and keys; engine: database; store: release files."""

    settings: Settings
    configuration: Configuration
    home: Home
    engine: sa.Engine
    store: Store
    catalog: Catalog


def open_platform(settings: Settings) -> Platform:
    """Open (on first start: create) everything under `settings.home`. Raises ConfigurationError."""
    configuration = load_configuration(settings.configuration, settings.schemas, settings.boundaries)
    home = open_home(settings.home)
    engine = open_database(home.folder, settings.database_url)
    migrate(engine)
    store = Store(home.folder / "releases")
    catalog = connect_catalog(settings, configuration, engine)
    return Platform(settings, configuration, home, engine, store, catalog)
