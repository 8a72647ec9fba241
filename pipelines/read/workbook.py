"""Sheets of XLSX, XLS and ODS workbooks as records, through calamine."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import python_calamine as calamine

from schemas.errors import NotFound, Refused
from schemas.text import Text


def workbook_records(path: Path, format: str, sheet: str | None) -> tuple[Iterator[list[Any]], str, list[Text]]:
    """(records, name of the sheet, notes). Raises Refused `password-protected`, `damaged-file`, NotFound."""
    try:
        book = calamine.CalamineWorkbook.from_path(path)
    except calamine.PasswordError:
        raise password_protected() from None
    except (calamine.CalamineError, calamine.XmlError, calamine.ZipError, OSError) as error:
        if "password" in str(error).lower() or "encrypt" in str(error).lower():
            raise password_protected() from None
        raise damaged_workbook() from None
    name = sheet if sheet is not None else book.sheet_names[0]
    if name not in book.sheet_names:
        listed = "、".join(book.sheet_names[:20])
        raise NotFound(
            "no-such-sheet",
            Text(zh="工作簿里没有所指明的工作表", en="the workbook has no sheet of that name"),
            Text(zh=f"现有的工作表：{listed}", en=f"its sheets are: {listed}"),
            field="sheet",
        )
    return _records(book, name), name, []


def _records(book: calamine.CalamineWorkbook, name: str) -> Iterator[list[Any]]:
    rows = book.get_sheet_by_name(name)
    for row in rows.to_python(skip_empty_area=False):
        yield [_cell(cell) for cell in row]


def _cell(cell: Any) -> Any:
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
