"""Parquet files: batches of columns in a few plain types, and the same cells as Python values."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.read.containers import MAXIMUM_RATIO, RATIO_FREE, bomb
from schemas.errors import Refused
from schemas.text import Text

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
BATCH = 32_768  # rows
BATCH_CELLS = 1 << 20
BATCH_TEXT = 256 << 20  # bytes
SHORT = 64  # bytes of a cell; what is longer is counted
WIDE_FREE = 1 << 30  # and not judged below this many bytes
EPOCH = dt.date(1970, 1, 1)


@contextmanager
def open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a file whose columns can all be read.

    Raises Refused `truncated-parquet`, `encrypted-parquet`, `unreadable-columns`, `damaged-file`, also from within the
    block, and TooLarge `decompression-bomb`.
    """
    _check_ends(path)
    try:
        with pq.ParquetFile(path, memory_map=False, pre_buffer=False, buffer_size=1 << 18) as file:
            unreadable = [f for f in file.schema_arrow if not _readable(f.type)]
            if unreadable:
                raise _unreadable_columns(unreadable)
            cells = file.metadata.num_rows * file.metadata.num_columns  # each takes a byte in a file with lines
            if cells > max(RATIO_FREE, MAXIMUM_RATIO * path.stat().st_size):
                raise bomb()
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _encrypted() if "ncrypt" in str(error) or "ecrypt" in str(error) else _damaged() from None


def parquet_records(path: Path) -> Iterator[list[Any]]:
    """The names, then each row as Python values. Raises Refused as `open_parquet` does."""
    with open_parquet(path) as file:
        yield list(file.schema_arrow.names)
        for columns in parquet_batches(file, path):
            yield from map(list, zip(*map(plain_values, columns), strict=True))


def parquet_batches(file: pq.ParquetFile, path: Path) -> Iterator[list[pa.Array]]:
    """Columns of the next rows, in plain types: text (maybe as a dictionary), whole numbers, float64, decimal, bool,
    date32, timestamps and times in microseconds, durations, null, and nested ones as they are. path: of `file`.

    Raises TooLarge `decompression-bomb`.
    """
    size = max(1, min(BATCH, BATCH_CELLS // max(len(file.schema_arrow), 1)))
    wide, most = 0, max(WIDE_FREE, MAXIMUM_RATIO * path.stat().st_size)
    for group, longest in enumerate(_longest_rows(path)):
        rows = max(1, min(size, BATCH_TEXT // max(longest, 1)))
        for batch in file.iter_batches(batch_size=rows, row_groups=[group]):
            wide += sum(max(0, column.nbytes - SHORT * len(column)) for column in batch.columns)
            if wide > most:
                raise bomb()
            yield [plain_column(column) for column in batch.columns]


def _longest_rows(path: Path) -> Iterator[int]:
    """For each row group, bytes of the longest texts that its columns list once and repeat: a few bytes can stand for
    a long text in every row. Reads the lists alone."""
    schema = pq.read_schema(path)
    texts = [f.name for f in schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 18, read_dictionary=texts) as file:
        for group in range(file.num_row_groups):
            yield sum(pc.max(pc.binary_length(values)).as_py() or 0 for values in _lists(file, group, texts))


def _lists(file: pq.ParquetFile, group: int, texts: Sequence[str]) -> list[pa.Array]:
    """What the columns of a row group list. Those whose values are told as differences from the ones before list
    nothing: Arrow cannot read them so."""
    if not texts:
        return []
    try:
        first = next(file.iter_batches(batch_size=1, row_groups=[group], columns=texts), None)
    except OSError as error:
        if "Not yet implemented" not in str(error):
            raise
        return [] if len(texts) == 1 else [found for name in texts for found in _lists(file, group, [name])]
    return [c.dictionary for c in first.columns if pa.types.is_dictionary(c.type)] if first else []


def plain_column(column: pa.Array) -> pa.Array:
    """A column in one of the plain types; what is below a microsecond is cut off. Raises ArrowInvalid where text is
    not UTF-8."""
    type = column.type
    if isinstance(type, pa.UuidType):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    if isinstance(type, pa.BaseExtensionType):
        return plain_column(column.storage)
    if pa.types.is_dictionary(type):
        if type.value_type != pa.string():
            return plain_column(column.dictionary_decode())
        column.dictionary.validate(full=True)
        return column
    if pa.types.is_run_end_encoded(type):
        return plain_column(pc.run_end_decode(column))
    if pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type):
        column.validate(full=True)
        return column.cast(pa.string())
    if pa.types.is_floating(type):
        return column.cast(pa.float64())
    if pa.types.is_date64(type):
        return column.cast(pa.date32(), safe=False)
    if pa.types.is_timestamp(type) or pa.types.is_duration(type):
        wide = pa.timestamp("us", type.tz) if pa.types.is_timestamp(type) else pa.duration("us")
        return column.cast(wide, safe=type.unit != "ns")
    if pa.types.is_time(type):
        return column.cast(pa.time64("us"), safe=False)
    return column


def plain_values(column: pa.Array) -> list[Any]:
    """Python values of a plain column; a date or moment outside of the years 1 to 9999 is a text that tells which."""
    try:
        values: list[Any] = column.to_pylist()
    except (OverflowError, ValueError):
        return [_plain_value(value) for value in column]
    return values


def _plain_value(value: pa.Scalar) -> Any:
    try:
        return value.as_py()
    except (OverflowError, ValueError):
        unit = "d" if pa.types.is_date(value.type) else "us"
        return f"{EPOCH}{value.value:+d}{unit}"


def nested_columns(schema: pa.Schema) -> list[str]:
    """Names of columns whose cells hold several values."""
    return [f.name for f in schema if pa.types.is_nested(f.type)]


def _readable(type: pa.DataType) -> bool:
    """Whether the values of a type have a meaning that a cell can have."""
    if isinstance(type, pa.UuidType):
        return True
    if isinstance(type, pa.BaseExtensionType):
        return _readable(type.storage_type)
    if pa.types.is_dictionary(type) or pa.types.is_run_end_encoded(type):
        return _readable(type.value_type)
    if pa.types.is_nested(type):
        return all(_readable(type.field(i).type) for i in range(type.num_fields))
    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    return not (any(is_binary(type) for is_binary in binary) or pa.types.is_interval(type))


def _check_ends(path: Path) -> None:
    with path.open("rb") as reader:
        start = reader.read(4)
        reader.seek(max(path.stat().st_size - 4, 0))
        end = reader.read(4)
    if ENCRYPTED in (start, end):
        raise _encrypted()
    if start == MAGIC and end != MAGIC:
        raise Refused(
            "truncated-parquet",
            Text(
                zh="Parquet 文件不完整：文件末尾的目录缺失",
                en="the Parquet file is not whole: its index at the end is missing",
            ),
            Text(
                zh="写入或传输中断了；请等写入结束后重新上传，或重新导出",
                en="writing or sending broke off; upload it again after it was closed, or export it again",
            ),
            field="file",
        )


def _encrypted() -> Refused:
    return Refused(
        "encrypted-parquet",
        Text(zh="Parquet 文件或其中的列已加密", en="the Parquet file, or columns of it, are encrypted"),
        Text(zh="请导出未加密的副本后上传", en="export a copy without encryption and upload that"),
        field="file",
    )


def _damaged() -> Refused:
    return Refused(
        "damaged-file",
        Text(zh="Parquet 文件已损坏，无法读取", en="the Parquet file is damaged and cannot be read"),
        Text(zh="请重新导出", en="export it again"),
        field="file",
    )


def _unreadable_columns(fields: Sequence[pa.Field]) -> Refused:
    zh = "、".join(f"“{f.name}”（{f.type}）" for f in fields[:10])
    en = ", ".join(f"“{f.name}” ({f.type})" for f in fields[:10])
    return Refused(
        "unreadable-columns",
        Text(
            zh=f"Parquet 文件有 {len(fields)} 列的类型没有可校验的含义：{zh}",
            en=f"{len(fields)} columns of the Parquet file have a type without a meaning to check: {en}",
        ),
        Text(
            zh="请在导出时把这些列转换为文本、数字、日期或时间（二进制的文本列请声明为 UTF-8 字符串），或去掉这些列",
            en="convert them to text, numbers, dates or times when exporting (declare binary columns that hold text as "
            "UTF-8 strings), or leave them out",
        ),
        field="file",
    )
