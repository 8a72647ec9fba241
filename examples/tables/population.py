"""Moves of residents 人口流动: one row per registered move of a household member."""

import datetime
from random import Random

import pyarrow as pa

from examples.tables import Row
from examples.words import DIVISIONS, EDUCATION, PROVINCES, district, weighted

REASONS_BY_AGE: tuple[tuple[int, dict[str, float]], ...] = (
    (15, {"随迁家属": 78, "学习培训": 20, "其他": 2}),
    (24, {"学习培训": 46, "工作就业": 40, "随迁家属": 10, "其他": 4}),
    (45, {"工作就业": 66, "婚姻嫁娶": 12, "购房落户": 12, "随迁家属": 6, "其他": 4}),
    (60, {"工作就业": 52, "随迁家属": 22, "购房落户": 16, "其他": 10}),
    (200, {"随迁家属": 64, "养老": 28, "其他": 8}),
)
SCHEMA = pa.schema(
    [
        ("record_no", pa.string()),
        ("month", pa.string()),
        ("direction", pa.string()),
        ("district", pa.string()),
        ("other_province", pa.string()),
        ("gender", pa.string()),
        ("age", pa.int32()),
        ("education", pa.string()),
        ("reason", pa.string()),
        ("household_members", pa.int32()),
    ]
)


def make_population_flow(rng: Random, count: int = 3000) -> list[Row]:
    """Six months of moves into and out of the city; more people come than go."""
    rows: list[Row] = []
    for number in range(1, count + 1):
        age = round(min(92, max(0, rng.gauss(31, 14))))
        reasons = next(reasons for limit, reasons in REASONS_BY_AGE if age < limit)
        month = datetime.date(2026, 1 + rng.choices(range(6), (14, 9, 24, 19, 17, 17))[0], 1)
        rows.append(
            {
                "record_no": f"LD2026{number:06d}",
                "month": f"{month:%Y-%m}",
                "direction": "流入" if rng.random() < 0.58 else "流出",
                "district": district(rng),
                "other_province": PROVINCES[weighted(rng, DIVISIONS)[:2]],
                "gender": "女" if rng.random() < 0.47 else "男",
                "age": age,
                "education": _education(rng, age),
                "reason": weighted(rng, reasons),
                "household_members": rng.choices((1, 2, 3, 4, 5), (55, 18, 17, 7, 3))[0],
            }
        )
    return rows


def _education(rng: Random, age: int) -> str:
    if age < 13:
        return EDUCATION[0]
    if age < 16:
        return EDUCATION[1]
    if age < 19:
        return rng.choices(EDUCATION[1:4], (30, 52, 18))[0]
    return rng.choices(EDUCATION, (6, 25, 18, 11, 20, 16, 3, 1) if age < 45 else (22, 38, 17, 9, 9, 5, 0.4, 0.1))[0]


def population_flow_table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, SCHEMA)
