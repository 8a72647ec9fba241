"""Apply a function of one text to a column, once per distinct value."""

from collections.abc import Callable

import pyarrow as pa

from anonymize.hierarchies import distinct_values


def map_distinct(column: pa.ChunkedArray, replace: Callable[[str], str | None]) -> pa.ChunkedArray:
    """`column` as strings with `replace` applied to every non-null value."""
    codes, values = distinct_values(column)
    replaced = [None if v is None else replace(v) for v in values.cast(pa.string()).to_pylist()]
    return pa.chunked_array([pa.array(replaced, pa.string()).take(pa.array(codes))])
