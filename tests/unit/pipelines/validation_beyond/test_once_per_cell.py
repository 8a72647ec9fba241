"""A cell that breaks a constraint and its meaning is one error, and frictionless's own report does not change."""

from pathlib import Path

from pipelines.read import read_source
from pipelines.validation.validate import validate_table
from schemas.table_schema import table_schema_from_descriptor
from schemas.validation import ValidationReport

ID = "11010519491231002X"
SCHEMA = table_schema_from_descriptor(
    {
        "fields": [
            {
                "name": "id",
                "type": "string",
                "title": "证件号码",
                "meaning": "resident-id",
                "constraints": {"pattern": "[0-9]{17}[0-9X]"},
            },
            {"name": "unit", "type": "string", "meaning": "uscc", "constraints": {"unique": True}},
        ]
    },
    "people",
    "1.0.0",
)
CODE = "91350100M000100Y43"


def reported(folder: Path, *rows: str) -> ValidationReport:
    path = folder / "a.csv"
    path.write_text("\n".join(["id,unit", *rows]) + "\n", "utf-8")
    report = validate_table(read_source(path), SCHEMA)
    assert isinstance(report, ValidationReport)
    return report


def test_one_error_that_says_both(tmp_path: Path) -> None:
    report = reported(tmp_path, "110105-1949-1231002x,", f"{ID},")
    [error] = report.errors
    assert (error.type, error.row, error.field) == ("constraint-error", 2, "id")
    assert error.message.zh.startswith("第 2 行，A 列“证件号码”（id）：格式应符合")
    assert error.message.zh.endswith("也不是有效的公民身份号码（18 位，含校验码）")
    assert error.message.en.endswith("nor is it a valid resident identity number (18 characters with check character)")
    assert error.suggestion == ID
    assert error.remedy is not None
    assert "原始材料" in error.remedy.zh
    assert report.counts == {"constraint-error": 1}
    assert [e["type"] for e in report.report["tasks"][0]["errors"]] == ["constraint-error"]


def test_a_suggestion_must_keep_the_meaning(tmp_path: Path) -> None:
    [error] = reported(tmp_path, "110105-1949-12310021,").errors
    assert error.suggestion is None


def test_other_errors_of_the_cell_stay_beside_it(tmp_path: Path) -> None:
    report = reported(tmp_path, f"{ID},{CODE}", f"{ID},{CODE[:-1]}4", f"{ID[:-1]}1,{CODE[:-1]}4")
    assert [(e.type, e.row, e.field) for e in report.errors] == [
        ("meaning-error", 3, "unit"),
        ("unique-error", 4, "unit"),
        ("meaning-error", 4, "id"),
        ("meaning-error", 4, "unit"),
    ]
