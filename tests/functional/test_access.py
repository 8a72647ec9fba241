"""A researcher's way: apply, supplement, decision, token, download, and the ends it can take."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.functional.conftest import Portal, Visit, fits

pytestmark = [pytest.mark.functional, pytest.mark.xdist_group("portal")]  # one server, one browser
DATASET = "employment-registrations"


def _apply(page: Page, language: str, project: str) -> str:
    """Submits an application from the dataset's page; returns its address."""
    page.goto(f"/{language}/datasets/{DATASET}")
    page.click(".message a.button")
    page.fill("#project", project)
    page.fill("#purpose", "Wages by education and occupation, for a study of the labour market.")
    page.fill("#statement", "Kept on an encrypted disk in the institute; deleted at the end of the period.")
    page.check("input[name=terms_version]")
    page.click("form.form button")
    page.wait_for_url(re.compile(r"/applications/\w+"))
    return page.url


def _fold_open_and_send(page: Page, action: str, text: str) -> None:
    form = page.locator(f"form:has(input[value={action}])")
    fold = page.locator(f"details:has(input[value={action}]) summary")
    if fold.count():
        fold.click()
    form.locator("textarea").fill(text)
    form.locator("button").click()


def test_sign_in_leads_back_to_the_form(visit: Visit, portal: Portal) -> None:
    page = visit(language="en", phone=True)
    page.goto(f"/en/apply/{DATASET}")
    page.click(".message a.button")
    page.fill("#account", "wei-ran")
    page.fill("#password", "wrong")
    page.click("main form button")
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.input_value("#account") == "wei-ran"
    assert page.input_value("#password") == ""
    assert fits(page)


def test_granted(visit: Visit, portal: Portal) -> None:
    researcher = visit("lin-zhi", language="zh", phone=True)
    address = _apply(researcher, "zh", "收入与学历的关系")
    expect(researcher.locator(".steps [aria-current]")).to_have_text("安全审查")
    expect(researcher.locator(".side ol").first).to_contain_text("工作日")
    assert fits(researcher)

    reviewer = visit("gao-yuan", language="zh")
    reviewer.locator(".results h3 a").first.click()
    _fold_open_and_send(reviewer, "request-supplement", "请说明数据存放的位置")
    expect(reviewer.locator(".meta .badge")).to_contain_text("待补正")

    researcher.goto(address)
    _fold_open_and_send(researcher, "answer-supplement", "存放在学院内网服务器")
    reviewer.reload()
    form = reviewer.locator("form:has(input[value=give-opinion])")
    form.locator("textarea").fill("可以提供")
    form.locator("input[value=favourable]").check()
    form.locator("button").click()
    expect(reviewer.locator(".meta .badge")).to_have_text("待决定")

    decider = visit("liang-chen", language="en")
    decider.locator(".results h3 a").first.click()
    _fold_open_and_send(decider, "approve", "No publication of single records.")
    expect(decider.locator(".meta .badge")).to_have_text("granted")

    researcher.goto(address)
    with researcher.expect_download() as waiting:
        researcher.locator(".downloads a", has_text="CSV").click()
    _header, *rows = waiting.value.path().read_text("utf-8-sig").strip().splitlines()
    assert len(rows) > 2000
    assert not re.search(r"\b\d{17}[\dX]\b", rows[0])
    researcher.locator("form:has(input[value=reissue-token]) button").click()
    token = researcher.locator(".message pre").first.inner_text().strip()
    file = f"{portal.url}/download/{DATASET}/latest/restricted.csv"
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(file, headers=headers, follow_redirects=True).status_code == 200
    researcher.reload()
    expect(researcher.locator(".timeline")).to_contain_text("使用: CSV")

    decider.reload()
    _fold_open_and_send(decider, "revoke", "The project has ended.")
    expect(decider.locator(".meta .badge")).to_have_text("revoked")
    assert httpx.get(file, headers=headers, follow_redirects=True).status_code == 403
    researcher.goto(address)
    expect(researcher.locator(".message.warn")).to_contain_text("The project has ended.")


def test_refused_with_reason_and_remedies(visit: Visit) -> None:
    researcher = visit("wei-ran", language="en")
    address = _apply(researcher, "en", "Street maps")
    reviewer = visit("gao-yuan", language="en", phone=True)
    reviewer.goto(address)
    form = reviewer.locator("form:has(input[value=give-opinion])")
    form.locator("textarea").fill("The purpose does not need it.")
    form.locator("input[value=unfavourable]").check()
    form.locator("button").click()
    assert fits(reviewer)
    decider = visit("liang-chen", language="zh")
    decider.goto(address.replace("/en/", "/zh/"))
    _fold_open_and_send(decider, "refuse", "用途与数据无关")
    researcher.goto(address)
    expect(researcher.locator(".message.error")).to_contain_text("用途与数据无关")
    assert len(researcher.locator(".message.error p").nth(1).inner_text()) > 20  # where to turn
    researcher.goto("/en/applications")
    expect(researcher.locator(".results .badge").first).to_have_text("refused")


def test_wrong_period_keeps_what_was_typed(visit: Visit) -> None:
    page = visit("wei-ran", language="en")
    page.goto(f"/en/apply/{DATASET}")
    page.fill("#project", "A project")
    page.fill("#purpose", "A purpose\nof two lines")
    page.fill("#statement", "A statement")
    page.fill("#period_until", "2020-01-01")
    page.check("input[name=terms_version]")
    page.click("form.form button")
    expect(page.get_by_role("alert")).to_contain_text("period")
    expect(page.locator("[aria-invalid]")).to_have_id("period_until")
    assert page.input_value("#purpose") == "A purpose\nof two lines"
    assert page.is_checked("input[name=terms_version]")


def test_api_token_is_shown_once(visit: Visit, portal: Portal) -> None:
    page = visit("wei-ran", language="en", phone=True)
    page.goto("/en/account")
    page.fill("#token-name", "notebook")
    page.click("form.form button")
    token = page.locator(".message.good code").inner_text()
    answer = httpx.get(f"{portal.url}/api/v1/applications", headers={"Authorization": token})
    assert answer.status_code == 200
    page.goto("/en/account")
    assert token not in page.content()
    page.locator("td button", has_text="Revoke").click()
    expect(page.locator("td", has_text="revoked")).to_be_visible()
    assert httpx.get(f"{portal.url}/api/v1/applications", headers={"Authorization": token}).status_code == 401
