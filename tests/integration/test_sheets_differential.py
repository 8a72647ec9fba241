"""Workbooks read through calamine give what frictionless gives through openpyxl, but for what follows from floats."""

import datetime as dt
import random
import warnings
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from pipelines.read import read_source
from pipelines.validation import frictionless_adapter as adapter
from pipelines.validation.engine import check_table
from pipelines.validation.validate import open_source, sheet_reader
from schemas.table_schema import table_schema_from_descriptor

TYPES = ("integer", "number", "string", "date", "datetime", "boolean", "year", "any")
DAYS = [dt.datetime(2020, 3, 5), dt.datetime(2021, 12, 31), dt.datetime(2020, 3, 5, 10, 30)]
POOLS: dict[str, list[Any]] = {
    "integer": [1, 2, 7, -3, "12", "x", 2.5, "", None, True, 10**12],
    "number": [1.5, 2, 0.1, -2.25, "3.5", "x", None, False, 1e-5, 123456789.125],
    "string": ["a", "中文", " pad ", "=x", 5, None, "NA", "a"],
    "date": [*DAYS, "2020-01-05", 43895, None, "x"],
    "datetime": [*DAYS, "2020-01-01T10:00:00", None],
    "boolean": [True, False, "true", 1, 0, None],
    "year": [2020, "1999", 20, None],
    "any": [1, "x", 2.5, None, DAYS[0], True],
}


def random_sheet(source: random.Random, path: Path) -> dict[str, Any]:
    """Write a workbook; returns the schema."""
    kinds = [source.choice(TYPES) for _ in range(source.randint(1, 6))]
    fields = []
    for number, kind in enumerate(kinds):
        constraints: dict[str, Any] = {"required": True} if source.random() < 0.3 else {}
        if source.random() < 0.3 and kind != "any":
            constraints["unique"] = True
        if source.random() < 0.3 and kind in ("integer", "number"):
            constraints["minimum"] = 1
        fields.append({"name": f"f{number}", "type": kind, "constraints": constraints})
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_numbers": False})
    day = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, [f["name"] for f in fields])
    clean = source.random() < 0.3
    for row in range(1, source.choice([1, 3, 20, 100])):
        for column, kind in enumerate(kinds):
            value = source.choice(POOLS[kind][:3] if clean else POOLS[kind])
            if isinstance(value, dt.datetime):
                sheet.write_datetime(row, column, value, day)
            else:
                sheet.write(row, column, value)
    book.close()
    missing = source.choice([{}, {"missingValues": ["", "NA", "7"]}, {"missingValues": []}])
    return {"fields": fields, **missing}


def facts(error: Any) -> list[Any]:
    return [error.type, error.note, *(getattr(error, n, None) for n in ("row_number", "field_name", "field_number"))]


@pytest.mark.parametrize("seed", range(40))
def test_random_sheets(seed: int, tmp_path: Path) -> None:
    source = random.Random(seed)
    path = tmp_path / "a.xlsx"
    descriptor = random_sheet(source, path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = adapter.frictionless_errors(adapter.resource_of(descriptor, (path, "xlsx", None)), 1000)
    schema = table_schema_from_descriptor(descriptor, "test", "1.0.0")
    sheet = read_source(path)
    outcome = check_table(lambda: open_source(sheet, schema), blocks_of=sheet_reader(sheet))
    assert [facts(e) for e in outcome.errors] == [facts(e) for e in expected]


def test_a_sheet_that_does_not_begin_in_the_corner(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    sheet.write_row(2, 1, ["a", "b"])
    sheet.write_row(3, 1, [1, 2])
    book.close()
    assert list(read_source(path).records()) == [[None] * 3, [None] * 3, [None, "a", "b"], [None, 1, 2]]
