"""Buffers read at once say what Arrow says value by value, also of slices."""

import itertools

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.validation.buffers import absent, bytes_of, flags, offsets

SLICES = st.tuples(st.integers(0, 20), st.integers(0, 40))


@given(st.lists(st.one_of(st.none(), st.booleans()), max_size=40), SLICES)
def test_flags(values: list[bool | None], cut: tuple[int, int]) -> None:
    array = pa.array(values, pa.bool_()).slice(*cut)
    assert flags(array).tolist() == [value is True for value in array.to_pylist()]
    assert absent(array).tolist() == [value is None for value in array.to_pylist()]


@given(st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=40), SLICES)
def test_cells_stand_where_the_offsets_say(values: list[str | None], cut: tuple[int, int]) -> None:
    cells = pa.array(values, pa.string()).slice(*cut)
    data, places = bytes_of(cells).tobytes(), offsets(cells) - offsets(cells)[0]
    found = [data[a:b].decode() for a, b in itertools.pairwise(places)]
    assert found == [value or "" for value in cells.to_pylist()]
