"""Texts as one array of code points, on which rules of characters run without a loop over texts."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

AT_ONCE = 100_000  # texts; bounds the memory, about 40 bytes for every character


def code_points(texts: pl.Series) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """(code points of all texts on end, n + 1 offsets into them). Nulls count as empty."""
    lengths = texts.str.len_chars().fill_null(0).to_numpy()
    joined = texts.str.join("")[0] if len(texts) else ""
    points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
    return points, np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def pieces(texts: pl.Series) -> Iterator[tuple[int, pl.Series]]:
    """(position of the first, texts) of at most AT_ONCE texts each."""
    for first in range(0, len(texts), AT_ONCE):
        yield first, texts.slice(first, AT_ONCE)


def count_within(flags: npt.NDArray[np.bool_], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many flags of each text are set."""
    total = np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])
    return np.asarray(total[offsets[1:]] - total[offsets[:-1]])
