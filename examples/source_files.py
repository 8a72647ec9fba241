"""Writes rows as the kinds of files agencies deliver; the same rows give the same bytes."""

import csv
import datetime
import io
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from examples.tables import Row

WRITTEN = datetime.datetime(2026, 10, 1, 8, 0, 0)


def write_csv(path: Path, rows: list[Row], encoding: str = "utf-8-sig") -> None:
    """CSV with CRLF, as Excel writes it. encoding: `utf-8-sig` (with BOM), `utf-8` or `gb18030`."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(buffer.getvalue().encode(encoding))


def write_json(path: Path, rows: list[Row]) -> None:
    """A list of objects, one per line."""
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_bytes(f"[\n{lines}\n]\n".encode())


def write_parquet(path: Path, table: pa.Table) -> None:
    pq.write_table(table, path, compression="snappy", version="2.6")


def write_xlsx(path: Path, rows: list[Row], sheet: str) -> None:
    """One sheet with a header line. The parts are stored, not deflated: their bytes depend on no zlib version."""
    buffer = io.BytesIO()
    workbook = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_numbers": False})
    workbook.set_properties({"title": sheet, "created": WRITTEN})
    worksheet = workbook.add_worksheet(sheet)
    bold, day = workbook.add_format({"bold": True}), workbook.add_format({"num_format": "yyyy-mm-dd"})
    for column, name in enumerate(rows[0]):
        worksheet.write_string(0, column, name, bold)
        for line, row in enumerate(rows, start=1):
            value = row[name]
            if isinstance(value, datetime.date):
                worksheet.write_datetime(line, column, value, day)
            else:
                worksheet.write(line, column, value)
    workbook.close()
    with zipfile.ZipFile(buffer) as packed, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as stored:
        for name in packed.namelist():
            stored.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), packed.read(name))
