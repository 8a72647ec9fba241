"""A developer finds open data and downloads it, asking nobody."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.functional.conftest import Portal, Visit, fits
from tests.portal_city import SOURCES

pytestmark = [pytest.mark.functional, pytest.mark.xdist_group("portal")]  # one server, one browser


@pytest.mark.parametrize(("language", "phone"), [("zh", False), ("en", True)])
def test_find_and_download(visit: Visit, portal: Portal, language: str, phone: bool) -> None:
    page = visit(language=language, phone=phone)
    page.goto("/")
    assert page.url == f"{portal.url}/{language}/"
    page.fill("input[type=search]", "公交" if language == "zh" else "bus")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("1")
    assert fits(page)
    page.click(".results h3 a")
    expect(page.locator("h1")).to_have_text("公交站点" if language == "zh" else "Bus stops")
    expect(page.locator("table.data tbody tr")).to_have_count(20)
    assert fits(page)
    with page.expect_download() as waiting:
        page.locator(".downloads a", has_text="CSV").click()
    content = waiting.value.path().read_bytes()
    rows = (SOURCES / "bus-stops.csv").read_bytes().strip().count(b"\n")
    assert content.strip().count(b"\n") == rows
    page.locator("summary", has_text="接口调用示例" if language == "zh" else "API example").click()
    address = page.locator("details pre code").inner_text().split("'")[1]
    path = address[address.index("/api/") :]
    assert len(httpx.get(portal.url + path).json()["data"]) == 5


def test_facets_narrow_and_widen(visit: Visit) -> None:
    page = visit(language="en")
    page.goto("/en/datasets")
    results = page.locator(".results > li")
    everything = results.count()
    assert everything >= 4
    page.locator(".facets a", has_text="Conditional").click()
    expect(results).to_have_count(2)
    assert "openness=conditional" in page.url
    page.locator(".facets a", has_text="Lanchuan Human Resources").click()
    expect(results).to_have_count(1)
    page.locator(".chips a", has_text="Openness").click()
    expect(page.locator(".chips li")).to_have_count(1)
    page.locator(".chips a").click()
    expect(results).to_have_count(everything)
    page.fill("input[type=search]", "zzyzx")
    page.click("form.search button")
    expect(page.locator(".empty")).to_be_visible()


def test_language_switch_stays_on_the_page_and_is_remembered(visit: Visit, portal: Portal) -> None:
    page = visit(language="zh")
    page.goto("/zh/datasets?q=公交&sort=title")
    page.click("text=English")
    assert page.url.startswith(f"{portal.url}/en/datasets?q=")
    assert page.url.endswith("sort=title")
    page.goto("/log")
    assert page.url == f"{portal.url}/en/log"


def test_closed_dataset_names_its_ground(visit: Visit) -> None:
    page = visit()
    page.goto("/zh/datasets/children-rehabilitation-list")
    expect(page.locator(".message")).to_contain_text("负面清单")
    page.click(".message a")
    expect(page.locator("li:target h2")).to_be_visible()


def test_keyboard_reaches_the_content(visit: Visit) -> None:
    page = visit()
    page.goto("/zh/datasets/bus-stops")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
