"""The district that each point lies in, by boundaries, and districts with few records as a part of the next larger one.

A border belongs to its district: of several districts whose areas hold a point, the one with the lowest code counts. A
point that no district of the wanted level holds is looked for in the coarser ones (cities without counties); a point
that lies nowhere, or has a missing half, has no district.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from anonymize.datums import DATUM_OF_NAME, convert
from schemas.district import LEVELS, Boundaries, District, DistrictLevel, level_of_code, parent_code
from schemas.errors import ConfigurationError
from schemas.text import Text

BATCH = 1 << 15  # points; a search tree of so many stays in the processor's cache
NOWHERE = -1
Degrees = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Places:
    """row_code: row → index in `codes`, NOWHERE for none. codes: ascending; of one length, finer digits zero."""

    row_code: Rows
    codes: tuple[str, ...]

    def counts(self) -> Rows:
        """Records of each code."""
        return np.bincount(self.row_code[self.row_code >= 0], minlength=len(self.codes))


def districts_of(
    longitudes: Degrees, latitudes: Degrees, datum: str, level: DistrictLevel, boundaries: Boundaries | None
) -> Places:
    """The district of `level` of each point, whose degrees stand in `datum`; NaN is a missing half.

    Where the boundaries have only finer levels, these serve, with their codes cut. Raises ConfigurationError
    `no-boundaries`.
    """
    layers = _layers(boundaries, level)
    codes = sorted({code_at_level(d.code, level) for layer in layers for d in layer})
    index = {code: n for n, code in enumerate(codes)}
    parts = [_parts(layer, index, level) for layer in layers]
    rows = np.full(len(longitudes), NOWHERE, np.int64)
    for start in range(0, len(rows), BATCH):
        batch = slice(start, start + BATCH)
        rows[batch] = _in_batch(longitudes[batch], latitudes[batch], datum, parts)
    return Places(rows, tuple(codes))


def code_at_level(code: str, level: DistrictLevel) -> str:
    """The code as a column of `level` states it: nine digits for townships, else six."""
    return parent_code(code, level).ljust(9, "0")[: 9 if level is DistrictLevel.TOWNSHIP else 6]


def _layers(boundaries: Boundaries | None, level: DistrictLevel) -> list[list[District]]:
    """Districts to look in, one level after the other: the wanted one (or the next finer), then the coarser ones."""
    by_level: dict[DistrictLevel, list[District]] = {}
    for district in boundaries.districts if boundaries else ():
        by_level.setdefault(district.level, []).append(district)
    wanted = next((finer for finer in LEVELS[LEVELS.index(level) :] if finer in by_level), None)
    if wanted is None:
        raise no_boundaries(level)
    coarser = reversed(LEVELS[: LEVELS.index(level)])
    return [by_level[wanted], *(by_level[c] for c in coarser if c in by_level)]


Part = tuple[str, npt.NDArray[np.object_], Rows]  # datum; areas; their codes' indices


def _parts(layer: Sequence[District], index: dict[str, int], level: DistrictLevel) -> list[Part]:
    parts = []
    for datum in sorted({d.datum for d in layer}):
        districts = [d for d in layer if d.datum == datum]
        areas = np.array([d.area for d in districts], object)
        shapely.prepare(areas)
        parts.append((datum, areas, np.array([index[code_at_level(d.code, level)] for d in districts], np.int64)))
    return parts


def _in_batch(longitudes: Degrees, latitudes: Degrees, datum: str, layers: Sequence[Sequence[Part]]) -> Rows:
    nobody = np.iinfo(np.int64).max
    found = np.full(len(longitudes), nobody, np.int64)
    open_rows = np.flatnonzero(np.isfinite(longitudes) & np.isfinite(latitudes))
    for layer in layers:
        for own_datum, areas, codes in layer:
            x, y = convert(longitudes[open_rows], latitudes[open_rows], DATUM_OF_NAME[datum], DATUM_OF_NAME[own_datum])
            area, point = shapely.STRtree(shapely.points(x, y)).query(areas, predicate="intersects")
            np.minimum.at(found, open_rows[point], codes[area])
        open_rows = open_rows[found[open_rows] == nobody]
        if not len(open_rows):
            break
    found[found == nobody] = NOWHERE
    return found


def merge_rare(places: Places, least: int) -> Places:
    """`places` in which every code that is left has at least `least` records.

    A district with fewer becomes its parent. Were the parent's records still fewer, whoever knows the districts that
    are listed could tell which one is meant: so the smallest of its siblings go with it until there are enough, and
    where even all of them are too few, the parent goes the same way. A province with too few is left out.
    """
    counts = dict(zip(places.codes, places.counts().tolist(), strict=True))
    now = {code: code for code, records in counts.items() if records}
    for level, coarser in _upwards():
        records: dict[str, int] = {}
        for code, label in now.items():
            records[label] = records.get(label, 0) + counts[code]
        parents = dict(_to_merge(records, level, coarser, least))
        now = {code: parents.get(label, label) for code, label in now.items()}
    labels = sorted(set(now.values()) - {""})
    index = {label: n for n, label in enumerate(labels)}
    translation = np.array([index.get(now.get(code, ""), NOWHERE) for code in places.codes] + [NOWHERE], np.int64)
    return Places(translation[places.row_code], tuple(labels))


def _upwards() -> Iterator[tuple[DistrictLevel, DistrictLevel | None]]:
    finest_first = list(reversed(LEVELS))
    yield from zip(finest_first, [*finest_first[1:], None], strict=True)


def _to_merge(
    records: dict[str, int], level: DistrictLevel, coarser: DistrictLevel | None, least: int
) -> Iterator[tuple[str, str]]:
    """Each label of `level` that becomes its parent, with the parent; the parent of a province is nothing."""
    families: dict[str, list[str]] = {}
    for label in records:
        if label and level_of_code(label) is level:
            families.setdefault(parent_code(label, coarser) if coarser else "", []).append(label)
    for parent, children in families.items():
        small = sum(records[label] < least for label in children)
        total = records.get(parent, 0) if parent else least
        for number, label in enumerate(sorted(children, key=lambda label: (records[label], label))):
            if not small or (number >= small and total >= least):
                break
            total += records[label]
            yield label, parent


def centroids(codes: Sequence[str], boundaries: Boundaries) -> dict[str, tuple[float, float]]:
    """Code → longitude and latitude in WGS 84 of the centre of gravity of its area, to five decimals (about a metre).

    Without an area of its own a district has that of the areas within it. The centre may lie outside a bent district.
    """
    found = {}
    for code in codes:
        level = level_of_code(code)
        whole = code.ljust(9, "0")
        own = [d for d in boundaries.districts if d.code.ljust(9, "0") == whole]
        within = [d for d in boundaries.districts if parent_code(d.code.ljust(9, "0"), level) == whole]
        finest = max((LEVELS.index(d.level) for d in within), default=0)
        parts = own or [d for d in within if LEVELS.index(d.level) == finest]
        if parts:
            found[code] = _centre(parts)
    return found


def _centre(parts: Sequence[District]) -> tuple[float, float]:
    weights, xs, ys = [], [], []
    for part in parts:
        middle = shapely.centroid(part.area)
        x, y = convert(np.array([middle.x]), np.array([middle.y]), DATUM_OF_NAME[part.datum], "WGS84")
        weights.append(shapely.area(part.area))
        xs.append(x[0])
        ys.append(y[0])
    return round(float(np.average(xs, weights=weights)), 5), round(float(np.average(ys, weights=weights)), 5)


def no_boundaries(level: DistrictLevel) -> ConfigurationError:
    """Coordinates cannot become districts of `level`."""
    return ConfigurationError(
        "no-boundaries",
        Text(
            zh=f"策略要求把坐标归到 {level} 级区划，但未配置该级或更细的区划边界",
            en=f"the policy moves coordinates to districts of level {level}, yet no boundaries say where they are",
        ),
        Text(
            zh="请用 GONGKAI_BOUNDARIES 指定边界目录，或在策略中改用网格（metres）",
            en="name a folder of boundaries in GONGKAI_BOUNDARIES, or use a grid in the policy (metres)",
        ),
        field="policy",
    )
