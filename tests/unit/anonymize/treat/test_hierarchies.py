"""Levels of generalisation: labels, shares, what does not fit, what does not nest."""

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.built_in_hierarchies import BUILT_IN, number_levels
from anonymize.hierarchies import ROOT, generalise_column
from schemas.errors import ConfigurationError, Refused
from schemas.hierarchy import DateUnit, Hierarchy, Level
from tests.factories.disclosure import text


def hierarchy(*levels: Level, values: str | None = None) -> Hierarchy:
    return Hierarchy(name="h", title=text("h"), source=text("s"), values=values, levels=levels)


def at(level: int, cells: list, *levels: Level) -> list[str | None]:
    return generalise_column("f", pa.chunked_array([pa.array(cells)]), hierarchy(*levels)).at_level(level).to_pylist()


@pytest.mark.parametrize(
    ("cells", "level", "expected"),
    [
        (["110105", "310104"], Level(prefix=4, fill="0"), ["110100", "310100"]),
        (["110105", "110105001002"], Level(prefix=6, fill="0"), ["110105", "110105000000"]),
        (["C351", "C"], Level(prefix=1), ["C", "C"]),
        ([0, 4, 5, 29], Level(band=5), ["0-4", "0-4", "5-9", "25-29"]),
        ([88, 90, 104], Level(band=10, top=90), ["80-89", "90+", "90+"]),
        ([0.5, 2.5], Level(band=2), ["[0, 2)", "[2, 4)"]),
        ([-3, 3], Level(band=5), ["[-5, 0)", "0-4"]),
        ([Decimal("1200.50"), Decimal("-1")], Level(edges=(0, 1000, 2000)), ["[1000, 2000)", "<0"]),
        ([2000, 1999], Level(edges=(0, 1000, 2000)), ["2000+", "[1000, 2000)"]),
        ([datetime.date(2024, 5, 31)], Level(date=DateUnit.MONTH), ["2024-05"]),
        ([datetime.date(2024, 5, 31)], Level(date=DateUnit.QUARTER), ["2024-Q2"]),
        ([datetime.date(2024, 7, 1)], Level(date=DateUnit.HALF_YEAR), ["2024-H2"]),
        ([datetime.date(1989, 12, 31)], Level(date=DateUnit.TEN_YEARS), ["1980-1989"]),
        ([datetime.datetime(2024, 5, 31, 8, 30)], Level(date=DateUnit.DAY), ["2024-05-31"]),
        (["20240531", "2024-05-31", "2024年5月31日"], Level(date=DateUnit.MONTH), ["2024-05"] * 3),
        ([2024, 1997], Level(date=DateUnit.FIVE_YEARS), ["2020-2024", "1995-1999"]),
        (["a", "b"], Level(lookup={"a": "x", "b": "y"}), ["x", "y"]),
        (["a1", "b2"], Level(lookup={"a": "x", "b": "y"}, key_length=1), ["x", "y"]),
        (["甘肃省兰州市城关区东岗路1号"], BUILT_IN["address"].levels[0], ["甘肃省兰州市城关区"]),
        (["北京市朝阳区建国路1号"], BUILT_IN["address"].levels[1], ["北京市"]),
    ],
)
def test_labels(cells: list, level: Level, expected: list[str]) -> None:
    assert at(1, cells, level) == expected


def test_missing_stays_missing_until_the_root() -> None:
    column = generalise_column("f", pa.chunked_array([pa.array([3, None, 8])]), hierarchy(Level(band=5)))
    assert column.at_level(1).to_pylist() == ["0-4", None, "5-9"]
    assert column.at_level(2).to_pylist() == [ROOT] * 3


@pytest.mark.parametrize(
    ("cells", "levels"),
    [
        (["q-unknown"], hierarchy(Level(lookup={"a": "x"}))),
        (["not a date"], hierarchy(Level(date=DateUnit.MONTH))),
        (["2024"], hierarchy(Level(date=DateUnit.QUARTER))),
        (["12"], hierarchy(Level(prefix=1), values=r"\d{6}")),
        (["n/a"], hierarchy(Level(band=5))),
    ],
)
def test_a_declared_hierarchy_that_misses_values_is_refused_without_naming_one(cells: list, levels: Hierarchy) -> None:
    column = pa.chunked_array([pa.array(cells)])
    with pytest.raises(Refused) as refused:
        generalise_column("f", column, levels, declared=True)
    assert refused.value.code == "hierarchy-misses-values"
    assert not any(cell in str(refused.value) + refused.value.message.zh for cell in cells)
    assert generalise_column("f", column, levels).height == 2  # a guessed one gives way: the value, or everything


def test_levels_that_do_not_nest_are_refused() -> None:
    with pytest.raises(ConfigurationError) as refused:
        generalise_column("f", pa.chunked_array([pa.array([1, 8, 11])]), hierarchy(Level(band=10), Level(band=7)))
    assert refused.value.code == "hierarchy-not-nested"


def test_a_level_is_of_one_kind() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Level(prefix=1, band=2)
    with pytest.raises(ValueError, match="exactly one"):
        Level()


@given(st.lists(st.one_of(st.none(), st.integers(-(10**6), 10**6)), min_size=1, max_size=60))
@settings(deadline=None)
def test_every_level_of_numbers_is_coarser_and_covers_more(cells: list) -> None:
    column = generalise_column("f", pa.chunked_array([pa.array(cells, pa.int64())]), BUILT_IN["number"])
    for lower in range(column.height - 1):
        assert (column.shares[lower] <= column.shares[lower + 1] + 1e-12).all()
    assert (column.shares[-1] == 1).all()
    for codes in column.level_codes[1:]:  # every label is one run of ranks
        by_rank = codes[np.argsort(column.order)]
        assert (np.diff(by_rank) != 0).sum() == len(np.unique(by_rank)) - 1


@pytest.mark.parametrize("cells", [[], [None], [7, 7, 7], ["x", "y"], [float("nan"), None]])
def test_degenerate_columns_have_no_bands(cells: list) -> None:
    assert number_levels(pa.array(cells)) == ()
    column = generalise_column("f", pa.chunked_array([pa.array(cells)]), BUILT_IN["number"])
    assert column.height == 2


def test_a_million_distinct_values() -> None:
    column = generalise_column("f", pa.chunked_array([pa.array(np.arange(1_000_000))]), BUILT_IN["number"])
    assert column.at_level(1)[0].as_py() == "0-19999"
