"""Arrow strings of one width as a matrix of bytes, on which checksums are matrix products."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Flags = npt.NDArray[np.bool_]


def rows_of_width(values: pa.StringArray, width: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """(positions of the non-null ASCII values of `width` characters, their bytes as n × width)."""
    fits = pc.and_(pc.equal(pc.binary_length(values), width), pc.string_is_ascii(values))
    positions = np.flatnonzero(np.asarray(pc.fill_null(fits, False)))
    chosen = values.take(pa.array(positions)) if len(positions) < len(values) else values
    if not len(positions):
        return positions, np.zeros((0, width), np.uint8)
    joined = b"".join(chosen.cast(pa.binary()).to_pylist())
    return positions, np.frombuffer(joined, np.uint8).reshape(-1, width)


def digits_of(matrix: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int32], Flags]:
    """(digits as integers, 0 where not a digit; rows of digits alone)."""
    digits = matrix.astype(np.int32) - ord("0")
    good = (digits >= 0) & (digits <= 9)
    return np.where(good, digits, 0), np.asarray(good.all(axis=1))


def number(digits: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The number each row of digits writes."""
    return digits @ (10 ** np.arange(digits.shape[1] - 1, -1, -1, dtype=np.int32))
