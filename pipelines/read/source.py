"""The source of a table: one file, identified by its digest, ready to be read record by record."""

import codecs
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.progress import Advance, TellProgress, one_pass
from pipelines.read.containers import checked_file_name, empty_file, unpack
from pipelines.read.encoding import (
    EncodingWatch,
    checked_encoding,
    encoding_after_all,
    other_encoding,
    wrong_encoding,
)
from pipelines.read.features import MOST_NAMES, FeatureColumns
from pipelines.read.formats import Format, container_of, format_of
from pipelines.read.json_shape import check_json_shape
from pipelines.read.json_text import utf8_chunks
from pipelines.read.records import Records, open_records
from pipelines.read.scratch import Scratch
from pipelines.read.workbook import sheet_records
from schemas.errors import NotFound, TooLarge
from schemas.text import Text

CHUNK = 4 << 20
MAXIMUM_COLUMNS = MOST_NAMES
MAXIMUM_LINE = 64 << 20
LINE_FORMATS = ("csv", "tsv", "ndjson")
TEXT_FORMATS = (*LINE_FORMATS, "json", "geojson")

__all__ = ["SourceTable", "checked_file_name", "read_source"]


@dataclass(frozen=True)
class SourceTable:
    """One source file.

    path: the file as given. content: the unpacked bytes (the same file unless it was an archive).
    digest: SHA-256 of the bytes at `path`, hex. size: bytes at `path`. labels: the first record, as text, stripped.
    sheet: of a workbook. notes: what a steward should know though nothing is refused.
    scratch: keeps unpacked bytes alive as long as this object. opened: the sheet of a workbook, parsed once.
    features: the columns of GeoJSON.
    """

    path: Path
    file_name: str
    format: Format
    encoding: str | None
    digest: str
    size: int
    labels: tuple[str, ...]
    sheet: str | None = None
    notes: tuple[Text, ...] = ()
    content: Path = Path()
    scratch: Scratch | None = field(default=None, repr=False, compare=False)
    opened: Any = field(default=None, repr=False, compare=False)
    features: FeatureColumns | None = field(default=None, repr=False, compare=False)

    @property
    def rows_in_all(self) -> int | None:
        """Rows of a workbook's sheet or a Parquet file, the header included, as far as the file says."""
        if self.opened is not None:
            return int(self.opened.total_height)
        return int(pq.read_metadata(self.content).num_rows) if self.format == "parquet" else None

    def records(self) -> Records:
        """Records of a format that is not CSV or TSV; the first one holds the labels."""
        if self.opened is not None:
            return Records(sheet_records(self.opened), self.sheet)
        return open_records(self.content, self.format, self.sheet, self.encoding, self.features)


def read_source(
    path: Path, *, sheet: str | None = None, encoding: str | None = None, progress: TellProgress | None = None
) -> SourceTable:
    """Look at the whole file once: digest, format, encoding, labels. progress: told while unpacking and decoding;
    nobody knows how far a workbook is.

    Raises NotFound `no-such-file`, Refused (`empty-file`, `unknown-encoding`, `wrong-encoding`, `mixed-encodings`,
    `undecodable-encoding`, `truncated-archive`, `damaged-archive`, `archive-members`, `encrypted-archive`,
    `password-protected`, `merged-header`, `formulas-without-values`, `damaged-file`, `damaged-json`), NotFound
    `no-such-sheet`, TooLarge (`decompression-bomb`, `line-too-long`, `no-space`, `too-many-columns`).
    """
    declared = checked_encoding(encoding) if encoding else None
    size, head = _size_and_head(path)
    container = container_of(path, head)
    scratch = Scratch("gongkai-source-") if container else None
    content, name = path, path.name
    if container and scratch:
        content = scratch / "content"
        name = unpack(path, container, content, one_pass(progress, "read", 0, 2))
        _, head = _size_and_head(content)
    format = format_of(content, name, head)
    found = None
    with ThreadPoolExecutor(1) as beside:  # hashing and decoding both do without Python's lock
        digest = beside.submit(_digest, path)
        if format in TEXT_FORMATS:
            decoding = one_pass(progress, "read", 1, 2) if container else one_pass(progress, "read", 0, 1)
            found = _text_encoding(content, declared, format in LINE_FORMATS, decoding)
    if format in ("json", "geojson"):
        check_json_shape(utf8_chunks(content, found))
    with open_records(content, format, sheet, found) as records:
        labels = tuple("" if cell is None else str(cell).strip() for cell in next(iter(records), []))
        notes = tuple(records.notes)
        sheet, opened, features = records.sheet, records.opened, records.features
    if len(labels) > MAXIMUM_COLUMNS:
        raise _too_many_columns(len(labels))
    return SourceTable(
        path, path.name, format, found, digest.result(), size, labels, sheet, notes, content, scratch, opened, features
    )


def _too_many_columns(count: int) -> TooLarge:
    return TooLarge(
        "too-many-columns",
        Text(
            zh=f"首行有 {count} 列，上限为 {MAXIMUM_COLUMNS} 列",
            en=f"the first row has {count} columns, {MAXIMUM_COLUMNS} is the most",
        ),
        Text(zh="请检查分隔符和换行符，或拆分表格", en="check the separator and the line ends, or split the table"),
        field="file",
    )


def _size_and_head(path: Path) -> tuple[int, bytes]:
    try:
        with path.open("rb") as reader:
            head = reader.read(1 << 16)
        size = path.stat().st_size
    except (FileNotFoundError, IsADirectoryError):
        raise NotFound(
            "no-such-file",
            Text(zh="找不到这个文件", en="there is no such file"),
            Text(zh="请检查路径和文件名", en="check the path and the name"),
            field="file",
        ) from None
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        raise empty_file()
    return size, head


def _digest(path: Path) -> str:
    with path.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").hexdigest()


def _text_encoding(path: Path, declared: str | None, by_line: bool, advance: Advance) -> str:
    """Decode the whole file once, in chunks; refuses lines that no reader could hold."""
    watch = EncodingWatch()
    line = 0
    size = path.stat().st_size
    with path.open("rb") as reader:
        while chunk := reader.read(CHUNK):
            watch.feed(chunk)
            advance(watch.size / size, watch.size)
            first = chunk.find(b"\n")
            line = line + len(chunk) if first < 0 else len(chunk) - 1 - chunk.rfind(b"\n")
            if by_line and line > MAXIMUM_LINE:
                raise TooLarge(
                    "line-too-long",
                    Text(
                        zh=f"文件中有一行超过 {MAXIMUM_LINE >> 20} MiB，不是按行存放的表格",
                        en=f"a line of the file is longer than {MAXIMUM_LINE >> 20} MiB; this is no table with lines",
                    ),
                    Text(zh="请检查换行符和引号是否成对", en="check the line ends and that quotes are closed"),
                    field="file",
                )
    watch.feed(b"", final=True)
    found = watch.detect(lambda offset: _line_of(path, offset)) if declared is None else declared
    if declared is not None:
        _check_declared(path, declared, watch)
        if declared == "utf-8" and watch.head.startswith(b"\xef\xbb\xbf"):
            found = "utf-8-sig"
    return found


def _line_of(path: Path, offset: int) -> int:
    """The line in which the byte at `offset` stands, from 1."""
    line, left = 1, offset
    with path.open("rb") as reader:
        while left > 0 and (chunk := reader.read(min(CHUNK, left))):
            line += chunk.count(b"\n")
            left -= len(chunk)
    return line


def _check_declared(path: Path, declared: str, watch: EncodingWatch) -> None:
    if declared in ("utf-8", "utf-8-sig"):
        if watch.utf8_error is not None:
            raise wrong_encoding(declared, _line_of(path, watch.utf8_error))
        return
    if found := encoding_after_all(watch, declared):
        raise other_encoding(declared, found)
    decoder = codecs.getincrementaldecoder(declared)("strict")
    seen = 0
    with path.open("rb") as reader:
        while True:
            chunk = reader.read(CHUNK)
            try:
                decoder.decode(chunk, not chunk)
            except UnicodeError as error:
                raise wrong_encoding(declared, _line_of(path, seen + getattr(error, "start", 0))) from None
            if not chunk:
                return
            seen += len(chunk)
