from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from governance.audit import entries
from governance.database.catalogue_tables import catalogue_packages
from governance.database.engine import reading
from pipelines.catalogs.ckan_client import NotAuthorized, NotFound, ValidationError
from pipelines.catalogs.embedded import ACTIONS, WRITES, ActionUnknown, EmbeddedCatalog
from schemas.actor import ANONYMOUS, Actor, Duty
from tests.catalog_factory import add_organisation, catalog_over, open_catalog


@pytest.fixture
def filled(catalog: EmbeddedCatalog) -> EmbeddedCatalog:
    return fill(catalog)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedCatalog:
    """For tests whose writes are all refused."""
    return fill(open_catalog(tmp_path_factory.mktemp("catalogue")))


def fill(catalog: EmbeddedCatalog) -> EmbeddedCatalog:
    add_organisation(catalog)
    catalog.call_action("package_create", PACKAGE)
    return catalog


PACKAGE = {
    "name": "bus-stops",
    "title": "公交站点",
    "owner_org": "transport-bureau",
    "tags": [{"name": "公交"}],
    "extras": [{"key": "b", "value": "2"}, {"key": "a", "value": "1"}],
    "resources": [{"name": "CSV", "url": " http://x/a.csv ", "format": "csv", "size": "12", "tier": "open"}],
}


def errors_of(catalog: EmbeddedCatalog, action: str, data: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(ValidationError) as caught:
        catalog.call_action(action, data)
    return caught.value.error_dict


def test_a_package_is_shown_as_ckan_shows_it(standing: EmbeddedCatalog) -> None:
    shown = standing.call_action("package_show", {"id": "bus-stops"})
    assert shown == standing.call_action("package_show", {"id": shown["id"]})
    assert shown["title"] == "公交站点"
    assert shown["extras"] == [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]
    assert shown["tags"][0]["display_name"] == "公交"
    assert shown["organization"]["title"] == "市交通局"
    assert shown["owner_org"] == shown["organization"]["id"]
    resource = shown["resources"][0]
    assert {k: resource[k] for k in ("url", "format", "size", "tier", "position", "package_id", "state")} == {
        "url": "http://x/a.csv",
        "format": "CSV",
        "size": 12,
        "tier": "open",
        "position": 0,
        "package_id": shown["id"],
        "state": "active",
    }
    assert standing.call_action("resource_show", {"id": resource["id"]}) == resource


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": None}, "name"),
        ({"name": "A B"}, "name"),
        ({"name": "a"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "search"}, "name"),
        ({"name": "bus-stops"}, "name"),
        ({"name": 7}, "name"),
        ({"id": "no-uuid"}, "id"),
        ({"owner_org": None}, "owner_org"),
        ({"owner_org": "nobody"}, "owner_org"),
        ({"groups": [{"name": "nothing"}]}, "groups"),
        ({"tags": [{"name": "a"}]}, "tags"),
        ({"tags": [{"name": "a,b"}]}, "tags"),
        ({"tags": "公交"}, "tags"),
        ({"extras": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}, "extras_validation"),
        ({"extras": [{"value": "1"}]}, "extras"),
        ({"resources": [{"url": "http://x", "size": "big"}]}, "resources"),
        ({"resources": [{"url": "http://x", "id": "no-uuid"}]}, "resources"),
        ({"resources": {"url": "x"}}, "resources"),
        ({"openness": "wide"}, "openness"),
        ({"update_frequency": "sometimes"}, "update_frequency"),
        ({"title_translated": {"fr": "arrêts"}}, "title_translated"),
        ({"legal_basis": "{"}, "legal_basis"),
        ({"maintainer_email": "nobody"}, "maintainer_email"),
        ({"state": "gone"}, "state"),
    ],
)
def test_refuses_bad_packages_naming_the_field(standing: EmbeddedCatalog, change: dict[str, Any], field: str) -> None:
    data = {**PACKAGE, "name": "other", **change}
    assert field in errors_of(standing, "package_create", data)
    assert standing.call_action("package_list") == ["bus-stops"]


def test_names_every_error_at_once(standing: EmbeddedCatalog) -> None:
    found = errors_of(standing, "package_create", {"name": "A", "openness": "wide", "tags": [{"name": "x"}]})
    assert set(found) == {"name", "openness", "tags", "owner_org"}


def test_update_replaces_and_patch_keeps(filled: EmbeddedCatalog) -> None:
    patched = filled.call_action("package_patch", {"id": "bus-stops", "notes": "说明"})
    assert patched["notes"] == "说明"
    assert patched["tags"]
    assert patched["resources"]
    updated = filled.call_action("package_update", {"name": "bus-stops", "title": "新"})
    assert updated["title"] == "新"
    assert (updated["notes"], updated["tags"]) == (None, [])
    assert updated["resources"]


def test_writing_the_same_again_writes_nothing(catalog: EmbeddedCatalog) -> None:
    moments = iter(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(10))
    timed = EmbeddedCatalog(
        catalog.engine, catalog.configuration, "", catalog.index, catalog.actor, lambda: next(moments)
    )
    add_organisation(timed)
    first = timed.call_action("package_create", PACKAGE)
    again = timed.call_action("package_update", {**first})
    assert again == first
    with reading(catalog.engine) as connection:
        assert len(entries(connection, subject="package:bus-stops")) == 1
    changed = timed.call_action("package_patch", {"id": first["id"], "notes": "x"})
    assert changed["metadata_modified"] > first["metadata_modified"]
    assert changed["metadata_created"] == first["metadata_created"]
    assert changed["resources"] == first["resources"]


def test_resources_are_added_changed_and_removed(filled: EmbeddedCatalog) -> None:
    added = filled.call_action(
        "resource_create", {"package_id": "bus-stops", "url": "http://x/b.parquet", "format": "parquet"}
    )
    assert added["position"] == 1
    patched = filled.call_action("resource_patch", {"id": added["id"], "description": "列式"})
    assert (patched["url"], patched["description"]) == ("http://x/b.parquet", "列式")
    replaced = filled.call_action("resource_update", {"id": added["id"], "url": "http://x/c"})
    assert (replaced["url"], replaced["description"]) == ("http://x/c", None)
    filled.call_action("resource_delete", {"id": added["id"]})
    assert filled.call_action("package_show", {"id": "bus-stops"})["num_resources"] == 1
    with pytest.raises(NotFound):
        filled.call_action("resource_show", {"id": added["id"]})
    assert errors_of(filled, "resource_create", {"package_id": "bus-stops", "size": "x"}) == {
        "size": ["Invalid integer"]
    }


def test_a_resource_belongs_to_one_package(standing: EmbeddedCatalog) -> None:
    taken = standing.call_action("package_show", {"id": "bus-stops"})["resources"][0]["id"]
    data = {"name": "other", "owner_org": "transport-bureau", "resources": [{}, {"id": taken}]}
    assert errors_of(standing, "package_create", data) == {"resources": [{}, {"id": ["Resource id already exists."]}]}
    twice = str(uuid4())
    data["resources"] = [{"id": twice}, {"id": twice}]
    assert "resources" in errors_of(standing, "package_create", data)


def test_deleting_frees_the_name_and_keeps_the_row(filled: EmbeddedCatalog) -> None:
    first = filled.call_action("package_show", {"id": "bus-stops"})
    filled.call_action("package_delete", {"id": "bus-stops"})
    filled.call_action("package_delete", {"id": first["id"]})
    assert filled.call_action("package_list") == []
    with pytest.raises(NotFound):
        filled.as_actor(ANONYMOUS).call_action("package_show", {"id": "bus-stops"})
    assert filled.call_action("package_show", {"id": first["id"]})["state"] == "deleted"
    second = filled.call_action("package_create", {"name": "bus-stops", "owner_org": "transport-bureau"})
    assert second["id"] != first["id"]
    assert filled.call_action("package_show", {"id": "bus-stops"})["id"] == second["id"]
    assert errors_of(filled, "package_create", {"id": first["id"], "name": "x1", "owner_org": "transport-bureau"}) == {
        "id": ["Dataset id already exists"]
    }
    assert "name" in errors_of(filled, "package_patch", {"id": first["id"], "state": "active", "name": "bus-stops"})


def test_organisations_and_groups(filled: EmbeddedCatalog) -> None:
    filled.call_action("group_create", {"name": "transport", "title": "交通"})
    filled.call_action("package_patch", {"id": "bus-stops", "groups": [{"name": "transport"}]})
    assert filled.call_action("group_list") == ["transport"]
    listed = filled.call_action("organization_list", {"all_fields": "true"})
    assert [(o["name"], o["package_count"]) for o in listed] == [("transport-bureau", 1)]
    assert (
        filled.call_action("group_show", {"id": "transport", "include_datasets": True})["packages"][0]["name"]
        == "bus-stops"
    )
    assert (
        filled.call_action("organization_patch", {"id": "transport-bureau", "description": "x"})["title"] == "市交通局"
    )
    assert "message" in errors_of(filled, "organization_delete", {"id": "transport-bureau"})
    filled.call_action("group_delete", {"id": "transport"})
    assert filled.call_action("group_list") == []
    assert filled.call_action("package_show", {"id": "bus-stops"})["groups"] == []
    assert errors_of(filled, "organization_create", {"name": "transport-bureau"}) == {
        "name": ["Group name already exists in database"]
    }
    for action in ("organization_show", "group_show", "tag_show"):
        with pytest.raises(NotFound):
            filled.call_action(action, {"id": "nothing"})


@pytest.mark.parametrize("actor", [ANONYMOUS, Actor(id="li", duties=frozenset(Duty) - {Duty.OPERATOR})])
def test_only_operators_write(standing: EmbeddedCatalog, actor: Actor) -> None:
    for action in WRITES:
        with pytest.raises(NotAuthorized):
            standing.as_actor(actor).call_action(
                action, {"id": "bus-stops", "name": "bus-stops", "package_id": "bus-stops"}
            )


def test_every_write_is_in_the_audit_log(filled: EmbeddedCatalog) -> None:
    actor = Actor(id="li", duties=frozenset({Duty.OPERATOR}))
    filled.as_actor(actor).call_action("package_patch", {"id": "bus-stops", "notes": "x"})
    filled.as_actor(actor).call_action("organization_patch", {"id": "transport-bureau", "title": "新"})
    with reading(filled.engine) as connection:
        rows = entries(connection, actor="li")
    assert [(row["action"], row["subject"]) for row in rows] == [
        ("organization.update", "organization:transport-bureau"),
        ("package.update", "package:bus-stops"),
    ]


def test_a_failed_write_writes_nothing(standing: EmbeddedCatalog) -> None:
    with reading(standing.engine) as connection:
        before = connection.execute(sa.select(catalogue_packages.c.revision)).scalars().all()
    errors_of(standing, "package_patch", {"id": "bus-stops", "openness": "wide"})
    with reading(standing.engine) as connection:
        assert connection.execute(sa.select(catalogue_packages.c.revision)).scalars().all() == before


def test_unknown_actions_and_missing_parameters(standing: EmbeddedCatalog) -> None:
    with pytest.raises(ActionUnknown):
        standing.call_action("package_explode", {})
    assert errors_of(standing, "package_show", {}) == {"name_or_id": ["Missing value"]}
    with pytest.raises(NotFound):
        standing.call_action("package_show", {"id": "nothing"})
    assert errors_of(standing, "resource_search", {"query": "name"}) == {"query": ["Must be <field>:<value> pair(s)"]}


def test_small_reads(standing: EmbeddedCatalog) -> None:
    assert standing.call_action("status_show")["ckan_version"].startswith("2.12")
    assert standing.call_action("tag_list") == ["公交"]
    assert (
        standing.call_action("tag_show", {"id": "公交", "include_datasets": True})["packages"][0]["name"] == "bus-stops"
    )
    assert [licence["id"] for licence in standing.call_action("license_list")] == ["cc-by-4.0"]
    assert standing.call_action("resource_search", {"query": "format:csv"})["count"] == 1
    assert standing.call_action("resource_search", {"query": ["name:cs", "url:nothing"]})["count"] == 0
    assert standing.call_action("current_package_list_with_resources", {"limit": 1})[0]["name"] == "bus-stops"
    assert standing.call_action("user_show")["sysadmin"] is True
    with pytest.raises(NotAuthorized):
        standing.as_actor(ANONYMOUS).call_action("user_show", {"id": "li"})


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_every_action_says_what_it_does(standing: EmbeddedCatalog, action: str) -> None:
    text = standing.call_action("help_show", {"name": action})
    assert text
    assert len(text) > 20


def test_two_installations_over_one_database_share_it(filled: EmbeddedCatalog) -> None:
    assert catalog_over(filled.engine).call_action("package_list") == ["bus-stops"]
