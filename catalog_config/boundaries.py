"""Boundaries of districts that the operator supplies; none are bundled.

A folder holds `boundaries.yaml`, which lists the files, and the files themselves: GeoJSON (RFC 7946) whose coordinates
stand in the datum that the list names. Everything that is wrong is reported at once, with file and place.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson
import shapely
import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from catalog_config.division_codes import division_names
from schemas.district import Boundaries, District, DistrictLevel, level_of_code
from schemas.text import Text
from schemas.yaml_text import read_yaml

LIST = "boundaries.yaml"
AREAS = frozenset({"Polygon", "MultiPolygon"})
CODE_LENGTHS = (6, 9, 12)  # GB/T 2260; with GB/T 10114; the statistics bureau's, whose last three name a village


class BoundaryFile(BaseModel):
    """One file of the list. code, name, level: properties of its features; without `level` the code tells.

    source: who made the boundaries and when; in China also the map's approval number (审图号).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    datum: Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
    source: Text
    code: str = "code"
    name: str = "name"
    level: str | None = None


def load_boundaries(folder: Path, errors: list[str]) -> Boundaries | None:
    """The boundaries in `folder`; None where something is wrong, which is added to `errors`, a line each."""
    before = len(errors)
    files = _read_list(folder / LIST, errors)
    districts: dict[str, District] = {}
    places: dict[str, str] = {}
    for listed in files:
        for place, district in _read_file(folder / listed.file, listed, errors):
            if district.code in districts:
                errors.append(f"{place}: code {district.code} is also that of {places[district.code]}")
            districts.setdefault(district.code, district)
            places.setdefault(district.code, place)
    if len(errors) > before:
        return None
    in_order = tuple(districts[code] for code in sorted(districts))
    return Boundaries(in_order, tuple(listed.source for listed in files))


def _read_list(path: Path, errors: list[str]) -> list[BoundaryFile]:
    try:
        files = TypeAdapter(list[BoundaryFile]).validate_python(read_yaml(path.read_text("utf-8")))
    except OSError as error:
        errors.append(f"{path}: {error.strerror}")
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        errors.append(f"{path}: {error}")
    except ValidationError as error:
        errors += [f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    else:
        if not files:
            errors.append(f"{path}: no file is listed")
        return files
    return []


def _read_file(path: Path, listed: BoundaryFile, errors: list[str]) -> list[tuple[str, District]]:
    """Place and district of each feature that is right."""
    try:
        content = orjson.loads(path.read_bytes())
    except OSError as error:
        errors.append(f"{path}: {error.strerror}")
        return []
    except orjson.JSONDecodeError as error:
        errors.append(f"{path}: line {error.lineno}: {error.msg}")
        return []
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or content.get("type") != "FeatureCollection" or not features:
        errors.append(f"{path}: not a FeatureCollection that holds features")
        return []
    areas = _areas(features)
    found = []
    for number, (feature, area) in enumerate(zip(features, areas, strict=True)):
        place = f"{path}: features.{number}"
        properties = feature.get("properties") if isinstance(feature, dict) else None
        described = _described(properties if isinstance(properties, dict) else {}, listed)
        wrong = [*_wrong_area(area), *(described if isinstance(described, list) else [])]
        errors += [f"{place}.{reason}" for reason in wrong]
        if not wrong and not isinstance(described, list):
            code, name, level = described
            found.append((place, District(code, name, level, listed.datum, area)))
    return found


def _areas(features: list[Any]) -> np.ndarray:
    """Geometry of each feature without height; None where it is no polygon or cannot be read."""
    texts = [orjson.dumps(feature["geometry"]).decode() if _is_area(feature) else None for feature in features]
    areas: np.ndarray = shapely.force_2d(shapely.from_geojson(np.array(texts, object), on_invalid="ignore"))
    return areas


def _is_area(feature: Any) -> bool:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    return isinstance(geometry, dict) and geometry.get("type") in AREAS


def _wrong_area(area: shapely.Geometry | None) -> list[str]:
    if area is None or shapely.is_empty(area):
        return ["geometry: not a Polygon or MultiPolygon with coordinates"]
    west, south, east, north = shapely.bounds(area)
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        return ["geometry: coordinates are not longitude and latitude in degrees"]
    if not shapely.is_valid(area):
        return [f"geometry: invalid polygon: {shapely.is_valid_reason(area)}"]
    return []


def _described(properties: dict[str, Any], listed: BoundaryFile) -> tuple[str, str, DistrictLevel] | list[str]:
    """Code, name and level; or what is wrong with the properties."""
    wrong = []
    given = properties.get(listed.code)
    code = _short_code(str(given)) if isinstance(given, str | int) and not isinstance(given, bool) else ""
    if given is None or given == "":
        wrong.append(f"properties.{listed.code}: no code")
    elif not code:
        wrong.append(f"properties.{listed.code}: not a division code of 6, 9 or 12 digits")
    elif code[:6] not in division_names():
        wrong.append(f"properties.{listed.code}: {code} is not in the table of division codes")
    name = properties.get(listed.name)
    if not isinstance(name, str) or not name.strip():
        wrong.append(f"properties.{listed.name}: no name")
    if listed.level is not None and code and properties.get(listed.level) != level_of_code(code):
        wrong.append(f"properties.{listed.level}: not {level_of_code(code)}, which is the level of code {code}")
    return wrong or (code, str(name).strip(), level_of_code(code))


def _short_code(given: str) -> str:
    """Six digits down to counties, nine for townships; empty where it is neither."""
    if not (given.isascii() and given.isdigit() and len(given) in CODE_LENGTHS) or given[9:].strip("0"):
        return ""
    return given[:9] if given[6:9].strip("0") else given[:6]
