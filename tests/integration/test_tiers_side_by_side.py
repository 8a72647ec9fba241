"""The open and the restricted table of one release, held by the same person."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from catalog_config.settings import Settings
from pipelines import prepare as preparing
from pipelines.current_release import verified_path
from pipelines.datasets import read_declaration
from pipelines.demo import CITY
from pipelines.platform import Platform, open_platform
from pipelines.prepare import Preparation, prepare
from schemas.dataset import Tier
from schemas.registry import load_published
from schemas.release import Release

NAME = "resident-population-flow"
KEY = b"a key that only the tests know.."
TIERS = (Tier.RESTRICTED, Tier.OPEN)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    opened = open_platform(Settings(home=tmp_path / "home"))
    yield opened
    opened.engine.dispose()


def two_tiers(platform: Platform) -> Release:
    declared = read_declaration(CITY / "datasets" / f"{NAME}.yaml")
    dataset = declared.model_copy(update={"tiers": TIERS, "statistics": None, "policy": "standard"})
    preparation = Preparation(
        dataset=dataset,
        schema=load_published(dataset.table_schema or "", platform.configuration.schemas),
        policy=platform.configuration.policies["standard"],
        hierarchies=platform.configuration.hierarchies,
        key=KEY,
        store=platform.store,
        work=platform.home / "work",
    )
    return prepare(preparation, CITY / "sources" / f"{NAME}.parquet")


def table(platform: Platform, release: Release, tier: Tier) -> pa.Table:
    return pq.read_table(verified_path(platform.store, release.distribution(tier).file("parquet").digest))


def left_out(platform: Platform, release: Release) -> list[int]:
    """Per class of the open table: how many of its records have no counterpart in the restricted one.

    The attacker knows what is told of the target in the open table, and by the restricted one's words that the target
    is not there: the class is narrowed to these.
    """
    both = table(platform, release, Tier.OPEN), table(platform, release, Tier.RESTRICTED)
    report = release.distribution(Tier.OPEN).report
    quasi = [name for name in report.quasi_identifiers if (both[0][name].to_pylist() != ["*"] * both[0].num_rows)]
    levels = [release.distribution(tier).report.extra["levels"] for tier in (Tier.OPEN, Tier.RESTRICTED)]
    told = [name for name in quasi if levels[0][name] == levels[1][name]]
    classes = [Counter(tuple(row.values()) for row in t.select(told).to_pylist()) for t in both]
    return [n for n in (classes[0] - classes[1]).values() if n]


def test_who_is_missing_from_the_restricted_table_is_not_one_of_few_in_the_open_one(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = two_tiers(platform)
    assert [d.tier for d in release.distributions] == list(TIERS)
    rows = {tier: table(platform, release, tier).num_rows for tier in TIERS}
    assert min(rows.values()) > 0.9 * 3000
    assert min(left_out(platform, release), default=5) >= 5
    remarks = release.distribution(Tier.RESTRICTED).report.reasons
    assert any("the open table of this one" in remark.en for remark in remarks)
    assert any("本版本的无条件开放表" in remark.zh for remark in remarks)
    assert not any("open table" in remark.en for remark in release.distribution(Tier.OPEN).report.reasons)

    monkeypatch.setattr(preparing, "of_the_same_release", lambda treated, controls, policy: _nobody(treated))
    assert 0 < min(left_out(platform, two_tiers(platform))) < 5  # the attack works without the comparison


def _nobody(treated: preparing.TreatedTable) -> preparing.Earlier:
    return preparing.Earlier(treated.table.slice(0, 0), same_tier=False, same_release=True)


def test_the_same_source_gives_the_same_release(platform: Platform) -> None:
    assert two_tiers(platform).id == two_tiers(platform).id
