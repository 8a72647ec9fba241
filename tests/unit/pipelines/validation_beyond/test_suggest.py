"""Suggestions: one plausible reading, written as the field wants it."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.validation.suggest import fits, normalised, suggest

DATE = {"type": "date"}
NUMBER = {"type": "number"}
INTEGER = {"type": "integer"}


@pytest.mark.parametrize(
    ("cell", "field", "meant"),
    [
        ("2020/3/5", DATE, "2020-03-05"),
        ("2020.03.05", DATE, "2020-03-05"),
        ("2020年3月5日", DATE, "2020-03-05"),
        ("二〇二〇年三月五日", DATE, "2020-03-05"),
        ("20200305", DATE, "2020-03-05"),
        ("2020-03-05 00:00:00", DATE, "2020-03-05"),
        ("43895", DATE, "2020-03-05"),
        ("25/03/2020", DATE, "2020-03-25"),
        ("03/25/2020", DATE, "2020-03-25"),
        ("05/03/2020", DATE, None),  # day or month first
        ("2020-02-30", DATE, None),
        ("2020/3/5", {"type": "date", "format": "%d/%m/%Y"}, "05/03/2020"),
        ("2020-3-5", {"type": "string", "meaning": "date-compact"}, "20200305"),
        ("2020/3/5 8:30", {"type": "datetime"}, "2020-03-05T08:30:00"),
        ("43895.354166666664", {"type": "datetime"}, "2020-03-05T08:30:00"),
        ("43895.5", DATE, None),  # what of the time?
        ("8时30分", {"type": "time"}, "08:30:00"),
        ("2020-03-05 08时", {"type": "datetime"}, "2020-03-05T08:00:00"),
        ("PM2.5", {"type": "string", "constraints": {"enum": ["pm25", "pm10"]}}, "pm25"),
        ("2020年3月", {"type": "yearmonth"}, "2020-03"),
        ("202003", {"type": "yearmonth"}, "2020-03"),
        ("2020年", {"type": "year"}, "2020"),
        ("１２３", INTEGER, "123"),
        ("1,234,567", INTEGER, "1234567"),
        ("12.0", INTEGER, "12"),
        ("12.5", INTEGER, None),
        ("3人", INTEGER, "3"),
        ("12.5万元", NUMBER, "125000"),
        ("12.5万元", {"type": "number", "unit": "万元"}, "12.5"),
        ("1.2亿", NUMBER, "120000000"),
        ("￥1,200.50元", NUMBER, "1200.5"),
        ("（1,200）", NUMBER, "-1200"),
        ("12.5万元", {"type": "number", "decimalChar": ","}, "125000"),
        ("1,2,3", NUMBER, None),
        ("约100", NUMBER, None),
        ("12.5%", NUMBER, None),  # a share or a percentage: not ours to decide
        ("是", {"type": "boolean"}, "true"),
        ("Ｎ", {"type": "boolean", "falseValues": ["否"]}, "否"),
        (" A ", {"type": "string", "constraints": {"enum": ["a", "b"]}}, "a"),
        ("ab", {"type": "string", "constraints": {"pattern": "[A-Z]{2}"}}, "AB"),
        ("138 0000-0000", {"type": "string", "meaning": "mobile"}, "13800000000"),
        ("5万", {"type": "integer", "constraints": {"maximum": 100}}, None),
        ("abc", {"type": "string"}, None),
    ],
)
def test_suggestion(cell, field, meant):
    assert suggest(cell, field) == meant


FIELDS = [
    DATE, NUMBER, INTEGER, {"type": "datetime"}, {"type": "boolean"}, {"type": "yearmonth"}, {"type": "year"},
    {"type": "time"}, {"type": "string", "meaning": "uscc"}, {"type": "string", "constraints": {"enum": ["甲", "B"]}},
    {"type": "integer", "constraints": {"minimum": 3, "exclusiveMaximum": 999}},
]  # fmt: skip


@settings(deadline=None)
@given(st.text(alphabet="0123456789０１２-/.:,万元年月日 TABｂ（）￥是甲", max_size=14), st.sampled_from(FIELDS))
def test_a_suggestion_fits_the_field_and_differs(cell, field):
    meant = suggest(cell, field)
    if meant is not None:
        assert meant != cell
        assert fits(meant, field)


def test_a_pattern_built_to_run_for_ever_ends_at_once():
    assert suggest(" " + "a" * 60 + "!", {"type": "string", "constraints": {"pattern": "(a+)+b"}}) is None


@settings(deadline=None)
@given(st.text(max_size=20))
def test_normalising_twice_changes_nothing(cell):
    assert normalised(normalised(cell)) == normalised(cell)


@settings(deadline=None)
@given(st.dates(min_value=date(1900, 1, 1)))
def test_every_usual_way_to_write_a_date_is_read(day):
    for written in (f"{day.year}/{day.month}/{day.day}", f"{day.year}年{day.month}月{day.day}日", f"{day:%Y%m%d}"):
        assert suggest(written, DATE) == day.isoformat()
