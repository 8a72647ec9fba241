"""Treat one file for one tier, outside any dataset: the command `gongkai anonymize`."""

import os
from collections.abc import Mapping
from pathlib import Path

from anonymize.apply import apply_controls
from anonymize.assess import assess_disclosure
from anonymize.classify import classify_fields
from anonymize.detect import detect
from anonymize.plan import plan_controls
from anonymize.treatments.pseudonyms import derive_key
from pipelines.package import write_csv, write_parquet
from pipelines.prepare import DisclosureRefused, InvalidSource
from pipelines.read import read_source
from pipelines.validation.validate import validate_table
from schemas.dataset import Tier
from schemas.disclosure import DisclosurePolicy, DisclosureReport, Outcome
from schemas.errors import Refused
from schemas.hierarchy import Hierarchy
from schemas.table_schema import TableSchema
from schemas.text import Text
from schemas.validation import ValidationReport

WRITERS = {".csv": write_csv, ".parquet": write_parquet}


def anonymize_file(
    path: Path,
    schema: TableSchema,
    policy: DisclosurePolicy,
    hierarchies: Mapping[str, Hierarchy],
    tier: Tier,
    key: bytes,
    output: Path,
) -> DisclosureReport:
    """Write the treated table to `output` (.csv or .parquet). Raises Refused; then nothing is written."""
    write = WRITERS.get(output.suffix.lower())
    if write is None or tier is Tier.STATISTICAL:
        raise Refused(
            "unsupported-output",
            Text(
                zh="只能输出 .csv 或 .parquet，且统计表需在数据集声明中定义",
                en="the output is .csv or .parquet, and a statistical table is declared by a dataset",
            ),
            Text(
                zh="请改用 open 或 restricted，并给出 .csv 或 .parquet 文件名",
                en="use open or restricted, and a name that ends in .csv or .parquet",
            ),
            field="output",
        )
    validated = validate_table(read_source(path), schema)
    if isinstance(validated, ValidationReport):
        raise InvalidSource(validated)
    roles = classify_fields(schema, detect(validated.table))
    controls = plan_controls(schema, roles, policy, [tier], hierarchies)[tier]
    tier_key = derive_key(key, dataset=schema.name, recipient=tier)
    treated = apply_controls(validated.table, controls, policy.tiers[tier], tier_key)
    report = assess_disclosure(validated.table, treated, controls, policy.tiers[tier], tier)
    if report.outcome is Outcome.FAIL:
        raise DisclosureRefused([report])
    unfinished = output.with_name(f".{output.name}.part")
    write(treated.table, unfinished)
    os.replace(unfinished, output)
    return report
