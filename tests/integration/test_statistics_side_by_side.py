"""Statistical tables without noise of one dataset, release after release, from source to publication."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalog_config.settings import Settings
from pipelines.current_release import verified_path
from pipelines.datasets import apply_dataset, read_declaration
from pipelines.demo import CITY
from pipelines.earlier_releases import earlier_tables, set_beside
from pipelines.platform import Platform, open_platform
from pipelines.preparation import prepare_source
from pipelines.publish import publish
from pipelines.reviewing import sign_step
from pipelines.sources import accept_source
from schemas.actor import Actor, Duty, system_actor
from schemas.dataset import Dataset, Tier
from schemas.errors import Conflict
from schemas.release import Release
from schemas.statistics import StatisticalTable

NAME = "resident-population-flow"
BY = ("direction",)
MEASURED = "household_members"


def declaration() -> Dataset:
    statistics = StatisticalTable(by=BY, measures=(MEASURED,))
    return read_declaration(CITY / "datasets" / f"{NAME}.yaml").model_copy(
        update={"statistics": statistics, "policy": "standard", "tiers": (Tier.STATISTICAL,)}
    )


STEWARD = Actor(id="chen", duties=frozenset({Duty.STEWARD}), organisation=declaration().publisher)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    opened = open_platform(Settings(home=tmp_path / "home"))
    with opened.engine.begin() as connection:
        apply_dataset(connection, declaration(), opened.configuration, system_actor("test"), datetime.now(UTC))
    yield opened
    opened.engine.dispose()


def source() -> pa.Table:
    return pq.read_table(CITY / "sources" / f"{NAME}.parquet")


def prepared(platform: Platform, folder: Path, table: pa.Table) -> Release:
    path = folder / "flow.parquet"
    pq.write_table(table, path)
    with path.open("rb") as content:
        accepted = accept_source(platform, NAME, content, path.name, STEWARD, datetime.now(UTC))
    return prepare_source(platform, accepted, STEWARD)


def sign_all(platform: Platform, release: Release) -> None:
    for step in ("agency", "compliance", "secrecy"):
        reviewer = Actor(id=step, duties=frozenset({Duty(f"{step}-reviewer")}), organisation=STEWARD.organisation)
        digest = release.descriptor_digest
        sign_step(platform, release.id, step, "approve", "", digest, reviewer, datetime.now(UTC))


def publish_it(platform: Platform, release: Release) -> None:
    sign_all(platform, release)
    assert publish(platform, NAME, STEWARD, datetime.now(UTC)).release == release.id


def cells(platform: Platform, release: Release) -> dict[str, tuple[int | None, int | None]]:
    parquet = release.distribution(Tier.STATISTICAL).file("parquet")
    table = pq.read_table(verified_path(platform.store, parquet.digest))
    return {row[BY[0]]: (row["count"], row[f"{MEASURED}_sum"]) for row in table.to_pylist()}


def test_who_was_added_to_the_next_file_is_not_told(platform: Platform, tmp_path: Path) -> None:
    table = source()
    first, careless = (prepared(platform, tmp_path, t) for t in (table.slice(1), table))
    group = table[BY[0]][0].as_py()
    differences = [cells(platform, careless)[group][n] - cells(platform, first)[group][n] for n in range(2)]  # type: ignore[operator]
    assert differences == [1, table[MEASURED][0].as_py()]  # prepared before the first was published, so not compared
    publish_it(platform, first)
    with pytest.raises(Conflict, match="published-meanwhile"):
        sign_all(platform, careless)
    again = prepared(platform, tmp_path, table)
    assert again.id != careless.id
    assert cells(platform, again)[group] == (None, None)
    report = again.distribution(Tier.STATISTICAL).report
    assert report.extra["cells"]["compared"] == 1
    assert any("此前公布的统计表" in reason.zh for reason in report.reasons)
    publish_it(platform, again)


def test_the_same_file_again_is_the_same_release(platform: Platform, tmp_path: Path) -> None:
    first = prepared(platform, tmp_path, source())
    publish_it(platform, first)
    assert prepared(platform, tmp_path, source()).id == first.id
    earlier = earlier_tables(platform, declaration(), {first.source_digest}, None, Tier.STATISTICAL)
    assert [old.same_source for old in earlier] == [True]  # and compared all the same: its groups may be others


@pytest.mark.parametrize(
    ("tier", "other", "compared"),
    [
        (Tier.OPEN, Tier.OPEN, True),
        (Tier.OPEN, Tier.RESTRICTED, True),
        (Tier.STATISTICAL, Tier.STATISTICAL, True),
        (Tier.STATISTICAL, Tier.OPEN, False),
    ],
)
def test_tables_of_records_are_compared_across_tiers(tier: Tier, other: Tier, compared: bool) -> None:
    assert set_beside(tier, other) is compared
    assert set_beside(other, tier) is compared
