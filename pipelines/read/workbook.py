"""Sheets of XLSX, XLS and ODS workbooks as records, through calamine."""

import datetime as dt
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import python_calamine as calamine

from pipelines.read.containers import bomb
from pipelines.read.sheet_extent import Defects, look_through
from schemas.errors import NotFound, Refused
from schemas.text import Text

MAXIMUM_UNPACKED = 2 << 30  # of all parts of a workbook
MAXIMUM_RATIO, RATIO_FREE = 400, 256 << 20  # XML of a sheet compresses far better than CSV


def open_sheet(path: Path, format: str, sheet: str | None) -> tuple[calamine.CalamineSheet, str, list[Text]]:
    """(the sheet, its name, notes). calamine holds the whole sheet in memory.

    Raises Refused `password-protected`, `damaged-file`, `merged-header`, `formulas-without-values`,
    `error-cells`, NotFound `no-such-sheet`, TooLarge `decompression-bomb`, `sparse-sheet`.
    """
    if format in ("xlsx", "ods"):
        _check_size(path)
    try:
        book = calamine.CalamineWorkbook.from_path(path)
    except calamine.PasswordError:
        raise password_protected() from None
    except (calamine.CalamineError, calamine.XmlError, calamine.ZipError, OSError) as error:
        if "password" in str(error).lower() or "encrypt" in str(error).lower():
            raise password_protected() from None
        raise damaged_workbook() from None
    name = sheet if sheet is not None else (book.sheet_names or [""])[0]
    if name not in book.sheet_names:
        listed = "、".join(book.sheet_names[:20])
        raise NotFound(
            "no-such-sheet",
            Text(zh="工作簿里没有所指明的工作表", en="the workbook has no sheet of that name"),
            Text(zh=f"现有的工作表：{listed}", en=f"its sheets are: {listed}"),
            field="sheet",
        )
    found = _look_through(path, name) if format == "xlsx" else Defects()
    try:
        opened = book.get_sheet_by_name(name)
    except (calamine.CalamineError, calamine.XmlError) as error:
        raise damaged_workbook() from error
    _check_merged(opened)
    if found.without_result:
        raise _no_values(found.without_result)
    if found.error:
        raise _error_cells(found.error)
    notes = [_other_sheets(len(book.sheet_names))] if sheet is None and len(book.sheet_names) > 1 else []
    return opened, name, notes


def sheet_records(sheet: calamine.CalamineSheet) -> Iterator[list[Any]]:
    """Records of an open sheet, with cells as openpyxl gives them."""
    for row in raw_records(sheet):
        yield [plain_cell(cell) for cell in row]


def raw_records(sheet: calamine.CalamineSheet) -> Iterator[list[Any]]:
    """Records from the top row on, with cells as calamine gives them: all numbers float, nothing an empty text."""
    before = [""] * (sheet.start[1] if sheet.start else 0)  # calamine leaves out empty columns at the left
    for cells in sheet.iter_rows():
        yield before + cells if before else cells


def _check_size(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MAXIMUM_UNPACKED or unpacked > max(RATIO_FREE, MAXIMUM_RATIO * path.stat().st_size):
        raise bomb()


def _look_through(path: Path, name: str) -> Defects:
    """Cells that calamine would read as empty ones."""
    with zipfile.ZipFile(path) as archive:
        part = _sheet_part(archive, name)
        if part:
            return look_through(archive, part)
        for other in (member for member in archive.namelist() if member.endswith(".xml")):
            look_through(archive, other)
    return Defects()


def _check_merged(sheet: calamine.CalamineSheet) -> None:
    """Refuse merged cells in the header row: a value of a merged range stands in its first cell alone."""
    top = sheet.start[0] if sheet.start else 0
    for (first_row, first_column), (_, last_column) in sheet.merged_cell_ranges or []:
        if first_row == top:
            columns = f"{column_letters(first_column)}–{column_letters(last_column)}"
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


def _sheet_part(archive: zipfile.ZipFile, name: str) -> str | None:
    """The part that holds the sheet `name`."""
    try:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 (expat refuses entity bombs)
        links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    except (KeyError, ElementTree.ParseError):
        return None
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    for sheet in book.iter():
        if sheet.tag.endswith("}sheet") and sheet.get("name") == name:
            link = next((v for k, v in sheet.attrib.items() if k.endswith("}id")), None)
            target = targets.get(link, "").lstrip("/")
            part = target if target.startswith("xl/") else f"xl/{target}"
            return part if part in archive.namelist() else None
    return None


def _no_values(cell: str) -> Refused:
    return Refused(
        "formulas-without-values",
        Text(
            zh=f"工作表里有没有计算结果的公式，第一个在 {cell}",
            en=f"the sheet holds formulas without stored results, the first in {cell}",
        ),
        Text(
            zh="请用表格软件打开文件，重新计算后保存；或把公式粘贴为数值",
            en="open the file in a spreadsheet program, recalculate and save it, or paste the formulas as values",
        ),
        field="file",
    )


def _error_cells(cell: str) -> Refused:
    return Refused(
        "error-cells",
        Text(
            zh=f"工作表里有出错的单元格（如 #DIV/0!、#N/A），第一个在 {cell}",
            en=f"the sheet holds cells with errors such as #DIV/0! or #N/A, the first in {cell}",
        ),
        Text(
            zh="请改正公式；确实没有值的单元格请清空",
            en="correct the formulas; clear the cells that have no value",
        ),
        field="file",
    )


def _other_sheets(count: int) -> Text:
    return Text(
        zh=f"工作簿有 {count} 个工作表，只读取第一个", en=f"the workbook has {count} sheets; only the first is read"
    )


def column_letters(index: int) -> str:
    """A spreadsheet's name of the column with this number, 0 = A."""
    letters = ""
    index += 1
    while index:
        index, digit = divmod(index - 1, 26)
        letters = chr(65 + digit) + letters
    return letters


def plain_cell(cell: Any) -> Any:
    """A cell as openpyxl gives it: whole numbers as int, dates as datetime, nothing as None."""
    if cell == "":
        return None
    if type(cell) is float and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    if type(cell) is dt.date:
        return dt.datetime(cell.year, cell.month, cell.day)
    return cell


def password_protected() -> Refused:
    return Refused(
        "password-protected",
        Text(zh="工作簿有打开密码", en="the workbook is protected with a password"),
        Text(zh="请去掉打开密码后另存，再上传", en="remove the password, save it and upload it again"),
        field="file",
    )


def damaged_workbook() -> Refused:
    return Refused(
        "damaged-file",
        Text(zh="工作簿已损坏或不是受支持的格式", en="the workbook is damaged or of an unsupported format"),
        Text(zh="请用表格软件打开并另存为 XLSX", en="open it in a spreadsheet program and save it as XLSX"),
        field="file",
    )
