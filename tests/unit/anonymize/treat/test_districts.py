"""The district of each point: compared with ray casting, between datums, on borders; few records go to the parent."""

from collections.abc import Callable

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize import districts
from anonymize.datums import DATUM_OF_NAME, convert
from anonymize.districts import NOWHERE, Places, centroids, districts_of, merge_rare
from schemas.district import DistrictLevel, level_of_code, parent_code
from schemas.errors import ConfigurationError
from tests.factories.boundaries import SOUTH, WEST, areas, boundaries, random_area, ray_casting, rings_of, square

COUNTY, CITY, PROVINCE, TOWNSHIP = (
    DistrictLevel.COUNTY,
    DistrictLevel.CITY,
    DistrictLevel.PROVINCE,
    DistrictLevel.TOWNSHIP,
)
NAN = float("nan")


def codes_of(points: list[tuple[float, float]], level: DistrictLevel = COUNTY, datum: str = "wgs84") -> list[str]:
    """Points in squares of the invented city → codes; empty for none."""
    lon = np.array([WEST + 0.1 * x for x, _ in points])
    lat = np.array([SOUTH + 0.1 * y for _, y in points])
    found = districts_of(lon, lat, datum, level, boundaries())
    return [found.codes[n] if n != NOWHERE else "" for n in found.row_code]


@pytest.mark.parametrize("seed", range(8))
def test_the_same_as_ray_casting(seed: int) -> None:
    random = np.random.default_rng(seed)
    codes = ["620102", "620103", "620104", "620105", "620302", "620321", "620402", "620403"]
    made = {
        code: area
        for n, code in enumerate(codes)
        if (area := random_area(random, 104 + (n % 3) * 0.4, 36 + (n // 3) * 0.4, 0.5)) is not None
    }
    lon, lat = random.uniform(103.4, 106.9, 400), random.uniform(35.4, 37.6, 400)
    found = districts_of(lon, lat, "wgs84", COUNTY, boundaries(made))
    rings = {code: rings_of(made[code]) for code in sorted(made)}
    for x, y, n in zip(lon.tolist(), lat.tolist(), found.row_code, strict=True):
        holding = [code for code in rings if ray_casting(rings[code], x, y)]
        assert (found.codes[n] if n != NOWHERE else None) == (holding[0] if holding else None)


def test_small_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    lon, lat = random.uniform(103.9, 104.4, 5000), random.uniform(35.9, 36.3, 5000)
    lon[::7] = np.nan
    whole = districts_of(lon, lat, "wgs84", COUNTY, boundaries())
    monkeypatch.setattr(districts, "BATCH", 37)
    assert np.array_equal(whole.row_code, districts_of(lon, lat, "wgs84", COUNTY, boundaries()).row_code)


def test_inside_outside_missing() -> None:
    points = [(0.5, 0.5), (1.5, 0.5), (2.5, 1.5), (5, 5), (NAN, 0.5), (0.5, NAN), (float("inf"), 0.5)]
    assert codes_of(points) == ["620102", "620103", "620321", "", "", "", ""]


def test_a_border_belongs_to_the_lowest_code() -> None:
    found = districts_of(
        np.array([104.1, 104.1, 104.0]), np.array([36.05, 36.1, 36.0]), "wgs84", COUNTY, boundaries(exact_squares())
    )
    assert [found.codes[n] for n in found.row_code] == ["620102", "620102", "620102"]


def exact_squares() -> dict[str, shapely.Geometry]:
    return {
        "620105": shapely.box(104.1, 36.1, 104.2, 36.2),
        "620104": shapely.box(104.0, 36.1, 104.1, 36.2),
        "620103": shapely.box(104.1, 36.0, 104.2, 36.1),
        "620102": shapely.box(104.0, 36.0, 104.1, 36.1),
    }


def test_a_city_without_counties_keeps_its_own_code() -> None:
    assert codes_of([(1.45, 1.45), (1.9, 1.9)]) == ["620200", "620105"]
    assert codes_of([(1.45, 1.45)], CITY) == ["620200"]


def test_finer_boundaries_serve_a_coarser_level() -> None:
    made = {code: area for code, area in areas().items() if code != "620200"}
    found = districts_of(np.array([104.05, 104.25]), np.array([36.05, 36.05]), "wgs84", CITY, boundaries(made))
    assert [found.codes[n] for n in found.row_code] == ["620100", "620300"]
    found = districts_of(np.array([104.05]), np.array([36.05]), "wgs84", PROVINCE, boundaries(made))
    assert found.codes == ("620000",)


def test_townships_have_nine_digits_counties_among_them_too() -> None:
    made = {"620102001": square(0, 0, 0.05), "620102": square(0, 0)}
    found = districts_of(np.array([104.01, 104.09]), np.array([36.01, 36.09]), "wgs84", TOWNSHIP, boundaries(made))
    assert [found.codes[n] for n in found.row_code] == ["620102001", "620102000"]


def test_no_boundaries_of_the_level_are_refused() -> None:
    point = np.array([104.05])
    with pytest.raises(ConfigurationError) as caught:
        districts_of(point, point, "wgs84", COUNTY, None)
    assert caught.value.code == "no-boundaries"
    assert caught.value.remedy is not None
    assert "metres" in caught.value.remedy.en
    with pytest.raises(ConfigurationError):
        districts_of(point, point, "wgs84", TOWNSHIP, boundaries())


@pytest.mark.parametrize("theirs", ["wgs84", "cgcs2000", "gcj02", "bd09"])
@pytest.mark.parametrize("ours", ["wgs84", "gcj02", "bd09"])
def test_points_and_boundaries_in_different_datums(ours: str, theirs: str) -> None:
    """Squares of 20 m: an error of a metre moves 1 point in 10 across a border, so the edge of a metre is left out."""
    random = np.random.default_rng(1)
    lon, lat = random.uniform(104, 104.002, 400), random.uniform(36, 36.002, 400)
    size = 0.0002
    made = {code: shapely.box(104 + n * size, 36, 104 + (n + 1) * size, 36.002) for n, code in enumerate(CODES)}
    moved = {code: shapely.transform(shapely.segmentize(a, 1e-4), mover(theirs)) for code, a in made.items()}
    x, y = convert(lon, lat, "WGS84", DATUM_OF_NAME[ours])
    found = districts_of(x, y, ours, COUNTY, boundaries(moved, theirs))
    metre = 1 / 90_000  # degrees of longitude at 36° N
    sure = np.abs((lon - 104) / size - np.round((lon - 104) / size)) > metre / size
    expected = ((lon - 104) / size).astype(int)
    assert sure.sum() > 300
    assert np.array_equal(found.row_code[sure], expected[sure])


CODES = ["620102", "620103", "620104", "620105", "620302", "620321", "620402", "620403", "620421", "620422"]


def mover(datum: str) -> Callable[[np.ndarray], np.ndarray]:
    return lambda points: np.column_stack(convert(points[:, 0], points[:, 1], "WGS84", DATUM_OF_NAME[datum]))


def places(counts: dict[str, int]) -> Places:
    codes = tuple(sorted(counts))
    return Places(np.repeat(np.arange(len(codes)), [counts[c] for c in codes]), codes)


def merged(counts: dict[str, int], least: int) -> dict[str, int]:
    found = merge_rare(places(counts), least)
    listed = dict(zip(found.codes, found.counts().tolist(), strict=True))
    nowhere = int((found.row_code == NOWHERE).sum())
    return {**listed, "": nowhere} if nowhere else listed


@pytest.mark.parametrize(
    ("counts", "least", "expected"),
    [
        ({"620102": 5, "620103": 5}, 5, {"620102": 5, "620103": 5}),
        ({"620102": 5, "620103": 4, "620104": 9}, 5, {"620100": 9, "620104": 9}),  # the smallest sibling goes along
        ({"620102": 4, "620103": 3, "620104": 9}, 5, {"620100": 7, "620104": 9}),
        ({"620102": 2, "620103": 2, "620302": 9}, 5, {"620302": 9, "": 4}),
        (
            {"620102": 2, "620103": 2, "620200": 9},
            5,
            {"620000": 13},
        ),  # a city's records alone would be told by the rest
        ({"620102": 2, "620200": 9, "620302": 9}, 5, {"620000": 11, "620302": 9}),
        ({"620102": 2, "110101": 9}, 5, {"110101": 9, "": 2}),
        ({"620102": 3}, 1, {"620102": 3}),
        ({"620102": 5, "620103": 2, "620100": 4}, 5, {"620102": 5, "620100": 6}),
        ({"620102001": 5, "620102002": 1, "620103001": 7}, 5, {"620102000": 6, "620103001": 7}),
    ],
)
def test_few_records_go_to_the_parent(counts: dict[str, int], least: int, expected: dict[str, int]) -> None:
    assert merged(counts, least) == expected


CITIES = st.sampled_from(["6201", "6202", "6301", "1101"])
COUNTS = st.dictionaries(
    st.builds(lambda city, county: f"{city}{county:02d}", CITIES, st.integers(0, 6)), st.integers(1, 12), max_size=14
)


@settings(max_examples=150, deadline=None)
@given(COUNTS, st.integers(1, 10))
def test_no_published_district_has_fewer_and_nobody_is_misplaced(counts: dict[str, int], least: int) -> None:
    before = places(counts)
    after = merge_rare(before, least)
    assert all(n >= least for n in after.counts())
    for old, new in zip(before.row_code, after.row_code, strict=True):
        if new != NOWHERE:
            code = after.codes[new]
            assert parent_code(before.codes[old], level_of_code(code)) == code
    again = merge_rare(after, least)
    assert again.codes == after.codes
    assert np.array_equal(again.row_code, after.row_code)


@settings(max_examples=150, deadline=None)
@given(COUNTS, st.integers(2, 10))
def test_what_is_left_out_of_a_listed_family_is_no_small_group(counts: dict[str, int], least: int) -> None:
    """Records of a parent beside listed children: whoever knows which children are listed knows at least that many."""
    after = merge_rare(places(counts), least)
    found = dict(zip(after.codes, after.counts().tolist(), strict=True))
    assert all(found[code] >= least for code in found if level_of_code(code) is not COUNTY)


def test_centroids_of_districts_and_of_what_they_are_part_of() -> None:
    found = centroids(["620102", "620302", "620300", "620200", "990000"], boundaries())
    assert found["620102"] == (104.05, 36.05)
    assert found["620300"] == (104.25, 36.1)
    assert found["620200"] == (104.15, 36.15)
    assert "990000" not in found


def test_centroids_are_in_wgs84_whatever_the_boundaries() -> None:
    moved = {code: shapely.transform(shapely.segmentize(area, 1e-3), mover("bd09")) for code, area in areas().items()}
    here, there = centroids(["620102"], boundaries()), centroids(["620102"], boundaries(moved, "bd09"))
    assert abs(here["620102"][0] - there["620102"][0]) < 3e-4  # the offset is some 0.01, and not the same everywhere
    assert abs(here["620102"][1] - there["620102"][1]) < 3e-4  # the offset is some 0.01, and not the same everywhere
