"""Batches of CSV blocks through Arrow: columns are read straight into their types where that is surely right."""

import codecs
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from pipelines.validation.batches import Batch
from pipelines.validation.blocks import UTF8, Irregular, RawBlock, record_blocks
from pipelines.validation.columns import Column
from pipelines.validation.frictionless_adapter import CsvShape
from pipelines.validation.typed import STRING

COLUMN_NUMBER = re.compile(r"In CSV column #(\d+)")
TIRED = 2  # a column that failed so often to be read as its type is read as text from then on


class CsvReader:
    """Reads the blocks of one CSV file for these columns."""

    def __init__(self, shape: CsvShape, columns: Sequence[Column], first_row: int, *, decodes: bool = False):
        """decodes: all bytes of the file are known to decode."""
        self.shape = shape
        self.columns = columns
        self.first_row = first_row
        self.unsure = not decodes and codecs.lookup(shape.encoding).name in UTF8  # others are decoded by Python
        self._failures = [0] * len(columns)
        sets = [column.reading.missing for column in columns]
        self._missing = max(sets, key=sets.count)
        self._one_missing = len(set(sets)) == 1

    def blocks(self) -> Iterator["CsvBlock"]:
        """Blocks in order. Raises Irregular, UnicodeDecodeError."""
        skip, done = self.first_row - 1, 0
        with self.shape.path.open("rb", buffering=0) as reader:
            for data in record_blocks(reader, self.shape):
                position = reader.tell()
                yield CsvBlock(self, RawBlock(data, skip, self.shape), position - done, learning=skip > 0)
                skip, done = 0, position

    def types(self, data: bytes, learning: bool) -> list[pa.DataType]:
        """How to read each column of this block."""
        if learning:
            return [STRING] * len(self.columns)
        hexadecimal = any(x in data and b"0" + x in data for x in (b"x", b"X"))  # Arrow reads 0x1f as an integer
        return [
            STRING
            if failures >= TIRED or column.reading.missing != self._missing
            else column.direct_type(integers=not hexadecimal)
            for column, failures in zip(self.columns, self._failures, strict=True)
        ]

    def nulls_are_known(self, types: list[pa.DataType]) -> bool:
        """Whether text columns of this block hold null for each missing value."""
        return self._one_missing and types != [STRING] * len(types)

    def failed(self, number: int) -> None:
        self._failures[number] += 1

    def read(self, data: bytes, types: list[pa.DataType]) -> tuple[pa.Table, list[int]]:
        """(cells of records with the right number of cells, positions of the others)."""
        ragged: list[int] = []

        def skip(row: Any) -> str:
            ragged.append(row.number - 1)
            return "skip"

        names = [str(i) for i in range(len(types))]
        nulls = self.nulls_are_known(types)
        table = pacsv.read_csv(
            pa.BufferReader(data),
            pacsv.ReadOptions(use_threads=False, column_names=names, block_size=max(len(data) + 16, 1 << 16)),
            pacsv.ParseOptions(
                delimiter=chr(self.shape.delimiter),
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            pacsv.ConvertOptions(
                column_types=dict(zip(names, types, strict=True)),
                check_utf8=False,
                null_values=sorted(self._missing),
                strings_can_be_null=nulls,
                quoted_strings_can_be_null=nulls,
            ),
        )
        return table, ragged


class CsvBlock:
    """One block of whole records."""

    first: int | None = None

    def __init__(self, reader: CsvReader, raw: RawBlock, size: int, learning: bool):
        self._reader = reader
        self.raw = raw
        self.size = size
        self._learning = learning

    def cells(self, positions: Sequence[int]) -> dict[int, list[Any]]:
        return self.raw.cells(positions)

    def batch(self) -> Batch:
        """Raises Irregular where the header does not end in the block, ArrowInvalid for undecodable bytes."""
        if self._reader.unsure:
            check_utf8(self.raw.data)
        types = self._reader.types(self.raw.data, self._learning)
        while True:
            try:
                table, ragged = self._reader.read(self.raw.data, types)
                break
            except pa.ArrowInvalid as error:
                named = COLUMN_NUMBER.search(str(error))
                if not named or types[int(named[1])] == STRING:
                    raise
                types[int(named[1])] = STRING
                self._reader.failed(int(named[1]))
        columns = [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in table.columns]
        count = len(table) + len(ragged)
        if count < self.raw.skip:
            raise Irregular("header beyond the first block")
        rows = np.delete(np.arange(count), ragged) if ragged else np.arange(count)
        empty = self._empty_lines(columns, rows)
        keep = rows >= self.raw.skip
        if empty:
            keep &= ~np.isin(rows, empty)
        if not keep.all():
            columns = [column.filter(pa.array(keep)) for column in columns]
            rows = rows[keep]
        odd = [position for position in sorted([*ragged, *empty]) if position >= self.raw.skip]
        nulls_known = self._reader.nulls_are_known(types)
        return Batch(count, rows, columns, sorted(self.raw.cells(odd).items()) if odd else [], nulls_known)

    def _empty_lines(self, columns: Sequence[pa.Array], rows: np.ndarray) -> list[int]:
        """Lines with nothing at all: Arrow reads them as empty cells, csv.reader as a record without cells."""
        nothing = np.ones(len(rows), bool)
        for column in columns:
            empty = column.is_null() if column.type != STRING else pc.fill_null(pc.equal(column, ""), True)
            if pa.types.is_dictionary(column.type):
                empty = pc.fill_null(pc.equal(column.cast(STRING), ""), True)
            nothing &= np.asarray(empty)
            if not nothing.any():
                return []
        candidates = rows[nothing].tolist()
        return [position for position, cells in self.raw.cells(candidates).items() if not cells]


def check_utf8(data: bytes) -> None:
    """Raises ArrowInvalid where `data` is not UTF-8. Every byte is looked at, also those of numbers and odd records."""
    offsets = np.array([0, len(data)], np.int32)
    pa.Array.from_buffers(STRING, 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)]).validate(full=True)
