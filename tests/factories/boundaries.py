"""Invented boundaries: squares and stars that resemble no real district. The codes are real, as the loader knows them.

Two cities of four and two counties lie side by side; a county has a hole, in which a third city without counties lies.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from catalog_config.boundaries import load_boundaries
from schemas.district import Boundaries, District, level_of_code

WEST, SOUTH = 104.0, 36.0  # the south-west corner; one square is 0.1 degrees wide and high
SQUARES: dict[str, tuple[int, int]] = {
    "620102": (0, 0),
    "620103": (1, 0),
    "620104": (0, 1),
    "620105": (1, 1),
    "620302": (2, 0),
    "620321": (2, 1),
}
HOLE_IN, CITY_WITHOUT_COUNTIES = "620105", "620200"


def square(x: float, y: float, size: float = 0.1) -> shapely.Polygon:
    return shapely.box(WEST + x * 0.1, SOUTH + y * 0.1, WEST + x * 0.1 + size, SOUTH + y * 0.1 + size)


def areas() -> dict[str, shapely.Geometry]:
    """Code → area of the invented counties, and of the city without counties in the hole of one of them."""
    found: dict[str, shapely.Geometry] = {code: square(x, y) for code, (x, y) in SQUARES.items()}
    inner = square(1.4, 1.4, 0.02)
    found[HOLE_IN] = shapely.difference(found[HOLE_IN], inner)
    found[CITY_WITHOUT_COUNTIES] = inner
    return found


def boundaries(found: Mapping[str, shapely.Geometry] | None = None, datum: str = "wgs84") -> Boundaries:
    listed = sorted((areas() if found is None else found).items())
    return Boundaries(tuple(District(code, f"区{code}", level_of_code(code), datum, area) for code, area in listed))


def feature(code: Any, area: shapely.Geometry, **properties: Any) -> dict[str, Any]:
    geometry = json.loads(shapely.to_geojson(area))
    return {"type": "Feature", "properties": {"code": code, "name": f"区{code}", **properties}, "geometry": geometry}


def write_folder(
    folder: Path, features: Sequence[Mapping[str, Any]] | None = None, listed: Mapping[str, Any] | None = None
) -> Path:
    """A folder as an operator would supply it: the list and one file."""
    folder.mkdir(parents=True, exist_ok=True)
    described = {"file": "areas.geojson", "datum": "wgs84", "source": "invented for tests", **(listed or {})}
    (folder / "boundaries.yaml").write_text(json.dumps([described], ensure_ascii=False), "utf-8")
    written = [feature(code, area) for code, area in areas().items()] if features is None else list(features)
    collection = {"type": "FeatureCollection", "features": written}
    (folder / "areas.geojson").write_text(json.dumps(collection, ensure_ascii=False), "utf-8")
    return folder


def load(folder: Path) -> tuple[Boundaries | None, list[str]]:
    errors: list[str] = []
    return load_boundaries(folder, errors), errors


def star(random: np.random.Generator, x: float, y: float, radius: float, corners: int) -> np.ndarray:
    """A random ring around a point, in order, not crossing itself; corners × 2."""
    angles = np.sort(random.uniform(0, 2 * np.pi, corners))
    angles = np.where(np.diff(angles, append=angles[0] + 2 * np.pi) > 3, angles + 0.01, angles)
    radii = random.uniform(0.4, 1, corners) * radius
    return np.column_stack([x + radii * np.cos(angles), y + radii * np.sin(angles)])


def random_area(random: np.random.Generator, x: float, y: float, radius: float) -> shapely.Geometry | None:
    """A polygon, with a hole or of two parts by chance; None where chance made no valid one."""
    outer = star(random, x, y, radius, int(random.integers(4, 30)))
    kind = random.integers(0, 3)
    if kind == 0:
        made: shapely.Geometry = shapely.Polygon(outer)
    elif kind == 1:
        made = shapely.Polygon(outer, [np.array([x, y]) + 0.3 * (outer - np.array([x, y]))])
    else:
        apart = star(random, x + 3 * radius, y, radius, int(random.integers(4, 12)))
        made = shapely.MultiPolygon([shapely.Polygon(outer), shapely.Polygon(apart)])
    return made if shapely.is_valid(made) else None


Ring = list[tuple[float, float]]


def rings_of(area: shapely.Geometry) -> list[Ring]:
    return [list(ring.coords) for part in shapely.get_parts(area) for ring in (part.exterior, *part.interiors)]


def ray_casting(rings: list[Ring], x: float, y: float) -> bool:
    """Whether a ray to the east crosses the rings an odd number of times (Shimrat 1962), ring by ring, edge by edge."""
    inside = False
    for ring in rings:
        for (x1, y1), (x2, y2) in pairwise(ring):
            if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
                inside = not inside
    return inside
