"""Warnings on headers and cells."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.validation.conformance import CellWarnings, full_width, full_width_matters, header_warnings, surrounded
from schemas.table_schema import table_schema_from_descriptor

FIELDS = [
    {"name": "id", "type": "integer", "title": "编号", "constraints": {"required": True}},
    {"name": "day", "type": "date"},
    {"name": "note", "type": "string", "role": "free-text"},
]


def schema(match=None):
    return table_schema_from_descriptor({"fields": FIELDS} | ({"fieldsMatch": match} if match else {}), "t", "1.0.0")


@pytest.mark.parametrize(
    ("match", "labels", "expected"),
    [
        (None, ["day", "id", "note", "x"], []),  # frictionless reports errors
        ("equal", ["day", "id", "note"], [("column-order", None)]),
        ("subset", ["id", "day", "note", "x"], [("extra-column", 4)]),
        (
            ["partial"],
            ["day", "x", "id"],
            [("extra-column", 2), ("missing-optional-column", None), ("column-order", None)],
        ),
        ("superset", ["id"], [("missing-optional-column", None), ("missing-optional-column", None)]),
        ("superset", ["day", "note"], []),  # a required one is missing: an error
        ("equal", [" id", "day", "note"], []),
    ],
)  # fmt: skip
def test_header(match, labels, expected):
    warnings = header_warnings(labels, schema(match))
    assert [(w.type, w.field_number) for w in warnings] == expected
    assert all(w.level == "warning" and w.remedy for w in warnings)


CELLS = st.lists(
    st.one_of(st.none(), st.text(alphabet=" \t　\xa0﻿a1１Ａｚ，（。中é", max_size=5)), min_size=0, max_size=12
)


@settings(deadline=None)
@given(CELLS, st.integers(0, 3))
def test_kernels_say_what_python_says(cells, skipped):
    array = pa.array(cells, pa.string()).slice(min(skipped, len(cells)))
    blanks = " \t\r\n\v\f\xa0　\ufeff\u200b"
    seen = cells[skipped:]
    assert surrounded(array).tolist() == [bool(c) and (c[0] in blanks or c[-1] in blanks) for c in seen]
    assert full_width(array).tolist() == [bool(c) and any(x in "１Ａｚ" for x in c) for c in seen]


def test_one_warning_per_field_and_kind():
    counted = CellWarnings(schema())
    counted.add(
        {"id": pa.array(["1", " 2", "３"]), "note": pa.array(["１２", "a ", None])}, np.array([2, 3, 4]), ["id", "note"]
    )
    counted.add({"id": pa.array(["4 "]), "day": pa.array([None], pa.date32())}, np.array([5]), ["id", "day"])
    warnings = counted.warnings()
    assert [(w.type, w.field, w.row) for w in warnings] == [
        ("surrounding-spaces", "id", 3),
        ("full-width-characters", "id", 4),
        ("surrounding-spaces", "note", 3),
    ]
    assert warnings[0].message.zh == "列“编号”（id）中有 2 个单元格首尾带空格，首个在第 3 行"
    assert warnings[0].message.en == "column “编号” (id): 2 cells begin or end with spaces, the first in row 3"


def test_full_width_is_style_in_words():
    assert full_width_matters({"type": "integer", "role": "free-text"})
    assert full_width_matters({"type": "string", "meaning": "mobile"})
    assert not full_width_matters({"type": "string", "meaning": "address"})
