"""Quotes that are never closed: told with their row, small files as frictionless judges them, large ones at once."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.read import read_source
from pipelines.validation import blocks, quotes
from pipelines.validation import frictionless_adapter as adapter
from pipelines.validation.quotes import END, find_open_quote
from pipelines.validation.validate import ValidatedTable, validate_table
from schemas.errors import GongkaiError
from schemas.table_schema import table_schema_from_descriptor
from schemas.validation import ValidationReport

SCHEMA = table_schema_from_descriptor(
    {"fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]}, "t", "1.0.0"
)
LIMIT = 3000


@pytest.fixture
def short_cells(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if no cell could be longer than LIMIT."""
    before = csv.field_size_limit(LIMIT)
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    monkeypatch.setattr(blocks, "LONGEST_RECORD", LIMIT - 1000)
    monkeypatch.setattr(quotes, "LONGEST_CELL", LIMIT)
    yield
    csv.field_size_limit(before)


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "a.csv"
    path.write_bytes(text.encode(encoding))
    return path


def report_of(path: Path) -> ValidationReport:
    result = validate_table(read_source(path), SCHEMA)
    return result.report if isinstance(result, ValidatedTable) else result


def test_a_small_file_keeps_its_verdict_and_gets_a_warning(tmp_path: Path) -> None:
    path = written(tmp_path, 'id,name\n1,a\n2,"b\n3,c\n4,d\n')
    report = report_of(path)
    # Valid to frictionless as well, which reads the rest as one cell.
    resource = adapter.resource_of(SCHEMA.descriptor, (path, "csv", "utf-8"))
    assert [e.type for e in report.errors] == [e.type for e in adapter.frictionless_errors(resource, 1000)] == []
    [warning] = [w for w in report.warnings if w.type == "unclosed-quote"]
    assert (warning.type, warning.row, warning.level) == ("unclosed-quote", 3, "warning")
    assert warning.message.zh.startswith("第 3 行：有一个双引号没有闭合")
    assert warning.remedy is not None


def test_closed_quotes_are_no_matter(tmp_path: Path) -> None:
    assert report_of(written(tmp_path, 'id,name\n1,"a\nb"\n2,5" pipe\n3,"x"y\n')).warnings == ()


@pytest.mark.usefixtures("short_cells")
@pytest.mark.parametrize("row", [2, 3, 120, 900])
@pytest.mark.parametrize("name", ["x{0}", '""', '"x{0}"'], ids=["bare", "empty", "quoted"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_an_endless_cell_is_refused_with_its_row(tmp_path: Path, row: int, name: str, encoding: str) -> None:
    lines = [f"{n},{name.format(n)}" for n in range(2, 1500)]
    lines[row - 2] = f'{row},"张三'
    if name.startswith('"x'):
        # The next cell in quotes ends the open one, so nothing is endless unless it is left alone.
        lines[row - 1 :] = [line.replace('"', "") for line in lines[row - 1 :]]
    path = written(tmp_path, "\n".join(["id,name", *lines]) + "\n", encoding)
    with pytest.raises(GongkaiError) as caught:
        validate_table(read_source(path), SCHEMA)
    error = caught.value
    assert (error.code, f"第 {row} 行" in error.message.zh, f"row {row} " in error.message.en) == (
        "unclosed-quote",
        True,
        True,
    )
    assert error.remedy is not None
    assert "张" not in f"{error.message} {error.remedy} {error}"


@pytest.mark.usefixtures("short_cells")
def test_rows_and_lines_are_both_named_where_they_differ(tmp_path: Path) -> None:
    rest = "".join(f"{n},x\n" for n in range(2000))
    path = written(tmp_path, 'id,name\n1,"a\nb\nc"\n2,"open\n' + rest)
    with pytest.raises(GongkaiError, match="unclosed-quote") as caught:
        validate_table(read_source(path), SCHEMA)
    assert "第 3 行（文本第 5 行）" in caught.value.message.zh
    assert "row 3 (line 5 of the text)" in caught.value.message.en


@pytest.mark.usefixtures("short_cells")
@pytest.mark.parametrize("quote", ["", '"'])
def test_one_long_line_is_another_matter(tmp_path: Path, quote: str) -> None:
    path = written(tmp_path, f"id,name\n1,{quote}{'x' * (LIMIT + 2000)}{quote}\n2,y\n")
    with pytest.raises(GongkaiError, match="cell-too-long"):
        validate_table(read_source(path), SCHEMA)


@given(st.lists(st.sampled_from(['"', '""', ",", "\n", "\r\n", "a", "é", ' "']), max_size=30))
@settings(max_examples=200, deadline=None)
def test_it_is_what_csv_reader_does(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    text = "".join(parts)
    path = tmp_path_factory.mktemp("q") / "a.csv"
    path.write_text(text, "utf-8", newline="")
    found = find_open_quote(path, "utf-8", csv.excel, "")
    records = list(csv.reader(io.StringIO(text, newline="")))
    closed = list(csv.reader(io.StringIO(text + ('"' if found else ""), newline="")))
    assert closed == records  # a quote at the end changes nothing where one is open
    if found:
        assert (found.row, found.endless) == (len(records), False)
        assert not text[text.rfind('"') + 1 :].count(END)
    else:
        more = list(
            csv.reader(io.StringIO(text + ("" if not text or text.endswith("\n") else "\n") + "z\n", newline=""))
        )
        assert more[-1] == ["z"]
