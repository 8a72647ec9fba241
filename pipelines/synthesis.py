"""A made-up sample of what was released: for writing programs before a grant is held. Reads the released table only."""

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from anonymize.synthetic import MARK, synthetic_fields, synthetic_sample
from governance.database.engine import reading
from pipelines.current_release import served_release, tier_of, verified_path
from pipelines.datasets import load_dataset
from pipelines.package import field_descriptor, write_csv
from pipelines.platform import Platform
from schemas.dataset import Tier
from schemas.disclosure import Control
from schemas.errors import Refused
from schemas.release import Distribution
from schemas.table_schema import FieldRole
from schemas.text import Text
from schemas.whole_file import whole_file

TIERS = (Tier.RESTRICTED, Tier.OPEN)  # of rows; the one that needs a grant first
IDENTIFYING = frozenset({Control.PSEUDONYM, Control.MASK})


@dataclass(frozen=True)
class SyntheticSample:
    """What was written. schema_file: the Table Schema beside the sample."""

    dataset: str
    release: str
    tier: Tier
    rows: int
    file: str
    schema_file: str


def synthesise(platform: Platform, dataset_name: str, rows: int, output: Path, seed: int = 0) -> SyntheticSample:
    """Write `output` (CSV) and its Table Schema, `<output>.schema.json`, from the current release.

    The column `synthetic` is true in every row. Identifiers, pseudonyms among them, are made up; redacted texts are
    missing. Raises NotFound (no release), Withdrawn, Refused (`unmarked-output`, `no-rows-released`).
    """
    if MARK not in output.name.lower() or output.suffix.lower() != ".csv":
        raise Refused(
            "unmarked-output",
            Text(
                zh="合成数据的文件名须含 synthetic 并以 .csv 结尾",
                en="the name of made-up data holds the word synthetic and ends in .csv",
            ),
            Text(zh=f"例如 {dataset_name}-synthetic.csv", en=f"for example {dataset_name}-synthetic.csv"),
            field="output",
        )
    with reading(platform.engine) as connection:
        load_dataset(connection, dataset_name)
        release = served_release(connection, dataset_name)
    tier = next((t for t in TIERS if any(d.tier is t for d in release.distributions)), None)
    if tier is None:
        raise Refused(
            "no-rows-released",
            Text(
                zh="该版本只有统计表，没有可供模拟的记录", en="the release holds statistics only, no records to imitate"
            ),
            Text(zh="统计表本身可直接下载使用", en="the statistical table itself is free to use"),
            field="dataset",
        )
    distribution = tier_of(release, tier)
    released = pq.read_table(verified_path(platform.store, distribution.file("parquet").digest))
    sample = synthetic_sample(released, rows, seed, made_up=_identifiers(distribution), missing=_texts(distribution))
    schema_file = output.with_name(f"{output.name}.schema.json")
    with whole_file(output, private=False) as unfinished:
        write_csv(sample, unfinished)
    descriptor = {
        MARK: True,
        "dataset": dataset_name,
        "release": release.id,
        "tier": tier,
        "fields": [field_descriptor(f) for f in synthetic_fields(distribution.fields)],
    }
    with whole_file(schema_file, private=False) as unfinished:
        unfinished.write_text(json.dumps(descriptor, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return SyntheticSample(dataset_name, release.id, tier, rows, output.name, schema_file.name)


def _identifiers(distribution: Distribution) -> frozenset[str]:
    by_role = {f.name for f in distribution.fields if f.role is FieldRole.DIRECT_IDENTIFIER}
    return frozenset(by_role | {e.field for e in distribution.report.effects if e.control in IDENTIFYING})


def _texts(distribution: Distribution) -> frozenset[str]:
    by_role = {f.name for f in distribution.fields if f.role is FieldRole.FREE_TEXT}
    return frozenset(by_role | {e.field for e in distribution.report.effects if e.control is Control.REDACT})
