"""Persons, schemas and policies for tests of treatment and risk. All made up by a seeded generator."""

import datetime
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from anonymize.earlier import Earlier
from anonymize.treated import TreatedTable
from schemas.dataset import Tier
from schemas.disclosure import (
    Control,
    ControlSpec,
    DisclosureControl,
    DisclosurePolicy,
    Recoding,
    Thresholds,
    TierPolicy,
)
from schemas.hierarchy import Hierarchy
from schemas.table_schema import FieldRole, Meaning, SchemaField, TableSchema
from schemas.text import Text

KEY = b"a key that only the tests know.."
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈", "伟芳娜敏静丽强磊军洋"
CITIES = ("110105", "110108", "310104", "310115", "440103", "440106", "620102", "620104")
DIAGNOSES = ("感冒", "胃炎", "高血压", "糖尿病", "骨折")
PERSON_ROLES: dict[str, tuple[str, FieldRole, Meaning | None]] = {
    "姓名": ("string", FieldRole.DIRECT_IDENTIFIER, Meaning.PERSON_NAME),
    "身份证号": ("string", FieldRole.DIRECT_IDENTIFIER, Meaning.RESIDENT_ID),
    "手机号": ("string", FieldRole.DIRECT_IDENTIFIER, Meaning.MOBILE),
    "性别": ("string", FieldRole.QUASI_IDENTIFIER, Meaning.GENDER),
    "年龄": ("integer", FieldRole.QUASI_IDENTIFIER, Meaning.AGE),
    "区划": ("string", FieldRole.QUASI_IDENTIFIER, Meaning.DIVISION_CODE),
    "就诊日期": ("date", FieldRole.QUASI_IDENTIFIER, None),
    "诊断": ("string", FieldRole.SENSITIVE, None),
    "科室": ("string", FieldRole.NON_SENSITIVE, None),
}


def text(value: str) -> Text:
    return Text(zh=value, en=value)


def persons(rows: int = 400, seed: int = 0) -> pa.Table:
    """Records of made-up persons with the fields of PERSON_ROLES; identity numbers have a right check character."""
    random = np.random.default_rng(seed)
    ages = np.clip(random.normal(45, 18, rows).astype(int), 0, 99)
    first_day = datetime.date(2025, 1, 1)
    return pa.table(
        {
            "姓名": [
                random.choice(list(SURNAMES)) + random.choice(list(GIVEN)) + random.choice(list(GIVEN))
                for _ in range(rows)
            ],
            "身份证号": [resident_id(random, 2025 - int(age)) for age in ages],
            "手机号": ["139" + "".join(str(d) for d in random.integers(0, 10, 8)) for _ in range(rows)],
            "性别": random.choice(["男", "女"], rows).tolist(),
            "年龄": pa.array(ages, pa.int64()),
            "区划": random.choice(CITIES, rows, p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.1, 0.04, 0.01]).tolist(),
            "就诊日期": [first_day + datetime.timedelta(days=int(d)) for d in random.integers(0, 365, rows)],
            "诊断": random.choice(DIAGNOSES, rows).tolist(),
            "科室": random.choice(["内科", "外科"], rows).tolist(),
        }
    )


def resident_id(random: np.random.Generator, year: int) -> str:
    """A made-up identity number with a right check character (GB 11643)."""
    body = f"110105{year:04d}{random.integers(1, 13):02d}{random.integers(1, 29):02d}{random.integers(1, 1000):03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def person_schema(**hierarchies: str) -> TableSchema:
    return TableSchema(
        name="visits",
        version="1.0.0",
        title=text("visits"),
        description=text(""),
        fields=tuple(
            SchemaField(
                name=name,
                type=kind,
                title=text(name),
                description=text(""),
                role=role,
                meaning=meaning,
                hierarchy=hierarchies.get(name),
            )
            for name, (kind, role, meaning) in PERSON_ROLES.items()
        ),
        descriptor={},
    )


def person_roles() -> dict[str, FieldRole]:
    return {name: role for name, (_, role, _) in PERSON_ROLES.items()}


def thresholds(**values: Any) -> Thresholds:
    return Thresholds(**{"k": 5, "suppression_limit": 0.05, "source": text("test"), **values})


def tier_policy(
    by_role: Mapping[FieldRole, ControlSpec] | None = None,
    by_meaning: Mapping[Meaning, ControlSpec] | None = None,
    recoding: Recoding = Recoding.FULL_DOMAIN,
    **values: Any,
) -> TierPolicy:
    usual = {
        FieldRole.DIRECT_IDENTIFIER: ControlSpec(control=Control.DROP),
        FieldRole.QUASI_IDENTIFIER: ControlSpec(
            control=Control.GENERALISE if values.get("k", 5) is not None else Control.KEEP
        ),
        FieldRole.SENSITIVE: ControlSpec(control=Control.KEEP),
        FieldRole.NON_SENSITIVE: ControlSpec(control=Control.KEEP),
        FieldRole.FREE_TEXT: ControlSpec(control=Control.REDACT),
    }
    return TierPolicy(
        by_role={**usual, **(by_role or {})},
        by_meaning=dict(by_meaning or {}),
        recoding=recoding,
        thresholds=thresholds(**values),
    )


def policy(tier_policy: TierPolicy, tier: Tier = Tier.OPEN) -> DisclosurePolicy:
    return DisclosurePolicy(name="tested", title=text("t"), description=text(""), tiers={tier: tier_policy})


def control(
    field: str,
    role: FieldRole,
    kind: Control,
    *,
    meaning: Meaning | None = None,
    levels: Hierarchy | None = None,
    type: str = "string",
    **parameters: Any,
) -> DisclosureControl:
    """A control as plan_controls would make it."""
    return DisclosureControl(
        field=field,
        role=role,
        meaning=meaning,
        control=kind,
        parameters=parameters,
        hierarchy=levels.name if levels else None,
        levels=levels,
        declared=SchemaField(
            name=field, type=type, title=text(field), description=text(""), role=role, meaning=meaning
        ),
        reason=text("test"),
    )


def published(treated: TreatedTable, tier: TierPolicy | None = None, **values: Any) -> Earlier:
    """`treated` as a later release sees it, under `tier` or the usual thresholds. values: what differs from that,
    `table` in place of its own."""
    met = tier.thresholds if tier else thresholds()
    recorded = {
        "quasi_identifiers": treated.quasi_identifiers,
        "k": met.k,
        "l": met.l,
        "levels": treated.levels,
        "treatments": treated.treatments,
        "ladders": treated.ladders,
    }
    stored = values.pop("table", treated.table)
    return Earlier(stored, **{**recorded, **values})
