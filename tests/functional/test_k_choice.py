"""A steward compares what each k costs, chooses one, and the reviewers get the release that was made with it."""

import pytest
import yaml
from playwright.sync_api import Page, expect

from tests.functional.conftest import Visit, fits
from tests.functional.test_accessibility import AXE, RULES
from tests.portal_city import CITY, SOURCES

pytestmark = [pytest.mark.functional, pytest.mark.xdist_group("portal")]  # one server, one browser
DATASET = "hotline-tickets"


def _declare(steward: Page) -> None:
    declared = yaml.safe_load((CITY / "datasets" / f"{DATASET}.yaml").read_text("utf-8"))
    steward.goto("/zh/steward/declare")
    steward.fill("#declaration", yaml.safe_dump({**declared, "source": None}, allow_unicode=True))
    steward.click("main form button")
    expect(steward.locator("h1")).to_have_text(declared["title"]["zh"])


def _prepared(steward: Page) -> None:
    steward.wait_for_selector(".message.good", timeout=90_000)


def _broken_rules(page: Page) -> list[str]:
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
    return [f"{v['id']}: {node['html'][:120]}" for v in found for node in v["nodes"]]


@pytest.mark.timeout(600)  # three preparations by a worker that may share its machine
def test_compare_choose_and_review(visit: Visit) -> None:
    steward = visit("tian-wei", language="zh", phone=True)
    _declare(steward)
    steward.set_input_files("#file", SOURCES / f"{DATASET}.csv")
    steward.click("form[enctype] button")
    steward.wait_for_url("**/steward/sources/*")
    _prepared(steward)

    slider, button = steward.locator("input[type=range]"), steward.locator(".choice button")
    expect(steward.locator(".slide output")).to_have_text("3")
    expect(button).to_be_disabled()  # chosen already
    expect(steward.locator(".sentence:visible")).to_contain_text("k=3")
    slider.focus()
    steward.keyboard.press("ArrowRight")
    expect(steward.locator(".slide output")).to_have_text("5")
    expect(steward.locator(".choice [role=status]")).to_contain_text("k=5")
    steward.keyboard.press("ArrowRight")
    expect(steward.locator(".sentence:visible")).to_contain_text("k=10")
    expect(steward.locator("svg.curve .now text")).to_have_text("k=10")
    expect(steward.locator("input[name=k]:checked")).to_have_value("10")
    assert fits(steward)
    assert _broken_rules(steward) == []

    before = steward.locator(".message.good a").get_attribute("href")
    button.click()
    steward.wait_for_selector("[data-renew], .message.good", timeout=30_000)
    expect(steward.locator("main")).to_contain_text("这个数据集采用的 k", timeout=90_000)
    expect(steward.locator("main")).to_contain_text("受限数据 k = 10 — tian-wei")
    expect(steward.locator(".slide output")).to_have_text("10")
    after = steward.locator(".message.good a").get_attribute("href")
    assert after != before

    reviewer = visit("dong-xi", language="en")
    reviewer.goto((after or "").replace("/zh/", "/en/"))
    expect(reviewer.locator("dl.facts").first).to_contain_text("Restricted data k = 10 — tian-wei")
    expect(reviewer.locator(".report")).to_contain_text(
        "k = 10 was chosen by the steward; the policy asks for at least 3."
    )
    expect(reviewer.locator(".choice form")).to_have_count(0)
    assert _broken_rules(reviewer) == []
    reviewer.goto((before or "").replace("/zh/", "/en/"))
    expect(reviewer.locator("button[value=approve]")).to_have_count(0)  # withdrawn for the new one

    _without_script(visit, steward.url)


def _without_script(visit: Visit, source: str) -> None:
    steward = visit("tian-wei", language="en", script=False)
    steward.goto(source.replace("/zh/", "/en/"))
    expect(steward.locator("input[type=range]")).to_be_hidden()
    steward.locator("details summary", has_text="k = 20").click()
    expect(steward.locator("details[open] .sentence").last).to_contain_text("With k = 20")
    steward.check("input[name=k][value='20']")
    steward.click(".choice button")
    expect(steward.locator("ol.steps")).to_be_visible()  # on its way again; the page asks anew by itself
    expect(steward.locator("main")).to_contain_text("Restricted data k = 20 — tian-wei", timeout=120_000)
