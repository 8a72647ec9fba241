"""Formats made of the reviewed Parquet file: JSON, NDJSON, XLSX, GeoJSON. The same input gives the same bytes."""

import datetime as dt
import decimal
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import xlsxwriter

from pipelines.rows.build import BATCH_ROWS, ROWS_FILE
from pipelines.rows.values import Kind, kind_of, plain_decimal
from schemas.errors import NotFound, Refused
from schemas.table_schema import Meaning, SchemaField
from schemas.text import Text

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "geojson": "application/geo+json",
}
COMPRESSIBLE = frozenset({"csv", "json", "ndjson", "geojson"})
SHEET_ROWS = 1_048_576  # of an XLSX sheet, the header included
SHEET_COLUMNS = 16_384
CELL_CHARACTERS = 32_767  # of an XLSX cell, in UTF-16 units
EXACT_DIGITS = 15  # that a spreadsheet keeps of a number
LONGITUDE_NAMES = frozenset({"longitude", "lon", "lng", "经度"})
LATITUDE_NAMES = frozenset({"latitude", "lat", "纬度"})


def write_json(rows: Path, out: Path) -> None:
    """One JSON array of objects. rows: folder of the row store."""
    with (rows / ROWS_FILE).open("rb") as lines, out.open("wb") as writer:
        writer.write(b"[")
        _write_joined(lines, writer.write)
        writer.write(b"]\n")


def _write_joined(lines: Iterator[bytes], write: Callable[[bytes], Any], render: Any = None) -> None:
    separator = b"\n"
    for line in lines:
        write(separator)
        write(render(line) if render else line[:-1])
        separator = b",\n"
    write(b"\n")


def coordinates(fields: Sequence[SchemaField]) -> tuple[str, str]:
    """Names of the fields that hold longitude and latitude, by meaning or name. Raises NotFound `no-coordinates`."""
    found = _named(fields, Meaning.LONGITUDE, LONGITUDE_NAMES), _named(fields, Meaning.LATITUDE, LATITUDE_NAMES)
    if found[0] is None or found[1] is None:
        raise NotFound(
            "no-coordinates",
            Text(zh="该数据没有经纬度字段，不能提供 GeoJSON", en="this data has no longitude and latitude: no GeoJSON"),
            Text(zh="请下载其他格式", en="download another format"),
            field="format",
        )
    return found[0], found[1]


def _named(fields: Sequence[SchemaField], meaning: Meaning, names: frozenset[str]) -> str | None:
    by_meaning = [f.name for f in fields if f.meaning is meaning]
    by_name = [f.name for f in fields if f.name.lower() in names]
    return next(iter(by_meaning + by_name), None)


def write_geojson(rows: Path, out: Path, longitude: str, latitude: str) -> None:
    """A FeatureCollection of points (RFC 7946). A row without coordinates has a null geometry."""

    def feature(line: bytes) -> bytes:
        properties = line[:-1]
        row = orjson.loads(properties)
        point = _point(row.get(longitude), row.get(latitude))
        geometry = orjson.dumps({"type": "Point", "coordinates": point}) if point else b"null"
        return b'{"type":"Feature","geometry":' + geometry + b',"properties":' + properties + b"}"

    with (rows / ROWS_FILE).open("rb") as lines, out.open("wb") as writer:
        writer.write(b'{"type":"FeatureCollection","features":[')
        _write_joined(lines, writer.write, feature)
        writer.write(b"]}\n")


def _point(longitude: Any, latitude: Any) -> list[float] | None:
    try:
        point = [float(longitude), float(latitude)]
    except (TypeError, ValueError):
        return None
    return point if all(map(math.isfinite, point)) else None


def write_xlsx(parquet: Path, out: Path) -> None:
    """One sheet; strings stay strings, so that no cell becomes a formula, a link or a number.

    Raises Refused `too-many-rows-for-xlsx`, `too-many-columns-for-xlsx`, `cell-too-long-for-xlsx`.
    """
    with pq.ParquetFile(parquet) as source:
        names = source.schema_arrow.names
        _check_sheet_size(source.metadata.num_rows, len(names))
        options = {
            "constant_memory": True,
            "strings_to_numbers": False,
            "strings_to_formulas": False,
            "strings_to_urls": False,
        }
        book = xlsxwriter.Workbook(out, options)
        try:
            book.set_properties({"created": dt.datetime(2000, 1, 1)})  # the same rows give the same bytes
            sheet = book.add_worksheet("data")
            sheet.freeze_panes(1, 0)
            writers = [_cell_writer(book, sheet, kind_of(t)) for t in source.schema_arrow.types]
            for number, name in enumerate(names):
                sheet.write_string(0, number, name)
            row = 1
            for batch in source.iter_batches(batch_size=BATCH_ROWS):
                for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    for number, value in enumerate(values):
                        if value is not None:
                            _check_cell(writers[number](row, number, value), names[number])
                    row += 1
        finally:
            book.close()


def _cell_writer(book: Any, sheet: Any, kind: Kind) -> Callable[[int, int, Any], int]:
    day = book.add_format({"num_format": "yyyy-mm-dd"})

    def write_date(row: int, column: int, value: dt.date) -> int:
        if value.year < 1901:  # spreadsheets count days from 1900 and get its first year wrong
            return int(sheet.write_string(row, column, value.isoformat()))
        return int(sheet.write_datetime(row, column, value, day))

    def write_number(row: int, column: int, value: Any) -> int:
        if isinstance(value, float):
            return 0 if not math.isfinite(value) else int(sheet.write_number(row, column, value))
        digits = plain_decimal(value) if isinstance(value, decimal.Decimal) else str(value)
        exact = len(digits.lstrip("-0.").replace(".", "")) <= EXACT_DIGITS
        return int(sheet.write_number(row, column, float(value)) if exact else sheet.write_string(row, column, digits))

    def write_text(row: int, column: int, value: Any) -> int:
        return int(sheet.write_string(row, column, _as_text(value)))

    def write_boolean(row: int, column: int, value: bool) -> int:
        return int(sheet.write_boolean(row, column, value))

    match kind:
        case Kind.DATE:
            return write_date
        case Kind.BOOLEAN:
            return write_boolean
        case Kind.INTEGER | Kind.NUMBER | Kind.DECIMAL:
            return write_number
    return write_text


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (dt.datetime, dt.time)):
        return value.isoformat()
    return orjson.dumps(value, default=str).decode()


def _check_cell(result: int, name: str) -> None:
    if result:
        raise Refused(
            "cell-too-long-for-xlsx",
            Text(
                zh=f"字段“{name}”有超过 {CELL_CHARACTERS} 个字符的单元格，XLSX 放不下",
                en=f"a cell of “{name}” is longer than the {CELL_CHARACTERS} characters an XLSX cell holds",
            ),
            Text(zh="请下载 CSV 或 Parquet", en="download CSV or Parquet"),
            field="format",
        )


def _check_sheet_size(rows: int, columns: int) -> None:
    for what, count, most in (("rows", rows + 1, SHEET_ROWS), ("columns", columns, SHEET_COLUMNS)):
        if count > most:
            raise Refused(
                f"too-many-{what}-for-xlsx",
                Text(
                    zh=f"XLSX 工作表最多 {most} {'行（含表头）' if what == 'rows' else '列'}，该数据放不下",
                    en=f"an XLSX sheet holds at most {most} {what}{', header included' if what == 'rows' else ''}",
                ),
                Text(
                    zh="请下载 CSV 或 Parquet，或用数据接口筛选",
                    en="download CSV or Parquet, or filter by the data API",
                ),
                field="format",
            )
