"""The typed table: one Arrow type per field, written batch by batch to a file and mapped into memory."""

import datetime as dt
import json
import os
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.validation.frictionless_adapter import Reading

STRING = pa.string()
FLOAT = pa.float64()
UTC_TIMESTAMP = pa.timestamp("us", "UTC")
PRECISION = 38


class Misfit(Exception):
    """A value does not fit the column's Arrow type."""


def first_type(reading: Reading) -> pa.DataType:
    """The Arrow type that a column starts with; `wider_type` gives the next where values do not fit."""
    if reading.type == "number":
        return FLOAT if reading.float_number else pa.decimal128(PRECISION, 0)
    return {
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "datetime": pa.timestamp("us"),
        "time": pa.time64("us"),
    }.get(reading.type, STRING)


def wider_type(reading: Reading, now: pa.DataType, values: Sequence[Any]) -> pa.DataType:
    """A type that also holds `values`: integers beyond 64 bits and exact decimals, else floats, else text."""
    if reading.type in ("integer", "number") and now != STRING:
        if now == FLOAT:
            return FLOAT
        exact = _exact_decimal(now, values)
        return exact or (STRING if reading.type == "integer" else FLOAT)
    if pa.types.is_timestamp(now) and now.tz is None and all(v is None or v.tzinfo is not None for v in values):
        return UTC_TIMESTAMP
    return STRING


def _exact_decimal(now: pa.DataType, values: Sequence[Any]) -> pa.DataType | None:
    scale = now.scale if pa.types.is_decimal(now) else 0
    digits = 19
    for value in values:
        if value is None:
            continue
        number = Decimal(value)
        if not number.is_finite():
            return None
        figures, exponent = number.as_tuple().digits, int(number.as_tuple().exponent)
        scale = max(scale, -exponent)
        if number:
            digits = max(digits, len(figures) + exponent)
    return pa.decimal128(PRECISION, scale) if digits + scale <= PRECISION else None


def to_arrow(values: Sequence[Any], type: pa.DataType) -> pa.Array:
    """Values as frictionless read them as an Arrow array. Raises Misfit."""
    try:
        if type == STRING:
            return pa.array([as_text(v) for v in values], STRING)
        if type == FLOAT:
            return pa.array([None if v is None else float(v) for v in values], FLOAT)
        if pa.types.is_timestamp(type):
            aware = {v.tzinfo is not None for v in values if v is not None}
            if aware - {type.tz is not None}:
                raise Misfit
        if pa.types.is_time(type) and any(v is not None and v.tzinfo is not None for v in values):
            raise Misfit
        return pa.array(values, type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        raise Misfit from None


def as_text(value: Any) -> str | None:
    """A value of a field that has no Arrow type of its own, as text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


class TypedWriter:
    """Writes record batches of one schema to a scratch file; `finish` maps it and unlinks the name, so that the
    bytes vanish with the table."""

    def __init__(self, schema: pa.Schema, folder: Path | None = None):
        self.schema = schema
        handle, self._name = tempfile.mkstemp(prefix="gongkai-typed-", suffix=".arrow", dir=folder)
        os.close(handle)
        self._writer = pa.ipc.new_file(self._name, schema)

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)

    def finish(self) -> pa.Table:
        """The table, memory-mapped: rows are read from disk when they are used."""
        self._writer.close()
        mapped = pa.memory_map(self._name)
        os.unlink(self._name)
        return pa.ipc.open_file(mapped).read_all()

    def discard(self) -> None:
        self._writer.close()
        if os.path.exists(self._name):
            os.unlink(self._name)
