"""Coordinates: to the centre of a grid cell, from whichever datum they stand in.

CGCS2000 and WGS 84 agree to some centimetres, which no grid of ours can tell.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymize.datums import DATUM_OF_NAME, convert
from schemas.errors import ConfigurationError
from schemas.text import Text

METRES_PER_DEGREE = 111_320.0  # of latitude, and of longitude at the equator


def coarsen(
    longitude: pa.ChunkedArray, latitude: pa.ChunkedArray, metres: float, datum: str = "wgs84"
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Longitude and latitude in WGS 84 degrees of the centre of the cell, `metres` wide and high, they lie in.

    Rows of cells follow parallels; within a row all cells are equally wide. A pair with a missing half becomes null.
    """
    check_datum(datum)
    lon, lat = degrees(longitude), degrees(latitude)
    lon, lat = to_wgs84(lon, lat, datum)
    step = metres / METRES_PER_DEGREE
    row_centre = (np.floor(lat / step) + 0.5) * step
    width = step / np.maximum(np.cos(np.radians(row_centre)), 0.01)
    column_centre = (np.floor(lon / width) + 0.5) * width
    digits = max(0, int(np.ceil(-np.log10(step))) + 1)
    missing = np.isnan(lon) | np.isnan(lat)
    return _as_column(column_centre, missing, digits, longitude), _as_column(row_centre, missing, digits, latitude)


def to_wgs84(lon: np.ndarray, lat: np.ndarray, datum: str) -> tuple[np.ndarray, np.ndarray]:
    """Degrees in `datum` as degrees in WGS 84; NaN stays NaN."""
    return convert(lon, lat, DATUM_OF_NAME[datum], "WGS84")


def check_datum(datum: str) -> None:
    """Raises ConfigurationError `unknown-datum`."""
    if datum not in DATUM_OF_NAME:
        raise ConfigurationError(
            "unknown-datum",
            Text(zh=f"未知的坐标系 {datum}", en=f"unknown datum {datum}"),
            Text(zh=f"可用的坐标系：{'、'.join(DATUM_OF_NAME)}", en=f"known datums: {', '.join(DATUM_OF_NAME)}"),
        )


def degrees(column: pa.ChunkedArray) -> np.ndarray:
    """The cells as float64; NaN for what is missing or not finite."""
    values = pc.cast(column, pa.float64(), safe=False).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def _as_column(degrees: np.ndarray, missing: np.ndarray, digits: int, like: pa.ChunkedArray) -> pa.ChunkedArray:
    values = pa.array(np.round(degrees, digits), pa.float64(), mask=missing)
    return pa.chunked_array([pc.cast(values, like.type, safe=False)])
