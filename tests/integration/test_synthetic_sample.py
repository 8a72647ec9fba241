"""`gongkai synthesise`: a marked, made-up sample of the released tier, without a value that is anybody's."""

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.platform import Platform
from pipelines.synthesis import synthesise
from schemas.dataset import Tier
from schemas.errors import NotFound, Refused, Withdrawn
from schemas.table_schema import FieldRole
from tests.factories.releases import fields_of, packaged_release, published, small_platform, withdraw_release

ROWS = 600
TABLE = pa.table(
    {
        "化名": [f"PSEUDONYM{n % 3:07d}" for n in range(ROWS)],  # each held by 200 records, and yet somebody's
        "区": ["东" if n % 3 else "西" for n in range(ROWS)],
        "备注": ["来电反映〔姓名〕的问题"] * ROWS,
        "额": [float(n) for n in range(ROWS)],
    }
)
ROLES = {"化名": FieldRole.DIRECT_IDENTIFIER, "备注": FieldRole.FREE_TEXT}


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return small_platform(tmp_path / "home")


def release(platform: Platform, tier: Tier = Tier.RESTRICTED) -> None:
    fields = [f.model_copy(update={"role": ROLES.get(f.name)}) for f in fields_of(TABLE)]
    other = {Tier.OPEN: TABLE.select(["区"])} if tier is Tier.RESTRICTED else {}
    published(platform, packaged_release(platform, "jobs", {tier: TABLE, **other}, fields))


def sample_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as reader:
        return list(csv.DictReader(reader))


def test_it_is_marked_in_its_name_a_column_and_its_schema(platform: Platform, tmp_path: Path) -> None:
    release(platform)
    out = tmp_path / "jobs-synthetic.csv"
    written = synthesise(platform, "jobs", 500, out)
    rows = sample_of(out)
    assert (written.tier, len(rows)) == (Tier.RESTRICTED, 500)
    assert {row["synthetic"] for row in rows} == {"true"}
    schema = json.loads((tmp_path / "jobs-synthetic.csv.schema.json").read_text("utf-8"))
    assert schema["synthetic"] is True
    assert [f["name"] for f in schema["fields"]] == [*TABLE.column_names, "synthetic"]
    assert list(rows[0]) == [f["name"] for f in schema["fields"]]


def test_identifiers_and_texts_are_nobodys_and_frequencies_those_of_the_release(
    platform: Platform, tmp_path: Path
) -> None:
    release(platform)
    out = tmp_path / "synthetic.csv"
    synthesise(platform, "jobs", 3000, out)
    rows = sample_of(out)
    assert not {row["化名"] for row in rows} & set(TABLE["化名"].to_pylist())
    assert {row["备注"] for row in rows} == {""}
    assert abs(Counter(row["区"] for row in rows)["东"] / 3000 - 2 / 3) < 0.05


def test_the_same_seed_gives_the_same_sample(platform: Platform, tmp_path: Path) -> None:
    release(platform)
    paths = [tmp_path / f"synthetic-{n}.csv" for n in range(3)]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        synthesise(platform, "jobs", 50, path, seed)
    assert paths[0].read_bytes() == paths[1].read_bytes() != paths[2].read_bytes()


@pytest.mark.parametrize("name", ["jobs.csv", "synthetic.parquet", "synthetic"])
def test_a_name_that_does_not_say_so_is_refused(platform: Platform, tmp_path: Path, name: str) -> None:
    release(platform)
    with pytest.raises(Refused, match="unmarked-output"):
        synthesise(platform, "jobs", 10, tmp_path / name)
    assert not (tmp_path / name).exists()


def test_only_what_is_released_is_imitated(platform: Platform, tmp_path: Path) -> None:
    out = tmp_path / "synthetic.csv"
    with pytest.raises(NotFound):
        synthesise(platform, "jobs", 10, out)
    packed = packaged_release(platform, "jobs", {Tier.RESTRICTED: TABLE})
    with pytest.raises(NotFound):  # prepared, not published
        synthesise(platform, "jobs", 10, out)
    withdraw_release(platform, published(platform, packed))
    with pytest.raises(Withdrawn):
        synthesise(platform, "jobs", 10, out)
    assert not list(tmp_path.glob("*synthetic*"))


def test_statistics_hold_no_records_to_imitate(platform: Platform, tmp_path: Path) -> None:
    release(platform, Tier.STATISTICAL)
    with pytest.raises(Refused, match="no-rows-released"):
        synthesise(platform, "jobs", 10, tmp_path / "synthetic.csv")


def test_the_command_refuses_what_nobody_declared(home: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "synthesise", "jobs", "-o", str(tmp_path / "synthetic.csv")],
        env={**os.environ, "LANG": "en_US.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "unknown-dataset" in done.stderr) == (1, True)
