"""Double quotes that are never closed: to a reader of CSV, all that follows is one cell.

`csv.reader` itself is asked, so what is found is what it would do; cells longer than LONGEST_CELL stop it.
"""

import csv
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from schemas.errors import Refused, TooLarge
from schemas.text import Text

LONGEST_CELL = 16 << 20  # characters; a large polygon has a few million
END = "\0end"


@dataclass(frozen=True)
class OpenQuote:
    """row: of the record in which the quote opens, 1 = first of the file. line: of the text at which that record
    begins. endless: its cell is longer than LONGEST_CELL. lines: how many lines the record has taken so far."""

    row: int
    line: int
    endless: bool
    lines: int


def limit_cells() -> None:
    """Let `csv.reader` stop at LONGEST_CELL, everywhere in this process; frictionless sets no limit."""
    csv.field_size_limit(LONGEST_CELL)


def is_endless(error: str) -> bool:
    """Whether this is what `csv.reader` says where it stops at the limit."""
    return "field larger than field limit" in error


def find_open_quote(path: Path, encoding: str, dialect: Any, newline: str | None) -> OpenQuote | None:
    """The quote that is open at the end of the file, or the cell that is too long. None where there is none.

    dialect: of `csv.reader`. newline: as `open` takes it. Holds one record in memory.
    """
    row, line = 0, 0
    last: list[str] = []
    try:
        with path.open(encoding=encoding, newline=newline) as lines:
            records = csv.reader(chain(lines, [END]), dialect=dialect)
            begin = 0
            try:
                for record in records:
                    row, begin, line, last = row + 1, line, records.line_num, record
            except csv.Error as error:
                return OpenQuote(row + 1, line + 1, True, records.line_num - line) if is_endless(str(error)) else None
    except UnicodeDecodeError:
        return None
    # A quote that opens at the very end takes END for the whole of its cell.
    closed = last == [END] and line - begin == 1
    return None if closed else OpenQuote(row, begin + 1, False, line - begin)


def refuse_endless_cell(quote: OpenQuote | None) -> None:
    """Raises Refused `unclosed-quote`, and TooLarge `cell-too-long` where the cell is one line of text."""
    if quote is None or not quote.endless:
        return
    if quote.lines < 2:
        raise TooLarge(
            "cell-too-long",
            Text(
                zh=f"第 {quote.row} 行有一个单元格超过 {LONGEST_CELL >> 20} 百万字符",
                en=f"row {quote.row} holds a cell of over {LONGEST_CELL >> 20} million characters",
            ),
            Text(
                zh="请检查分隔符和引号；如果内容确实这么长（如几何图形），请简化或改用 GeoJSON",
                en="check the separator and the quotes; if the cell is right, such as a geometry, simplify it or hand "
                "in GeoJSON",
            ),
            field="file",
        )
    raise unclosed_quote(quote.row, quote.line)


def unclosed_quote(row: int, line: int | None = None) -> Refused:
    """row, line: as in OpenQuote; line None: not known."""
    return Refused(
        "unclosed-quote",
        Text(
            zh=f"第 {row} 行{_line_zh(row, line)}有一个双引号没有闭合，其后的内容都成了同一个单元格",
            en=f"a double quote opens in row {row}{_line_en(row, line)} and is not closed: all that follows is one "
            "cell",
        ),
        Text(
            zh="请在该行补上右引号；如果引号是内容的一部分，请写成两个双引号并给整个单元格加引号，或重新导出",
            en="close the quote in that row; if it is part of the text, double it and put the whole cell in quotes, or "
            "export the file again",
        ),
        field="file",
    )


def _line_zh(row: int, line: int | None) -> str:
    return "" if line in (None, row) else f"（文本第 {line} 行）"


def _line_en(row: int, line: int | None) -> str:
    return "" if line in (None, row) else f" (line {line} of the text)"
