"""Coordinates in China and their datum: WGS84, GCJ-02 (national obfuscation), BD-09 (Baidu).

The conversions are the publicly known ones (evil transform, BD-09's spiral); the way back from GCJ-02 is solved by
iteration to 1e-8 degrees, about a millimetre. All arrays are float64 degrees.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Datum = Literal["WGS84", "GCJ-02", "BD-09"]
DATUMS: tuple[Datum, ...] = ("WGS84", "GCJ-02", "BD-09")
# As policies and boundaries name them. CGCS2000 and WGS84 agree to some centimetres.
DATUM_OF_NAME: dict[str, Datum] = {"wgs84": "WGS84", "cgcs2000": "WGS84", "gcj02": "GCJ-02", "bd09": "BD-09"}
NAME_OF_DATUM: dict[Datum, str] = {"WGS84": "wgs84", "GCJ-02": "gcj02", "BD-09": "bd09"}
Degrees = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Point = tuple[Degrees, Degrees]
Step = Callable[[Degrees, Degrees], Point]

# Land and sea of China, from the Nansha Islands to the Heilongjiang; shifted datums move a point by under 0.02 degrees.
LONGITUDES = (73.4, 135.2)
LATITUDES = (3.4, 53.7)
# Where GCJ-02 shifts: the box of the public transform.
_SHIFTED_LONGITUDES, _SHIFTED_LATITUDES = (72.004, 137.8347), (0.8293, 55.8271)
_AXIS, _ECCENTRICITY = 6378245.0, 0.00669342162296594323  # Krasovsky 1940
_SPIRAL = np.pi * 3000.0 / 180.0
_ROUNDS, _CLOSE = 30, 1e-6  # a last step below 1e-6 leaves an error below 1e-8, as steps shrink a hundredfold
_BLOCK = 1 << 12  # fits the processor's cache


def longitude_in_china(longitudes: Degrees) -> Flags:
    """Whether each lies in the box around China. NaN does not."""
    return (longitudes >= LONGITUDES[0]) & (longitudes <= LONGITUDES[1])


def latitude_in_china(latitudes: Degrees) -> Flags:
    """As `longitude_in_china`."""
    return (latitudes >= LATITUDES[0]) & (latitudes <= LATITUDES[1])


def convert(longitudes: Degrees, latitudes: Degrees, source: Datum, target: Datum) -> Point:
    """Points of datum `source` in datum `target`. Points outside the shifted box stay as they are in GCJ-02."""
    x, y = np.array(longitudes, np.float64), np.array(latitudes, np.float64)
    steps = _STEPS[source, target]
    for start in range(0, len(x), _BLOCK):
        block = slice(start, start + _BLOCK)
        for step in steps:
            x[block], y[block] = step(x[block], y[block])
    return x, y


def _wgs84_to_gcj02(longitudes: Degrees, latitudes: Degrees) -> Point:
    east, north = _shift(longitudes, latitudes, np.float64)
    shifted = _shifted(longitudes, latitudes)
    return np.where(shifted, longitudes + east, longitudes), np.where(shifted, latitudes + north, latitudes)


def _gcj02_to_wgs84(longitudes: Degrees, latitudes: Degrees) -> Point:
    # Two rounds in single precision come within 1e-8 degrees at a third of the cost; the exact solution begins there.
    x, y = longitudes, latitudes
    for _ in range(2):
        east, north = _shift(x, y, np.float32)
        x, y = longitudes - east, latitudes - north
    return _solved(_wgs84_to_gcj02, longitudes, latitudes, x, y)


def _shift(longitudes: Degrees, latitudes: Degrees, precision: type[np.floating[Any]]) -> tuple[Any, Any]:
    """How far east and north GCJ-02 lies of WGS84, in degrees."""
    x, y = (longitudes - 105.0).astype(precision), (latitudes - 35.0).astype(precision)
    root = np.sqrt(np.abs(x))
    x30, x12, x3, x1, x2, x6 = _sines(x, (2, 5, 20, 60, 120, 360))
    y30, y12, y3, y1 = _sines(y, (2, 5, 20, 60))
    waves = (20.0 * x6 + 20.0 * x2) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    north += (20.0 * y1 + 40.0 * y3 + 160.0 * y12 + 320.0 * y30) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    east += (20.0 * x1 + 40.0 * x3 + 150.0 * x12 + 300.0 * x30) * 2.0 / 3.0
    radians = np.radians(latitudes).astype(precision)
    magic = 1.0 - _ECCENTRICITY * np.sin(radians) ** 2
    north = north * 180.0 / ((_AXIS * (1.0 - _ECCENTRICITY)) / (magic * np.sqrt(magic)) * np.pi)
    east = east * 180.0 / (_AXIS / np.sqrt(magic) * np.cos(radians) * np.pi)
    return east, north


def _gcj02_to_bd09(longitudes: Degrees, latitudes: Degrees) -> Point:
    radius = np.hypot(longitudes, latitudes) + 0.00002 * np.sin(latitudes * _SPIRAL)
    angle = np.arctan2(latitudes, longitudes) + 0.000003 * np.cos(longitudes * _SPIRAL)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _bd09_to_gcj02(longitudes: Degrees, latitudes: Degrees) -> Point:
    return _solved(_gcj02_to_bd09, longitudes, latitudes, longitudes, latitudes)


def _sines(values: npt.NDArray[Any], multiples: tuple[int, ...]) -> list[npt.NDArray[Any]]:
    """sin(n π v / 60) for each n: powers of one complex exponential, several times faster than as many sines."""
    angles = values * (np.pi / 60.0)
    base = np.cos(angles) + 1j * np.sin(angles)
    powers = {1: base}

    def power(n: int) -> npt.NDArray[Any]:
        if n not in powers:
            half = power(n // 2)
            powers[n] = half * half if n % 2 == 0 else half * half * base
        return powers[n]

    return [power(n).imag for n in multiples]


def _solved(forward: Step, longitudes: Degrees, latitudes: Degrees, x: Degrees, y: Degrees) -> Point:
    """The point that `forward` takes to the given one, by fixed-point iteration from x, y: the shift changes far more
    slowly than the point, so each round gains two digits or more. Stops at `_CLOSE`."""
    for _ in range(_ROUNDS):
        east, north = forward(x, y)
        step_x, step_y = longitudes - east, latitudes - north
        x, y = x + step_x, y + step_y
        if max(np.nanmax(np.abs(step_x), initial=0.0), np.nanmax(np.abs(step_y), initial=0.0)) < _CLOSE:
            break
    return x, y


def _shifted(longitudes: Degrees, latitudes: Degrees) -> Flags:
    return (
        (longitudes > _SHIFTED_LONGITUDES[0])
        & (longitudes < _SHIFTED_LONGITUDES[1])
        & (latitudes > _SHIFTED_LATITUDES[0])
        & (latitudes < _SHIFTED_LATITUDES[1])
    )


_STEPS: dict[tuple[Datum, Datum], tuple[Step, ...]] = {
    ("WGS84", "GCJ-02"): (_wgs84_to_gcj02,),
    ("WGS84", "BD-09"): (_wgs84_to_gcj02, _gcj02_to_bd09),
    ("GCJ-02", "BD-09"): (_gcj02_to_bd09,),
    ("GCJ-02", "WGS84"): (_gcj02_to_wgs84,),
    ("BD-09", "GCJ-02"): (_bd09_to_gcj02,),
    ("BD-09", "WGS84"): (_bd09_to_gcj02, _gcj02_to_wgs84),
    ("WGS84", "WGS84"): (),
    ("GCJ-02", "GCJ-02"): (),
    ("BD-09", "BD-09"): (),
}
