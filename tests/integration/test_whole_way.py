"""From a file on an agency's disk to a download: accept, prepare, review, publish, serve; and what may go wrong."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from api.app import create_app
from catalog_config.settings import Settings
from governance.database.dataset_tables import publications, sources
from governance.database.engine import reading
from pipelines.datasets import apply_dataset, read_declaration
from pipelines.demo import CITY
from pipelines.platform import Platform, open_platform
from pipelines.preparation import prepare_source
from pipelines.prepare import InvalidSource
from pipelines.publish import publish, withdraw
from pipelines.reviewing import sign_step
from pipelines.sources import accept_source, load_release, load_source, source_path
from pipelines.verify import verify_log
from pipelines.worker import run_until_idle
from schemas.actor import Actor, Duty, system_actor
from schemas.dataset import Tier
from schemas.errors import Conflict, DependencyFailed, NotPermitted, Refused
from tests.killed_worker import kill_and_finish

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OPERATOR = system_actor("test")


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    opened = open_platform(Settings(home=tmp_path / "home", site_url="http://testserver"))
    yield opened
    opened.engine.dispose()


def declare(platform: Platform, name: str) -> tuple[Path, Actor]:
    """The dataset of the sample city, declared; its source and a steward of its publisher."""
    dataset = read_declaration(CITY / "datasets" / f"{name}.yaml")
    with platform.engine.begin() as connection:
        apply_dataset(connection, dataset, platform.configuration, OPERATOR, NOW)
    steward = Actor(id="li", duties=frozenset({Duty.STEWARD}), organisation=dataset.publisher)
    return Path(dataset.source or ""), steward


def hand_in(platform: Platform, name: str) -> tuple[str, Actor]:
    path, steward = declare(platform, name)
    with path.open("rb") as content:
        return accept_source(platform, name, content, path.name, steward, NOW), steward


def reviewers(publisher: str | None) -> dict[str, Actor]:
    return {
        "agency": Actor(id="sun", duties=frozenset({Duty.AGENCY_REVIEWER}), organisation=publisher),
        "compliance": Actor(id="wu", duties=frozenset({Duty.COMPLIANCE_REVIEWER})),
        "secrecy": Actor(id="he", duties=frozenset({Duty.SECRECY_REVIEWER})),
    }


def approve(platform: Platform, release_id: str, publisher: str | None) -> None:
    with reading(platform.engine) as connection:
        digest = load_release(connection, release_id).descriptor_digest
    for step, reviewer in reviewers(publisher).items():
        sign_step(platform, release_id, step, "approve", "", digest, reviewer, NOW)


def published(platform: Platform, name: str) -> str:
    """Id of a release that went the whole way."""
    source, steward = hand_in(platform, name)
    release = prepare_source(platform, source, OPERATOR)
    approve(platform, release.id, steward.organisation)
    publish(platform, name, steward, NOW)
    return release.id


def test_a_file_becomes_a_download_and_a_second_publication_writes_nothing(platform: Platform) -> None:
    release_id = published(platform, "bus-stops")
    again = publish(platform, "bus-stops", OPERATOR, NOW)
    assert (again.new, again.writes) == (False, ())
    client = TestClient(create_app(platform))
    answer = client.get(f"/download/bus-stops/{release_id}/open.csv")
    with reading(platform.engine) as connection:
        file = load_release(connection, release_id).distribution(Tier.OPEN).file("csv")
    assert answer.content == platform.store.path(file.digest).read_bytes()
    assert verify_log(platform)["files"] == 3


def test_the_same_source_gives_the_same_release(platform: Platform) -> None:
    source, _ = hand_in(platform, "employment-registrations")
    first = prepare_source(platform, source, OPERATOR)
    second = prepare_source(platform, source, OPERATOR)
    assert first == second


def test_the_operator_may_hand_in_and_three_others_review(platform: Platform) -> None:
    path, steward = declare(platform, "bus-stops")
    with path.open("rb") as content:
        source = accept_source(platform, "bus-stops", content, path.name, system_actor("command-line"), NOW)
    release = prepare_source(platform, source, OPERATOR)
    approve(platform, release.id, steward.organisation)
    assert publish(platform, "bus-stops", OPERATOR, NOW).release == release.id


def test_nothing_is_published_that_was_not_reviewed(platform: Platform) -> None:
    source, steward = hand_in(platform, "bus-stops")
    with pytest.raises(Conflict, match="nothing-approved"):
        publish(platform, "bus-stops", steward, NOW)
    release = prepare_source(platform, source, OPERATOR)
    with pytest.raises(Conflict, match="nothing-approved"):
        publish(platform, "bus-stops", steward, NOW)
    approve(platform, release.id, steward.organisation)
    stored = platform.store.path(release.distribution(Tier.OPEN).file("csv").digest)
    stored.write_bytes(stored.read_bytes() + b"one more row\n")
    with pytest.raises(DependencyFailed, match="digest-mismatch"):
        publish(platform, "bus-stops", steward, NOW)
    with reading(platform.engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(publications)).scalar() == 0
    assert platform.catalog.call_action("package_list", {}) == []


def test_the_last_signature_lets_the_worker_publish(platform: Platform) -> None:
    source, steward = hand_in(platform, "bus-stops")
    run_until_idle(platform)
    release = load_source(platform, source).outcome
    assert release is not None
    approve(platform, release["release"], steward.organisation)
    run_until_idle(platform)
    assert platform.catalog.call_action("package_list", {}) == ["bus-stops"]


def test_errors_are_told_to_the_steward_and_nothing_is_left_behind(platform: Platform) -> None:
    _, steward = declare(platform, "administrative-penalties")
    path = CITY / "sources" / "administrative-penalties-with-errors.csv"
    with path.open("rb") as content:
        source = accept_source(platform, "administrative-penalties", content, path.name, steward, NOW)
    with pytest.raises(InvalidSource) as refused:
        prepare_source(platform, source, OPERATOR)
    recorded = load_source(platform, source)
    assert recorded.status == "refused"
    assert recorded.outcome is not None
    assert {e["row"] for e in recorded.outcome["validation"]["errors"]} == {e.row for e in refused.value.report.errors}
    assert all(e.remedy for e in refused.value.report.errors)
    assert not [p for p in (platform.home / "releases").rglob("*") if p.is_file()]
    assert not list((platform.home / "work").iterdir())
    with reading(platform.engine) as connection:
        log = connection.execute(sa.text("SELECT data FROM audit_log")).scalars().all()
    cells = {e.cell for e in refused.value.report.errors if e.cell and len(e.cell) > 5}
    assert cells
    assert not [c for c in cells if c in json.dumps(log, ensure_ascii=False)]


def test_withdrawn_data_is_gone_and_the_entry_says_so(platform: Platform) -> None:
    release_id = published(platform, "bus-stops")
    client = TestClient(create_app(platform))
    assert withdraw(platform, "bus-stops", "坐标有误", OPERATOR, NOW)
    assert client.get(f"/download/bus-stops/{release_id}/open.csv").status_code == 410
    assert platform.catalog.call_action("package_show", {"id": "bus-stops"})["resources"] == []
    assert "坐标有误" in client.get("/zh/datasets/bus-stops").text
    assert not withdraw(platform, "bus-stops", "again", OPERATOR, NOW)


def test_a_closed_dataset_is_an_entry_with_its_ground(platform: Platform) -> None:
    name = "children-rehabilitation-list"
    _, steward = declare(platform, name)
    publish(platform, name, steward, NOW)
    assert platform.catalog.call_action("package_show", {"id": name})["negative_list_item"]
    with pytest.raises(Refused, match="closed-dataset"):
        accept_source(platform, name, io.BytesIO(b"a\n1\n"), "a.csv", steward, NOW)


@pytest.mark.parametrize("name", ["../../x.csv", "a/b.csv", "c:\\x.csv", "", "..", "a\x00.csv", "x" * 300])
def test_a_file_name_is_a_name(platform: Platform, name: str) -> None:
    _, steward = declare(platform, "bus-stops")
    with pytest.raises(Refused, match="unsafe-file-name"):
        accept_source(platform, "bus-stops", io.BytesIO(b"a\n1\n"), name, steward, NOW)
    assert not list((platform.home / "sources").iterdir())


def test_an_empty_or_too_large_upload_leaves_nothing(platform: Platform) -> None:
    _, steward = declare(platform, "bus-stops")
    small = Platform(
        platform.settings.model_copy(update={"upload_limit": 10}),
        platform.configuration,
        platform.home,
        platform.engine,
        platform.store,
        platform.catalog,
    )
    for content, code in ((b"", "empty-file"), (b"x" * 11, "source-too-large")):
        with pytest.raises(Refused, match=code):
            accept_source(small, "bus-stops", io.BytesIO(content), "a.csv", steward, NOW)
    assert not list((platform.home / "sources").iterdir())
    with reading(platform.engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(sources)).scalar() == 0


def test_other_agencies_stewards_are_refused(platform: Platform) -> None:
    path, _ = declare(platform, "bus-stops")
    other = Actor(id="zhao", duties=frozenset({Duty.STEWARD}), organisation="ecology-bureau")
    with path.open("rb") as content, pytest.raises(NotPermitted, match="not-steward"):
        accept_source(platform, "bus-stops", content, path.name, other, NOW)
    with pytest.raises(NotPermitted, match="not-steward"):
        publish(platform, "bus-stops", other, NOW)


def test_the_restricted_tier_holds_no_direct_identifier_of_the_source(platform: Platform) -> None:
    source, _ = hand_in(platform, "employment-registrations")
    release = prepare_source(platform, source, OPERATOR)
    record = load_source(platform, source)
    raw = source_path(platform.home, source, record.file_name).read_bytes().decode("utf-8-sig")
    lines = [line.split(",") for line in raw.splitlines()[1:]]
    identifiers = {cell for line in lines for cell in line if len(cell) == 18 and cell[:17].isdigit()}
    mobiles = {cell for line in lines for cell in line if len(cell) == 11 and cell.isdigit()}
    assert len(identifiers) > 1000
    assert len(mobiles) > 1000
    distribution = release.distribution(Tier.RESTRICTED)
    for file in distribution.files:
        content = platform.store.path(file.digest).read_bytes()
        assert not [i for i in (*identifiers, *mobiles) if i.encode() in content]
    table = pq.read_table(platform.store.path(distribution.file("parquet").digest))
    cells = {str(v) for column in table.columns for v in column.unique().to_pylist() if v is not None}
    assert not cells & (identifiers | mobiles)


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_loses_nothing(tmp_path: Path) -> None:
    """Kill the worker at growing delays; the task is leased again and ends as if nothing had happened."""
    settings = Settings(home=tmp_path / "home")
    platform = open_platform(settings)
    source, _ = hand_in(platform, "employment-registrations")
    kill_and_finish(platform)
    record = load_source(platform, source)
    assert record.status == "prepared"
    assert record.outcome is not None
    with reading(platform.engine) as connection:
        release = load_release(connection, record.outcome["release"])
    for file in release.distribution(Tier.RESTRICTED).files:
        platform.store.verify(file.digest)
    platform.engine.dispose()
