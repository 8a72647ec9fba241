"""Journeys in a real browser against a real server process, over a small city made once per run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.portal_city import PASSWORD, city_home, serving

ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PATIENCE = 30_000  # milliseconds: the machine may be busy


@dataclass(frozen=True)
class Portal:
    """url: of the server. home: its folder."""

    url: str
    home: Path


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    home = city_home(tmp_path_factory)
    with serving(home) as served:
        yield Portal(served.url, home)


@pytest.fixture(scope="session")
def _playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(_playwright: Playwright, chromium: str) -> Iterator[Browser]:
    launched = _playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
    yield launched
    launched.close()


Visit = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser, portal: Portal) -> Iterator[Visit]:
    """A person with a browser of their own: `visit("liu-yun", language="en", phone=True)`; `-` is nobody.

    Every page they see is checked: no message on the console, nothing wider than the screen.
    """
    contexts, complaints = [], list[str]()

    def opened(account: str = "-", *, language: str = "zh", phone: bool = False, script: bool = True) -> Page:
        context = browser.new_context(
            viewport=PHONE if phone else DESKTOP,
            base_url=portal.url,
            java_script_enabled=script,
            accept_downloads=True,
            locale="zh-CN" if language == "zh" else "en-GB",
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{page.url}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        if account != "-":
            page.goto(f"/{language}/sign-in")
            page.fill("#account", account)
            page.fill("#password", PASSWORD)
            page.click("main form button")
            page.wait_for_url(lambda url: "/sign-in" not in url)
        return page

    yield opened
    for context in contexts:
        context.close()
    expected = ("status of 401", "status of 403", "status of 404", "status of 409", "status of 422")
    assert [c for c in complaints if not any(e in c for e in expected)] == []


def fits(page: Page) -> bool:
    """Whether nothing makes the page wider than its screen."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
