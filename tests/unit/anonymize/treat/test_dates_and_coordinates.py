"""Date shifts keep spans per subject; coordinates end in grid cells, whatever datum they came in."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from anonymize.datums import convert
from anonymize.treatments.coordinates import coarsen, to_wgs84
from anonymize.treatments.dates import shift_dates
from schemas.errors import ConfigurationError

DAY = datetime.timedelta(days=1)
START = datetime.date(2024, 3, 1)
SUBJECTS = pa.chunked_array([["a", "a", "b", None, None]])


def test_spans_within_a_subject_stay_true() -> None:
    dates = pa.chunked_array([pa.array([START, START + 9 * DAY, START, None, START])])
    shifted = shift_dates(dates, SUBJECTS, b"k" * 32, 30).to_pylist()
    assert shifted[1] - shifted[0] == 9 * DAY
    assert shifted[3] is None
    assert all(0 < abs((s - d).days) <= 30 for s, d in zip(shifted, dates.to_pylist(), strict=True) if s)


def test_timestamps_keep_their_time_of_day_and_type() -> None:
    moments = pa.chunked_array([pa.array([datetime.datetime(2024, 3, 1, 7, 45)] * 5, pa.timestamp("us"))])
    shifted = shift_dates(moments, SUBJECTS, b"k" * 32, 3)
    assert shifted.type == moments.type
    assert {m.time() for m in shifted.to_pylist()} == {datetime.time(7, 45)}


def test_two_keys_shift_differently() -> None:
    dates = pa.chunked_array([pa.array([START] * 40)])
    subjects = pa.chunked_array([[f"s{n}" for n in range(40)]])
    one, two = (shift_dates(dates, subjects, key, 365).to_pylist() for key in (b"k" * 32, b"l" * 32))
    assert sum(a == b for a, b in zip(one, two, strict=True)) < 5


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09"])
def test_cells_are_as_large_as_said(datum: str) -> None:
    random = np.random.default_rng(0)
    lon, lat = (pa.chunked_array([pa.array(a)]) for a in (random.uniform(103, 104, 500), random.uniform(36, 37, 500)))
    east, north = coarsen(lon, lat, 1000, datum)
    true_lon, true_lat = to_wgs84(lon.to_numpy(), lat.to_numpy(), datum)
    metres_north = np.abs(north.to_numpy() - true_lat) * 111_320
    metres_east = np.abs(east.to_numpy() - true_lon) * 111_320 * np.cos(np.radians(true_lat))
    assert metres_north.max() <= 520
    assert metres_east.max() <= 520
    assert len(set(zip(east.to_pylist(), north.to_pylist(), strict=True))) < 500


def test_gcj02_is_undone_to_a_metre() -> None:
    lon, lat = np.array([103.8343, 116.3913]), np.array([36.0611, 39.9075])
    east, north = convert(lon, lat, "WGS84", "GCJ-02")
    back = to_wgs84(east, north, "gcj02")
    assert np.abs(back[0] - lon).max() < 1e-5
    assert np.abs(back[1] - lat).max() < 1e-5
    assert 100 < abs(east[1] - lon[1]) * 85_000 < 700  # the offset itself is some hundred metres


def test_a_missing_half_hides_the_other() -> None:
    east, north = coarsen(pa.chunked_array([pa.array([103.1, None])]), pa.chunked_array([pa.array([None, 36.2])]), 500)
    assert east.to_pylist() == north.to_pylist() == [None, None]


def test_an_unknown_datum_is_refused() -> None:
    one = pa.chunked_array([[1.0]])
    with pytest.raises(ConfigurationError):
        coarsen(one, one, 100, "mars")
