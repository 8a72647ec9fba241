"""A refused file: its report is taken away, its corrected copy handed in; every state of the page passes axe."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Page, expect

from catalog_config.settings import Settings
from governance.database.dataset_tables import source_files, sources
from pipelines.platform import Platform, open_platform
from tests.functional.conftest import PATIENCE, Portal, Visit
from tests.functional.test_accessibility import violations
from tests.portal_city import SOURCES, UNPUBLISHED

pytestmark = [pytest.mark.functional, pytest.mark.xdist_group("portal")]  # one server, one browser


@pytest.fixture
def platform(portal: Portal) -> Iterator[Platform]:
    opened = open_platform(Settings(home=portal.home))
    yield opened
    opened.engine.dispose()


def refused(page: Page, language: str) -> str:
    """The path of a file that was handed in and refused."""
    page.goto(f"/{language}/steward/{UNPUBLISHED}")
    page.set_input_files("#file", SOURCES / "administrative-penalties-with-errors.csv")
    page.click("form[enctype] button")
    page.wait_for_url("**/steward/sources/*")
    page.wait_for_selector(".message.error", timeout=2 * PATIENCE)
    return f"/{language}" + page.url.split(f"/{language}", 1)[1]


def test_the_report_is_taken_away_and_the_corrected_copy_handed_in(visit: Visit, tmp_path: Path) -> None:
    steward = visit("feng-rui", language="zh", phone=True)
    path = refused(steward, "zh")
    assert violations(steward, path) == []

    workbook = steward.locator("#files li", has_text="XLSX")
    workbook.get_by_role("button", name="生成").click()
    link = workbook.get_by_role("link", name="下载")
    expect(link).to_be_visible(timeout=2 * PATIENCE)  # the page renews itself
    with steward.expect_download() as download:
        link.click()
    download.value.save_as(tmp_path / "report.xlsx")
    assert download.value.suggested_filename.startswith("report.zh-")
    assert openpyxl.load_workbook(tmp_path / "report.xlsx").sheetnames == ["问题", "数据"]

    copy = steward.locator("#files li", has_text="改正副本")
    copy.get_by_role("button", name="生成").click()
    hand_in = copy.get_by_role("button", name="把改正副本作为新文件提交")
    expect(hand_in).to_be_visible(timeout=2 * PATIENCE)
    expect(copy.locator("ul li").first).to_contain_text("统一日期写法")
    assert violations(steward, path) == []
    hand_in.click()
    expect(steward.locator("h1")).to_have_text("administrative-penalties-with-errors-corrected.csv")
    assert path not in steward.url
    steward.wait_for_selector(".message.error", timeout=2 * PATIENCE)  # what needs a person is still wrong
    expect(steward.locator("table.stack tbody tr").first).to_contain_text("2026年2月30日")

    other = visit("liu-yun", language="en")
    answer = other.goto(path.replace("/zh/", "/en/") + "/files/report.json")
    assert answer is not None
    assert answer.status == 403


@pytest.mark.parametrize(("language", "phone"), [("zh", False), ("en", True)])
def test_work_in_progress(visit: Visit, platform: Platform, language: str, phone: bool) -> None:
    steward = visit("feng-rui", language=language, phone=phone)
    source = f"{language}-in-progress".ljust(32, "0")
    now = datetime.now(UTC)
    kept = {"stage": "validate", "share": 0.6, "rows": 12_000_000, "bytes_per_second": 9e7, "rows_per_second": 2e6}
    kept |= {"seconds_left": 4.0, "began": now.isoformat()}
    values = {"id": source, "dataset": UNPUBLISHED, "file_name": "a.csv", "digest": "0" * 64, "size": 7_000_000}
    values |= {"uploaded_at": now, "uploaded_by": "feng-rui", "stage": "validate", "done": 0.6, "progress": kept}
    with platform.engine.begin() as connection:
        connection.execute(sources.insert().values(**values, status="preparing"))
    path = f"/{language}/steward/sources/{source}"
    assert violations(steward, path) == []
    expect(steward.locator("[data-renew]")).to_contain_text("12,000,000")
    with platform.engine.begin() as connection:
        kept |= {"rows": 15_000_000}
        connection.execute(sources.update().where(sources.c.id == source).values(progress=kept))
    expect(steward.locator("[data-renew]")).to_contain_text("15,000,000")  # renewed without a reload

    files = {"source": source, "requested_at": now, "requested_by": "feng-rui", "status": "making"}
    outcome = {"warnings": [{"type": "x", "row": 1, "field": None, "message": {"zh": "甲", "en": "a"}, "remedy": None}]}
    outcome |= {"error": {"code": "x", "message": {"zh": "乙", "en": "b"}, "remedy": None, "field": None}}
    with platform.engine.begin() as connection:
        ended = {"status": "refused", "stage": None, "progress": None, "outcome": outcome}
        connection.execute(sources.update().where(sources.c.id == source).values(**ended))
        connection.execute(source_files.insert().values(**files, name=f"report.{language}.xlsx", progress=kept))
        connection.execute(source_files.insert().values(**files, name="corrected.csv"))
    assert violations(steward, path) == []
    expect(steward.locator("#files progress")).to_have_count(2)
