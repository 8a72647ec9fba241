"""Records of any format as lists of plain cells: the first record holds the labels."""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.read.features import feature_records
from pipelines.read.objects import json_records, ndjson_records
from pipelines.read.workbook import open_sheet, sheet_records
from schemas.errors import Refused
from schemas.text import Text


class Records:
    """Iterates records once. `sheet` and `notes` are known after opening; `opened` is the sheet itself."""

    def __init__(
        self,
        records: Iterator[list[Any]],
        sheet: str | None = None,
        notes: list[Text] | None = None,
        opened: Any = None,
    ):
        self._records = records
        self.sheet = sheet
        self.notes = notes or []
        self.opened = opened

    def __iter__(self) -> Iterator[list[Any]]:
        return self._records

    def __enter__(self) -> "Records":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        close = getattr(self._records, "close", None)
        if close:
            close()


def open_records(path: Path, format: str, sheet: str | None, encoding: str | None) -> Records:
    """Open the records of a file. Raises Refused where the file cannot be opened as its format."""
    if format in ("csv", "tsv"):
        return Records(_text_records(path, format, encoding or "utf-8"))
    if format in ("xlsx", "xls", "ods"):
        opened, sheet, notes = open_sheet(path, format, sheet)
        return Records(sheet_records(opened), sheet, notes, opened)
    if format == "json":
        return Records(json_records(path))
    if format == "ndjson":
        return Records(ndjson_records(path, encoding or "utf-8"))
    if format == "geojson":
        return Records(feature_records(path))
    return Records(_parquet_records(path))


def _text_records(path: Path, format: str, encoding: str) -> Iterator[list[Any]]:
    """For the labels alone: the validating reader has its own way."""
    with path.open(encoding=encoding, newline="") as reader:
        sample = list(itertools.islice(reader, 20))
    delimiters = "\t" if format == "tsv" else ",\t;|"
    try:
        dialect: Any = csv.Sniffer().sniff("".join(sample), delimiters)
    except csv.Error:
        dialect = csv.excel_tab if format == "tsv" else csv.excel
    yield from csv.reader(sample, dialect)


def _parquet_records(path: Path) -> Iterator[list[Any]]:
    try:
        with pq.ParquetFile(path) as file:
            yield list(file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=20_000):
                yield from map(list, zip(*(column.to_pylist() for column in batch.columns), strict=True))
    except (pa.ArrowInvalid, OSError):
        raise Refused(
            "damaged-file",
            Text(zh="Parquet 文件已损坏，无法读取", en="the Parquet file is damaged and cannot be read"),
            Text(zh="请重新导出", en="export it again"),
            field="file",
        ) from None
