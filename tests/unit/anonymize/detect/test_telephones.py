"""Telephone numbers under a header that says no more than that: mobiles of persons, and numbers of registers."""

import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

import catalog_config
from anonymize.classify import classify_fields
from anonymize.detect import detect
from anonymize.plan import plan_controls
from catalog_config.configuration import load_configuration
from schemas.dataset import Tier
from schemas.disclosure import Control
from schemas.errors import Refused
from schemas.table_schema import FieldRole, Meaning, TableSchema, table_schema_from_descriptor
from tests.factories import personal_data as make

ROWS = 200
FOLDER = Path(catalog_config.__file__).parent
FOREIGN: dict[str, Callable[[random.Random], str]] = {
    "French": lambda r: f"+33 {r.randint(1, 9)} " + " ".join(make.digits(r, 2) for _ in range(4)),
    "French, national": lambda r: f"0{r.choice('123459')}{make.digits(r, 8)}",
    "French, as a number": lambda r: f"{r.choice('123459')}{make.digits(r, 8)}",
    "British": lambda r: f"(020) 7946 {make.digits(r, 4)}",
}


def register(number: Callable[[random.Random], str], **more: list[str]) -> pa.Table:
    rng = random.Random(11)
    return pa.table(
        {
            "企业名称": [f"江城市第{i}食品有限公司" for i in range(ROWS)],
            "联系电话": [number(rng) for _ in range(ROWS)],
            **more,
        }
    )


def schema_of(table: pa.Table) -> TableSchema:
    fields = [{"name": name, "type": "string", "role": "non-sensitive"} for name in table.column_names]
    fields[1]["meaning"] = Meaning.TELEPHONE
    return table_schema_from_descriptor({"fields": fields}, "t", "1.0.0")


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_register_keeps_numbers_of_any_country(kind: str) -> None:
    table = register(FOREIGN[kind])
    schema = schema_of(table)
    roles = classify_fields(schema, detect(table))
    assert set(roles.values()) == {FieldRole.NON_SENSITIVE}
    configuration = load_configuration(FOLDER)
    plan = plan_controls(schema, roles, configuration.policies["standard"], [Tier.OPEN], configuration.hierarchies)
    assert [control.control for control in plan[Tier.OPEN]] == [Control.KEEP, Control.KEEP]


@pytest.mark.parametrize("kind", ["French", "French, national"])
def test_it_is_told_what_they_are(kind: str) -> None:
    [finding] = [f for f in detect(register(FOREIGN[kind])).of("联系电话") if f.score >= 0.5 and f.meaning]
    assert (finding.meaning, finding.by_header) == (Meaning.TELEPHONE, True)


def refused(table: pa.Table) -> Refused:
    with pytest.raises(Refused, match="classification-conflict") as caught:
        classify_fields(schema_of(table), detect(table))
    return caught.value


@pytest.mark.parametrize("kind", FOREIGN)
def test_persons_do_not_lose_theirs(kind: str) -> None:
    rng = random.Random(12)
    error = refused(register(FOREIGN[kind], 年龄=[str(rng.randint(18, 80)) for _ in range(ROWS)]))
    assert "联系电话" in error.message.zh


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_the_meaning_does_not_free_mobiles(share: float) -> None:
    rng = random.Random(13)
    mixed = lambda r: make.mobile(r) if rng.random() < share else FOREIGN["French"](r)  # noqa: E731
    assert "联系电话" in refused(register(mixed)).message.zh


def test_a_policy_keeps_telephones_only_by_their_role() -> None:
    for policy in load_configuration(FOLDER).policies.values():
        for tier_policy in policy.tiers.values():
            assert {Meaning.TELEPHONE, Meaning.LANDLINE, Meaning.MOBILE}.isdisjoint(tier_policy.by_meaning)
