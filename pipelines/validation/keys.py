"""Unique values and primary keys: rows whose key may have occurred before.

Equal values have equal 64-bit hashes, so nothing is missed; a hit is verified by value before it is reported.
"""

import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.read.scratch import Scratch
from pipelines.validation.typed import STRING

SPILL = 500_000  # pairs kept in memory, per key
PARTS = 64
SEED = 11
_nan = itertools.count()


def identity(value: Any) -> str | None:
    """Text that is equal exactly where Python calls the values equal; None for no value. NaN equals nothing."""
    if value is None:
        return None
    if isinstance(value, str):
        return "s" + value
    if isinstance(value, bool | int):
        return f"n{int(value)}"
    if isinstance(value, float):
        if not np.isfinite(value):
            return f"x{next(_nan)}" if value != value else f"n{value}"
        value = Decimal(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            return f"x{next(_nan)}" if value.is_nan() else f"n{float(value)}"
        text = format(value, "f")  # `normalize` would round it to 28 digits
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return "n0" if text == "-0" else "n" + text
    return f"{type(value).__name__} {value!r}"


def plain_identities(values: pa.Array) -> pa.Array:
    """`identity` of each value of a text or integer array."""
    kind = "s" if values.type == STRING else "n"
    return pc.binary_join_element_wise(kind, values.cast(STRING), "")


def hashes(columns: list[pa.Array]) -> np.ndarray:
    """One 64-bit hash per row."""
    series = [_hashable(column) for column in columns]
    if len(series) == 1:
        return series[0].hash(SEED).to_numpy()
    return pl.DataFrame({str(i): s for i, s in enumerate(series)}).hash_rows(SEED).to_numpy()


def _hashable(column: pa.Array) -> pl.Series:
    if pa.types.is_decimal(column.type):
        # The 16 bytes of a decimal as text-free integers: low word alone is enough for a hash, hits are verified.
        words = np.frombuffer(column.buffers()[1], np.uint64)[2 * column.offset : 2 * (column.offset + len(column))]
        return pl.Series(words[::2] ^ (words[1::2] << np.uint64(1)))
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    return pl.Series(pl.from_arrow(column))


class KeyStore:
    """(hash, row) pairs. Above SPILL pairs they go to partition files, so memory stays flat."""

    def __init__(self, folder: Path | None = None):
        self._folder = folder
        self._pending: list[tuple[np.ndarray, np.ndarray]] = []
        self._count = 0
        self._scratch: Scratch | None = None

    def add(self, hashed: np.ndarray, rows: np.ndarray) -> None:
        if len(hashed):
            self._pending.append((hashed, rows))
            self._count += len(hashed)
            if self._count >= SPILL:
                self._spill()

    def _part(self, number: int) -> Path:
        if self._scratch is None:
            self._scratch = Scratch("gongkai-keys-", self._folder)
        return self._scratch / str(number)

    def _spill(self) -> None:
        hashed = np.concatenate([pair[0] for pair in self._pending])
        rows = np.concatenate([pair[1] for pair in self._pending])
        self._pending, self._count = [], 0
        part = (hashed >> np.uint64(58)).astype(np.uint8)
        order = np.argsort(part, kind="stable")
        cuts = np.searchsorted(part[order], np.arange(PARTS + 1))
        pairs = np.empty((len(hashed), 2), np.uint64)
        pairs[:, 0], pairs[:, 1] = hashed[order], rows[order]
        for number in range(PARTS):
            with self._part(number).open("ab") as out:
                pairs[cuts[number] : cuts[number + 1]].tofile(out)

    def candidates(self, limit: int = 0) -> np.ndarray:
        """(group, row) of rows whose hash occurs more than once, ordered by group, then row; int64, shape (n, 2).

        Groups are numbered from 0. With a limit, at least that many repeats with the smallest row numbers (and what
        they repeat) are kept, so that a file of nothing but repeats does not fill the memory.
        """
        if self._scratch is None:
            parts = [_repeated(_pairs(self._pending), limit)]
        else:
            if self._pending:
                self._spill()
            read = (np.fromfile(self._part(n), np.uint64).reshape(-1, 2) for n in range(PARTS))
            parts = [_repeated(pairs, limit) for pairs in read]
        found: list[np.ndarray] = []
        first = 0
        for part in parts:
            if len(part):
                part[:, 0] += first
                first = int(part[-1, 0]) + 1
                found.append(part)
        return np.concatenate(found) if found else np.zeros((0, 2), np.int64)


def _pairs(pending: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    if not pending:
        return np.zeros((0, 2), np.uint64)
    return np.column_stack(
        [np.concatenate([pair[i] for pair in pending]).astype(np.uint64, copy=False) for i in (0, 1)]
    )


def _repeated(pairs: np.ndarray, limit: int) -> np.ndarray:
    """(group, row) of pairs whose hash is not alone."""
    if not len(pairs):
        return np.zeros((0, 2), np.int64)
    ordered = np.sort(pairs[:, 0])
    if not (ordered[1:] == ordered[:-1]).any():
        return np.zeros((0, 2), np.int64)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    hashed, rows = pairs[order, 0], pairs[order, 1].astype(np.int64)
    same = hashed[1:] == hashed[:-1]
    repeated = np.zeros(len(hashed), bool)
    repeated[1:] |= same
    repeated[:-1] |= same
    starts = np.concatenate(([True], ~same))
    first = starts[repeated]
    group, rows = np.cumsum(first) - 1, rows[repeated]
    enough = limit + 1000  # more than needed: a hash hit may turn out to be no repeat
    if limit and len(rows) - int(first.sum()) > enough:
        last = np.partition(rows[~first], enough)[enough]
        wanted = np.isin(group, group[~first & (rows <= last)]) & (rows <= last)
        group, rows = np.unique(group[wanted], return_inverse=True)[1], rows[wanted]
    return np.column_stack((group, rows)).astype(np.int64)
