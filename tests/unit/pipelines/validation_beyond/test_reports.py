"""Reports: a summary without values, a page that escapes them, a workbook in which they stay text."""

import json
import re
from html.parser import HTMLParser

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.read import read_source
from pipelines.validation.messages import known_types
from pipelines.validation.report_html import render_html
from pipelines.validation.report_summary import summarise
from pipelines.validation.report_xlsx import write_xlsx
from pipelines.validation.validate import validate_table
from schemas.table_schema import table_schema_from_descriptor
from schemas.text import LANGUAGES, Text
from schemas.validation import TableError, ValidationReport

SCHEMA = table_schema_from_descriptor(
    {
        "title": "人员", "title_en": "People",
        "fields": [
            {"name": "id", "type": "integer", "title": "编号", "constraints": {"unique": True}},
            {"name": "born", "type": "date", "title": "出生日期", "title_en": "Date of birth"},
            {"name": "name", "type": "string"},
        ],
    },
    "people",
    "1.0.0",
)  # fmt: skip
SECRET = st.text(alphabet="♜♞♝♛♚<>&\"'=+", min_size=3, max_size=12)


def report_of(cells):
    """A report in which values stand everywhere that a report may hold them."""
    errors = [
        TableError(
            type=kind, row=place, field=field, field_number=2, message=Text(zh="有误", en="wrong"),
            note=f'for "x": values "{cell}"', cell=cell, suggestion=cell + "!",
        )
        for place, (cell, kind, field) in enumerate(
            zip(cells, ("type-error", "foreign-key", cells[0]), ("born", None, cells[2]), strict=True), start=2
        )
    ]  # fmt: skip
    return ValidationReport(
        valid=False, rows=9, seconds=0.5, path=cells[0], errors=tuple(errors), warnings=tuple(errors[:1]),
        counts={"type-error": 1, cells[1]: 2}, report={"tasks": [{"errors": [{"cells": cells}], "labels": cells}]},
    )  # fmt: skip


@settings(deadline=None)
@given(st.lists(SECRET, min_size=3, max_size=3))
def test_the_summary_holds_no_value(cells):
    summary = summarise(report_of(cells), SCHEMA)
    dumped = json.dumps(summary.model_dump(mode="json"), ensure_ascii=False)
    assert all(cell not in dumped for cell in cells)
    assert summary.counts["type-error"] == 1
    assert summary.lines[0].rows


@settings(deadline=None, max_examples=20)
@given(st.lists(st.lists(st.sampled_from(["♜♞♝", "♛x♛", "2020♚01", "♝,♝"]), min_size=3, max_size=3), max_size=4))
def test_the_summary_of_a_real_report_holds_no_value(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("s") / "s.csv"
    quoted = [",".join(f'"{cell}"' for cell in row) for row in [["id", "born", "♚label♚"], *rows]]
    path.write_text("\n".join(quoted) + "\n", "utf-8")
    outcome = validate_table(read_source(path), SCHEMA)
    assert isinstance(outcome, ValidationReport)
    dumped = summarise(outcome, SCHEMA).model_dump_json()
    assert not re.search("[♜♞♝♛♚]", dumped)
    page = render_html(outcome, SCHEMA, language="zh", values=False)
    assert not re.search("[♜♞♝♛♚]", page)


@pytest.mark.parametrize("error_type", known_types())
def test_the_summary_says_what_to_do(error_type):
    for field in ("born", None):
        error = TableError(type=error_type, row=3, field=field, message=Text(zh="有误", en="wrong"))
        report = ValidationReport(valid=False, rows=1, seconds=0.1, errors=(error,))
        (line,) = summarise(report, SCHEMA).lines
        assert line.text.zh
        assert not re.search(r"[{}]", line.text.zh + line.text.en)


class Texts(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.texts = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_escapes_values_and_needs_nothing_else(language):
    cells = ["<script>alert(1)</script>", "<b>", "&amp;"]
    page = render_html(report_of(cells), SCHEMA, language=language, file_name="<i>.csv")
    parsed = Texts()
    parsed.feed(page)
    assert {tag for tag, _ in parsed.tags} <= {
        "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "dl", "dt", "dd", "div", "table",
        "thead", "tbody", "tr", "th", "td", "code",
    }  # fmt: skip
    assert not [attrs for _, attrs in parsed.tags if {"src", "href", "onclick"} & set(attrs)]
    assert "url(" not in page
    assert set(cells) <= set(parsed.texts)
    html = next(attrs for tag, attrs in parsed.tags if tag == "html")
    assert html["lang"] == {"zh": "zh-CN", "en": "en"}[language]
    assert SCHEMA.title.to(language) in page


def test_a_page_without_values_has_none():
    page = render_html(report_of(["♜♞♝", "♛♚♛", "♝♝♝"]), SCHEMA, language="en", values=False)
    assert not re.search("[♜♞♝♛♚]", page)


def workbook(tmp_path, text, **options):
    path = tmp_path / "s.csv"
    path.write_text(text, "utf-8")
    source = read_source(path)
    report = validate_table(source, SCHEMA)
    assert isinstance(report, ValidationReport)
    write_xlsx(report, source, SCHEMA, tmp_path / "s.xlsx", language="zh")
    return report, openpyxl.load_workbook(tmp_path / "s.xlsx")


def test_bad_cells_are_marked_and_good_ones_are_not(tmp_path):
    text = "id,born,name\n1,2020/3/5,甲\nx,2020-03-05,乙\n3,2020-03-05\n"
    report, book = workbook(tmp_path, text)
    data = book["数据"]
    assert [c.value for c in data[2]] == ["2", "1", "2020/3/5", "甲"]
    marked = {c.coordinate for row in data for c in row if c.comment}
    assert marked == {"C2", "B3", "D4"}
    assert "2020-03-05" in data["C2"].comment.text
    assert "日期（YYYY-MM-DD）" in data["C2"].comment.text
    assert data["C2"].fill.start_color.rgb == "FFFFC7CE"
    problems = book["问题"]
    assert problems.max_row == len(report.errors) + 1
    assert [c.value for c in problems[2]][:3] == ["错误", "2", "B"]
    assert [c.value for c in problems[2]][4:6] == ["2020/3/5", "2020-03-05"]


def test_no_cell_becomes_a_formula_or_a_link(tmp_path):
    evil = ["=1+1", "+1", "@SUM(A1)", "https://example.com", '=HYPERLINK(""x"")']
    text = "id,born,name\n" + "".join(f'"{e}",{i},"{e}"\n' for i, e in enumerate(evil))
    _, book = workbook(tmp_path, text)
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type in ("s", "n")
                assert cell.value is None or isinstance(cell.value, str)
                assert cell.hyperlink is None


def test_large_sources_show_the_rows_with_problems(tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.validation.report_xlsx.ROWS_SHOWN", 5)
    text = "id,born,name\n" + "".join(f"{i},2020-03-05,n\n" for i in range(20)) + "x,2020-03-05,n\n"
    _, book = workbook(tmp_path, text)
    assert [row[0].value for row in book["数据"]] == ["原行号", "22"]
