"""The source as a workbook in which the bad cells are marked, with the problem as a comment; for the steward alone.

Every value is written as text, so no cell of the source can become a formula or a link.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import xlsxwriter

from pipelines.progress import TellProgress, rows_told
from pipelines.read import SourceTable
from pipelines.read.cell_names import column_letters
from pipelines.validation.raw_cells import cell_text, raw_table
from schemas.table_schema import TableSchema
from schemas.text import Language
from schemas.validation import TableError, ValidationReport

ROWS_SHOWN = 100_000  # beyond, only the rows with problems are written
TOLD_EVERY = 10_000  # rows
CELL_LIMIT = 32_767  # of the XLSX format
MARKED_CELLS = 20_000  # comments make files slow to open
WORDS: dict[Language, dict[str, str]] = {
    "zh": {"problems": "问题", "data": "数据", "row": "行", "column": "列", "message": "问题", "cell": "当前值",
           "suggestion": "建议值", "remedy": "怎么改", "level": "级别", "error": "错误", "warning": "提醒",
           "suggest": "建议：", "source_row": "原行号"},
    "en": {"problems": "Problems", "data": "Data", "row": "Row", "column": "Column", "message": "Problem",
           "cell": "Value now", "suggestion": "Suggested value", "remedy": "What to do", "level": "Level",
           "error": "error", "warning": "warning", "suggest": "suggested: ", "source_row": "row in the source"},
}  # fmt: skip
Marks = dict[int, dict[int | None, list[TableError]]]


def write_xlsx(
    report: ValidationReport,
    source: SourceTable,
    schema: TableSchema,
    out: Path,
    *,
    language: Language,
    progress: TellProgress | None = None,
) -> None:
    """Write a workbook with the sheets of problems and of data.

    The data sheet begins with a column that holds each row's number in the source. Of sources over `ROWS_SHOWN` rows
    it holds the rows with problems only.
    """
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    problems = (*report.errors, *report.warnings)
    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True, "bottom": 1})
        _write_problems(book.add_worksheet(WORDS[language]["problems"]), problems, bold, language)
        marks: Marks = defaultdict(lambda: defaultdict(list))
        for problem in problems[:MARKED_CELLS]:
            if problem.row is not None:
                marks[problem.row][problem.field_number].append(problem)
        only_marked = report.rows > ROWS_SHOWN
        with raw_table(source, schema) as table:
            rows = _counted(table.rows, rows_told(progress, "mark", report.rows))
            _write_data(book, [(1, table.labels)], rows, marks, bold, only_marked, language)


def _counted(rows: Iterable[tuple[int, list[Any]]], tell: Callable[[int], None]) -> Iterator[tuple[int, list[Any]]]:
    for count, row in enumerate(rows):
        if count % TOLD_EVERY == 0:
            tell(count)
        yield row


def _write_problems(sheet: Any, problems: Iterable[TableError], bold: Any, language: Language) -> None:
    t = WORDS[language]
    for place, width in enumerate((8, 8, 8, 60, 30, 30, 60)):
        sheet.set_column(place, place, width)
    sheet.freeze_panes(1, 0)
    for place, key in enumerate(("level", "row", "column", "message", "cell", "suggestion", "remedy")):
        sheet.write_string(0, place, t[key], bold)
    for line, problem in enumerate(problems, start=1):
        texts = (
            t[problem.level],
            "" if problem.row is None else str(problem.row),
            column_letters(problem.field_number) if problem.field_number else "",
            problem.message.to(language),
            problem.cell or "",
            problem.suggestion or "",
            problem.remedy.to(language) if problem.remedy else "",
        )
        for place, text in enumerate(texts):
            sheet.write_string(line, place, text[:CELL_LIMIT])


def _write_data(
    book: Any,
    header: list[tuple[int, list[str]]],
    rows: Iterable[tuple[int, list[Any]]],
    marks: Marks,
    bold: Any,
    only_marked: bool,
    language: Language,
) -> None:
    sheet = book.add_worksheet(WORDS[language]["data"])
    sheet.freeze_panes(1, 1)
    grey = book.add_format({"font_color": "#777777"})
    formats = {
        "error": book.add_format({"bg_color": "#FFC7CE", "font_color": "#9C0006"}),
        "warning": book.add_format({"bg_color": "#FFEB9C", "font_color": "#7F6000"}),
    }
    line = 0
    for number, cells in _chained(header, rows):
        found = marks.get(number)
        if only_marked and found is None and line:
            continue
        first = str(number) if line else WORDS[language]["source_row"]
        _write_cell(sheet, line, 0, first, (found or {}).get(None, []), grey, formats, language)
        width = max(len(cells), max((place for place in found or () if place), default=0))
        for place in range(1, width + 1):
            text = cell_text(cells[place - 1]) if place <= len(cells) else ""
            plain = bold if line == 0 else None
            _write_cell(sheet, line, place, text, (found or {}).get(place, []), plain, formats, language)
        line += 1


def _write_cell(
    sheet: Any,
    line: int,
    place: int,
    text: str,
    problems: list[TableError],
    plain: Any,
    formats: dict[str, Any],
    language: Language,
) -> None:
    if not problems:
        if text:
            sheet.write_string(line, place, text[:CELL_LIMIT], plain)
        return
    level = "error" if any(p.level == "error" for p in problems) else "warning"
    if text:
        sheet.write_string(line, place, text[:CELL_LIMIT], formats[level])
    else:
        sheet.write_blank(line, place, None, formats[level])
    sheet.write_comment(line, place, "\n".join(_comment(p, language) for p in problems)[:CELL_LIMIT])


def _comment(problem: TableError, language: Language) -> str:
    parts = [problem.message.to(language)]
    if problem.remedy:
        parts.append(problem.remedy.to(language))
    if problem.suggestion is not None:
        parts.append(WORDS[language]["suggest"] + problem.suggestion)
    return "\n".join(parts)


def _chained(
    header: list[tuple[int, list[str]]], rows: Iterable[tuple[int, list[Any]]]
) -> Iterable[tuple[int, list[Any]]]:
    yield from header
    yield from rows
