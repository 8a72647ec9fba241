"""Sheets of XLSX, XLS and ODS workbooks as records: plain ones by columns, all others through calamine."""

import datetime as dt
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import python_calamine as calamine

from pipelines.read.calamine_sheet import open_by_calamine
from pipelines.read.cell_names import column_letters
from pipelines.read.containers import bomb
from pipelines.read.plain_sheet import PlainSheet, read_plain_sheet
from pipelines.read.plain_xml import NotPlain
from schemas.errors import Refused
from schemas.text import Text

MAXIMUM_UNPACKED = 2 << 30  # of all parts of a workbook
MAXIMUM_RATIO, RATIO_FREE = 400, 256 << 20  # XML of a sheet compresses far better than CSV


Sheet = PlainSheet | calamine.CalamineSheet


def open_sheet(path: Path, format: str, sheet: str | None) -> tuple[Sheet, str, list[Text]]:
    """(the sheet, its name, notes). The whole sheet is held in memory.

    Raises Refused `password-protected`, `damaged-file`, `merged-header`, `formulas-without-values`,
    `error-cells`, NotFound `no-such-sheet`, TooLarge `decompression-bomb`, `sparse-sheet`.
    """
    if format in ("xlsx", "ods"):
        _check_size(path)
    opened, name, count = _open(path, format, sheet)
    _check_merged(opened)
    return opened, name, [_other_sheets(count)] if sheet is None and count > 1 else []


def _open(path: Path, format: str, sheet: str | None) -> tuple[Sheet, str, int]:
    """(the sheet, its name, how many there are)."""
    if format == "xlsx":
        try:
            return read_plain_sheet(path, sheet)
        except NotPlain:
            pass
    return open_by_calamine(path, format, sheet)


def sheet_records(sheet: Sheet) -> Iterator[list[Any]]:
    """Records of an open sheet, with cells as openpyxl gives them."""
    for row in raw_records(sheet):
        yield [plain_cell(cell) for cell in row]


def raw_records(sheet: Sheet) -> Iterator[list[Any]]:
    """Records from the top row on, with cells as calamine gives them: all numbers float, nothing an empty text."""
    if isinstance(sheet, PlainSheet):
        yield from sheet.records()
        return
    before = [""] * (sheet.start[1] if sheet.start else 0)  # calamine leaves out empty columns at the left
    for cells in sheet.iter_rows():
        yield before + cells if before else cells


def _check_size(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MAXIMUM_UNPACKED or unpacked > max(RATIO_FREE, MAXIMUM_RATIO * path.stat().st_size):
        raise bomb()


def _check_merged(sheet: Sheet) -> None:
    """Refuse merged cells in the header row: a value of a merged range stands in its first cell alone."""
    top = sheet.start[0] if sheet.start else 0
    for (first_row, first_column), (_, last_column) in sheet.merged_cell_ranges or []:
        if first_row == top:
            columns = f"{column_letters(first_column + 1)}–{column_letters(last_column + 1)}"
            raise Refused(
                "merged-header",
                Text(
                    zh=f"第 {top + 1} 行（表头）有合并的单元格：{columns} 列",
                    en=f"row {top + 1}, the header, has merged cells: columns {columns}",
                ),
                Text(
                    zh="请取消合并，使表头只占一行，每列一个名称；表格上方的标题行请删除",
                    en="unmerge them, so that the header is one row with one name per column; delete title lines above",
                ),
                field="file",
            )


def _other_sheets(count: int) -> Text:
    return Text(
        zh=f"工作簿有 {count} 个工作表，只读取第一个", en=f"the workbook has {count} sheets; only the first is read"
    )


def plain_cell(cell: Any) -> Any:
    """A cell as openpyxl gives it: whole numbers as int, dates as datetime, nothing as None."""
    if cell == "":
        return None
    if type(cell) is float and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    if type(cell) is dt.date:
        return dt.datetime(cell.year, cell.month, cell.day)
    return cell
