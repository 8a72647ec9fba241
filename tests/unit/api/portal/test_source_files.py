"""What a steward takes away about a refused file: made by the worker, seen by the publisher's stewards alone."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from governance.database.dataset_tables import sources
from governance.database.decision_tables import audit_log
from governance.database.engine import reading
from pipelines.platform import Platform
from pipelines.preparation import prepare_source
from pipelines.prepare import InvalidSource
from pipelines.read import read_source
from pipelines.source_files import NAMES, WHEN_ASKED, WITHOUT_CELLS, corrected_name, list_files
from pipelines.sources import accept_source, load_source
from pipelines.validation.fix import fix_file
from pipelines.worker import run_until_idle
from schemas.actor import Actor, Duty
from schemas.registry import load_published
from tests.portal_city import SOURCES, UNPUBLISHED

Browse = Callable[[str], TestClient]
STEWARD, OTHER_STEWARD, REVIEWERS = "feng-rui", "liu-yun", ("deng-ke", "he-jing", "luo-fan")
WRONG_CELLS = ("12.5万元", "2026年2月30日")
OPERATOR = "ma-kai"


@pytest.fixture(scope="module")
def refused(city: Platform) -> str:
    """Id of a source that was refused."""
    actor = Actor(id=STEWARD, duties=frozenset({Duty.STEWARD}), organisation="market-regulation-bureau")
    with (SOURCES / "administrative-penalties-with-errors.csv").open("rb") as content:
        source = accept_source(city, UNPUBLISHED, content, "处罚 2026.csv", actor, datetime.now(UTC))
    with pytest.raises(InvalidSource):
        prepare_source(city, source, actor)
    return source


def page_of(browse: Browse, source: str, account: str = STEWARD, language: str = "en") -> str:
    answer = browse(account).get(f"/{language}/steward/sources/{source}")
    assert answer.status_code == 200
    return answer.text


def fetched(browse: Browse, source: str, name: str, account: str = STEWARD) -> bytes:
    answer = browse(account).get(f"/en/steward/sources/{source}/files/{name}")
    assert answer.status_code == 200, name
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert "sandbox" in answer.headers["content-security-policy"]
    return answer.content


def test_light_files_are_ready_with_the_refusal(browse: Browse, refused: str) -> None:
    report = json.loads(fetched(browse, refused, "report.json"))
    assert (report["valid"], report["tasks"][0]["valid"]) == (False, False)
    assert any(cell in json.dumps(report, ensure_ascii=False) for cell in WRONG_CELLS)
    page = fetched(browse, refused, "report.zh.html").decode()
    assert "数据校验报告" in page
    assert WRONG_CELLS[1] in page
    assert "Validation report" in fetched(browse, refused, "report.en.html").decode()


@pytest.mark.parametrize("name", sorted(WITHOUT_CELLS))
def test_files_for_passing_on_hold_no_cell(browse: Browse, city: Platform, refused: str, name: str) -> None:
    content = fetched(browse, refused, name).decode()
    assert "type-error" in content
    errors = (load_source(city, refused).outcome or {})["validation"]["errors"]
    cells = {e["cell"] for e in errors if e["cell"] and len(e["cell"]) > 3}
    assert len(cells) > 3
    assert [cell for cell in cells if cell in content] == []


def test_heavy_files_are_made_when_asked_for(browse: Browse, city: Platform, refused: str) -> None:
    run_until_idle(city)
    client = browse(STEWARD)
    path = f"/en/steward/sources/{refused}"
    assert client.get(f"{path}/files/report.en.xlsx").status_code == 404
    for _ in range(2):  # asking twice is asking once
        answer = client.post(f"{path}/files/report.en.xlsx")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{path}#files")
    page = page_of(browse, refused)
    assert "It is being made." in page
    assert f'data-renew-from="{path}/progress"' in page
    part = client.get(f"{path}/progress").text
    assert "data-renew" in part
    assert WRONG_CELLS[1] not in part
    assert client.get(f"{path}/files/report.en.xlsx").status_code == 409
    assert run_until_idle(city) == 1
    assert "data-renew" not in client.get(f"{path}/progress").text
    book = openpyxl.load_workbook(io.BytesIO(fetched(browse, refused, "report.en.xlsx")))
    assert book.sheetnames == ["Problems", "Data"]
    marked = [c for row in book["Data"].iter_rows() for c in row if c.comment]
    assert any(c.value in WRONG_CELLS for c in marked)


def test_the_corrected_copy_is_handed_in_as_a_new_source(browse: Browse, city: Platform, refused: str) -> None:
    client = browse(STEWARD)
    path = f"/en/steward/sources/{refused}"
    assert client.post(f"{path}/use-corrected").status_code == 404
    client.post(f"{path}/files/corrected.csv")
    run_until_idle(city)
    page = page_of(browse, refused)
    changes = (list_files(city, refused)["corrected.csv"].outcome or {})["changes"]
    assert changes
    assert all(change["en"][1:] in page for change in changes)
    corrected = fetched(browse, refused, "corrected.csv")
    handed_in = [client.post(f"{path}/use-corrected").headers["location"] for _ in range(2)]
    assert handed_in[0] == handed_in[1]
    new = load_source(city, handed_in[0].rsplit("/", 1)[1])
    assert (new.dataset, new.file_name, new.uploaded_by) == (UNPUBLISHED, "处罚 2026-corrected.csv", STEWARD)
    assert (city.home / "sources" / new.id / "source.csv").read_bytes() == corrected
    with reading(city.engine) as connection:
        rows = connection.execute(sa.select(audit_log).where(audit_log.c.actor == STEWARD)).all()
    assert {"source": new.id, "digest": new.digest, "size": new.size, "corrected_from": refused} in [
        row.data for row in rows if row.action == "source.accept"
    ]
    assert {"source": refused, "file": "corrected.csv"} in [row.data for row in rows if row.action == "source.report"]
    run_until_idle(city)
    assert load_source(city, new.id).status == "refused"  # what needs a person is still wrong
    assert "2026年2月30日" in page_of(browse, new.id)


@pytest.mark.parametrize("account", [OTHER_STEWARD, *REVIEWERS])
def test_other_people_get_no_file(browse: Browse, refused: str, account: str) -> None:
    client = browse(account)
    path = f"/en/steward/sources/{refused}"
    for name in sorted(NAMES):
        assert client.get(f"{path}/files/{name}").status_code == 403, name
        assert client.post(f"{path}/files/{name}").status_code == 403, name
    assert client.post(f"{path}/use-corrected").status_code == 403
    assert client.get(f"{path}/progress").status_code == 403


def test_the_public_gets_no_file(browse: Browse, refused: str) -> None:
    nobody = browse("-")
    path = f"/en/steward/sources/{refused}"
    for name in sorted(NAMES):
        answer = nobody.get(f"{path}/files/{name}")
        assert (answer.status_code, answer.headers["location"][:11]) == (303, "/en/sign-in")
        assert nobody.post(f"{path}/files/{name}").status_code in (401, 403)
    assert nobody.post(f"{path}/use-corrected").status_code in (401, 403)


def test_operators_get_what_holds_no_cell(browse: Browse, refused: str) -> None:
    client = browse(OPERATOR)
    path = f"/en/steward/sources/{refused}"
    statuses = {name: client.get(f"{path}/files/{name}").status_code for name in NAMES}
    assert {name for name, status in statuses.items() if status == 200} == WITHOUT_CELLS
    assert {status for name, status in statuses.items() if name not in WITHOUT_CELLS} == {403}
    assert {client.post(f"{path}/files/{name}").status_code for name in NAMES} == {403}
    page = page_of(browse, refused, OPERATOR)
    assert [name for name in NAMES - WITHOUT_CELLS if name in page] == []
    assert "summary.json" in page


def test_names_are_ours(browse: Browse, refused: str) -> None:
    client = browse(STEWARD)
    for name in ("source.csv", "validation.json", "..%2Fsource.csv", "report.fr.html", "tmp-x"):
        path = f"/en/steward/sources/{refused}/files/{name}"
        assert (client.get(path).status_code, client.post(path).status_code) == (404, 404), name


def test_files_stand_in_the_source_area_alone(city: Platform, refused: str) -> None:
    home = city.home.folder
    folder = home / "sources" / refused
    assert {p.name for p in folder.iterdir()} >= {"source.csv", "validation.json", *(NAMES - set(WHEN_ASKED))}
    assert [p for p in folder.iterdir() if p.name.startswith("tmp")] == []
    needles = [cell.encode() for cell in WRONG_CELLS]
    for path in (p for name in ("work", "rows", "releases", "outbox") for p in (home / name).rglob("*") if p.is_file()):
        assert not any(needle in path.read_bytes() for needle in needles)


def test_a_file_that_vanished_is_made_again(browse: Browse, city: Platform, refused: str) -> None:
    client = browse(STEWARD)
    path = f"/en/steward/sources/{refused}/files/summary.json"
    (city.home / "sources" / refused / "summary.json").unlink()
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 303
    run_until_idle(city)
    assert json.loads(fetched(browse, refused, "summary.json"))["valid"] is False


def test_nothing_to_correct_is_said(browse: Browse, city: Platform, tmp_path: Path) -> None:
    actor = Actor(id=STEWARD, duties=frozenset({Duty.STEWARD}), organisation="market-regulation-bureau")
    schema = load_published("administrative-penalties@1.0.0")
    fix_file(read_source(SOURCES / "administrative-penalties.csv"), schema, tmp_path / "fixed.csv")
    text = (tmp_path / "fixed.csv").read_text("utf-8")
    content = io.BytesIO(re.sub(r"\d{4}-\d\d-\d\d", "2026-02-30", text, count=1).encode())
    source = accept_source(city, UNPUBLISHED, content, "a.csv", actor, datetime.now(UTC))
    with pytest.raises(InvalidSource):
        prepare_source(city, source, actor)
    browse(STEWARD).post(f"/en/steward/sources/{source}/files/corrected.csv")
    run_until_idle(city)
    page = page_of(browse, source)
    assert "Nothing can be corrected without a person" in page
    assert browse(STEWARD).get(f"/en/steward/sources/{source}/files/corrected.csv").status_code == 409


def test_progress_of_preparing_is_shown(browse: Browse, city: Platform) -> None:
    actor = Actor(id=STEWARD, duties=frozenset({Duty.STEWARD}), organisation="market-regulation-bureau")
    source = accept_source(city, UNPUBLISHED, io.BytesIO(b"a\n1\n"), "b.csv", actor, datetime.now(UTC))
    assert "Waiting for its turn" in page_of(browse, source)
    kept = {"stage": "validate", "share": 0.25, "rows": 1_250_000, "bytes_per_second": 8.5e7, "rows_per_second": 1e6}
    kept |= {"seconds_left": 75.0, "began": datetime.now(UTC).isoformat()}
    values = {"status": "preparing", "stage": "validate", "done": 0.25, "progress": kept}
    with city.engine.begin() as connection:
        connection.execute(sources.update().where(sources.c.id == source).values(**values))
    for path in ("", "/progress"):
        page = browse(STEWARD).get(f"/en/steward/sources/{source}{path}").text
        assert "25% · 1,250,000 rows · 85.0 MB/s · 1 min 15 s left" in re.sub(r"\s+", " ", page)
        assert 'value="0.25"' in page
    page = browse(STEWARD).get(f"/zh/steward/sources/{source}/progress").text
    assert "25% · 1,250,000 行 · 85.0 MB/s · 剩 1 分 15 秒" in re.sub(r"\s+", " ", page)


def test_names_of_corrected_copies() -> None:
    assert corrected_name("data.csv.gz") == "data-corrected.csv"
    assert corrected_name("统计 2026.1.XLSX") == "统计 2026.1-corrected.csv"
    assert len(corrected_name("长" * 66 + ".csv").encode()) <= 200


def test_the_workbook_is_a_workbook(browse: Browse, city: Platform, refused: str) -> None:
    browse(STEWARD).post(f"/zh/steward/sources/{refused}/files/report.zh.xlsx")
    run_until_idle(city)
    content = fetched(browse, refused, "report.zh.xlsx")
    assert "xl/workbook.xml" in zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert Path(city.home / "sources" / refused / "report.zh.xlsx").read_bytes() == content
