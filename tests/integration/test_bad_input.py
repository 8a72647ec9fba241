"""Files and requests that were made to harm: each is refused with its reason, nothing is half done."""

import io
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from catalog_config.settings import Settings
from governance.accounts import create_account
from governance.database.dataset_tables import outbox, releases
from governance.database.engine import reading
from pipelines import worker
from pipelines.datasets import apply_dataset, read_declaration
from pipelines.demo import CITY
from pipelines.platform import Platform, open_platform
from pipelines.preparation import prepare_source
from pipelines.publish import publish, withdraw
from pipelines.read import read_source
from pipelines.reviewing import sign_step
from pipelines.sources import accept_source, load_source
from pipelines.validation.validate import validate_table
from pipelines.verify import verify_log
from schemas.actor import Actor, Duty, system_actor
from schemas.errors import Conflict, DependencyFailed, Refused, TooLarge
from schemas.registry import load_published
from schemas.release import Release
from schemas.text import Text
from schemas.validation import ValidationReport

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SITE = "http://testserver"
PASSWORD = "a password for tests"
NAME = "bus-stops"
OPERATOR = system_actor("test")
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    opened = open_platform(Settings(home=tmp_path / "home", site_url=SITE))
    dataset = read_declaration(CITY / "datasets" / f"{NAME}.yaml")
    with opened.engine.begin() as connection:
        apply_dataset(connection, dataset, opened.configuration, OPERATOR, NOW)
    yield opened
    opened.engine.dispose()


def steward() -> Actor:
    publisher = read_declaration(CITY / "datasets" / f"{NAME}.yaml").publisher
    return Actor(id="li", duties=frozenset({Duty.STEWARD}), organisation=publisher)


def handed_in(platform: Platform, lines_left_out: int = 0) -> str:
    path = CITY / "sources" / f"{NAME}.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    changed = platform.home / "work" / path.name
    changed.write_bytes(b"".join(lines[: len(lines) - lines_left_out]))
    with changed.open("rb") as content:
        return accept_source(platform, NAME, content, path.name, steward(), NOW)


def approve(platform: Platform, release: Release) -> None:
    duties = {
        "agency": Duty.AGENCY_REVIEWER,
        "compliance": Duty.COMPLIANCE_REVIEWER,
        "secrecy": Duty.SECRECY_REVIEWER,
    }
    for step, duty in duties.items():
        reviewer = Actor(id=f"{step}-reviewer", duties=frozenset({duty}), organisation=steward().organisation)
        sign_step(platform, release.id, step, "approve", "", release.descriptor_digest, reviewer, NOW)


def sheet(path: Path, cells: str) -> Path:
    """A workbook of one sheet with the rows given as XML."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{OFFICE}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets>'
            "</workbook>",
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{OFFICE}/worksheet" '
            'Target="worksheets/sheet1.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData></worksheet>'
        )
    return path


def cell(reference: str, quote: str = '"') -> str:
    return f'<c r={quote}{reference}{quote} t="inlineStr"><is><t>x</t></is></c>'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("[" * 50_000 + "]" * 50_000, "json-too-deep"),
        ('[{"a":' * 5_000 + "1" + "}]" * 5_000, "json-too-deep"),
        ('[{"stop_id":' + "9" * 100_000 + "}]", "number-too-long"),
    ],
)
def test_json_that_breaks_parsers_is_refused(tmp_path: Path, content: str, code: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(TooLarge, match=code):
        read_source(path)


def test_brackets_and_digits_within_texts_are_no_structure(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    text = "[{" * 5000 + '\\"' * 3 + "9" * 5000 + "\\\\"
    path.write_text('[{"a":"' + text + '"},{"a":"' + text + '"}]')
    assert read_source(path).labels == ("a",)


def test_a_deep_line_of_ndjson_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text('{"a":' + "[" * 100_000 + "]" * 100_000 + "}\n")
    with pytest.raises(Refused, match="damaged-json"):
        read_source(path)


@pytest.mark.parametrize("reference", ["XFD1048576", "A4294967295", "ZZZZZ7", "xfd900000"])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_cell_far_away_from_the_table_is_refused(tmp_path: Path, reference: str, quote: str) -> None:
    path = sheet(tmp_path / "a.xlsx", f"<row>{cell('A1')}</row><row>{cell(reference, quote)}</row>")
    with pytest.raises(TooLarge, match="sparse-sheet"):
        read_source(path)


def test_a_sheet_with_some_empty_rows_is_read(tmp_path: Path) -> None:
    path = sheet(tmp_path / "a.xlsx", f'<row r="1">{cell("A1")}</row><row r="500">{cell("C500")}</row>')
    assert read_source(path).labels[0] == "x"


def test_more_columns_than_anybody_fills_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join(f"c{n}" for n in range(10_000)) + "\n")
    with pytest.raises(TooLarge, match="too-many-columns"):
        read_source(path)


def test_a_row_of_many_cells_costs_no_more_than_its_first_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("stop_id,stop_name\n" + "x," * 50_000 + "\n")
    begun = time.process_time()
    report = validate_table(read_source(path), load_published("bus-stops@1.0.0"))
    assert isinstance(report, ValidationReport)
    assert report.counts["extra-cell"] == 100
    assert time.process_time() - begun < 30  # minutes before, with an error that copies the row for each cell


def client_of(platform: Platform, duty: Duty | None = None) -> TestClient:
    client = TestClient(create_app(platform), headers={"Origin": SITE}, follow_redirects=False)
    if duty is not None:
        with platform.engine.begin() as connection:
            create_account(
                connection,
                account="person",
                name=Text(zh="某人", en="somebody"),
                password=PASSWORD,
                duties=frozenset({duty}),
                organisation=steward().organisation,
                actor=OPERATOR,
                now=NOW,
            )
        assert client.post("/zh/sign-in", data={"account": "person", "password": PASSWORD}).status_code == 303
    return client


@pytest.mark.parametrize(("duty", "status"), [(None, 413), (Duty.RESEARCHER, 413), (Duty.STEWARD, 303)])
def test_uploads_are_for_stewards_before_they_fill_the_disk(platform: Platform, duty: Duty | None, status: int) -> None:
    files = {"file": ("a.csv", b"x" * (2 << 20))}
    assert client_of(platform, duty).post(f"/zh/steward/{NAME}/upload", files=files).status_code == status


def test_no_form_is_larger_than_a_form(platform: Platform) -> None:
    answer = client_of(platform).post("/zh/sign-in", data={"account": "x" * (2 << 20)})
    assert answer.status_code == 413


@pytest.mark.parametrize("origin", ["http://[::1", "null", "http://testserver@evil.example", "http://evil.example"])
def test_an_origin_that_is_no_address_of_ours_is_refused(platform: Platform, origin: str) -> None:
    answer = client_of(platform).post("/zh/sign-in", data={"account": "x"}, headers={"Origin": origin})
    assert answer.status_code == 403


@pytest.mark.parametrize("address", ["entries?start=99999999999999999999999", "entries/99999999999999999999999"])
def test_a_number_that_no_database_holds_is_refused(platform: Platform, address: str) -> None:
    assert client_of(platform).get(f"/api/v1/log/{address}").status_code == 422


@pytest.mark.parametrize("address", ["applications", "grants", "tokens", "reviews"])
def test_what_a_person_sees_is_kept_by_no_cache(platform: Platform, address: str) -> None:
    answer = client_of(platform, Duty.RESEARCHER).get(f"/api/v1/{address}")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


def test_agencies_do_not_see_each_others_evidence(platform: Platform) -> None:
    release = prepare_source(platform, handed_in(platform), OPERATOR)
    client = client_of(platform, Duty.AGENCY_REVIEWER)
    assert client.get(f"/zh/reviews/{release.id}").status_code == 200
    with platform.engine.begin() as connection:
        connection.execute(sa.text("UPDATE accounts SET organisation = 'another-agency' WHERE id = 'person'"))
    assert client.get(f"/zh/reviews/{release.id}").status_code == 403
    assert client.get(f"/api/v1/reviews/{release.id}").status_code == 403
    assert release.id not in client.get("/zh/reviews").text


def test_a_withdrawn_release_does_not_come_back(platform: Platform) -> None:
    older = prepare_source(platform, handed_in(platform), OPERATOR)
    newer = prepare_source(platform, handed_in(platform, 1), OPERATOR)
    approve(platform, newer)
    assert publish(platform, NAME, steward(), NOW).release == newer.id
    withdraw(platform, NAME, "坐标有误", steward(), NOW)
    assert worker.run_until_idle(platform)  # publication was queued with the last signature
    with pytest.raises(Conflict, match="nothing-approved"):
        publish(platform, NAME, steward(), NOW)
    approve(platform, older)
    assert publish(platform, NAME, steward(), NOW).release == older.id


@pytest.mark.parametrize("rows", [0, 1])
def test_a_release_has_rows(platform: Platform, rows: int) -> None:
    count = len((CITY / "sources" / f"{NAME}.csv").read_bytes().splitlines())
    source = handed_in(platform, count - 1 - rows)
    if rows:
        assert prepare_source(platform, source, OPERATOR).dataset == NAME
        return
    with pytest.raises(Refused, match="no-rows") as caught:
        prepare_source(platform, source, OPERATOR)
    assert caught.value.remedy is not None
    refused = load_source(platform, source)
    assert (refused.status, refused.outcome["error"]["code"]) == ("refused", "no-rows")
    with reading(platform.engine) as connection:
        assert connection.execute(sa.select(releases.c.id)).first() is None


def test_records_within_an_open_quote_are_not_published_as_one_cell(platform: Platform) -> None:
    """Column by column, whatever the policy takes out of the others would stand in that one cell."""
    name = "administrative-penalties"
    declared = read_declaration(CITY / "datasets" / f"{name}.yaml")
    with platform.engine.begin() as connection:
        apply_dataset(connection, declared, platform.configuration, OPERATOR, NOW)
    lines = (CITY / "sources" / f"{name}.csv").read_text("gb18030").splitlines()
    start, _, last = lines[-9].rpartition(",")
    text = "\n".join([*lines[:-9], f'{start},"{last}', *lines[-8:]])
    source = accept_source(platform, name, io.BytesIO(text.encode()), "a.csv", OPERATOR, NOW)
    with pytest.raises(Refused, match="unclosed-quote"):
        prepare_source(platform, source, OPERATOR)
    with reading(platform.engine) as connection:
        assert connection.execute(sa.select(releases.c.id)).first() is None


def test_a_forged_record_of_a_release_is_not_published(platform: Platform) -> None:
    release = prepare_source(platform, handed_in(platform), OPERATOR)
    approve(platform, release)
    forged = release.model_dump(mode="json")
    other = platform.home / "work" / "other.csv"
    other.write_text("not what was reviewed")
    forged["distributions"][0]["files"][0]["digest"] = platform.store.add(other)
    with platform.engine.begin() as connection:
        connection.execute(releases.update().values(descriptor=forged))
    with pytest.raises(DependencyFailed, match="descriptor-mismatch"):
        publish(platform, NAME, steward(), NOW)
    with platform.engine.begin() as connection:
        connection.execute(releases.update().values(descriptor=release.model_dump(mode="json")))
    publish(platform, NAME, steward(), NOW)
    with platform.engine.begin() as connection:
        connection.execute(releases.update().values(descriptor=forged))
    with pytest.raises(DependencyFailed, match="descriptor-mismatch"):
        verify_log(platform)
    served = TestClient(create_app(platform)).get(f"/download/{NAME}/{release.id}/open.csv")
    assert (served.status_code, served.json()["code"]) == (503, "descriptor-mismatch")


def test_a_file_that_every_worker_dies_of_is_given_up(platform: Platform) -> None:
    source = handed_in(platform)
    with platform.engine.begin() as connection:
        values = {"attempts": worker.ATTEMPTS, "due_at": NOW - timedelta(days=1)}
        connection.execute(outbox.update().values(**values))
    assert worker.run_until_idle(platform) == 1
    refused = load_source(platform, source)
    assert (refused.status, refused.outcome["error"]["code"]) == ("refused", "preparation-failed")
    with reading(platform.engine) as connection:
        assert connection.execute(sa.select(outbox.c.done_at)).scalar_one() is not None
