"""Bus stops and bus lines."""

import datetime
import math
from random import Random

from examples.tables import Row
from examples.words import CITY, STREETS, district

# WGS 84; open steppe, where no city lies. District → offset of its centre in degrees (east, north).
CENTRE = (104.8200, 37.3200)
OFFSETS = {
    "澜东区": (0.045, 0.004),
    "澜西区": (-0.040, 0.002),
    "新港区": (0.012, 0.055),
    "清源县": (-0.11, -0.07),
    "云溪县": (0.13, -0.09),
}
PLACES = ("", "东口", "西口", "市场", "医院", "小学", "公园", "广场", "桥头", "政务大厅", "客运站", "图书馆")


def make_bus_stops(rng: Random, count: int = 420) -> list[Row]:
    """Stops with unique name and direction, spread around the centres of the districts."""
    rows: list[Row] = []
    seen: set[tuple[str, str]] = set()
    while len(rows) < count:
        area, name = district(rng), rng.choice(STREETS) + rng.choice(PLACES)
        side = rng.choice(("E", "W", "S", "N"))
        if (name, side) in seen:
            continue
        seen.add((name, side))
        east, north = OFFSETS[area]
        rows.append(
            {
                "stop_id": f"LC{len(rows) + 1:05d}",
                "stop_name": name,
                "direction": side,
                "district": area,
                "longitude": round(CENTRE[0] + east + rng.gauss(0, 0.014), 6),
                "latitude": round(CENTRE[1] + north + rng.gauss(0, 0.011), 6),
                "line_count": min(9, 1 + int(rng.expovariate(0.55))),
                "has_shelter": "true" if rng.random() < 0.62 else "false",
                "opened_on": (datetime.date(1996, 5, 1) + datetime.timedelta(days=rng.randrange(10900))).isoformat(),
            }
        )
    return rows


def make_bus_lines(rng: Random, stops: list[Row], lines: int = 120) -> list[Row]:
    """Two rows per line, one for each direction, between two of `stops`."""
    rows: list[Row] = []
    for number in range(1, lines + 1):
        first, last = rng.sample(stops, 2)
        length = round(max(3.2, _kilometres(first, last) * rng.uniform(1.25, 1.8)), 1)
        early, late = 300 + 15 * rng.randrange(9), 1140 + 30 * rng.randrange(9)
        shared = {
            "line": f"{number}路" if number <= 100 else f"K{number - 100}路",
            "operator": f"{CITY}公共交通{'一' if number % 3 else '二'}公司",
            "length_km": length,
            "stop_count": max(6, round(length * rng.uniform(1.3, 2.1))),
            "fare_yuan": 1 if length < 12 else 2,
            "interval_minutes": rng.choice((6, 8, 10, 12, 15, 20, 30)),
            "electric": rng.random() < 0.7,
        }
        for direction, (a, b) in (("outbound", (first, last)), ("inbound", (last, first))):
            rows.append(
                {
                    "line_id": f"L{number:03d}{'A' if direction == 'outbound' else 'B'}",
                    "line": shared["line"],
                    "direction": direction,
                    "first_stop_id": a["stop_id"],
                    "last_stop_id": b["stop_id"],
                    "first_departure": f"{early // 60:02d}:{early % 60:02d}:00",
                    "last_departure": f"{late // 60:02d}:{late % 60:02d}:00",
                    **{k: v for k, v in shared.items() if k != "line"},
                }
            )
    return rows


def _kilometres(a: Row, b: Row) -> float:
    """Straight distance; a degree of longitude is 0.8 of a degree of latitude here."""
    return 111 * math.hypot((a["longitude"] - b["longitude"]) * 0.8, a["latitude"] - b["latitude"])
