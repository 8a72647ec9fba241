"""Sheets of workbooks of any form, through calamine."""

import zipfile
from pathlib import Path
from xml.etree import ElementTree

import python_calamine as calamine

from pipelines.read.ods_extent import look_through_ods
from pipelines.read.sheet_extent import Defects, look_through
from pipelines.read.workbook_parts import sheet_parts
from schemas.errors import NotFound, Refused
from schemas.text import Text


def open_by_calamine(path: Path, format: str, sheet: str | None) -> tuple[calamine.CalamineSheet, str, int]:
    """(the sheet, its name, how many there are).

    Raises Refused `password-protected`, `damaged-file`, `formulas-without-values`, `error-cells`, NotFound
    `no-such-sheet`, TooLarge `sparse-sheet`.
    """
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
    found = _look_through(path, format, name)
    try:
        opened = book.get_sheet_by_name(name)
    except (calamine.CalamineError, calamine.XmlError) as error:
        raise damaged_workbook() from error
    if found.without_result:
        raise _no_values(found.without_result)
    if found.error:
        raise _error_cells(found.error)
    return opened, name, len(book.sheet_names)


def _look_through(path: Path, format: str, name: str) -> Defects:
    """Cells that calamine would read as empty ones."""
    if format == "xls":
        return Defects()
    with zipfile.ZipFile(path) as archive:
        if format == "ods":
            try:
                return look_through_ods(archive, name)
            except (KeyError, ValueError, ElementTree.ParseError):
                raise damaged_workbook() from None
        part = _sheet_part(archive, name)
        if part:
            return look_through(archive, part)
        for other in (member for member in archive.namelist() if member.endswith(".xml")):
            look_through(archive, other)
    return Defects()


def _sheet_part(archive: zipfile.ZipFile, name: str) -> str | None:
    """The part that holds the sheet `name`."""
    try:
        part = sheet_parts(archive).get(name)
    except (KeyError, ElementTree.ParseError):
        return None
    return part if part in archive.namelist() else None


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
