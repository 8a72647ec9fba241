"""Records of any format as lists of plain cells: the first record holds the labels."""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from pipelines.read.features import FeatureColumns, feature_columns, feature_records
from pipelines.read.objects import json_records, ndjson_records
from pipelines.read.parquet import parquet_records
from pipelines.read.workbook import open_sheet, sheet_records
from schemas.text import Text


class Records:
    """Iterates records once. `sheet` and `notes` are known after opening; `opened` is the sheet itself, `features`
    the columns of GeoJSON."""

    def __init__(
        self,
        records: Iterator[list[Any]],
        sheet: str | None = None,
        notes: list[Text] | None = None,
        opened: Any = None,
        features: FeatureColumns | None = None,
    ):
        self._records = records
        self.sheet = sheet
        self.notes = notes or []
        self.opened = opened
        self.features = features

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


def open_records(
    path: Path, format: str, sheet: str | None, encoding: str | None, features: FeatureColumns | None = None
) -> Records:
    """Open the records of a file. features: the columns of GeoJSON, where they are known already.

    Raises Refused where the file cannot be opened as its format.
    """
    if format in ("csv", "tsv"):
        return Records(_text_records(path, format, encoding or "utf-8"))
    if format in ("xlsx", "xls", "ods"):
        opened, sheet, notes = open_sheet(path, format, sheet)
        return Records(sheet_records(opened), sheet, notes, opened)
    if format == "json":
        return Records(json_records(path, encoding))
    if format == "ndjson":
        return Records(ndjson_records(path, encoding or "utf-8"))
    if format == "geojson":
        features = features or feature_columns(path, encoding)
        return Records(feature_records(path, encoding, features), features=features)
    return Records(parquet_records(path))


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
