"""Treat one file for one tier, outside any dataset: the command `gongkai anonymize`."""

from collections.abc import Mapping
from pathlib import Path

from anonymize.apply import apply_controls
from anonymize.assess import assess_disclosure
from anonymize.chosen_k import check_choice, policy_k, policy_with
from anonymize.classify import classify_fields
from anonymize.detect import detect
from anonymize.located import add_districts, locate_districts
from anonymize.plan import plan_controls
from anonymize.tradeoff import with_tradeoff
from anonymize.treatments.pseudonyms import derive_key
from pipelines.package import write_csv, write_parquet
from pipelines.prepare import DisclosureRefused, InvalidSource
from pipelines.read import read_source
from pipelines.validation.validate import validate_table
from schemas.dataset import Tier
from schemas.disclosure import DisclosurePolicy, DisclosureReport, Outcome
from schemas.district import Boundaries
from schemas.errors import Refused
from schemas.hierarchy import Hierarchy
from schemas.table_schema import TableSchema
from schemas.text import Text
from schemas.validation import ValidationReport
from schemas.whole_file import whole_file

WRITERS = {".csv": write_csv, ".parquet": write_parquet}


def anonymize_file(
    path: Path,
    schema: TableSchema,
    policy: DisclosurePolicy,
    hierarchies: Mapping[str, Hierarchy],
    tier: Tier,
    key: bytes,
    output: Path,
    boundaries: Boundaries | None = None,
    k: int | None = None,
) -> DisclosureReport:
    """Write the treated table to `output` (.csv or .parquet). k: chosen in place of the policy's, never below it; what
    others would cost stands in the report. Raises Refused; then nothing is written."""
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
    least = policy_k(policy, tier)
    if k is not None:
        check_choice(policy, [tier], {tier: k})
        policy = policy_with(policy, {tier: k})
    validated = validate_table(read_source(path), schema)
    if isinstance(validated, ValidationReport):
        raise InvalidSource(validated)
    roles = classify_fields(schema, detect(validated.table))
    controls = plan_controls(schema, roles, policy, [tier], hierarchies)[tier]
    located = locate_districts(validated.table, controls, boundaries)
    tier_key = derive_key(key, dataset=schema.name, recipient=tier)
    treated = apply_controls(located.table, located.controls, policy.tiers[tier], tier_key)
    treated = add_districts(treated, located)
    report = assess_disclosure(
        located.table, treated, located.controls, policy.tiers[tier], tier, (located.source, located.planned)
    )
    if report.outcome is Outcome.FAIL:
        raise DisclosureRefused([report])
    with whole_file(output, private=False) as unfinished:
        write(treated.table, unfinished)
    return with_tradeoff(report, located.table, located.controls, policy.tiers[tier], least)
