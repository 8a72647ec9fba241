"""Intervals that do not overlap."""

from hypothesis import given
from hypothesis import strategies as st

from anonymize.intervals import Intervals

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8)).map(lambda s: (s[0], s[0] + s[1])), max_size=30)


@given(SPANS)
def test_what_overlaps_an_earlier_one_is_not_taken(spans: list[tuple[int, int]]) -> None:
    taken, plain = Intervals(), []
    for start, end in spans:
        free = all(end <= a or start >= b for a, b in plain)
        assert taken.take(start, end) == free
        if free:
            plain.append((start, end))
    assert list(zip(taken.starts, taken.ends, strict=True)) == sorted(plain)
