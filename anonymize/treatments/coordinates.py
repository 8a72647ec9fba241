"""Coordinates: to the centre of a grid cell, from whichever datum they stand in.

GCJ-02 is an offset of WGS 84 that depends on the place; BD-09 is Baidu's offset of GCJ-02. CGCS2000 and WGS 84 agree
to some centimetres, which no grid of ours can tell. The formulas are the published reverse-engineered ones, good to a
few metres.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import ConfigurationError
from schemas.text import Text

METRES_PER_DEGREE = 111_320.0  # of latitude, and of longitude at the equator
SEMI_MAJOR, ECCENTRICITY = 6_378_245.0, 0.006_693_421_622_965_943  # Krasovsky 1940
DATUMS = ("wgs84", "cgcs2000", "gcj02", "bd09")


def coarsen(
    longitude: pa.ChunkedArray, latitude: pa.ChunkedArray, metres: float, datum: str = "wgs84"
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Longitude and latitude in WGS 84 degrees of the centre of the cell, `metres` wide and high, they lie in.

    Rows of cells follow parallels; within a row all cells are equally wide. A pair with a missing half becomes null.
    """
    if datum not in DATUMS:
        raise ConfigurationError(
            "unknown-datum",
            Text(zh=f"未知的坐标系 {datum}", en=f"unknown datum {datum}"),
            Text(zh=f"可用的坐标系：{'、'.join(DATUMS)}", en=f"known datums: {', '.join(DATUMS)}"),
        )
    lon, lat = _floats(longitude), _floats(latitude)
    lon, lat = to_wgs84(lon, lat, datum)
    step = metres / METRES_PER_DEGREE
    row_centre = (np.floor(lat / step) + 0.5) * step
    width = step / np.maximum(np.cos(np.radians(row_centre)), 0.01)
    column_centre = (np.floor(lon / width) + 0.5) * width
    digits = max(0, int(np.ceil(-np.log10(step))) + 1)
    missing = np.isnan(lon) | np.isnan(lat)
    return _as_column(column_centre, missing, digits, longitude), _as_column(row_centre, missing, digits, latitude)


def to_wgs84(lon: np.ndarray, lat: np.ndarray, datum: str) -> tuple[np.ndarray, np.ndarray]:
    """Degrees in `datum` as degrees in WGS 84; places outside China are not moved by GCJ-02."""
    if datum == "bd09":
        x, y = lon - 0.0065, lat - 0.006
        radius = np.hypot(x, y) - 0.00002 * np.sin(y * np.pi * 3000 / 180)
        angle = np.arctan2(y, x) - 0.000003 * np.cos(x * np.pi * 3000 / 180)
        lon, lat = radius * np.cos(angle), radius * np.sin(angle)
    if datum not in ("gcj02", "bd09"):
        return lon, lat
    inside = (lon > 73.66) & (lon < 135.05) & (lat > 3.86) & (lat < 53.55)
    true_lon, true_lat = lon, lat
    for _ in range(3):  # the offset is known at the true place: approach it
        d_lon, d_lat = _gcj_offset(true_lon, true_lat)
        true_lon, true_lat = lon - d_lon, lat - d_lat
    return np.where(inside, true_lon, lon), np.where(inside, true_lat, lat)


def _gcj_offset(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = lon - 105.0, lat - 35.0
    waves = (20 * np.sin(6 * x * np.pi) + 20 * np.sin(2 * x * np.pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x)) + waves
    north += (20 * np.sin(y * np.pi) + 40 * np.sin(y / 3 * np.pi)) * 2 / 3
    north += (160 * np.sin(y / 12 * np.pi) + 320 * np.sin(y * np.pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x)) + waves
    east += (20 * np.sin(x * np.pi) + 40 * np.sin(x / 3 * np.pi)) * 2 / 3
    east += (150 * np.sin(x / 12 * np.pi) + 300 * np.sin(x / 30 * np.pi)) * 2 / 3
    magic = 1 - ECCENTRICITY * np.sin(np.radians(lat)) ** 2
    d_lat = north * 180 / (SEMI_MAJOR * (1 - ECCENTRICITY) / (magic * np.sqrt(magic)) * np.pi)
    d_lon = east * 180 / (SEMI_MAJOR / np.sqrt(magic) * np.cos(np.radians(lat)) * np.pi)
    return d_lon, d_lat


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    return pc.cast(column, pa.float64(), safe=False).to_numpy()


def _as_column(degrees: np.ndarray, missing: np.ndarray, digits: int, like: pa.ChunkedArray) -> pa.ChunkedArray:
    values = pa.array(np.round(degrees, digits), pa.float64(), mask=missing)
    return pa.chunked_array([pc.cast(values, like.type, safe=False)])
