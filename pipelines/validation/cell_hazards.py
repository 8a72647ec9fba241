"""Cells that a spreadsheet program would take for something else: formulas in text, dates as serial numbers."""

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.validation.buffers import bytes_of, offsets
from schemas.table_schema import TableSchema
from schemas.text import Text
from schemas.validation import TableError

# =, @, tab and carriage return start a formula; + and - only where no number follows.
# Source: OWASP, CSV Injection.
FORMULA = r"^(?:[=@\t\r]|[+\-][^0-9.+\- ])"
FIRST = np.zeros(256, bool)
FIRST[[*b"=@\t\r+-"]] = True
SERIAL = re.compile(r"[1-9][0-9]{4}(?:\.[0-9]+)?")
EARLIEST, LATEST = 14_611, 73_415  # 1940-01-01 to 2100-12-31


class FormulaWarnings:
    """Counts text cells that a spreadsheet program would run; a batch check that finds no errors."""

    def __init__(self, schema: TableSchema):
        self._schema = schema
        self._counts: dict[str, int] = {}
        self._first: dict[str, int] = {}
        self._last_row = 0

    def __call__(self, _batch: pa.RecordBatch, rows: np.ndarray, texts: Mapping[str, pa.Array]) -> Iterable[TableError]:
        if len(rows) and rows[0] <= self._last_row:  # the reader began anew
            self._counts, self._first = {}, {}
        self._last_row = int(rows[-1]) if len(rows) else self._last_row
        for name, cells in texts.items():
            flags = formula_cells(cells)
            if flags.any():
                self._counts[name] = self._counts.get(name, 0) + int(flags.sum())
                self._first.setdefault(name, int(rows[int(flags.argmax())]))
        return ()

    def warnings(self) -> list[TableError]:
        """One warning per field with such cells, in the schema's order."""
        return [
            TableError(
                type="formula-cell",
                level="warning",
                row=self._first[f.name],
                field=f.name,
                field_number=position,
                message=Text(
                    zh=f"“{f.title.zh}”有 {self._counts[f.name]} 个单元格会被表格软件当作公式执行，"
                    f"第一个在第 {self._first[f.name]} 行",
                    en=f"{self._counts[f.name]} cells of “{f.title.en}” would run as formulas in a spreadsheet, "
                    f"the first in row {self._first[f.name]}",
                ),
                remedy=Text(
                    zh="请确认这些内容是数据；如果是公式，请粘贴为数值",
                    en="make sure that they are data; paste formulas as values",
                ),
            )
            for position, f in enumerate(self._schema.fields, start=1)
            if f.name in self._counts
        ]


def formula_cells(cells: pa.Array) -> np.ndarray:
    """Which cells of a string array would run as formulas."""
    flags = np.zeros(len(cells), bool)
    data, starts = bytes_of(cells), offsets(cells)[:-1] - offsets(cells)[0]
    if not len(data):
        return flags
    # Of an empty cell this is a byte of its neighbour, which does no harm: suspects are looked at again.
    suspect = np.flatnonzero(FIRST.take(data.take(starts, mode="clip")))
    if len(suspect):
        matched = pc.match_substring_regex(cells.take(pa.array(suspect)), FORMULA)
        flags[suspect] = np.asarray(pc.fill_null(matched, False))
    return flags


def with_serial_dates(errors: Iterable[TableError], schema: TableSchema) -> list[TableError]:
    """The same errors; where a date is a spreadsheet's serial number, the remedy says so."""
    dates = {f.name for f in schema.fields if f.type in ("date", "datetime")}
    return [_serial(error) if error.type == "type-error" and error.field in dates else error for error in errors]


def _serial(error: TableError) -> TableError:
    if not error.cell or not SERIAL.fullmatch(error.cell):
        return error
    days = int(float(error.cell))
    if not EARLIEST <= days <= LATEST:
        return error
    remedy = Text(
        zh="单元格里是表格软件的日期序号，请把该列的格式设为日期（如 2020-03-05）后重新导出",
        en="the cell holds a spreadsheet's serial number of a date; format the column as date (such as 2020-03-05) and "
        "export again",
    )
    return error.model_copy(update={"remedy": remedy})
