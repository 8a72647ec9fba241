"""Parquet files that cannot be read as a table: each with its own code and remedy; and odd types that can."""

import base64
import datetime as dt
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as encryption
import pytest

from pipelines.read import read_source
from pipelines.read.parquet import open_parquet, parquet_batches, parquet_records, plain_column, plain_values
from pipelines.validation.validate import ValidatedTable, validate_table
from schemas.errors import Refused
from schemas.table_schema import TableSchema, table_schema_from_descriptor


def schema_of(*fields: dict[str, Any]) -> TableSchema:
    return table_schema_from_descriptor({"fields": list(fields)}, "test", "1.0.0")


def written(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def read_through(path: Path, schema: TableSchema | None) -> None:
    source = read_source(path)
    if schema is None:
        list(source.records())
    else:
        validate_table(source, schema)


def refusal(path: Path, schema: TableSchema | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        read_through(path, schema)
    error = caught.value
    assert error.remedy is not None
    assert error.message.zh != error.message.en
    return error


def test_many_rows_of_one_value_in_few_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "many.parquet"
    zeros = pa.table({"a": pa.array(np.zeros(70_000_000, np.int8))})
    pq.write_table(zeros, path, compression="zstd", row_group_size=1 << 26)
    assert path.stat().st_size < 300_000
    assert refusal(path).code == "decompression-bomb"


def repeated(path: Path, length: int, rows: int) -> Path:
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), ["x" * length])
    pq.write_table(pa.table({"a": texts}), path, compression="zstd", store_schema=False)
    return path


def test_a_long_text_in_every_row_is_read_a_few_rows_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.read.parquet.BATCH_TEXT", 64 << 20)
    path = repeated(tmp_path / "long.parquet", 1 << 20, 200)
    with open_parquet(path) as file:
        batches = [columns[0] for columns in parquet_batches(file, path)]
    assert sum(map(len, batches)) == 200
    assert max(column.nbytes for column in batches) < 80 << 20


def test_a_long_text_in_every_row_is_not_repeated_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.read.parquet.WIDE_FREE", 32 << 20)
    assert refusal(repeated(tmp_path / "bomb.parquet", 1 << 20, 1 << 15)).code == "decompression-bomb"


class Keys(encryption.KmsClient):
    """Hands keys out as they are."""

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(key_bytes)


@pytest.mark.parametrize("plaintext_footer", [True, False])
def test_encrypted_files(tmp_path: Path, plaintext_footer: bool) -> None:
    """With a plaintext footer, the names can be read and the columns cannot."""
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    settings = encryption.EncryptionConfiguration(
        footer_key="footer", column_keys={"column": ["b"]}, plaintext_footer=plaintext_footer
    )
    factory = encryption.CryptoFactory(lambda _: Keys())
    properties = factory.file_encryption_properties(encryption.KmsConnectionConfig(), settings)
    with pq.ParquetWriter(tmp_path / "a.parquet", table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    assert refusal(tmp_path / "a.parquet").code == "encrypted-parquet"


def test_a_file_cut_off(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", a=pa.array(range(1000)))
    path.write_bytes(path.read_bytes()[:-50])
    assert refusal(path).code == "truncated-parquet"


def test_damage_within(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", a=pa.array([f"text {i}" for i in range(5000)]))
    data = bytearray(path.read_bytes())
    data[200:4000] = b"\xff" * 3800
    path.write_bytes(data)
    assert refusal(path).code == "damaged-file"


def test_text_that_is_no_utf8(tmp_path: Path) -> None:
    offsets, data = pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer("é".encode("latin-1") + b"\xff")
    path = written(tmp_path / "a.parquet", a=pa.Array.from_buffers(pa.string(), 1, [None, offsets, data]))
    assert refusal(path).code == "damaged-file"


def test_columns_of_bytes(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", good=pa.array([1]), image=pa.array([b"\x89PNG"]))
    error = refusal(path)
    assert error.code == "unreadable-columns"
    assert "image" in error.message.en
    assert "good" not in error.message.en


def test_nested_columns(tmp_path: Path) -> None:
    nested = pa.array([[1, 2]])
    path = written(tmp_path / "a.parquet", a=pa.array([1]), places=nested)
    number = {"name": "a", "type": "integer"}
    error = refusal(path, schema_of(number, {"name": "places", "type": "integer"}))
    assert error.code == "nested-columns"
    assert "places" in error.message.zh
    result = validate_table(read_source(path), schema_of(number, {"name": "places", "type": "array"}))
    assert isinstance(result, ValidatedTable)
    assert result.table.to_pydict() == {"a": [1], "places": ["[1, 2]"]}


def test_nulls_in_whole_numbers_and_days(tmp_path: Path) -> None:
    """frictionless reads such columns through pandas, where whole numbers become floats and days moments."""
    columns = {"a": pa.array([1, None]), "b": pa.array([None, dt.date(2020, 3, 5)])}
    path = written(tmp_path / "a.parquet", **columns)
    result = validate_table(
        read_source(path), schema_of({"name": "a", "type": "integer"}, {"name": "b", "type": "date"})
    )
    assert isinstance(result, ValidatedTable)
    assert result.table.to_pydict() == {"a": [1, None], "b": [None, dt.date(2020, 3, 5)]}
    assert result.report.path == "fast"


def test_identifiers_are_read(tmp_path: Path) -> None:
    number = uuid.UUID(int=7)
    path = written(tmp_path / "a.parquet", a=pa.array([number.bytes], pa.uuid()))
    assert list(read_source(path).records()) == [["a"], [str(number)]]


def test_days_beyond_the_calendar_are_texts() -> None:
    days = pa.array([0, 10**8, None], pa.date32())
    assert plain_values(plain_column(days)) == [dt.date(1970, 1, 1), "1970-01-01+100000000d", None]


def test_nanoseconds_are_cut_to_microseconds() -> None:
    moments = pa.array([1_500, -1], pa.timestamp("ns"))
    values = plain_values(plain_column(moments))
    assert values == [dt.datetime(1970, 1, 1, 0, 0, 0, 1), dt.datetime(1970, 1, 1)]


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_texts_written_as_differences_are_read(tmp_path: Path, encoding: str) -> None:
    table = pa.table({"name": ["中心站", "中心站东", None, ""], "line": ["1", "1", "2", "2"]})
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, use_dictionary=["line"], column_encoding={"name": encoding})
    assert [row["name"] for row in table.to_pylist()] == [row[0] for row in parquet_records(path)][1:]
