"""validate_table: typed tables, reports, refusals, and memory that stays bounded."""

import csv
import datetime as dt
import gzip
import json
import random
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from frictionless import fields

from pipelines.progress import Progress
from pipelines.read import read_source
from pipelines.validation import blocks
from pipelines.validation import frictionless_adapter as adapter
from pipelines.validation.validate import ValidatedTable, validate_table
from schemas.errors import GongkaiError
from schemas.table_schema import TableSchema, table_schema_from_descriptor
from schemas.validation import ValidationReport

FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "integer"},
    {"name": "name", "type": "string", "title": "名称"},
    {"name": "amount", "type": "number"},
    {"name": "day", "type": "date"},
    {"name": "open", "type": "boolean"},
    {"name": "year", "type": "year"},
]


def schema_of(*fields: dict[str, Any], **more: Any) -> TableSchema:
    return table_schema_from_descriptor({"fields": list(fields), **more}, "test", "1.0.0")


def validated(path: Path, schema: TableSchema, **options: Any) -> ValidatedTable:
    result = validate_table(read_source(path), schema, **options)
    assert isinstance(result, ValidatedTable), result.errors
    return result


def reported(path: Path, schema: TableSchema, **options: Any) -> ValidationReport:
    result = validate_table(read_source(path), schema, **options)
    assert isinstance(result, ValidationReport)
    return result


def refused(path: Path, schema: TableSchema) -> GongkaiError:
    with pytest.raises(GongkaiError) as caught:
        validate_table(read_source(path), schema)
    return caught.value


def written(folder: Path, text: str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


EXPECTED = {
    "id": [1, 2],
    "name": ["甲", None],
    "amount": [Decimal("1.50"), Decimal("0.25")],
    "day": [dt.date(2020, 3, 5), None],
    "open": [True, False],
    "year": ["2020", None],
}


def test_a_typed_table(tmp_path: Path) -> None:
    text = "id,name,amount,day,open,year\n1,甲,1.5,2020-03-05,true,2020\n2,,0.25,,false,\n"
    result = validated(written(tmp_path, text), schema_of(*FIELDS))
    assert result.table.to_pydict() == EXPECTED
    assert [str(t) for t in result.table.schema.types] == [
        "int64", "string", "decimal128(38, 2)", "date32[day]", "bool", "string",
    ]  # fmt: skip
    assert (result.report.valid, result.report.rows, result.report.path) == (True, 2, "fast")


def test_every_format_gives_the_same_table(tmp_path: Path) -> None:
    rows = [[1, "甲", 1.5, "2020-03-05", True, "2020"], [2, None, 0.25, None, False, None]]
    names = [f["name"] for f in FIELDS]
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    paths = [
        written(tmp_path, json.dumps(objects), "a.json"),
        written(tmp_path, "\n".join(map(json.dumps, objects)), "a.ndjson"),
    ]
    days = pa.array([dt.date(2020, 3, 5), None])
    table = pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)}).set_column(3, "day", days)
    pq.write_table(table, tmp_path / "a.parquet")
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet = book.add_worksheet()
    for number, row in enumerate([names, *rows]):
        sheet.write_row(number, 0, row)
    sheet.write_datetime(1, 3, dt.datetime(2020, 3, 5), book.add_format({"num_format": "yyyy/m/d"}))
    book.close()
    for path in [*paths, tmp_path / "a.parquet", tmp_path / "a.xlsx"]:
        assert validated(path, schema_of(*FIELDS)).table.to_pydict() == EXPECTED, path.name


def test_types_widen_where_values_need_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 40)
    rows = "".join(f"{i},{i}.5,{i}\n" for i in range(40))
    text = f"i,n,f\n{rows}99999999999999999999,1.123456,NaN\n"
    fields = [{"name": "i", "type": "integer"}, {"name": "n", "type": "number"}, {"name": "f", "type": "number"}]
    table = validated(written(tmp_path, text), schema_of(*fields)).table
    assert table["i"].to_pylist()[-1] == 99_999_999_999_999_999_999
    assert table["n"].to_pylist()[-2:] == [Decimal("39.500000"), Decimal("1.123456")]
    assert table["f"].type == pa.float64()
    assert table["f"].to_pylist()[:2] == [0.0, 1.0]
    assert len(table) == 41


def test_columns_stand_in_the_schemas_order(tmp_path: Path) -> None:
    schema = schema_of({"name": "a", "type": "string"}, {"name": "b", "type": "integer"}, fieldsMatch="partial")
    table = validated(written(tmp_path, "x,b\n1,2\n"), schema).table
    assert table.to_pydict() == {"a": [None], "b": [2]}


def test_a_report_names_row_and_field_and_keeps_frictionless_form(tmp_path: Path) -> None:
    text = "id,name\n1,甲\nx,乙\n3\n"
    report = reported(written(tmp_path, text), schema_of(*FIELDS[:2]))
    assert [(e.type, e.row, e.field) for e in report.errors] == [("type-error", 3, "id"), ("missing-cell", 4, "name")]
    task = report.report["tasks"][0]
    assert [e["type"] for e in task["errors"]] == ["type-error", "missing-cell"]
    assert task["stats"]["rows"] == report.rows == 3
    assert not report.valid


def test_the_limit_of_errors_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path, "id\n" + "x\n" * 50)
    report = reported(path, schema_of(FIELDS[0]), limit_errors=7)
    assert (len(report.errors), report.truncated) == (7, True)
    assert len(reported(path, schema_of(FIELDS[0]), limit_errors=0).errors) == 50


def test_progress_ends_with_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 100)
    told: list[Progress] = []
    validated(written(tmp_path, "id\n" + "1\n" * 500), schema_of(FIELDS[0]), progress=told.append)
    assert told == sorted(told, key=lambda now: (now.share, now.bytes, now.rows))
    assert (told[-1], len(told) > 5) == (Progress("validate", 1.0, 1003, 500), True)
    assert [now.bytes for now in told[:2]] == [100, 200]


def test_progress_counts_the_bytes_of_the_file_whatever_its_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 100)
    path = tmp_path / "a.csv"
    path.write_bytes(("id,name\n" + "1,公交站\n" * 500).encode("gb18030"))
    told: list[Progress] = []
    validated(path, schema_of(*FIELDS[:2]), progress=told.append)
    assert told[-2].bytes == told[-1].bytes == path.stat().st_size


def test_progress_of_rows_read_one_by_one_counts_bytes_as_well(tmp_path: Path) -> None:
    path = written(tmp_path, "id,name\n" + '1,a"b"c\n' * 40_000)
    told: list[Progress] = []
    assert validated(path, schema_of(*FIELDS[:2]), progress=told.append).report.path == "exact"
    assert [now.rows for now in told] == [16_384, 32_768, 40_000, 40_000]
    assert 0.4 < told[0].share < 0.45
    assert told[-2].bytes == path.stat().st_size


@pytest.mark.parametrize("name", ["a.json", "a.ndjson", "a.geojson", "a.csv.gz", "a.tsv"])
def test_progress_of_text_formats_is_by_bytes(tmp_path: Path, name: str) -> None:
    path, rows = tmp_path / name, 120_000
    if name == "a.csv.gz":
        path.write_bytes(gzip.compress(("id,name\n" + "".join(f"{i},公交站\n" for i in range(rows))).encode(), 1))
    elif name == "a.tsv":
        path.write_text("id\tname\n" + "".join(f"{i}\t公交站{i:030}\n" for i in range(rows)), "utf-8")
    else:
        records = [{"id": i, "name": f"公交站 {i:030}"} for i in range(rows)]
        features = [{"type": "Feature", "properties": r, "geometry": None} for r in records]
        text = {
            "a.json": lambda: json.dumps(records),
            "a.ndjson": lambda: "\n".join(map(json.dumps, records)),
            "a.geojson": lambda: json.dumps({"type": "FeatureCollection", "features": features}),
        }[name]()
        path.write_text(text, "utf-8")
    told: list[Progress] = []
    schema = schema_of(*FIELDS[:2], fieldsMatch="superset")
    source = read_source(path, progress=told.append)
    assert {now.stage for now in told} == {"read"}
    told.clear()
    validate_table(source, schema, progress=told.append)
    assert told[-1] == Progress("validate", 1.0, source.content.stat().st_size, rows)
    shares = [now.share for now in told]
    assert all(share is not None for share in shares)
    assert any(0.05 < share < 0.98 for share in shares if share is not None) or source.content.stat().st_size < 8 << 20
    assert [now.rows for now in told] == sorted(now.rows for now in told)


@pytest.mark.parametrize("name", ["a.xlsx", "a.parquet"])
def test_progress_of_files_that_say_how_many_rows_they_have(tmp_path: Path, name: str) -> None:
    path, rows = tmp_path / name, 80_000
    if name == "a.parquet":
        pq.write_table(pa.table({"id": pa.array(range(rows))}), path)
    else:
        with xlsxwriter.Workbook(path) as book:
            book.add_worksheet().write_column(0, 0, ["id", *range(rows)])
    told: list[Progress] = []
    validated(path, schema_of(FIELDS[0]), progress=told.append)
    assert (0 < told[0].share < 0.5, told[-1].rows) == (True, rows)
    assert (told[-1].bytes > 0) == (name == "a.parquet")


@pytest.mark.parametrize(
    ("text", "path"),
    [('id,name\n1,a"b"c\n', "exact"), ("id,name\r1,甲\r", "exact"), ('id,name\n1,"甲\n乙"\n', "fast")],
)
def test_the_report_says_how_rows_were_checked(tmp_path: Path, text: str, path: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(text.encode())
    assert validated(file, schema_of(*FIELDS[:2])).report.path == path


def test_foreign_keys_to_given_tables(tmp_path: Path) -> None:
    key = {"fields": ["id"], "reference": {"resource": "places", "fields": ["code"]}}
    schema = schema_of(FIELDS[0], foreignKeys=[key])
    path = written(tmp_path, "id\n1\n2\n\n")
    places = {"places": pa.table({"code": pa.array([1, 5])})}
    report = validate_table(read_source(path), schema, references=places)
    assert isinstance(report, ValidationReport)
    assert [(e.type, e.row) for e in report.errors] == [("foreign-key", 3), ("blank-row", 4)]
    assert refused(path, schema).code == "bad-schema"


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ({"name": "a", "type": "no-such-type"}, "unknown-field-type"),
        ({"name": "a", "type": "integer", "constraints": {"minLength": 3}}, "bad-schema"),
        ({"name": "a", "type": "string", "constraints": {"pattern": "[a-"}}, "bad-pattern"),
        ({"name": "a", "type": "string", "constraints": {"pattern": r"(?=a)(a|aa)+(\1)*b\1"}}, "pattern-too-slow"),
        ({"name": "a", "type": "number", "decimalChar": ",", "constraints": {"minimum": "0.5"}}, "bad-bound"),
        ({"name": "a", "type": "date", "constraints": {"maximum": "1/1/2020"}}, "bad-bound"),
    ],
)
def test_a_wrong_schema_is_refused(tmp_path: Path, field: dict[str, Any], code: str) -> None:
    assert refused(written(tmp_path, "a\n" + "a" * 60 + "!\n"), schema_of(field)).code == code


@pytest.mark.parametrize(
    ("kind", "minimum", "cell"),
    [("datetime", "2020-01-01T00:00:00", "2020-01-01T10:00:00"), ("time", "08:00:00", "10:00:00")],
)
def test_moments_with_an_offset_are_not_compared_with_a_bound_without(
    tmp_path: Path, kind: str, minimum: str, cell: str
) -> None:
    field = {"name": "a", "type": kind, "constraints": {"minimum": minimum}}
    validated(written(tmp_path, f"a\n{cell}\n"), schema_of(field))
    error = refused(written(tmp_path, f"a\n{cell}Z\n"), schema_of(field))
    assert (error.code, error.field) == ("bad-bound", "a")


def test_an_unknown_type_is_named_with_its_field(tmp_path: Path) -> None:
    error = refused(written(tmp_path, "a\n1\n"), schema_of({"name": "a", "type": "strnig"}))
    assert (error.code, error.field) == ("unknown-field-type", "a")
    assert "“strnig”" in error.message.zh
    assert error.remedy is not None
    assert error.remedy.en.startswith("string, perhaps?")
    assert tuple(sorted({c.type for c in vars(fields).values() if getattr(c, "type", None)})) == adapter.FIELD_TYPES


def test_a_catastrophic_pattern_ends_where_re2_knows_it(tmp_path: Path) -> None:
    field = {"name": "a", "type": "string", "constraints": {"pattern": "(a+)+"}}
    report = reported(written(tmp_path, "a\n" + ("a" * 60 + "!\n") * 50), schema_of(field))
    assert report.counts == {"constraint-error": 50}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("统计表,,\nid,name,amount\n1,甲,2\n", "title-line"),
        ("甲部分,乙部分,\nid,name,amount\n1,甲,2\n", "two-header-rows"),
        ("id,name,amount\nid,名称,amount\n1,甲,2\n", "two-header-rows"),
    ],
)
def test_misplaced_headers_are_refused(tmp_path: Path, text: str, code: str) -> None:
    assert refused(written(tmp_path, text), schema_of(*FIELDS[:3])).code == code


def test_formulas_are_warned_of_once_per_field(tmp_path: Path) -> None:
    text = "id,name\n1,=1+1\n2,-5\n3,@x\n4,-cmd\n5,a=b\n"
    result = validated(written(tmp_path, text), schema_of(*FIELDS[:2]))
    [warning] = [w for w in result.report.warnings if w.type == "formula-cell"]
    assert (warning.level, warning.row, warning.field) == ("warning", 2, "name")
    assert "3" in warning.message.en
    assert "1+1" not in f"{warning.message} {warning.remedy}"


def test_serial_dates_have_their_own_remedy(tmp_path: Path) -> None:
    report = reported(written(tmp_path, "day\n43895\nx\n"), schema_of(FIELDS[3]))
    serial, other = report.errors
    assert serial.suggestion == "2020-03-05"
    assert serial.remedy is not None
    assert "序号" in serial.remedy.zh
    assert other.remedy is not None
    assert "序号" not in other.remedy.zh
    moment = reported(written(tmp_path, "day\n43895.5\n"), schema_of({"name": "day", "type": "datetime"})).errors[0]
    assert (moment.suggestion, "序号" in moment.remedy.zh if moment.remedy else False) == ("2020-03-05T12:00:00", True)


MEMORY = """
import resource, sys
from pathlib import Path
from pipelines.read import read_source
from pipelines.validation.validate import validate_table
from tests.unit.pipelines.validation.test_validate_table import schema_of
schema = schema_of({"name": "id", "type": "integer", "constraints": {"unique": True}}, {"name": "t", "type": "string"})
def peak(path):
    validate_table(read_source(Path(path)), schema)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(peak(sys.argv[1]), peak(sys.argv[2]))
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    source = random.Random(1)
    paths = []
    for name, rows in (("small.csv", 400_000), ("large.csv", 4_000_000)):
        path = tmp_path / name
        with path.open("w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["id", "t"])
            tail = [f"text{source.randrange(10**6)}" for _ in range(1000)]
            writer.writerows((i, tail[i % 1000]) for i in range(rows))
        paths.append(str(path))
    child = subprocess.run([sys.executable, "-c", MEMORY, *paths], stdout=subprocess.PIPE, text=True, check=True)
    small, large = map(int, child.stdout.split())
    assert large - small < 150


def test_numbers_too_large_to_be_seen_as_whole_are_type_errors(tmp_path: Path) -> None:
    text = '[{"n": 1e308}, {"n": 1e999999999}, {"n": 7}]'
    report = reported(written(tmp_path, text, "a.json"), schema_of({"name": "n", "type": "integer"}))
    assert [(e.type, e.row) for e in report.errors] == [("type-error", 2), ("type-error", 3)]
