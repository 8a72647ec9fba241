"""The corrected copy: what is put right, what is left to people, and a summary without values."""

import csv
from collections import Counter

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.read import read_source
from pipelines.validation.fix import _fixed_column, fix_file, fixed_cell
from pipelines.validation.validate import ValidatedTable, validate_table
from schemas.errors import Refused
from schemas.table_schema import table_schema_from_descriptor

SCHEMA = table_schema_from_descriptor(
    {
        "fields": [
            {"name": "id", "type": "integer", "title": "编号", "constraints": {"required": True}},
            {"name": "day", "type": "date", "title": "日期"},
            {"name": "money", "type": "number"},
            {"name": "note", "type": "string", "role": "free-text"},
        ],
    },
    "t",
    "1.0.0",
)


def fixed(tmp_path, text, encoding="utf-8"):
    source = tmp_path / "source.csv"
    source.write_text(text, encoding, newline="")
    summary = fix_file(read_source(source), SCHEMA, tmp_path / "fixed.csv")
    with (tmp_path / "fixed.csv").open(encoding="utf-8", newline="") as file:
        return summary, list(csv.reader(file))


def test_a_copy_that_validates(tmp_path):
    text = 'day,id, money,extra,note\n2020/3/5,１,"1,234",x, 你好 \n2020年3月6日, 2 ,3.5,y,数字１２\n'
    summary, rows = fixed(tmp_path, text)
    assert rows == [
        ["id", "day", "money", "note"],
        ["1", "2020-03-05", "1234", "你好"],
        ["2", "2020-03-06", "3.5", "数字１２"],
    ]
    assert (summary.rows, summary.reordered, summary.dropped, summary.changed) == (2, True, (4,), True)
    assert {(c.field, c.kind, c.cells) for c in summary.columns} == {
        ("id", "full-width-characters", 1),
        ("id", "surrounding-spaces", 1),
        ("day", "date-spelling", 2),
        ("money", "thousands-separators", 1),
        ("note", "surrounding-spaces", 1),
    }
    assert "列“日期”（day）：统一日期写法，2 个单元格" in [line.zh for line in summary.lines(SCHEMA)]
    assert [line.en for line in summary.lines(SCHEMA)][-2:] == [
        "put the columns in the schema's order",
        "dropped column D, which the schema lacks",
    ]
    outcome = validate_table(read_source(tmp_path / "fixed.csv"), SCHEMA)
    assert isinstance(outcome, ValidatedTable)


@pytest.mark.parametrize(("label", "renamed"), [("金额（元）", 0), ("金额(元)", 1), ("金额（元)", 1)])
def test_names_with_full_width_signs_are_the_schemas(tmp_path, label, renamed):
    schema = table_schema_from_descriptor({"fields": [{"name": "金额（元）", "type": "number"}]}, "t", "1.0.0")
    path = tmp_path / "a.csv"
    path.write_text(f"{label}\n１２\n", "utf-8")
    summary = fix_file(read_source(path), schema, tmp_path / "fixed.csv")
    assert (tmp_path / "fixed.csv").read_text("utf-8") == "金额（元）\n12\n"
    assert (summary.renamed, summary.dropped) == (renamed, ())


def test_other_encodings_become_utf_8(tmp_path):
    summary, rows = fixed(tmp_path, "id,day,money,note\n1,,,中文内容足够长以便识别编码\n" * 1, "gb18030")
    assert rows[1][3] == "中文内容足够长以便识别编码"
    assert not summary.changed


def test_rows_that_need_a_person_are_kept(tmp_path):
    text = "id,day,money,note\n1, 2020/3/5\n2,05/03/2020,12万,x,more\n3,2020/3/5,1,y\n"
    _, rows = fixed(tmp_path, text)
    assert rows[1:] == [["1", " 2020/3/5"], ["2", "05/03/2020", "12万", "x", "more"], ["3", "2020-03-05", "1", "y"]]


def test_a_workbook(tmp_path):
    path = tmp_path / "source.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    for number, row in enumerate([["id", "day", "money", "note"], [1, "2020/3/5", 2.5, " a"]]):
        sheet.write_row(number, 0, row)
    book.close()
    summary = fix_file(read_source(path), SCHEMA, tmp_path / "fixed.csv")
    assert (tmp_path / "fixed.csv").read_text("utf-8") == "id,day,money,note\n1,2020-03-05,2.5,a\n"
    assert summary.rows == 1


@pytest.mark.parametrize(
    ("cell", "field", "expected"),
    [
        ("43895", {"type": "date"}, "43895"),
        ("05/03/2020", {"type": "date"}, "05/03/2020"),
        ("12万元", {"type": "number"}, "12万元"),
        ("是", {"type": "boolean"}, "是"),
        ("1,2", {"type": "number"}, "1,2"),
        ("Ｎｏ．１，甲", {"type": "string", "meaning": "code"}, "No．1，甲"),
        ("１，２３４", {"type": "integer"}, "1234"),
        ("2020/2/30", {"type": "date"}, "2020/2/30"),
    ],
)
def test_one_reading_only(cell, field, expected):
    assert fixed_cell(cell, field)[0] == expected


TYPES = [{"name": t, "type": t} for t in ("date", "datetime", "yearmonth", "integer", "number", "boolean", "string")]
TYPES += [{"name": "d", "type": "date", "format": "%Y/%m/%d"}, {"name": "s", "type": "string", "role": "free-text"}]


@settings(deadline=None)
@given(st.text(alphabet="０1２-/, 年月日　a", max_size=10), st.sampled_from(TYPES))
def test_fixing_twice_changes_nothing(cell, field):
    once, _ = fixed_cell(cell, field)
    assert fixed_cell(once, field) == (once, ())


@settings(deadline=None)
@given(st.lists(st.text(alphabet="０1２-/, T:年月日　a", max_size=10), max_size=5), st.sampled_from(TYPES))
def test_columns_are_fixed_as_their_cells(cells, field):
    counts = Counter()
    assert _fixed_column(cells, field, counts) == [fixed_cell(cell, field)[0] for cell in cells]
    assert sum(counts.values()) == sum(len(fixed_cell(cell, field)[1]) for cell in cells)


def test_a_file_that_breaks_off_leaves_no_copy(tmp_path):
    source = tmp_path / "source.csv"
    source.write_text("id,day,money,note\n" + "1,,,x\n" * 3000, "utf-8")
    table = read_source(source)
    source.write_bytes(source.read_bytes() + b"2,,,\xff\n")  # changed since it was looked at
    with pytest.raises(Refused) as caught:
        fix_file(table, SCHEMA, tmp_path / "fixed.csv")
    assert caught.value.code == "unreadable-rows"
    assert not (tmp_path / "fixed.csv").exists()


def test_other_tables_need_not_be_there(tmp_path):
    path = tmp_path / "source.csv"
    path.write_text("id,day,money,note\n１,,,\n", "utf-8")
    key = {"fields": "id", "reference": {"resource": "elsewhere", "fields": "id"}}
    schema = table_schema_from_descriptor({**SCHEMA.descriptor, "foreignKeys": [key]}, "t", "1.0.0")
    assert fix_file(read_source(path), schema, tmp_path / "fixed.csv").changed
