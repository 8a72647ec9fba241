"""Points to districts: a million points against three thousand areas."""

import resource
import time

import numpy as np
import shapely

from anonymize.districts import districts_of
from catalog_config.division_codes import division_names
from schemas.district import Boundaries, District, DistrictLevel, level_of_code
from tests.benchmarks import Row

POINTS, AREAS, SECONDS, MEMORY_MIB = 1_000_000, 3_000, 10, 200
WEST, SOUTH, EAST, NORTH = 100.0, 25.0, 115.0, 40.0


def run() -> list[Row]:
    """Invented areas (Voronoi cells with some 370 corners each), points in the areas' datum and in another.

    Processor time, as it runs on one core: a busy machine does not count."""
    random = np.random.default_rng(0)
    boundaries = _boundaries(random)
    corners = int(np.mean([shapely.get_num_coordinates(d.area) for d in boundaries.districts]))
    lon, lat = random.uniform(WEST, EAST, POINTS), random.uniform(SOUTH, NORTH, POINTS)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = []
    for datum in ("gcj02", "wgs84"):
        start = time.process_time()
        found = districts_of(lon, lat, datum, DistrictLevel.COUNTY, boundaries)
        seconds = time.process_time() - start
        inside = float((found.row_code >= 0).mean())
        rows.append(
            Row(
                f"{POINTS:,} points ({datum}) to {len(boundaries.districts):,} areas of {corners} corners (gcj02)",
                f"{seconds:.1f} s of processor time, {inside:.1%} inside",
                f"< {SECONDS} s",
                seconds < SECONDS,
            )
        )
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    rows.append(Row("memory beside the points", f"{grown:.0f} MiB", f"< {MEMORY_MIB} MiB", grown < MEMORY_MIB))
    return rows


def _boundaries(random: np.random.Generator) -> Boundaries:
    box = shapely.box(WEST, SOUTH, EAST, NORTH)
    middles = shapely.MultiPoint(random.uniform([WEST, SOUTH], [EAST, NORTH], (AREAS, 2)))
    cells = [shapely.intersection(cell, box) for cell in shapely.voronoi_polygons(middles, extend_to=box).geoms]
    counties = [code for code in sorted(division_names()) if level_of_code(code) is DistrictLevel.COUNTY]
    return Boundaries(
        tuple(
            District(code, code, DistrictLevel.COUNTY, "gcj02", shapely.segmentize(cell, 0.003))
            for code, cell in zip(counties[: len(cells)], cells, strict=True)
        )
    )
