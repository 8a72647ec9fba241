"""Cut a CSV file into blocks of whole records and find the records of a block, without reading cells one by one.

Arrow's tokeniser and Python's csv.reader agree on regular quoting (RFC 4180) and line ends. Anything else raises
Irregular, and the caller takes the exact way.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import RawIOBase
from typing import Any

import numpy as np

from pipelines.validation.frictionless_adapter import CsvShape
from pipelines.validation.quotes import LONGEST_CELL

BLOCK = 4 << 20
LONGEST_RECORD = LONGEST_CELL - BLOCK  # with the block that ends it, a record is no longer than csv.reader allows
UTF8 = ("utf-8", "utf-8-sig")
QUOTE, NEWLINE, RETURN = ord('"'), ord("\n"), ord("\r")


class Irregular(Exception):
    """Arrow and csv.reader could read this differently."""


def record_blocks(reader: RawIOBase, shape: CsvShape, size: int | None = None) -> Iterator[bytes]:
    """UTF-8 bytes of whole records from the start of `reader`. Raises Irregular, UnicodeDecodeError."""
    rest = b""
    for read in _utf8_blocks(reader, shape, size or BLOCK):
        block = rest + read
        if shape.universal_newlines and b"\r" in block:
            if block.endswith(b"\r"):
                rest = block
                continue
            block = _newlines(block)
        cut = _last_record_end(block)
        rest = block[cut:]
        if len(rest) > LONGEST_RECORD:
            raise Irregular("record too long")
        if cut:
            yield _regular(block[:cut], shape.delimiter)
    if rest:
        yield _regular(_newlines(rest) if shape.universal_newlines else rest, shape.delimiter)


def _utf8_blocks(reader: RawIOBase, shape: CsvShape, size: int) -> Iterator[bytes]:
    encoding = codecs.lookup(shape.encoding).name
    if encoding in UTF8:
        first = reader.read(size) or b""
        if encoding == "utf-8-sig":
            first = first.removeprefix(codecs.BOM_UTF8)
        yield first
        while block := reader.read(size):
            yield block
        return
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    while True:
        block = reader.read(size) or b""
        if text := decoder.decode(block, final=not block):
            yield text.encode("utf-8")
        if not block:
            return


def _newlines(block: bytes) -> bytes:
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _last_record_end(block: bytes) -> int:
    """Offset after the last newline that is not inside quotes; 0 where there is none."""
    cut = block.rfind(b"\n") + 1
    if not cut or b'"' not in block:
        return cut
    after = block.count(b'"', cut)
    total = block.count(b'"', 0, cut)
    while cut and total % 2:
        # Lines without a quote do not change what is inside: go to the line of the last quote at once.
        earlier = block.rfind(b"\n", 0, block.rfind(b'"', 0, cut)) + 1
        within = block.count(b'"', earlier, cut)
        total, after, cut = total - within, after + within, earlier
    return cut


def _regular(block: bytes, delimiter: int) -> bytes:
    if b"\0" in block or (b"\r" in block and block.count(b"\r") != block.count(b"\r\n")):
        raise Irregular("carriage return or NUL")
    if b'"' in block and not quotes_regular(block, delimiter):
        raise Irregular("quotes")
    return block


def quotes_regular(block: bytes, delimiter: int) -> bool:
    """Whether every quote opens a cell, closes one, or is one of a pair inside one."""
    data = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(data == QUOTE)
    if len(quotes) % 2:
        return False
    if not len(quotes):
        return True
    breaks = np.flatnonzero(np.diff(quotes) != 1)
    starts = quotes[np.concatenate(([0], breaks + 1))]
    ends = quotes[np.concatenate((breaks, [len(quotes) - 1]))]
    odd = ((ends - starts) & 1) == 0
    inside = np.concatenate(([0], np.cumsum(odd)[:-1])) & 1
    border = np.zeros(256, bool)
    border[[delimiter, NEWLINE, RETURN]] = True
    before = np.where(starts > 0, border[data[starts - 1]], True)
    after = np.where(ends < len(data) - 1, border[data[np.minimum(ends + 1, len(data) - 1)]], True)
    good = np.where(inside == 1, np.where(odd, after, True), np.where(odd, before, before & after))
    return bool(good.all())


@dataclass(frozen=True)
class RawBlock:
    """Whole records as bytes. skip: records at the start that are not data."""

    data: bytes
    skip: int
    shape: CsvShape

    def cells(self, records: Sequence[int]) -> dict[int, list[Any]]:
        """Cells of the records with these numbers (0 = first of the block), as csv.reader gives them."""
        data = np.frombuffer(self.data, np.uint8)
        ends = np.flatnonzero(data == NEWLINE)
        if b'"' in self.data:
            ends = ends[(np.searchsorted(np.flatnonzero(data == QUOTE), ends) & 1) == 0]
        starts = np.concatenate(([0], ends + 1))
        stops = np.concatenate((ends + 1, [len(data)]))
        found = {}
        for number in records:
            text = self.data[starts[number] : stops[number]].decode("utf-8")
            found[number] = next(csv.reader(io.StringIO(text, newline=""), dialect=self.shape.dialect), [])
        return found
