"""One set of tests against every catalogue the publisher may speak to.

The embedded one called directly, the embedded one over HTTP through ckanapi, and a CKAN 2.12 with the platform's
scheming schema where GONGKAI_TEST_CKAN_URL and GONGKAI_TEST_CKAN_TOKEN name one. Everything written is named
`gkt-<random>-…` and removed again, so that the CKAN may be shared.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from governance.database.engine import metadata, open_database
from pipelines.catalogs.catalog import Catalog
from pipelines.catalogs.ckan_client import (
    NotAuthorized,
    NotFound,
    RemoteCKAN,
    SearchError,
    SearchQueryError,
    ValidationError,
)
from pipelines.catalogs.ckan_mapping import desired_package
from pipelines.catalogs.reconcile import reconcile
from schemas.actor import ANONYMOUS
from schemas.dataset import Dataset
from tests.catalog_factory import CONFIGURATION, SITE, bus_stops, catalog_over, employment, open_catalog, release_of
from tests.catalog_server import serving


@dataclass(frozen=True)
class Subject:
    """A catalogue as an operator and as the public reach it. prefix: of every name the test writes."""

    catalog: Catalog
    public: Catalog
    prefix: str

    def call(self, action: str, **data: Any) -> Any:
        return self.catalog.call_action(action, data)

    def error(self, kind: type[Exception], action: str, **data: Any) -> Any:
        with pytest.raises(kind) as caught:
            self.catalog.call_action(action, data)
        return caught.value


@pytest.fixture(scope="module", params=["embedded", "postgres", "http", "ckan"])
def reached(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Catalog, Catalog]]:
    if request.param == "embedded":
        catalog = open_catalog(tmp_path_factory.mktemp("embedded"))
        yield catalog, catalog.as_actor(ANONYMOUS)
    elif request.param == "postgres":
        with database_on(request.getfixturevalue("postgres_url"), tmp_path_factory.mktemp("postgres")) as engine:
            yield catalog_over(engine), catalog_over(engine).as_actor(ANONYMOUS)
    elif request.param == "http":
        with (
            serving(tmp_path_factory.mktemp("http")) as served,
            RemoteCKAN(served.url, served.operator) as operator,
            RemoteCKAN(served.url) as public,
        ):
            yield operator, public
    else:
        url, token = os.environ.get("GONGKAI_TEST_CKAN_URL"), os.environ.get("GONGKAI_TEST_CKAN_TOKEN")
        if not url or not token:
            pytest.skip(
                "no CKAN 2.12: set GONGKAI_TEST_CKAN_URL and GONGKAI_TEST_CKAN_TOKEN (docs/how-to/use-a-ckan.md)"
            )
        with RemoteCKAN(url, token) as operator, RemoteCKAN(url) as public:
            yield operator, public


@contextmanager
def database_on(server_url: str, folder: Path) -> Iterator[sa.Engine]:
    """A new database on a PostgreSQL, dropped again."""
    name = f"gongkai_{uuid4().hex[:12]}"
    server = sa.create_engine(server_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine = open_database(folder, sa.make_url(server_url).set(database=name).render_as_string(False))
    metadata.create_all(engine)
    yield engine
    engine.dispose()
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()


@pytest.fixture(scope="module")
def subject(reached: tuple[Catalog, Catalog]) -> Iterator[Subject]:
    made = Subject(*reached, prefix=f"gkt-{uuid4().hex[:8]}")
    made.call("organization_create", name=f"{made.prefix}-org", title="测试机构")
    made.call("group_create", name=f"{made.prefix}-theme", title="测试主题")
    yield made
    for package in made.call("package_search", fq=f"name:{made.prefix}*", rows=100)["results"]:
        made.call("package_delete", id=package["id"])
    made.call("group_delete", id=f"{made.prefix}-theme")
    made.call("organization_delete", id=f"{made.prefix}-org")


@pytest.fixture
def package(subject: Subject) -> Iterator[dict[str, Any]]:
    created = subject.call(
        "package_create",
        name=f"{subject.prefix}-{uuid4().hex[:6]}",
        title="公交站点",
        notes="全市公交站点",
        owner_org=f"{subject.prefix}-org",
        license_id="cc-by",
        groups=[{"name": f"{subject.prefix}-theme"}],
        tags=[{"name": "公交"}, {"name": "bus stops"}],
        url="http://example.cn/datasets/bus-stops",
        version="1",
        maintainer="数据科",
        maintainer_email="data@example.cn",
        extras=[{"key": "region", "value": "市区"}],
        resources=[
            {
                "name": "表",
                "url": "http://example.cn/a.csv",
                "format": "csv",
                "mimetype": "text/csv",
                "size": 12,
                "tier": "open",
            }
        ],
        openness="open",
    )
    yield created
    subject.call("package_delete", id=created["id"])


# Fields of the scheming schema that are empty are left out by a CKAN, so the package of these tests fills them all.
PACKAGE_FIELDS = {
    "author", "author_email", "creator_user_id", "extras", "groups", "id", "isopen", "license_id", "license_title",
    "maintainer", "maintainer_email", "metadata_created", "metadata_modified", "name", "notes", "num_resources",
    "num_tags", "organization", "owner_org", "private", "relationships_as_object", "relationships_as_subject",
    "resources", "state", "tags", "title", "type", "url", "version",
}  # fmt: skip
ORGANISATION_FIELDS = {
    "approval_status", "created", "description", "id", "image_url", "is_organization", "name", "state", "title", "type",
}  # fmt: skip
RESOURCE_FIELDS = {
    "cache_last_updated", "cache_url", "created", "description", "format", "hash", "id", "last_modified",
    "metadata_modified", "mimetype", "mimetype_inner", "name", "package_id", "position", "resource_type", "size",
    "state", "url", "url_type",
}  # fmt: skip


def test_a_package_has_ckans_fields(subject: Subject, package: dict[str, Any]) -> None:
    shown = subject.call("package_show", id=package["name"])
    assert shown.keys() >= PACKAGE_FIELDS
    assert shown["resources"][0].keys() >= RESOURCE_FIELDS
    assert shown["tags"][0].keys() == {"display_name", "id", "name", "state", "vocabulary_id"}
    assert shown["groups"][0].keys() >= {"description", "display_name", "id", "image_display_url", "name", "title"}
    assert shown["organization"].keys() >= ORGANISATION_FIELDS
    assert (shown["type"], shown["state"], shown["private"]) == ("dataset", "active", False)
    assert (shown["num_tags"], shown["num_resources"]) == (2, 1)
    assert shown["resources"][0]["format"] == "CSV"
    assert shown["openness"] == "open"
    assert shown["extras"] == [{"key": "region", "value": "市区"}]
    assert subject.public.call_action("package_show", {"id": package["id"]})["name"] == package["name"]


def test_updates_replace_and_patches_keep(subject: Subject, package: dict[str, Any]) -> None:
    patched = subject.call("package_patch", id=package["id"], notes="新的说明")
    assert (patched["notes"], patched["title"]) == ("新的说明", "公交站点")
    assert [r["id"] for r in patched["resources"]] == [r["id"] for r in package["resources"]]
    assert patched["metadata_modified"] > package["metadata_modified"]
    updated = subject.call(
        "package_update", id=package["id"], name=package["name"], title="别名", owner_org=package["owner_org"]
    )
    assert (updated["title"], updated["tags"], updated["extras"]) == ("别名", [], [])
    assert not updated.get("notes")
    # What is not given goes, except resources and groups.
    assert [r["id"] for r in updated["resources"]] == [r["id"] for r in package["resources"]]
    assert [g["name"] for g in updated["groups"]] == [f"{subject.prefix}-theme"]
    emptied = subject.call(
        "package_update",
        id=package["id"],
        name=package["name"],
        owner_org=package["owner_org"],
        resources=[],
        groups=[],
    )
    assert (emptied["title"], emptied["resources"], emptied["groups"]) == (package["name"], [], [])


def test_resources(subject: Subject, package: dict[str, Any]) -> None:
    created = subject.call("resource_create", package_id=package["id"], url="http://example.cn/b.json", format="json")
    assert (created["position"], created["format"], created["package_id"]) == (1, "JSON", package["id"])
    assert subject.call("resource_patch", id=created["id"], description="说明")["url"] == "http://example.cn/b.json"
    assert subject.call("resource_show", id=created["id"])["description"] == "说明"
    guessed = subject.call("resource_create", package_id=package["id"], url="http://example.cn/c.geojson")
    assert (guessed["format"], guessed["position"]) == ("GeoJSON", 2)
    subject.call("resource_delete", id=guessed["id"])
    subject.call("resource_delete", id=created["id"])
    assert isinstance(subject.error(NotFound, "resource_show", id=created["id"]), NotFound)
    assert subject.call("package_show", id=package["id"])["num_resources"] == 1


def test_search_filters_facets_and_pages(subject: Subject, package: dict[str, Any]) -> None:
    mine = f"organization:{subject.prefix}-org"
    found = subject.call(
        "package_search",
        fq=f"{mine} +res_format:CSV -tags:nothing",
        rows=1,
        sort="metadata_modified desc",
        **{"facet.field": ["organization", "tags", "res_format", "groups"], "facet": "true"},
    )
    assert found["count"] >= 1
    assert len(found["results"]) == 1
    assert found["facets"]["organization"] == {f"{subject.prefix}-org": found["count"]}
    assert found["facets"]["res_format"] == {"CSV": found["count"]}
    item = found["search_facets"]["groups"]["items"][0]
    assert item == {"name": f"{subject.prefix}-theme", "display_name": "测试主题", "count": found["count"]}
    assert found["search_facets"]["groups"]["title"] == "groups"
    assert subject.call("package_search", fq=f'{mine} +tags:"bus stops"')["count"] == found["count"]
    assert subject.call("package_search", fq_list=[mine, f"name:{package['name']}"])["count"] == 1
    assert subject.call("package_search", q=f"name:{package['name']}")["results"][0]["id"] == package["id"]
    assert subject.call("package_search", fq=f"{mine} +(tags:公交 OR tags:nothing)")["count"] == found["count"]
    assert subject.call("package_search", fq=f"{mine} +metadata_modified:[2020-01-01T00:00:00Z TO *]")["count"] >= 1
    assert subject.call("package_search", fq=f"{mine} +metadata_modified:[* TO 2020-01-01T00:00:00Z]")["count"] == 0
    assert subject.call("package_search", fq=mine, rows=0)["results"] == []


def test_lists(subject: Subject, package: dict[str, Any]) -> None:
    assert package["name"] in subject.call("package_list")
    assert f"{subject.prefix}-org" in subject.call("organization_list")
    listed = subject.call("organization_list", all_fields=True, organizations=[f"{subject.prefix}-org"])
    assert [o["title"] for o in listed] == ["测试机构"]
    assert f"{subject.prefix}-theme" in subject.call("group_list")
    assert "公交" in subject.call("tag_list")
    shown = subject.call("organization_show", id=f"{subject.prefix}-org", include_datasets=True)
    assert package["name"] in [p["name"] for p in shown["packages"]]
    assert shown["package_count"] >= 1
    licence = subject.call("license_list")[0]
    assert licence.keys() >= {"id", "title", "url", "status"}
    assert package["name"] in [p["name"] for p in subject.call("package_autocomplete", q=package["name"])]
    assert subject.call("status_show").keys() >= {"ckan_version", "site_url", "extensions"}
    assert "dataset" in subject.call("help_show", name="package_show").lower()


def test_errors_are_ckans(subject: Subject, package: dict[str, Any]) -> None:
    org = f"{subject.prefix}-org"
    assert subject.error(ValidationError, "package_create", owner_org=org).error_dict["name"] == ["Missing value"]
    wrong = subject.error(ValidationError, "package_create", name="A B", owner_org=org).error_dict["name"]
    assert wrong == ["Must be purely lowercase alphanumeric (ascii) characters and these symbols: -_"]
    taken = subject.error(ValidationError, "package_create", name=package["name"], owner_org=org).error_dict["name"]
    assert taken == ["That URL is already in use."]
    unknown = subject.error(ValidationError, "package_create", name=f"{subject.prefix}-x", owner_org="nobody-at-all")
    assert unknown.error_dict["owner_org"] == ["Organization does not exist"]
    twice = [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]
    error = subject.error(ValidationError, "package_create", name=f"{subject.prefix}-x", owner_org=org, extras=twice)
    assert error.error_dict["extras_validation"] == ['Duplicate key "a"']
    for action, field in (("package_show", "name_or_id"), ("package_patch", "id"), ("resource_create", "package_id")):
        assert subject.error(ValidationError, action).error_dict[field] == ["Missing value"]
    for action in (
        "package_show",
        "resource_show",
        "organization_show",
        "group_show",
        "package_delete",
        "resource_delete",
    ):
        subject.error(NotFound, action, id=str(uuid4()))
    subject.error(NotFound, "package_update", id=str(uuid4()), name="nothing")
    with pytest.raises((SearchError, SearchQueryError)):
        subject.call("package_search", fq="tags:(a")
    for unknown_parameter in ({"nonsense": "1"}, {"sort": "name sideways"}):
        with pytest.raises(SearchQueryError):
            subject.call("package_search", **unknown_parameter)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tags": [{"name": "x"}]}, 'Tag "x" length is less than minimum 2'),
        ({"openness": "secret"}, "Value must be one of ['open', 'conditional', 'closed']"),
        ({"version": "1" * 101}, "Version must be a maximum of 100 characters long"),
        ({"maintainer_email": "x"}, "Email x is not a valid format"),
        ({"legal_basis": {"fr": "x"}}, 'invalid language code: "fr"'),
        ({"legal_basis": {"zh": 3}}, 'invalid type for "zh" value'),
        ({"title_translated": "x"}, "Failed to decode JSON string"),
        ({"id": "not-a-uuid"}, "Invalid id provided"),
    ],
)
def test_wrong_values_are_refused_in_ckans_words(subject: Subject, given: dict[str, Any], message: str) -> None:
    data = {"name": f"{subject.prefix}-wrong", "owner_org": f"{subject.prefix}-org", **given}
    (field,) = given
    assert subject.error(ValidationError, "package_create", **data).error_dict[field] == [message]


def test_the_public_reads_and_never_writes(subject: Subject, package: dict[str, Any]) -> None:
    for action, data in (
        ("package_create", {"name": f"{subject.prefix}-x", "owner_org": f"{subject.prefix}-org"}),
        ("package_patch", {"id": package["id"], "notes": "x"}),
        ("package_delete", {"id": package["id"]}),
        ("resource_create", {"package_id": package["id"], "url": "http://x"}),
        ("organization_create", {"name": f"{subject.prefix}-y"}),
    ):
        with pytest.raises(NotAuthorized):
            subject.public.call_action(action, data)
    assert subject.call("package_show", id=package["id"])["notes"] == package["notes"]


def test_deleted_packages_come_back(subject: Subject, package: dict[str, Any]) -> None:
    subject.call("package_delete", id=package["id"])
    with pytest.raises((NotFound, NotAuthorized)):
        subject.public.call_action("package_show", {"id": package["id"]})
    assert subject.call("package_search", fq=f"name:{package['name']}")["count"] == 0
    assert subject.call("package_show", id=package["id"])["state"] == "deleted"
    subject.call("package_patch", id=package["id"], state="active")
    assert subject.call("package_search", fq=f"name:{package['name']}")["count"] == 1


@pytest.mark.parametrize("dataset", [bus_stops(), employment()])
def test_reconciling_twice_writes_nothing(subject: Subject, dataset: Dataset) -> None:
    renamed = dataset.model_copy(update={"name": f"{subject.prefix}-{dataset.name}"})
    desired = desired_package(renamed, release_of(renamed), CONFIGURATION, SITE)
    desired["id"] = str(uuid4())
    desired["organization"]["name"] = desired["owner_org"] = f"{subject.prefix}-org"
    desired["groups"][0]["name"] = f"{subject.prefix}-theme"
    for number, resource in enumerate(desired["resources"]):
        desired["resources"][number] = {**resource, "id": str(uuid4())}
    assert reconcile(subject.catalog, desired)
    assert reconcile(subject.catalog, desired) == []
    changed = {**desired, "notes": "新的说明", "notes_translated": {"zh": "新的说明", "en": "New notes"}}
    (write,) = reconcile(subject.catalog, changed)
    assert write.fields == ("notes", "notes_translated")
    assert reconcile(subject.catalog, changed) == []
