"""Checks beyond the schema on real files, through the engine: row numbers are the file's."""

import pytest
import xlsxwriter

from pipelines.read import read_source
from pipelines.validation import frictionless_adapter as adapter
from pipelines.validation.beyond import BatchChecks
from pipelines.validation.engine import check_table
from schemas.table_schema import table_schema_from_descriptor

DESCRIPTOR = {
    "fields": [
        {"name": "编号", "type": "integer"},
        {"name": "区划", "type": "string", "meaning": "division-code", "valid_on": "2020"},
        {"name": "经度", "type": "number", "meaning": "longitude", "datum": "GCJ-02"},
        {"name": "金额", "type": "number", "meaning": "money", "unit": "万元"},
        {"name": "日期", "type": "string", "meaning": "date-compact"},
    ],
    "rules": [
        {"name": "r", "kind": "compare", "left": "金额", "operator": ">=", "value": 0, "text": "≥ 0"},
    ],
}  # fmt: skip
SCHEMA = table_schema_from_descriptor(DESCRIPTOR, "t", "1.0.0")
ROWS = [["编号", "区划", "经度", "金额", "日期"]]
ROWS += [[str(n), "110101", "116.4", "1.5", "20200305"] for n in range(40_000)]
BAD = {7: (2, "999999"), 20_001: (3, "216.4"), 39_000: (4, "-1"), 40_001: (5, "2020115")}
for row, (column, value) in BAD.items():
    ROWS[row - 1][column - 1] = value


def as_csv(path):
    path = path / "s.csv"
    path.write_text("\n".join(",".join(r) for r in ROWS) + "\n", "utf-8")
    return path


def as_xlsx(path):
    path = path / "s.xlsx"
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for line, row in enumerate(ROWS):
            sheet.write_row(line, 0, row)
    return path


@pytest.mark.parametrize("write", [as_csv, as_xlsx])
@pytest.mark.parametrize("fast", [True, False])
def test_rows_of_the_file(tmp_path, write, fast):
    source = read_source(write(tmp_path))
    checks = BatchChecks(SCHEMA)

    def open_source():
        if source.format == "csv":
            return adapter.open_table(
                adapter.resource_of(SCHEMA.descriptor, (source.content, source.format, source.encoding))
            )
        resource = adapter.resource_of(SCHEMA.descriptor, records=lambda: iter(source.records()))
        return adapter.open_table(resource, validate_metadata=False)

    outcome = check_table(open_source, checks=[checks], fast=fast)
    assert outcome.errors == []
    assert [(e.row, e.field_number) for e in outcome.found] == [(row, column) for row, (column, _) in BAD.items()]
    assert [e.type for e in outcome.found] == ["meaning-error", "meaning-error", "rule-error", "meaning-error"]
    assert not checks.truncated
