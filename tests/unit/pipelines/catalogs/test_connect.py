from pathlib import Path

import pytest

from catalog_config.settings import Settings
from pipelines.catalogs.ckan_client import NotAuthorized, RemoteCKAN
from pipelines.catalogs.connect import acting_as, connect_catalog
from pipelines.catalogs.embedded import EmbeddedCatalog
from schemas.errors import ConfigurationError
from tests.catalog_factory import CONFIGURATION, OPERATOR, open_catalog


def test_the_embedded_catalogue_acts_for_nobody_until_told(tmp_path: Path) -> None:
    engine = open_catalog(tmp_path).engine
    catalog = connect_catalog(Settings(home=tmp_path), CONFIGURATION, engine)
    assert isinstance(catalog, EmbeddedCatalog)
    with pytest.raises(NotAuthorized):
        catalog.call_action("organization_create", {"name": "agency"})
    acting_as(catalog, OPERATOR).call_action("organization_create", {"name": "agency"})
    assert catalog.call_action("organization_list") == ["agency"]


def test_a_ckan_needs_its_token(tmp_path: Path) -> None:
    engine = open_catalog(tmp_path).engine
    with pytest.raises(ConfigurationError) as caught:
        connect_catalog(Settings(home=tmp_path, ckan_url="https://ckan.example.cn"), CONFIGURATION, engine)
    assert caught.value.field == "GONGKAI_CKAN_TOKEN"
    settings = Settings(home=tmp_path, ckan_url="https://ckan.example.cn", ckan_token="x")
    catalog = connect_catalog(settings, CONFIGURATION, engine)
    assert isinstance(catalog, RemoteCKAN)
    assert acting_as(catalog, OPERATOR) is catalog


def test_a_wrong_lexicon_of_the_operator_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "search_lexicon.yaml").write_text("synonyms: []", "utf-8")
    engine = open_catalog(tmp_path).engine
    with pytest.raises(ConfigurationError):
        connect_catalog(Settings(home=tmp_path, configuration=tmp_path), CONFIGURATION, engine)
