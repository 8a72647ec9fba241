"""Dates: a shift by a keyed number of days, the same for all records of one subject, so that spans stay true."""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymize.hierarchies import distinct_values

DAY = 86_400


def shift_dates(column: pa.ChunkedArray, subject: pa.ChunkedArray, key: bytes, days: int) -> pa.ChunkedArray:
    """Dates or timestamps moved by -days … days, never by 0, from BLAKE2b over the subject. Type stays.

    A record without subject is moved by a number of its own row's, so it cannot be linked to another.
    """
    codes, subjects = distinct_values(subject)
    own = [_offset(key, f"s{text}", days) for text in subjects.cast(pa.string()).to_pylist()]
    offsets = np.array(own, dtype=np.int64)[codes] if len(own) else np.zeros(0, np.int64)
    for row in np.flatnonzero(np.asarray(pc.is_null(subject))):
        offsets[row] = _offset(key, f"r{row}", days)
    if pa.types.is_date32(column.type):
        return pc.cast(pc.add(pc.cast(column, pa.int32()), pa.array(offsets, pa.int32())), column.type)
    seconds = pa.array(offsets * DAY, pa.duration("s"))
    return pc.cast(pc.add(column, seconds), column.type)


def _offset(key: bytes, subject: str, days: int) -> int:
    digest = hashlib.blake2b(subject.encode(), key=key[:64], digest_size=8, person=b"gongkai-dates").digest()
    drawn = int.from_bytes(digest, "big") % (2 * days)  # 0 … 2 days - 1
    return drawn - days if drawn < days else drawn - days + 1
