"""Hourly air quality. Index after HJ 633-2012, with the 24-hour borders for particles as the real-time reports use."""

import datetime
import math
from random import Random

import pyarrow as pa

from examples.tables import Row

STATIONS = (
    ("1001A", "春和路站", "澜东区", 1.00),
    ("1002A", "石桥站", "澜西区", 1.12),
    ("1003A", "临港站", "新港区", 1.30),
    ("1004A", "清源站", "清源县", 0.82),
    ("1005A", "云溪站", "云溪县", 0.70),
    ("1006A", "南湖公园站", "澜东区", 0.92),
)
INDEX = (0, 50, 100, 150, 200, 300, 400, 500)
BORDERS: dict[str, tuple[float, ...]] = {
    "pm25": (0, 35, 75, 115, 150, 250, 350, 500),
    "pm10": (0, 50, 150, 250, 350, 420, 500, 600),
    "so2": (0, 150, 500, 650, 800),
    "no2": (0, 100, 200, 700, 1200, 2340, 3090, 3840),
    "o3": (0, 160, 200, 300, 400, 800, 1000, 1200),
    "co": (0, 5, 10, 35, 60, 90, 120, 150),
}
SCHEMA = pa.schema(
    [
        ("station_id", pa.string()),
        ("station_name", pa.string()),
        ("district", pa.string()),
        ("observed_at", pa.timestamp("ms")),
        *((name, pa.int32()) for name in ("pm25", "pm10", "so2", "no2", "o3")),
        ("co", pa.float64()),
        ("aqi", pa.int32()),
        ("primary_pollutant", pa.string()),
    ]
)


def make_air_quality(rng: Random, days: int = 14) -> list[Row]:
    """One row per station and hour in local time; a value is absent while an instrument is serviced."""
    start = datetime.datetime(2026, 9, 1)
    weather = 1.0
    rows: list[Row] = []
    for hour in range(24 * days):
        when = start + datetime.timedelta(hours=hour)
        weather = min(2.4, max(0.45, weather * math.exp(rng.gauss(0, 0.07))))
        traffic = 1 + 0.35 * math.cos((when.hour - 8) * math.pi / 6)
        sun = max(0.0, math.sin((when.hour - 6) * math.pi / 12))
        for station, name, district, local in STATIONS:
            level = weather * local * rng.lognormvariate(0, 0.12)
            values: dict[str, float | None] = {
                "pm25": round(32 * level * (0.8 + 0.2 * traffic)),
                "pm10": round(71 * level * rng.uniform(0.9, 1.2)),
                "so2": round(8 * level),
                "no2": round(27 * level * traffic),
                "o3": round(46 + 92 * sun * rng.uniform(0.85, 1.15)),
                "co": round(0.6 * level, 1),
            }
            if rng.random() < 0.015:
                values[rng.choice(list(values))] = None
            index = {k: sub_index(k, v) for k, v in values.items() if v is not None}
            aqi = max(index.values())
            rows.append(
                {
                    "station_id": station,
                    "station_name": name,
                    "district": district,
                    "observed_at": when,
                    **values,
                    "aqi": aqi,
                    "primary_pollutant": max(index, key=lambda k: index[k]) if aqi > 50 else None,
                }
            )
    return rows


def sub_index(pollutant: str, value: float) -> int:
    """Individual air quality index of a concentration (µg/m³, CO in mg/m³), rounded up as HJ 633 says."""
    borders = BORDERS[pollutant]
    step = next((i for i in range(1, len(borders)) if value <= borders[i]), len(borders) - 1)
    low, high = borders[step - 1], borders[step]
    share = (min(value, high) - low) / (high - low)
    return math.ceil(INDEX[step - 1] + share * (INDEX[step] - INDEX[step - 1]))


def air_quality_table(rows: list[Row]) -> pa.Table:
    return pa.Table.from_pylist(rows, SCHEMA)
