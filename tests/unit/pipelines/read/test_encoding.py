"""Following a file chunk by chunk finds the byte that decoding it at once finds."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pipelines.read.encoding import EncodingWatch

PARTS = st.lists(
    st.one_of(st.text(max_size=6).map(lambda t: t.encode("utf-8", "ignore")), st.binary(max_size=4)), max_size=8
)


@given(PARTS, st.lists(st.integers(0, 60), max_size=6))
def test_first_undecodable_byte(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    watch = EncodingWatch()
    for start, stop in itertools.pairwise(places):
        watch.feed(data[start:stop])
    watch.feed(b"", final=True)
    try:
        data.decode("utf-8")
        expected = None
    except UnicodeDecodeError as error:
        expected = error.start
    assert watch.utf8_error == expected
