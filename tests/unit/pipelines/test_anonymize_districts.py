"""A file with coordinates, treated for one tier with boundaries of the operator; releases with districts compared."""

import csv
import random
from pathlib import Path

import pytest

from pipelines.anonymize_file import anonymize_file
from pipelines.prepare import InvalidSource, Preparation, prepare
from pipelines.store import Store
from schemas.dataset import Dataset, Openness, Tier
from schemas.disclosure import Control, ControlSpec, DisclosurePolicy
from schemas.errors import ConfigurationError
from schemas.table_schema import Meaning, table_schema_from_descriptor
from tests.factories.boundaries import SOUTH, SQUARES, WEST, boundaries
from tests.factories.disclosure import policy, text, tier_policy

DESCRIPTOR = {
    "fields": [
        {"name": "经度", "type": "number", "role": "quasi-identifier", "meaning": "longitude"},
        {"name": "纬度", "type": "number", "role": "quasi-identifier", "meaning": "latitude"},
        {"name": "事项", "type": "string", "role": "non-sensitive"},
    ]
}
SCHEMA = table_schema_from_descriptor(DESCRIPTOR, "calls", "1.0.0")


def by_district(**parameters: object) -> DisclosurePolicy:
    spec = ControlSpec(control=Control.COARSEN, parameters={"district": "county", **parameters})
    return policy(tier_policy(by_meaning={Meaning.LONGITUDE: spec, Meaning.LATITUDE: spec}))


def write_source(path: Path, rows: int, seed: int = 0) -> Path:
    rng = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([f["name"] for f in DESCRIPTOR["fields"]])
        for _ in range(rows):
            x, y = rng.choice(list(SQUARES.values()))
            writer.writerow(
                [
                    f"{WEST + 0.1 * (x + rng.uniform(0.05, 0.35)):.6f}",
                    f"{SOUTH + 0.1 * (y + rng.uniform(0.05, 0.35)):.6f}",
                    rng.choice(["噪声", "停车"]),
                ]
            )
    return path


def test_no_coordinate_leaves(tmp_path: Path) -> None:
    source, out = write_source(tmp_path / "calls.csv", 300), tmp_path / "out.csv"
    report = anonymize_file(source, SCHEMA, by_district(), {}, Tier.OPEN, b"k" * 32, out, boundaries())
    written = out.read_text("utf-8")
    assert written.splitlines()[0].replace('"', "") == "district_code,事项"
    assert report.after is not None
    assert (report.after.k or 0) >= 5
    with source.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            assert row["经度"] not in written
            assert row["纬度"] not in written


def test_without_boundaries_nothing_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(ConfigurationError) as caught:
        anonymize_file(write_source(tmp_path / "calls.csv", 30), SCHEMA, by_district(), {}, Tier.OPEN, b"k" * 32, out)
    assert caught.value.code == "no-boundaries"
    assert not out.exists()


def test_a_release_holds_districts_and_their_centres(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    dataset = Dataset(
        name="calls",
        title=text("t"),
        notes=text("n"),
        publisher="city",
        openness=Openness.OPEN,
        schema="calls@1.0.0",
        legal_basis=text("l"),
    )
    preparation = Preparation(
        dataset=dataset,
        schema=SCHEMA,
        policy=by_district(centroid=True),
        hierarchies={},
        key=b"k" * 32,
        store=Store(tmp_path / "store"),
        work=tmp_path / "work",
        boundaries=boundaries(),
    )
    try:
        release = prepare(preparation, write_source(tmp_path / "calls.csv", 300))
    except InvalidSource as error:
        raise AssertionError(error.report.counts) from None
    (open_tier,) = release.distributions
    assert [f.name for f in open_tier.fields] == ["district_code", "事项", "经度", "纬度"]
    assert {e.field for e in open_tier.report.effects} == {"district_code", "事项", "经度", "纬度"}
    assert open_tier.report.before is not None
    assert open_tier.report.before.k == 1
    assert prepare(preparation, tmp_path / "calls.csv").id == release.id
