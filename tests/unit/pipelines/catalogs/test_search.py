from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pipelines.catalogs.ckan_client import NotAuthorized, SearchQueryError, ValidationError
from pipelines.catalogs.embedded import EmbeddedCatalog
from pipelines.catalogs.search import names_a_field
from schemas.actor import ANONYMOUS
from tests.catalog_factory import add_organisation, catalog_over, open_catalog


def add(catalog: EmbeddedCatalog, name: str, title: str, **fields: Any) -> dict[str, Any]:
    return catalog.call_action(
        "package_create", {"name": name, "title": title, "owner_org": "transport-bureau", **fields}
    )


def names(catalog: EmbeddedCatalog, **parameters: Any) -> list[str]:
    return [package["name"] for package in catalog.call_action("package_search", parameters)["results"]]


@pytest.fixture
def filled(catalog: EmbeddedCatalog) -> EmbeddedCatalog:
    return fill(catalog)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedCatalog:
    """For tests that only read."""
    return fill(open_catalog(tmp_path_factory.mktemp("catalogue")))


def fill(catalog: EmbeddedCatalog) -> EmbeddedCatalog:
    add_organisation(catalog)
    add_organisation(catalog, "health", "市卫生健康委员会")
    add(
        catalog,
        "bus-stops",
        "公交站点信息",
        notes="全市公交站点",
        tags=[{"name": "公交"}],
        openness="open",
        license_id="cc-by-4.0",
    )
    add(
        catalog,
        "air",
        "空气质量监测数据",
        title_translated={"zh": "空气质量监测数据", "en": "Hourly air quality"},
        openness="open",
    )
    add(catalog, "fund", "住房公积金贷款", owner_org="health", openness="conditional", tags=[{"name": "住房"}])
    add(catalog, "hospital", "医疗机构名单", owner_org="health", openness="closed")
    return catalog


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("公交车", "bus-stops"),
        ("公交站點", "bus-stops"),
        ("gongjiao", "bus-stops"),
        ("gong jiao zhan", "bus-stops"),
        ("bus stop", "bus-stops"),
        ("空汽质量", "air"),
        ("kqzl", "air"),
        ("hourly AIR", "air"),
        ("air qualty", "air"),
        ("公积金", "fund"),
        ("gongjijin", "fund"),
        ("医院", "hospital"),
        ("ＡＩＲ", "air"),
    ],
)
def test_finds_what_people_type(standing: EmbeddedCatalog, q: str, first: str) -> None:
    assert names(standing, q=q)[:1] == [first]


def test_filters_facets_and_pages(standing: EmbeddedCatalog) -> None:
    found = standing.call_action(
        "package_search",
        {
            "fq": "openness:open",
            "rows": 1,
            "start": 1,
            "sort": "name asc",
            "facet.field": ["organization", "openness", "tags"],
        },
    )
    assert found["count"] == 2
    assert [p["name"] for p in found["results"]] == ["bus-stops"]
    assert found["facets"] == {"organization": {"transport-bureau": 2}, "openness": {"open": 2}, "tags": {"公交": 1}}
    assert found["search_facets"]["organization"] == {
        "title": "organization",
        "items": [{"name": "transport-bureau", "display_name": "市交通局", "count": 2}],
    }
    assert found["sort"] == "name asc"
    assert names(standing, fq_list=["openness:open", "-tags:公交"]) == ["air"]
    assert names(standing, q="title:公交") == ["bus-stops"]
    assert names(standing, q="name:bus-stops OR name:air", sort="name asc") == ["air", "bus-stops"]
    assert names(standing, fq='license_id:"cc-by-4.0"') == ["bus-stops"]
    assert names(standing, fl="name", rows=1, sort="name desc") == ["hospital"]
    facets = standing.call_action("package_search", {"facet.field": '["openness"]', "facet.limit": 1, "rows": 0})
    assert facets["facets"] == {"openness": {"open": 2}}
    assert facets["results"] == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"fq": "nonsense:1"},
        {"fq": "tags:(a"},
        {"sort": "price desc"},
        {"sort": "name sideways"},
        {"facet.field": ["price"]},
        {"limit": 3},
        {"q": "name:(a"},
    ],
)
def test_refuses_queries_it_cannot_read(standing: EmbeddedCatalog, parameters: dict[str, Any]) -> None:
    with pytest.raises(SearchQueryError):
        standing.call_action("package_search", parameters)


@pytest.mark.parametrize(
    "parameters", [{"rows": "many"}, {"rows": -1}, {"start": 1.5}, {"facet.limit": "all"}, {"q": ["a"]}]
)
def test_refuses_values_of_a_wrong_kind(standing: EmbeddedCatalog, parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        standing.call_action("package_search", parameters)


def test_a_colon_alone_is_punctuation() -> None:
    assert not names_a_field("时间:12:30")
    assert not names_a_field("note: urgent")
    assert names_a_field("title:公交")
    assert names_a_field('+organization:"x" bus')


def test_what_is_deleted_or_private_is_not_found(filled: EmbeddedCatalog) -> None:
    filled.call_action("package_delete", {"id": "air"})
    filled.call_action("package_patch", {"id": "fund", "private": True})
    assert sorted(names(filled)) == ["bus-stops", "hospital"]
    filled.call_action("package_patch", {"id": "air", "state": "active"})
    assert "air" in names(filled)


def test_another_process_sees_the_write(filled: EmbeddedCatalog) -> None:
    other = catalog_over(filled.engine)
    assert "late" not in names(other)
    add(filled, "late", "迟到的数据")
    filled.call_action(
        "package_patch", {"id": "air", "title": "改名", "title_translated": {"zh": "改名", "en": "Renamed"}}
    )
    assert names(other, q="迟到") == ["late"]
    assert names(other, q="renamed") == ["air"]
    filled.call_action("organization_patch", {"id": "health", "title": "新的名称"})
    items = other.call_action("package_search", {"facet.field": ["organization"]})["search_facets"]["organization"][
        "items"
    ]
    assert {"name": "health", "display_name": "新的名称", "count": 2} in items


def test_a_write_that_fails_leaves_no_trace_in_the_index(filled: EmbeddedCatalog) -> None:
    with pytest.raises(ValidationError):
        add(filled, "bus-stops", "公交站点信息")
    with pytest.raises(NotAuthorized):
        add(filled.as_actor(ANONYMOUS), "sneaky", "偷偷写入")
    assert len(names(filled)) == 4
    add(filled, "next", "下一个数据集")
    assert names(filled, q="下一个数据集")[0] == "next"


def test_threads_agree(filled: EmbeddedCatalog) -> None:
    def work(number: int) -> list[str]:
        if number % 4 == 0:
            add(filled, f"n{number}", f"并发数据集{number}")
        return names(filled, q="公交")

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(16)))
    assert all(found[0] == "bus-stops" for found in results)
    assert len(names(filled)) == 8


def test_autocomplete(standing: EmbeddedCatalog) -> None:
    found = standing.call_action("package_autocomplete", {"q": "公交"})
    assert found == [
        {
            "name": "bus-stops",
            "title": "公交站点信息",
            "match_field": "title",
            "match_displayed": "公交站点信息 (bus-stops)",
        }
    ]
