"""District: an administrative division by its code, and the level it stands on.

Codes are those of GB/T 2260 (six digits: two of the province, two of the city, two of the county) and GB/T 10114 (three
more digits for the township). A coarser level has zeros in place of the digits it lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from schemas.text import Text

if TYPE_CHECKING:
    import shapely


class DistrictLevel(StrEnum):
    """Level of a district, the coarsest first."""

    PROVINCE = "province"  # 省级
    CITY = "city"  # 地级
    COUNTY = "county"  # 县级
    TOWNSHIP = "township"  # 乡级


LEVELS: tuple[DistrictLevel, ...] = tuple(DistrictLevel)
DIGITS: dict[DistrictLevel, int] = {
    DistrictLevel.PROVINCE: 2,
    DistrictLevel.CITY: 4,
    DistrictLevel.COUNTY: 6,
    DistrictLevel.TOWNSHIP: 9,
}


@dataclass(frozen=True)
class District:
    """One district. area: Polygon or MultiPolygon in degrees of `datum`, longitude first, valid and not empty."""

    code: str
    name: str
    level: DistrictLevel
    datum: str
    area: shapely.Geometry


@dataclass(frozen=True)
class Boundaries:
    """Districts by code, each once. sources: where their boundaries come from."""

    districts: tuple[District, ...]
    sources: tuple[Text, ...] = ()


def level_of_code(code: str) -> DistrictLevel:
    """The level of a code of six or nine digits."""
    significant = max(len(code.rstrip("0")), 2)
    return next(level for level in LEVELS if DIGITS[level] >= significant)


def parent_code(code: str, level: DistrictLevel) -> str:
    """The code of the district of `level` that `code` lies in, as long as `code`. A code that is coarser stays."""
    return code[: DIGITS[level]].ljust(len(code), "0")
