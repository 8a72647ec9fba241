"""The sample city goes to a real CKAN 2.12, made by tests/ckan/start: what differs is written, once."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from catalog_config.settings import Settings
from pipelines.catalog_sync import catalog_differences, sync_catalog
from pipelines.catalogs.ckan_client import RemoteCKAN
from pipelines.datasets import list_datasets
from pipelines.platform import Platform, open_platform
from pipelines.publish import withdraw
from schemas.actor import Actor, Duty
from tests.portal_city import CLOSED, PUBLISHED, city_home

URL, TOKEN = os.environ.get("GONGKAI_TEST_CKAN_URL"), os.environ.get("GONGKAI_TEST_CKAN_TOKEN")
NAMES = (*PUBLISHED, CLOSED)

pytestmark = [
    pytest.mark.skipif(
        not URL or not TOKEN, reason="no CKAN 2.12: run it by tests/ckan/start (docs/how-to/use-a-ckan.md)"
    ),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def ckan() -> Iterator[RemoteCKAN]:
    """A CKAN that holds nothing of the city; what the tests write is purged."""
    with RemoteCKAN(URL or "", TOKEN) as reached:
        if set(NAMES) & set(reached.call_action("package_list")):
            pytest.skip("this CKAN holds datasets of these names already; they are not ours to change")
        before = {kind: set(reached.call_action(f"{kind}_list")) for kind in ("organization", "group")}
        yield reached
        for name in NAMES:
            reached.call_action("dataset_purge", {"id": name})
        for kind, known in before.items():
            for name in set(reached.call_action(f"{kind}_list")) - known:
                if not name.startswith("gkt-"):  # of the conformance tests, which may run beside
                    reached.call_action(f"{kind}_purge", {"id": name})


@pytest.fixture(scope="module")
def city(ckan: RemoteCKAN, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    home = city_home(tmp_path_factory)
    platform = open_platform(
        Settings(home=home, site_url="http://data.example.cn", ckan_url=URL or "", ckan_token=TOKEN or "")
    )
    yield platform
    platform.engine.dispose()


def test_the_city_is_written_once(ckan: RemoteCKAN, city: Platform) -> None:
    planned = catalog_differences(city)
    assert {f"package_create {name}" for name in NAMES} <= set(planned)
    written = sync_catalog(city)
    assert {f"package_create {name}" for name in NAMES} <= set(written) <= set(planned)
    assert catalog_differences(city) == []
    assert sync_catalog(city) == []

    stops = ckan.call_action("package_show", {"id": "bus-stops"})
    assert stops["title_translated"].keys() == {"zh", "en"}
    assert (stops["openness"], stops["title"]) == ("open", stops["title_translated"]["zh"])
    assert {resource["tier"] for resource in stops["resources"]} == {"open"}
    assert all(len(resource["hash"]) == 64 and resource["size"] > 0 for resource in stops["resources"])
    closed = ckan.call_action("package_show", {"id": CLOSED})
    assert (closed["openness"], closed["resources"]) == ("closed", [])
    assert closed["legal_basis"]["zh"]
    found = ckan.call_action("package_search", {"fq": "openness:closed", "facet.field": ["update_frequency"]})
    assert CLOSED in [package["name"] for package in found["results"]]


def test_pages_show_both_languages(ckan: RemoteCKAN, city: Platform) -> None:
    sync_catalog(city)
    shown = ckan.call_action("package_show", {"id": "bus-stops"})
    for locale, language in (("zh_Hans_CN", "zh"), ("en", "en")):
        page = httpx.get(f"{URL}/{locale}/dataset/bus-stops", timeout=60)
        assert page.status_code == 200
        assert shown["title_translated"][language] in page.text
        assert shown["legal_basis"][language] in page.text


def test_what_somebody_changed_is_put_right_and_their_additions_stay(ckan: RemoteCKAN, city: Platform) -> None:
    sync_catalog(city)
    ckan.call_action("package_patch", {"id": "bus-stops", "notes": "改动", "author": "别人"})
    assert sync_catalog(city) == ["package_patch bus-stops"]
    put_right = ckan.call_action("package_show", {"id": "bus-stops"})
    assert put_right["notes"] == put_right["notes_translated"]["zh"]
    assert put_right["author"] == "别人"
    assert sync_catalog(city) == []


def test_a_withdrawn_dataset_keeps_its_entry_without_files(ckan: RemoteCKAN, city: Platform) -> None:
    sync_catalog(city)
    name = "employment-registrations"
    assert ckan.call_action("package_show", {"id": name})["resources"]
    with city.engine.connect() as connection:
        publisher = next(d.publisher for d in list_datasets(connection) if d.name == name)
    steward = Actor(id="li", duties=frozenset({Duty.STEWARD}), organisation=publisher)
    assert withdraw(city, name, "更正", steward, datetime.now(UTC))
    shown = ckan.call_action("package_show", {"id": name})
    assert (shown["state"], shown["resources"], shown.get("release")) == ("active", [], None)
    assert sync_catalog(city) == []
