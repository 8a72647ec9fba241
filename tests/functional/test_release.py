"""A file's way to the public: refused with reasons, corrected, signed by three people, published, withdrawn."""

import pytest
from playwright.sync_api import Page, expect

from tests.functional.conftest import Visit, fits
from tests.portal_city import SOURCES, UNPUBLISHED

pytestmark = [pytest.mark.functional, pytest.mark.xdist_group("portal")]  # one server, one browser


def _upload(page: Page, file: str) -> None:
    page.goto(f"/{page.url.split('/')[3]}/steward/{UNPUBLISHED}")
    page.set_input_files("#file", SOURCES / file)
    page.click("form[enctype] button")
    page.wait_for_url("**/steward/sources/*")


def _wait_until_done(page: Page, selector: str) -> None:
    """The page renews itself; without script the person's browser reloads it."""
    page.wait_for_selector(selector, timeout=60_000)


def test_from_errors_to_publication_and_back(visit: Visit) -> None:
    steward = visit("feng-rui", language="zh", phone=True)
    expect(steward.locator("h1")).to_have_text("我的数据集")
    _upload(steward, "administrative-penalties-with-errors.csv")
    _wait_until_done(steward, ".message.error")
    errors = steward.locator("table.stack tbody tr")
    expect(errors.nth(5)).to_be_visible()
    expect(errors.first.locator("td").nth(1)).to_contain_text("第 6 行")
    assert fits(steward)

    _upload(steward, "administrative-penalties.csv")
    _wait_until_done(steward, ".message.good")
    steward.click(".message.good a")
    expect(steward.locator("h1")).to_contain_text("行政处罚")
    assert steward.locator("button[value=approve]").count() == 0  # whoever uploads does not review
    evidence = steward.url

    signed = (("deng-ke", "en", False), ("he-jing", "zh", True), ("luo-fan", "zh", False))
    for account, language, phone in signed:
        reviewer = visit(account, language=language, phone=phone)
        reviewer.locator(".results").first.locator("h3 a").click()
        expect(reviewer.locator(".steps [aria-current]")).to_be_visible()
        assert fits(reviewer)
        if account == "deng-ke":
            reviewer.click("button[value=reject]")  # without a reason
            expect(reviewer.get_by_role("alert")).to_be_visible()
        reviewer.click("button[value=approve]")
        expect(reviewer.locator("button[value=approve]")).to_have_count(0)
    steward.goto(evidence)
    expect(steward.locator(".steps .done")).to_have_count(3)

    public = visit(language="en")
    _until_published(public)
    expect(public.locator("table.data tbody tr")).to_have_count(20)

    steward.goto(f"/zh/steward/{UNPUBLISHED}")
    steward.locator("summary", has_text="撤回发布").click()
    steward.fill("#reason", "发现错误，更正后重新发布")
    steward.click("button.danger")
    expect(steward.locator("text=未发布")).to_be_visible()
    answer = public.goto(f"/en/datasets/{UNPUBLISHED}")
    assert answer is not None
    expect(public.locator("main")).to_contain_text("发现错误，更正后重新发布")


def _until_published(page: Page) -> None:
    for _ in range(60):
        answer = page.goto(f"/en/datasets/{UNPUBLISHED}")
        if answer is not None and answer.ok:
            return
        page.wait_for_timeout(500)
    pytest.fail("the worker did not publish")


def test_declaration_that_is_wrong_keeps_its_text(visit: Visit) -> None:
    steward = visit("liu-yun", language="en")
    steward.goto("/en/steward/declare")
    text = steward.input_value("#declaration").replace("bus-stops@1.0.0", "no-such-schema@1.0.0")
    steward.fill("#declaration", text)
    steward.click("main form button")
    expect(steward.get_by_role("alert")).to_contain_text("no-such-schema")
    assert steward.input_value("#declaration").strip() == text.strip()
    steward.fill("#declaration", text.replace("no-such-schema@1.0.0", "bus-stops@1.0.0"))
    steward.click("main form button")
    expect(steward.locator("h1")).to_have_text("Title")
    expect(steward.locator("text=not published")).to_be_visible()


def test_upload_without_script(visit: Visit) -> None:
    steward = visit("liu-yun", language="en", script=False)
    steward.goto("/en/steward/bus-stops")
    steward.set_input_files("#file", {"name": "empty.csv", "mimeType": "text/csv", "buffer": b""})
    steward.click("form[enctype] button")
    expect(steward.get_by_role("alert")).to_contain_text("empty")
