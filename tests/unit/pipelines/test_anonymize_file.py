"""One file treated from the command line."""

import csv
from pathlib import Path

from pipelines.anonymize_file import anonymize_file
from schemas.dataset import Tier
from schemas.disclosure import DisclosurePolicy
from schemas.table_schema import FieldRole, table_schema_from_descriptor

TIER = {
    "by_role": {
        **{role.value: {"control": "keep"} for role in FieldRole},
        FieldRole.DIRECT_IDENTIFIER.value: {"control": "pseudonym"},
    },
    "thresholds": {"source": "test", "suppression_limit": 0},
}
POLICY = DisclosurePolicy.model_validate(
    {"name": "keyed", "title": "化名", "description": "化名", "tiers": {"open": TIER, "restricted": TIER}}
)
SCHEMA = table_schema_from_descriptor(
    {
        "fields": [
            {"name": "number", "type": "string", "role": "direct-identifier"},
            {"name": "kind", "type": "string", "role": "non-sensitive"},
        ]
    },
    "members",
    "1.0.0",
)


def pseudonyms(folder: Path, tier: Tier, name: str) -> list[str]:
    source, out = folder / "members.csv", folder / f"{name}.csv"
    source.write_text("number,kind\n" + "".join(f"M-{n:03}-X,a\n" for n in range(20)), "utf-8")
    anonymize_file(source, SCHEMA, POLICY, {}, tier, b"k" * 32, out)
    with out.open(encoding="utf-8", newline="") as reader:
        return sorted(row["number"] for row in csv.DictReader(reader))


def test_pseudonyms_of_one_tier_do_not_point_at_those_of_another(tmp_path: Path) -> None:
    opened, again = pseudonyms(tmp_path, Tier.OPEN, "one"), pseudonyms(tmp_path, Tier.OPEN, "two")
    restricted = pseudonyms(tmp_path, Tier.RESTRICTED, "three")
    assert opened == again
    assert len(set(opened)) == 20
    assert not set(opened) & set(restricted)
