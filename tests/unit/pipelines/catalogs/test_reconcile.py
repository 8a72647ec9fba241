from typing import Any

import pytest

from governance.audit import entries
from governance.database.engine import reading
from pipelines.catalogs.ckan_client import CKANAPIError, ValidationError
from pipelines.catalogs.ckan_mapping import desired_package
from pipelines.catalogs.embedded import EmbeddedCatalog
from pipelines.catalogs.reconcile import changed_fields, is_same, plan_writes, reconcile
from schemas.actor import ANONYMOUS, Actor
from schemas.dataset import Dataset
from schemas.errors import ConfigurationError, DependencyFailed
from schemas.text import Text
from tests.catalog_factory import CONFIGURATION, SITE, bus_stops, closed, employment, release_of


@pytest.fixture
def public(catalog: EmbeddedCatalog) -> EmbeddedCatalog:
    """As `connect_catalog` hands it out: it acts for nobody."""
    return catalog.as_actor(ANONYMOUS)


def desired(dataset: Dataset, digest: str | None = "a" * 64) -> dict[str, Any]:
    return desired_package(dataset, release_of(dataset, digest) if digest else None, CONFIGURATION, SITE)


@pytest.mark.parametrize("dataset", [bus_stops(), employment()])
def test_the_second_run_writes_nothing(public: EmbeddedCatalog, dataset: Dataset) -> None:
    package = desired(dataset)
    planned = [(write.action, write.subject) for write in plan_writes(public, package)]
    done = reconcile(public, package)
    assert [(write.action, write.subject) for write in done] == planned
    assert [action for action, _ in planned] == ["organization_create", "group_create", "package_create"]
    assert reconcile(public, package) == []
    assert plan_writes(public, package) == []


def test_a_closed_dataset_is_listed_without_resources(public: EmbeddedCatalog) -> None:
    package = desired(closed(), None)
    reconcile(public, package)
    shown = public.call_action("package_show", {"id": "closed-register"})
    assert shown["openness"] == "closed"
    assert shown["negative_list_item"] == "state-secrets"
    assert shown["resources"] == []
    assert reconcile(public, package) == []


def test_writes_only_what_differs(public: EmbeddedCatalog) -> None:
    reconcile(public, desired(bus_stops()))
    renamed = bus_stops().model_copy(update={"title": Text(zh="公交站", en="Bus stops")})
    (write,) = reconcile(public, desired(renamed))
    assert write.action == "package_patch"
    assert write.fields == ("resources", "title", "title_translated")  # resources are named after the dataset
    (write,) = reconcile(public, desired(renamed, "d" * 64))
    assert write.fields == ("release", "resources", "version")
    assert public.call_action("package_show", {"id": "bus-stops"})["resources"][0]["hash"] == "d" * 64


def test_repairs_what_was_changed_by_hand_and_leaves_what_is_not_ours(catalog: EmbeddedCatalog) -> None:
    package = desired(bus_stops())
    reconcile(catalog, package)
    catalog.call_action("package_patch", {"id": "bus-stops", "notes": "篡改", "author": "某人"})
    (write,) = reconcile(catalog, package)
    assert write.fields == ("notes",)
    assert catalog.call_action("package_show", {"id": "bus-stops"})["author"] == "某人"
    catalog.call_action("package_delete", {"id": "bus-stops"})
    (write,) = reconcile(catalog, package)
    assert write.fields == ("state",)
    assert catalog.call_action("package_list") == ["bus-stops"]


def test_withdrawing_takes_the_resources_away(public: EmbeddedCatalog) -> None:
    reconcile(public, desired(bus_stops()))
    (write,) = reconcile(public, desired(bus_stops(), None))
    assert write.fields == ("release", "resources", "version")
    assert public.call_action("package_show", {"id": "bus-stops"})["resources"] == []


def test_the_audit_log_names_who_published(public: EmbeddedCatalog) -> None:
    reconcile(public, desired(bus_stops()), actor=Actor(id="wang"))
    with reading(public.engine) as connection:
        assert {row["actor"] for row in entries(connection)} == {"wang"}


def test_resources_say_where_and_what_they_are() -> None:
    package = desired(bus_stops())
    csv = package["resources"][0]
    assert csv["url"] == f"{SITE}/download/bus-stops/{'a' * 16}/open.csv"
    assert (csv["hash"], csv["size"], csv["format"], csv["access"]) == ("a" * 64, 120, "CSV", "public")
    assert csv["schema"] == f"{SITE}/schemas/bus-stops/1.0.0.json"
    restricted = desired(employment())["resources"][0]
    assert restricted["access"] == "on-application"
    assert restricted["apply_url"] == f"{SITE}/apply/employment-registrations"


def test_what_is_not_configured_is_refused() -> None:
    for change in ({"publisher": "nobody"}, {"licence": "none"}, {"themes": ("none",)}):
        with pytest.raises(ConfigurationError) as caught:
            desired(bus_stops().model_copy(update=change))
        assert caught.value.field in change


class Broken:
    """A catalogue that fails."""

    def __init__(self, error: Exception):
        self.error = error

    def call_action(self, action: str, data_dict: dict[str, Any] | None = None) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CKANAPIError("500"), "catalogue-failed"),
        (ConnectionError("refused"), "catalogue-failed"),
        (ValidationError({"openness": ["wrong"], "__type": "Validation Error"}), "catalogue-refused"),
    ],
)
def test_errors_of_the_catalogue_are_translated_once(error: Exception, code: str) -> None:
    with pytest.raises(DependencyFailed) as caught:
        reconcile(Broken(error), desired(bus_stops()))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("current", "wanted", "same"),
    [
        (None, "", True),
        ("x", None, False),
        ("12", 12, True),
        (True, "True", True),
        (False, True, False),
        ({"zh": "a", "en": "b", "more": 1}, {"zh": "a"}, True),
        ({"zh": "a"}, {"zh": "a", "en": "b"}, False),
        ([{"name": "b"}, {"name": "a"}], [{"name": "a"}, {"name": "b"}], True),
        (
            [{"name": "a", "url": "1"}, {"name": "b", "url": "2"}],
            [{"name": "b", "url": "2"}, {"name": "a", "url": "1"}],
            False,
        ),
        ([], [{"name": "a"}], False),
        ("text", ["text"], False),
    ],
)
def test_what_counts_as_the_same(current: Any, wanted: Any, same: bool) -> None:
    assert is_same(current, wanted) is same


def test_changed_fields_are_the_desired_ones() -> None:
    assert changed_fields({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": None}) == {"b": 3}
