"""Which format a file has: by its content first, by its name where content cannot tell."""

import zipfile
from pathlib import Path
from typing import Literal

Format = Literal["csv", "tsv", "xlsx", "xls", "ods", "json", "ndjson", "geojson", "parquet"]
Container = Literal["gz", "zip"]

OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
TEXT_SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".geojson": "geojson",
}


def container_of(path: Path, head: bytes) -> Container | None:
    """`gz` or `zip` where the table lies inside an archive; None for a plain file and for XLSX and ODS."""
    if head.startswith(b"\x1f\x8b"):
        return "gz"
    if head.startswith(b"PK") and workbook_in_zip(path) is None:
        return "zip"
    return None


def workbook_in_zip(path: Path) -> Format | None:
    """`xlsx` or `ods` where the zip is a workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "xl/workbook.xml" in names or "[Content_Types].xml" in names:
                return "xlsx"
            is_ods = "mimetype" in names and b"opendocument.spreadsheet" in archive.read("mimetype")[:200]
            return "ods" if is_ods else None
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        return None


def format_of(path: Path, name: str, head: bytes) -> Format:
    """The format of a file that is not an archive. Text with an unknown name is CSV, or JSON where it looks so."""
    if head.startswith((b"PAR1", b"PARE")) or name.lower().endswith(".parquet"):  # the second is encrypted
        return "parquet"
    if head.startswith(OLE2):
        return "xls"
    if head.startswith(b"PK") and (workbook := workbook_in_zip(path)):
        return workbook
    suffix = TEXT_SUFFIXES.get(Path(name).suffix.lower())
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if suffix in ("csv", "tsv", "ndjson", "geojson"):
        return suffix
    if start.startswith(b"{") and b'"FeatureCollection"' in head:
        return "geojson"
    if suffix:
        return suffix
    if start.startswith(b"["):
        return "json"
    return "ndjson" if start.startswith(b'{"') else "csv"
