"""Every error type has words in both languages, and no words hold a cell value."""

import inspect
import re
import string

import frictionless
import pytest
from frictionless import errors as frictionless_errors
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.read.cell_names import column_letters
from pipelines.validation.messages import (
    example,
    expected,
    field_title,
    known_types,
    templates,
    word,
    worded,
)
from pipelines.validation.pattern_example import pattern_example
from pipelines.validation.suggest import fits
from schemas.table_schema import Meaning, table_schema_from_descriptor
from schemas.text import LANGUAGES

INSTALLED = sorted(
    {kind.type for _, kind in inspect.getmembers(frictionless_errors, inspect.isclass) if hasattr(kind, "type")}
    | {frictionless.Error.type}
)
SLOTS = {"where", "column", "expected", "constraint", "note", "other_row", "keys", "reference", "count", "first_row"}

DESCRIPTOR = {
    "fields": [
        {"name": "id", "type": "integer", "title": "编号", "title_en": "Number", "constraints": {"minimum": 1}},
        {"name": "born", "type": "date", "title": "出生日期", "title_en": "Date of birth"},
        {"name": "code", "type": "string", "constraints": {"enum": [f"v{i}" for i in range(20)]}},
    ],
    "primaryKey": ["id"],
}
SCHEMA = table_schema_from_descriptor(DESCRIPTOR, "people", "1.0.0")


def test_frictionless_has_its_error_types():
    assert len(INSTALLED) > 50


@pytest.mark.parametrize("error_type", [*INSTALLED, "meaning-error", "rule-error"])
def test_every_error_type_has_words_in_both_languages(error_type):
    template = templates()["errors"][error_type]
    for language in LANGUAGES:
        for part in ("message", "remedy"):
            words = template[language][part]
            assert words.strip()
            assert {name for _, name, _, _ in string.Formatter().parse(words) if name} <= SLOTS
    assert re.search(r"[\u4e00-\u9fff]", template["zh"]["message"] + template["zh"]["remedy"])
    assert not re.search(r"[\u4e00-\u9fff]", template["en"]["message"] + template["en"]["remedy"])


def test_every_meaning_has_words_in_both_languages():
    assert set(templates()["meanings"]) == {m.value for m in Meaning}
    assert all(words["zh"] and words["en"] for words in templates()["meanings"].values())


def test_known_types_are_those_of_frictionless_and_ours():
    ours = {"meaning-error", "rule-error", *templates()["warnings"]}
    assert set(known_types()) == set(INSTALLED) | ours


def test_a_type_error_names_row_column_and_a_right_value():
    words = word("type-error", row=5, position=2, field=DESCRIPTOR["fields"][1], cell="2020/3/5")
    assert words.message.zh == "第 5 行，B 列“出生日期”（born）：应为日期（YYYY-MM-DD）"
    assert words.message.en == "row 5, column B “Date of birth” (born): should be a date (YYYY-MM-DD)"
    assert words.remedy.zh.endswith("例如：2020-03-05")
    assert words.suggestion == "2020-03-05"


def test_a_constraint_error_says_the_constraint():
    low = word("constraint-error", row=2, position=1, field=DESCRIPTOR["fields"][0], note='constraint "minimum" is "1"')
    assert low.message.zh == "第 2 行，A 列“编号”（id）：不得小于 1"
    one_of = word("constraint-error", row=2, field=DESCRIPTOR["fields"][2], note='constraint "enum" is "[\'v0\']"')
    assert one_of.message.en.endswith("must be one of: v0, v1, v2, v3, v4, v5, v6, v7, …")


def test_words_for_what_frictionless_reports():
    rows = [["id", "born", "code"], ["1", "2020/3/5", "v1"], ["1", "2020-03-05", "V2"], ["", "", ""], ["0", "x", "y"]]
    resource = frictionless.Resource(data=rows, schema=frictionless.Schema.from_descriptor(DESCRIPTOR))
    found = [worded(e.to_descriptor(), SCHEMA) for e in resource.validate().tasks[0].errors]
    by_type = {(e.type, e.row, e.field): e for e in found}
    assert by_type["type-error", 2, "born"].suggestion == "2020-03-05"
    assert by_type["constraint-error", 3, "code"].suggestion == "v2"
    assert by_type["primary-key", 3, None].message.en == (
        "row 3: the primary key (id) must not be empty or repeated, the same as in row 2"
    )
    assert by_type["blank-row", 4, None].message.zh == "第 4 行：整行为空"
    assert by_type["constraint-error", 5, "id"].message.en.endswith("must not be less than 1")


def test_header_errors_carry_row_one_and_do_not_quote_the_file():
    resource = frictionless.Resource(
        data=[["id", "secret-label", "code", "code"], ["1", "2020-03-05", "v1", "x"]],
        schema=frictionless.Schema.from_descriptor(DESCRIPTOR),
    )
    found = [worded(e.to_descriptor(), SCHEMA) for e in resource.validate().tasks[0].errors]
    assert {e.row for e in found if "label" in e.type} == {1}
    assert all("secret-label" not in e.message.zh + e.message.en for e in found)
    wrong = next(e for e in found if e.type == "incorrect-label")
    assert wrong.message.en == "column B: the column name is not the schema's, which is “Date of birth” (born)"


def test_foreign_key_words_name_the_reference_and_no_value():
    error = {
        "type": "foreign-key",
        "rowNumber": 9,
        "note": 'for "code": values "raw-value" not found in the lookup table "codes" as "code"',
        "cells": ["raw-value"],
        "fieldNames": ["code"],
        "fieldCells": ["raw-value"],
        "referenceName": "codes",
        "referenceFieldNames": ["code"],
    }
    words = worded(error, SCHEMA)
    assert words.message.zh == "第 9 行：code的值在引用表“codes”中不存在"
    assert "raw-value" not in words.message.en + words.message.zh + words.remedy.zh + words.remedy.en


@settings(deadline=None)
@given(
    st.sampled_from(known_types()),
    st.text(alphabet="ﬀ⚑♜♞♝", min_size=3, max_size=9),
    st.sampled_from(DESCRIPTOR["fields"]),
)
def test_no_words_hold_the_cell(error_type, cell, field):
    note = f'for "x": values "{cell}" not found' if error_type == "foreign-key" else "at position 3"
    words = word(error_type, row=3, position=2, field=field, cell=cell, note=note)
    for text in (words.message, words.remedy):
        assert text.zh
        assert text.en
        assert cell not in text.zh + text.en


@pytest.mark.parametrize(
    "field",
    [{"type": t} for t in ("integer", "number", "boolean", "date", "datetime", "time", "year", "yearmonth")]
    + [
        {"type": "date", "format": "%d/%m/%Y"},
        {"type": "integer", "constraints": {"minimum": 500}},
        {"type": "string", "constraints": {"enum": ["a", "b"]}},
        {"type": "number", "decimalChar": ","},
        {"type": "boolean", "trueValues": ["是"], "falseValues": ["否"]},
    ],
    ids=str,
)
def test_the_example_is_a_right_value(field):
    shown = example({"name": "f", **field})
    assert shown is not None
    assert fits(shown, field)


def test_an_example_keeps_all_constraints():
    coded = {"name": "f", "type": "string", "constraints": {"pattern": r"[A-Z]{2}-\d{3}"}}
    assert example(coded) == "AA-123"
    assert example(coded | {"constraints": {"pattern": r"[A-Z]{2}", "minLength": 3}}) is None
    assert example({"type": "string", "meaning": "mobile", "constraints": {"pattern": "139.{8}"}}) is None
    assert example({"type": "string", "constraints": {"minLength": 2}}) is None


def test_an_empty_required_cell_has_its_own_remedy():
    words = word("constraint-error", row=2, field=DESCRIPTOR["fields"][0], note='constraint "required" is "True"')
    assert words.remedy.en.startswith("fill in the value")


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        (r"LC\d{5}", "LC12345"),
        (r"澜市监罚〔\d{4}〕\d+号", "澜市监罚〔1234〕5号"),
        (r"[0-9A-HJ-N]{3}(?:x|y)?z*", "123z"),
        (r"\d{4}-(0[1-9]|1[0-2])", "1234-01"),
        (r"^a$", "a"),
        (r"(?=x)x", None),
        (r"(", None),
        (r"a{100}", None),
        (r"", None),
    ],
)
def test_examples_of_patterns(pattern, shown):
    assert pattern_example(pattern) == shown


def test_column_letters_as_in_spreadsheets():
    assert [column_letters(n) for n in (1, 26, 27, 52, 703)] == ["A", "Z", "AA", "AZ", "AAA"]


def test_titles_and_expectations():
    assert field_title({"name": "x"}, "zh") == "“x”"
    assert expected({"type": "date", "format": "%Y/%m/%d"}, "en") == "a date (YYYY/MM/DD)"
    assert expected({"type": "string", "format": "email"}, "zh") == "电子邮箱地址"
