"""A table without rows follows its schema, and its report warns."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from pipelines.read import read_source
from pipelines.validation.validate import ValidatedTable, validate_table
from schemas.table_schema import table_schema_from_descriptor
from schemas.validation import ValidationReport

SCHEMA = table_schema_from_descriptor({"fields": [{"name": "a"}, {"name": "b", "type": "integer"}]}, "t", "1.0.0")


def report_of(path: Path) -> ValidationReport:
    result = validate_table(read_source(path), SCHEMA)
    return result.report if isinstance(result, ValidatedTable) else result


def header_alone(folder: Path, format: str) -> Path:
    path = folder / f"x.{format}"
    if format == "xlsx":
        with xlsxwriter.Workbook(path) as book:
            book.add_worksheet().write_row(0, 0, ["a", "b"])
    elif format == "parquet":
        pq.write_table(pa.table({"a": pa.array([], pa.string()), "b": pa.array([], pa.int64())}), path)
    else:
        path.write_text("a\tb" if format == "tsv" else "a,b\n", "utf-8")
    return path


@pytest.mark.parametrize("format", ["csv", "tsv", "xlsx", "parquet"])
def test_a_header_alone_is_warned_of(tmp_path: Path, format: str) -> None:
    report = report_of(header_alone(tmp_path, format))
    [warning] = report.warnings
    assert (report.valid, report.rows) == (True, 0)
    assert (warning.type, warning.level, warning.row) == ("no-rows", "warning", None)
    assert warning.remedy is not None
    assert "没有任何数据行" in warning.message.zh
    assert "no rows" in warning.message.en


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "a,c\n", "a,b\n\n"])
def test_rows_and_errors_speak_for_themselves(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, "utf-8")
    assert not [w for w in report_of(path).warnings if w.type == "no-rows"]
