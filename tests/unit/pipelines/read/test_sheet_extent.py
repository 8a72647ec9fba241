"""Looking for far cells by their equals signs finds what the regular expression finds."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.read.sheet_extent import FAR, reaches_far

END = b"</c></row></sheetData></worksheet>"
ATTRIBUTE = st.builds(
    lambda before, name, around, quote, value: f"{before}{name}{around}={around}{quote}{value}{quote}".encode(),
    st.sampled_from([" ", "\t", "\n", "", "x"]),
    st.sampled_from(["r", "s", "spr", "R"]),
    st.sampled_from(["", "", "", " ", "\n"]),
    st.sampled_from(['"', "'"]),
    st.from_regex(r"[A-Za-z]{0,3}[0-9]{0,7}", fullmatch=True),
)
PIECES = st.lists(
    st.one_of(ATTRIBUTE, st.sampled_from([b"<c ", b"<v>1=2</v>", b"<row", b">", b"/>", b"="])), max_size=12
)


@given(PIECES)
def test_the_same_as_the_regular_expression(pieces: list[bytes]) -> None:
    text = b"".join(pieces) + END
    assert reaches_far(text) == (FAR.search(text) is not None)


def test_the_last_near_and_the_first_far_cell() -> None:
    assert not reaches_far(b'<row r="99999"><c r="Z99999" s="1"><v>1</v>' + END)
    assert reaches_far(b'<row r="100000">' + END)
    assert reaches_far(b'<c r="A100000">' + END)
    assert reaches_far(b'<c r="AA1">' + END)
