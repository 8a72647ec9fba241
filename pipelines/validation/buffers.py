"""Buffers of Arrow arrays as numpy arrays: flags, and where the cells of a text array stand in its bytes."""

import numpy as np
import pyarrow as pa


def flags(values: pa.BooleanArray) -> np.ndarray:
    """Booleans, null as False. All bits are unpacked at once; Arrow's own way goes one by one."""
    filled = values.fill_null(False) if values.null_count else values
    if not len(filled):
        return np.zeros(0, bool)
    first, skip = filled.offset >> 3, filled.offset & 7
    packed = np.frombuffer(filled.buffers()[1], np.uint8)[first : (filled.offset + len(filled) + 7) >> 3]
    return np.unpackbits(packed, count=skip + len(filled), bitorder="little")[skip:].view(bool)


def absent(values: pa.Array) -> np.ndarray:
    """Which values are null."""
    return flags(values.is_null()) if values.null_count else np.zeros(len(values), bool)


def offsets(cells: pa.StringArray) -> np.ndarray:
    """Where each cell of a string array begins in its bytes, and where the last one ends: int32, one more than cells.
    A missing cell may hold bytes of its own."""
    if not len(cells):
        return np.zeros(1, np.int32)
    return np.frombuffer(cells.buffers()[1], np.int32)[cells.offset : cells.offset + len(cells) + 1]


def bytes_of(cells: pa.StringArray) -> np.ndarray:
    """All bytes of a string array's cells, one after the other; the first one stands at offsets(cells)[0]."""
    if not len(cells) or cells.buffers()[2] is None:
        return np.zeros(0, np.uint8)
    places = offsets(cells)
    return np.frombuffer(cells.buffers()[2], np.uint8)[places[0] : places[-1]]
