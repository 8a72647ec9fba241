"""Open the catalogue an installation publishes to: the embedded one, or a CKAN."""

import sqlalchemy as sa

from catalog_config.configuration import Configuration
from catalog_config.settings import Settings
from pipelines.catalogs.catalog import Catalog
from pipelines.catalogs.ckan_client import RemoteCKAN
from pipelines.catalogs.embedded import EmbeddedCatalog
from pipelines.catalogs.lexicon import SHIPPED, load_lexicon
from pipelines.catalogs.search import CatalogueIndex
from schemas.actor import Actor
from schemas.errors import ConfigurationError
from schemas.text import Text


def connect_catalog(settings: Settings, configuration: Configuration, engine: sa.Engine) -> Catalog:
    """The CKAN at `settings.ckan_url`, or the embedded catalogue over `engine`, which acts for nobody:
    it reads what the public may read. Writes go through `acting_as`.

    Words of search come from `search_lexicon.yaml` of the configuration, else from the one that is shipped.
    Raises ConfigurationError when a CKAN is named without a token, or the lexicon is wrong.
    """
    if not settings.ckan_url:
        lexicon = settings.configuration / "search_lexicon.yaml"
        index = CatalogueIndex(load_lexicon(lexicon if lexicon.exists() else SHIPPED))
        return EmbeddedCatalog(engine, configuration, settings.site_url, index)
    if not settings.ckan_token:
        raise ConfigurationError(
            "missing-ckan-token",
            Text(zh="指定了 CKAN 但没有令牌", en="a CKAN is named but its token is not"),
            Text(
                zh="请设置 GONGKAI_CKAN_TOKEN（该 CKAN 中系统管理员的 API 令牌）",
                en="set GONGKAI_CKAN_TOKEN to an API token of a sysadmin of that CKAN",
            ),
            field="GONGKAI_CKAN_TOKEN",
        )
    return RemoteCKAN(settings.ckan_url, apikey=settings.ckan_token, user_agent="gongkai")


def acting_as(catalog: Catalog, actor: Actor) -> Catalog:
    """`catalog` as `actor` may use it. A CKAN knows us by its token alone and is returned unchanged."""
    return catalog.as_actor(actor) if isinstance(catalog, EmbeddedCatalog) else catalog
