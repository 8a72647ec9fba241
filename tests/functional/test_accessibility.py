"""Pages under the rules of WCAG 2.1 A and AA (axe-core), in light and dark colours, on a desk and on a phone."""

from importlib.resources import files

import pytest
import yaml
from playwright.sync_api import Page

from tests.functional.conftest import Visit, fits
from tests.portal_city import CITY

pytestmark = [pytest.mark.functional, pytest.mark.xdist_group("portal")]  # one server, one browser
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
PUBLIC = (
    "/",
    "/datasets?openness=open",
    "/datasets/bus-stops",
    "/datasets/employment-registrations",
    "/datasets/resident-population-flow",
    "/datasets/children-rehabilitation-list",
    "/organisations",
    "/schemas",
    "/schemas/bus-stops/1.0.0",
    "/log",
    "/negative-list",
    "/developers",
    "/developers/api",
    "/sign-in",
    "/nothing-here",
)
COLOURFUL = ("/", "/datasets?openness=open", "/datasets/employment-registrations", "/sign-in")
OWN = {
    "liu-yun": ("/steward", "/steward/declare", "/steward/bus-stops", "/account"),
    "sun-qiao": ("/reviews",),
    "wei-ran": ("/apply/employment-registrations", "/applications"),
    "gao-yuan": ("/access-desk",),
}


def violations(page: Page, path: str) -> list[str]:
    """Broken rules of a page with everything unfolded."""
    page.goto(path)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
    wide = [] if fits(page) else [f"{path}: wider than the screen"]
    return [f"{path}: {v['id']} {node['target']}" for v in found for node in v["nodes"]] + wide


def test_public_pages(visit: Visit) -> None:
    page = visit()
    assert [v for path in PUBLIC for v in violations(page, f"/zh{path}")] == []


def test_dark_on_a_phone(visit: Visit) -> None:
    page = visit(language="en", phone=True)
    page.emulate_media(color_scheme="dark")
    assert [v for path in COLOURFUL for v in violations(page, f"/en{path}")] == []


@pytest.mark.parametrize("account", OWN)
def test_pages_of_signed_in_people(visit: Visit, account: str) -> None:
    page = visit(account, language="zh", phone=True)
    assert [v for path in OWN[account] for v in violations(page, f"/zh{path}")] == []


def test_a_proposed_change_of_a_declaration(visit: Visit) -> None:
    steward = visit("liu-yun", language="zh")
    steward.goto("/zh/steward/declare")
    declared = yaml.safe_load((CITY / "datasets" / "bus-stops.yaml").read_text("utf-8")) | {"spatial": "610100"}
    steward.locator("textarea[name=declaration]").fill(yaml.safe_dump(declared, allow_unicode=True))
    steward.locator("main form button").last.click()
    steward.wait_for_url("**/zh/steward/bus-stops")
    address = steward.locator("a[href*='/reviews/declarations/']").get_attribute("href") or ""
    assert violations(steward, "/zh/steward/bus-stops") == []
    assert violations(steward, address) == []
    phone = visit("sun-qiao", language="zh", phone=True)
    assert violations(phone, "/zh/reviews") == []
    assert violations(phone, address) == []
