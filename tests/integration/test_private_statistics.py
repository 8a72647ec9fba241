"""Statistical tables with noise on the whole way: paid for once, drawn once, refused once the budget is spent."""

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

import pipelines.preparation
from catalog_config.settings import Settings
from governance.database.dataset_tables import privacy_spendings, releases
from governance.database.engine import reading
from pipelines.datasets import apply_dataset, read_declaration
from pipelines.demo import CITY
from pipelines.platform import Platform, open_platform
from pipelines.preparation import _preparation, prepare_source
from pipelines.prepare import prepare
from pipelines.privacy_budget import open_question, read_budget
from pipelines.progress import Progress
from pipelines.sources import accept_source, load_source, source_path
from schemas.actor import Actor, Duty, system_actor
from schemas.dataset import Dataset, Tier
from schemas.errors import ConfigurationError, Refused
from schemas.release import Release
from schemas.statistics import StatisticalTable
from tests.killed_worker import kill_and_finish

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OPERATOR = system_actor("test")
NAME = "employment-registrations"
STEWARD = Actor(id="li", duties=frozenset({Duty.STEWARD}), organisation="human-resources-bureau")


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    opened = open_platform(Settings(home=tmp_path / "home", site_url="http://testserver"))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def postgres_platform(tmp_path: Path, postgres_url: str) -> Iterator[Platform]:
    server, name = sa.make_url(postgres_url), f"gongkai_{uuid.uuid4().hex}"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    address = server.set(database=name).render_as_string(hide_password=False)
    opened = open_platform(Settings(home=tmp_path / "home", site_url="http://testserver", database_url=address))
    yield opened
    opened.engine.dispose()
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def declare(platform: Platform, *by: str, **changes: object) -> Dataset:
    """The registrations of the sample city as a statistical table with noise."""
    declared = read_declaration(CITY / "datasets" / f"{NAME}.yaml")
    dataset = declared.model_copy(
        update={
            "policy": "statistics-dp",
            "tiers": (Tier.STATISTICAL,),
            "statistics": StatisticalTable(by=by or ("性别", "学历")),
            **changes,
        }
    )
    with platform.engine.begin() as connection:
        apply_dataset(connection, dataset, platform.configuration, OPERATOR, NOW)
    return dataset


def rows(count: int) -> bytes:
    """The head of the sample source: each count is another source."""
    lines = (CITY / "sources" / f"{NAME}.csv").read_bytes().splitlines(keepends=True)
    return b"".join(lines[: count + 1])


def hand_in(platform: Platform, count: int = 400) -> str:
    return accept_source(platform, NAME, io.BytesIO(rows(count)), "data.csv", STEWARD, NOW)


def spent(platform: Platform) -> list[float]:
    with reading(platform.engine) as connection:
        return list(connection.execute(sa.select(privacy_spendings.c.epsilon)).scalars())


def recorded(platform: Platform) -> list[str]:
    with reading(platform.engine) as connection:
        return list(connection.execute(sa.select(releases.c.id)).scalars())


def answer(platform: Platform, release: Release) -> pa.Table:
    digest = release.distribution(Tier.STATISTICAL).file("parquet").digest
    return pq.read_table(platform.store.path(digest))


def test_the_release_holds_noise_and_says_so(platform: Platform) -> None:
    declare(platform)
    release = prepare_source(platform, hand_in(platform), OPERATOR)
    table, report = answer(platform, release), release.distribution(Tier.STATISTICAL).report
    assert table.num_rows == 16  # 2 × 8 values that the schema lists
    assert abs(sum(table["count"].to_pylist()) - 400) < 100
    privacy = report.extra["privacy"]
    assert (privacy["epsilon"], privacy["unit"], privacy["subject"]) == (1.0, "person", "身份证号")
    assert spent(platform) == [1.0]
    with reading(platform.engine) as connection:
        audited = connection.execute(sa.text("SELECT data FROM audit_log WHERE action = 'privacy.spend'")).scalar_one()
    assert (json.loads(audited)["left"], json.loads(audited)["split"]) == (3.0, {"count": 1.0})


PAY = {"field": "月工资（元）", "aggregates": ["mean"], "quantiles": [0.25, 0.5, 0.75], "bounds": [0, 30_000]}


def pay_by_education(**changes: object) -> StatisticalTable:
    return StatisticalTable.model_validate({"by": ["学历"], "measures": [{**PAY, **changes}]})


def test_means_and_quantiles_are_published_with_their_accuracy_and_paid_for(platform: Platform) -> None:
    declare(platform, statistics=pay_by_education())
    source = hand_in(platform, 2400)
    release = prepare_source(platform, source, OPERATOR)
    table, statistical = answer(platform, release), release.distribution(Tier.STATISTICAL)
    figures = [f"{PAY['field']}_{end}" for end in ("mean", "mean_low", "mean_high", "p25", "p50", "p75")]
    assert table.column_names == ["学历", "count", *figures] == [f.name for f in statistical.fields]
    told = [row for row in table.to_pylist() if row[figures[0]] is not None and row[figures[4]] is not None]
    assert len(told) >= 4
    for row in told:
        assert 0 <= row[figures[1]] <= row[figures[0]] <= row[figures[2]] <= 30_000
        assert row[figures[3]] <= row[figures[4]] <= row[figures[5]]
    privacy = statistical.report.extra["privacy"]
    split = dict.fromkeys(["count", figures[0], *figures[3:]], 0.2)
    assert privacy["split"] == split
    assert privacy["rank_margins"][figures[4]] > 0
    descriptor = json.loads(platform.store.path(release.descriptor_digest).read_bytes())
    fields = {f["name"]: f for r in descriptor["resources"] for f in r["schema"]["fields"]}
    assert "19 of 20" in fields[figures[4]]["description_en"]
    assert "二十" in fields[figures[1]]["description"]
    assert [dict(s.split) for s in read_budget(platform, NAME).spent] == [split]
    assert prepare_source(platform, source, OPERATOR) == release
    declare(platform, statistics=pay_by_education(quantiles=[0.5]))  # another question
    prepare_source(platform, source, OPERATOR)
    assert spent(platform) == [1.0, 1.0]


def test_figures_that_epsilon_cannot_bear_are_refused_and_cost_nothing(platform: Platform) -> None:
    statistics = pay_by_education(quantiles=[n / 100 for n in range(1, 21)])
    declare(platform, statistics=statistics.model_copy(update={"records_per_subject": 100}))
    with pytest.raises(Refused, match="epsilon-too-small") as refused:
        prepare_source(platform, hand_in(platform), OPERATOR)
    assert refused.value.remedy is not None
    assert spent(platform) == []
    assert recorded(platform) == []


def test_the_release_does_not_tell_the_digest_of_the_source(platform: Platform) -> None:
    declare(platform)
    source = hand_in(platform)
    release = prepare_source(platform, source, OPERATOR)
    plain = load_source(platform, source).digest
    assert release.source_digest != plain
    assert plain.encode() not in platform.store.path(release.descriptor_digest).read_bytes()


def test_the_same_source_is_neither_drawn_nor_paid_for_again(platform: Platform) -> None:
    declare(platform)
    source = hand_in(platform)
    first = prepare_source(platform, source, OPERATOR)
    assert prepare_source(platform, source, OPERATOR) == first
    assert prepare_source(platform, hand_in(platform), OPERATOR) == first  # the same bytes, uploaded again
    declare(platform, tags=("就业",), licence="cc-by-4.0")  # another release, the same question
    other = prepare_source(platform, source, OPERATOR)
    assert other.id != first.id
    assert answer(platform, other).equals(answer(platform, first))
    assert spent(platform) == [1.0]


def test_other_groups_are_another_question(platform: Platform) -> None:
    declare(platform)
    source = hand_in(platform)
    prepare_source(platform, source, OPERATOR)
    declare(platform, "学历")
    prepare_source(platform, source, OPERATOR)
    assert spent(platform) == [1.0, 1.0]


def test_a_spent_budget_refuses_and_nothing_is_written(platform: Platform) -> None:
    declare(platform)
    kept = [prepare_source(platform, hand_in(platform, n), OPERATOR) for n in (300, 301, 302, 303)]
    files = {p for p in (platform.home / "releases").rglob("*") if p.is_file()}
    source = hand_in(platform, 304)
    with pytest.raises(Refused, match="budget-exhausted"):
        prepare_source(platform, source, OPERATOR)
    assert spent(platform) == [1.0] * 4
    assert set(recorded(platform)) == {r.id for r in kept}
    assert {p for p in (platform.home / "releases").rglob("*") if p.is_file()} == files
    told = load_source(platform, source)
    assert told.status == "refused"
    assert told.outcome is not None
    assert told.outcome["error"]["code"] == "budget-exhausted"
    assert prepare_source(platform, hand_in(platform, 303), OPERATOR) == kept[-1]  # what was paid for is still there
    ledger = read_budget(platform, NAME)
    assert ledger.left == 0.0
    assert [s.purpose for s in ledger.spent] == [r.id for r in kept]


def test_the_budget_is_checked_again_where_it_is_spent(platform: Platform) -> None:
    """The last of the budget goes to another source between the first look and the recording."""
    declare(platform)
    for n in (300, 301, 302):
        prepare_source(platform, hand_in(platform, n), OPERATOR)
    late, quick = hand_in(platform, 303), hand_in(platform, 304)

    def meanwhile(progress: Progress) -> None:
        if progress.stage == "package":
            prepare_source(platform, quick, OPERATOR)

    with pytest.raises(Refused, match="budget-exhausted"):
        prepare_source(platform, late, OPERATOR, meanwhile)
    assert spent(platform) == [1.0] * 4
    assert len(recorded(platform)) == 4


def test_noise_drawn_twice_at_once_is_recorded_once(platform: Platform) -> None:
    declare(platform)
    source = hand_in(platform)
    quick: list[Release] = []

    def meanwhile(progress: Progress) -> None:
        if progress.stage == "package" and not quick:
            quick.append(prepare_source(platform, source, OPERATOR, lambda progress: None))

    late = prepare_source(platform, source, OPERATOR, meanwhile)
    assert quick == [late]
    assert spent(platform) == [1.0]
    assert recorded(platform) == [late.id]


def test_two_workers_at_the_same_time_spend_once(platform: Platform) -> None:
    declare(platform)
    source = hand_in(platform)
    made: list[Release] = []
    threads = [
        threading.Thread(target=lambda: made.append(prepare_source(platform, source, OPERATOR))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 3
    assert len({r.id for r in made}) == 1
    assert spent(platform) == [1.0]


def test_on_postgresql_the_last_of_the_budget_goes_to_one(postgres_platform: Platform) -> None:
    """Three sources are recorded at the same moment, two of them the same, with budget for one question."""
    platform = postgres_platform
    declare(platform, statistics=pay_by_education())
    for n in (300, 301, 302):
        prepare_source(platform, hand_in(platform, n), OPERATOR)
    sources = [hand_in(platform, n) for n in (303, 303, 304)]
    together = threading.Barrier(3)
    made: list[str] = []

    def run(source: str) -> None:
        def wait(progress: Progress) -> None:
            if progress.stage == "package" and not together.broken:
                with contextlib.suppress(threading.BrokenBarrierError):
                    together.wait(60)
                    together.abort()

        with contextlib.suppress(Refused):
            made.append(prepare_source(platform, source, OPERATOR, wait).id)

    threads = [threading.Thread(target=run, args=(source,)) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spent(platform) == [1.0] * 4
    assert len(recorded(platform)) == 4
    assert len(set(made)) == 1


def test_noise_that_was_drawn_but_not_recorded_costs_nothing(platform: Platform) -> None:
    """A kill between drawing and recording: nobody saw that noise; the next run draws afresh and pays once."""
    dataset = declare(platform)
    source = load_source(platform, hand_in(platform))
    question = open_question(platform, dataset, source.digest)
    lost = prepare(
        _preparation(platform, dataset, source.digest, question),
        source_path(platform.home, source.id, source.file_name),
    )
    assert spent(platform) == []
    release = prepare_source(platform, source.id, OPERATOR)
    assert release.id != lost.id
    assert spent(platform) == [1.0]
    assert recorded(platform) == [release.id]


def test_a_failure_after_spending_takes_the_spending_back(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(platform)
    source = hand_in(platform)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pipelines.preparation, "submit_release", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare_source(platform, source, OPERATOR)
    assert spent(platform) == []
    assert recorded(platform) == []
    prepare_source(platform, source, OPERATOR)
    assert spent(platform) == [1.0]


def test_what_was_spent_cannot_be_edited(platform: Platform) -> None:
    declare(platform)
    prepare_source(platform, hand_in(platform), OPERATOR)
    with pytest.raises(sa.exc.DBAPIError, match="never changed"), platform.engine.begin() as connection:
        connection.execute(privacy_spendings.delete())


def test_groups_without_public_values_are_refused(platform: Platform) -> None:
    declare(platform, "职业代码")
    with pytest.raises(Refused, match="no-public-domain"):
        prepare_source(platform, hand_in(platform), OPERATOR)
    assert spent(platform) == []
    assert recorded(platform) == []


def test_a_dataset_without_noise_has_no_ledger(platform: Platform) -> None:
    declare(platform, policy="standard")
    with pytest.raises(ConfigurationError, match="no-epsilon"):
        read_budget(platform, NAME)


def test_the_command_shows_the_ledger(platform: Platform) -> None:
    declare(platform)
    release = prepare_source(platform, hand_in(platform), OPERATOR)
    environment = {**os.environ, "GONGKAI_HOME": str(platform.home.folder), "LANG": "en_US.UTF-8"}
    command = [sys.executable, "-m", "pipelines.cli", "budget", NAME]
    told = subprocess.run([*command, "--json"], env=environment, check=True, capture_output=True, text=True)
    assert json.loads(told.stdout) == {
        "dataset": NAME,
        "epsilon_total": 4.0,
        "left": 3.0,
        "spent": [{"release": release.id, "epsilon": 1.0, "split": {"count": 1.0}}],
    }
    shown = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert "3 of 4 left" in shown.stdout


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_spends_once(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    platform = open_platform(settings)
    declare(platform)
    source = accept_source(
        platform, NAME, io.BytesIO((CITY / "sources" / f"{NAME}.csv").read_bytes()), "data.csv", STEWARD, NOW
    )
    kill_and_finish(platform)
    assert load_source(platform, source).status == "prepared"
    assert spent(platform) == [1.0]
    assert len(recorded(platform)) == 1
    platform.engine.dispose()
