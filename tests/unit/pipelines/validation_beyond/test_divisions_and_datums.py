"""Division codes by date, and coordinates between datums."""

import csv
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.datums import DATUMS, convert, latitude_in_china, longitude_in_china
from pipelines.validation.divisions import division_table, in_force, known, months_of
from tests.shared_data import shared


def at(code: int, moment: str) -> bool:
    return bool(in_force(np.array([code]), *months_of(moment))[0])


@pytest.mark.parametrize(
    ("code", "moment", "expected"),
    [
        (110103, "2005-06-30", True),  # 崇文区, merged into 东城区 in 2010
        (110103, "2015", False),
        (500000, "1990", False),  # 重庆 became a municipality in 1997
        (500000, "1998", True),
        (510000, "1990", True),
        (330104, "2019", True),  # 江干区, gone in 2021
        (330113, "2019", False),
        (330113, "2026-10", True),
        (460300, "2010", False),  # 三沙, founded in 2012
        (460300, "2013", True),
        (659012, "2026-09", True),
        (999999, "2000", False),
        (0, "2000", False),
    ],
)
def test_codes_by_date(code, moment, expected):
    assert at(code, moment) is expected


def test_an_old_code_is_known():
    assert known(np.array([110103, 330104, 110101, 123456])).tolist() == [True, True, True, False]


def test_a_row_each():
    codes = np.array([110103, 110103])
    assert in_force(codes, np.array([200001, 201501]), np.array([200001, 201501])).tolist() == [True, False]


def test_facts_are_plausible():
    table = division_table()
    assert 7000 < len(table.names) < 8000
    assert table.names[110101] == "东城区"
    assert all(re.fullmatch(r"[1-9]\d{5}", str(code)) for code in table.names)
    # first-level divisions are always there
    assert {code // 10000 for code in table.names} <= {code // 10000 for code in table.names if code % 10000 == 0}


@pytest.mark.parametrize("moment", ["2015-13", "15", "", "2015/1", "now"])
def test_wrong_moments_are_refused(moment):
    with pytest.raises(ValueError, match="not a year"):
        months_of(moment)


def test_every_revision_of_the_ministry_is_in_force_at_its_month():
    folder = shared("validation/cn/GB2260")
    checked = 0
    for path in sorted(folder.glob("mca/*.tsv")) + sorted(folder.glob("stats/*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            codes = np.array([int(row["Code"]) for row in csv.DictReader(file, delimiter="\t")])
        month = f"{path.stem[:4]}-{path.stem[4:]}"
        missing = codes[~in_force(codes, *months_of(month))]
        assert not len(missing), (path.stem, missing[:10])
        # and little else: groups and zones of the statistics bureau, changes between two revisions
        ours = np.array(sorted(division_table().names))
        extra = np.setdiff1d(ours[in_force(ours, *months_of(month))], codes)
        plain = extra[~np.isin(extra % 100, [0, 1])]
        assert len(plain) < 0.1 * len(codes), (path.stem, len(plain))
        checked += 1
    assert checked > 20


BEIJING = (np.array([116.397428]), np.array([39.90923]))


def test_known_points():
    # The public transform's own figures for Tiananmen.
    x, y = convert(*BEIJING, "WGS84", "GCJ-02")
    assert (round(float(x[0]), 6), round(float(y[0]), 6)) == (116.403672, 39.910634)
    x, y = convert(*BEIJING, "GCJ-02", "BD-09")
    assert (round(float(x[0]), 5), round(float(y[0]), 5)) == (116.40380, 39.91557)


def _plain_shift(lng: float, lat: float) -> tuple[float, float]:
    """The public transform, written down as it is published."""
    from math import cos, pi, sin, sqrt

    def common(x: float) -> float:
        return (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0

    x, y = lng - 105.0, lat - 35.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + common(x)
    north += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * sin(y / 12.0 * pi) + 320 * sin(y * pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + common(x)
    east += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    a, ee = 6378245.0, 0.00669342162296594323
    magic = 1 - ee * sin(lat / 180.0 * pi) ** 2
    north = (north * 180.0) / ((a * (1 - ee)) / (magic * sqrt(magic)) * pi)
    east = (east * 180.0) / (a / sqrt(magic) * cos(lat / 180.0 * pi) * pi)
    return lng + east, lat + north


longitudes = st.floats(73.5, 135.0)
latitudes = st.floats(4.0, 53.5)


@settings(deadline=None)
@given(longitudes, latitudes)
def test_the_shift_is_the_published_one(x, y):
    got = convert(np.array([x]), np.array([y]), "WGS84", "GCJ-02")
    assert np.allclose([got[0][0], got[1][0]], _plain_shift(x, y), atol=1e-11, rtol=0)


@settings(deadline=None)
@given(longitudes, latitudes, st.sampled_from(DATUMS), st.sampled_from(DATUMS))
def test_there_and_back(x, y, source, target):
    there = convert(np.array([x]), np.array([y]), source, target)
    back = convert(*there, target, source)
    assert abs(float(back[0][0]) - x) < 1e-8
    assert abs(float(back[1][0]) - y) < 1e-8


def test_blocks_do_not_show():
    x, y = np.linspace(74, 135, 10_001), np.linspace(4, 53, 10_001)
    whole = convert(x, y, "GCJ-02", "WGS84")
    single = convert(x[5_000:5_001], y[5_000:5_001], "GCJ-02", "WGS84")
    assert abs(whole[0][5_000] - single[0][0]) < 1e-8


def test_points_abroad_and_missing_ones_stay():
    x, y = np.array([2.35, np.nan]), np.array([48.85, 30.0])
    there = convert(x, y, "WGS84", "GCJ-02")
    assert there[0][0] == 2.35
    assert np.isnan(there[0][1])
    assert (longitude_in_china(x) & latitude_in_china(y)).tolist() == [False, False]
    assert longitude_in_china(np.array([116.4, 39.9])).tolist() == [True, False]
    assert latitude_in_china(np.array([39.9, 116.4])).tolist() == [True, False]
