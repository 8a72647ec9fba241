"""Where strings and brackets of JSON text stand, found without parsing it, and the bounds that parsers do not set."""

import re
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from schemas.errors import TooLarge
from schemas.text import Text

DEEPEST = 100  # levels; a table has two, a geometry in a cell five more
LONGEST_NUMBER = 1000  # digits
SPOT = 50  # bytes
PIECE = 1 << 17  # bytes
QUOTE, BACKSLASH = ord('"'), ord("\\")
DIGITS = re.compile(rb"[0-9]{%d}" % (LONGEST_NUMBER + 1))
Offsets = npt.NDArray[np.int64]


def check_json_shape(chunks: Iterable[bytes]) -> None:
    """Look through JSON text once. Raises TooLarge `json-too-deep`, `number-too-long`."""
    within, depth, rest, before = False, 0, b"", b""
    for chunk in chunks:
        text = rest + chunk
        rest = b"\\" if _ends_in_escape(text) else b""
        text = text[: len(text) - len(rest)]
        quotes = quotes_of(text)
        _, depths = brackets_outside(text, quotes, within, depth)
        if len(depths):
            depth = int(depths[-1])
            if int(depths.max()) > DEEPEST:
                raise _too_deep()
        if _has_long_number(before, text, quotes, within):
            raise _number_too_long()
        before = (before + text)[-LONGEST_NUMBER:]
        within ^= bool(len(quotes) & 1)


def quotes_of(text: bytes) -> Offsets:
    """Offsets of the quotes that begin or end a string; `text` must not begin after an escaping backslash."""
    data = np.frombuffer(text, np.uint8)
    quotes = _places(data, lambda part: part == QUOTE)
    if b"\\" not in text or b'\\"' not in text:
        return quotes
    slashes = np.flatnonzero(data == BACKSLASH)
    firsts = np.flatnonzero(np.diff(slashes, prepend=-2) != 1)
    lasts = np.append(firsts[1:], len(slashes)) - 1
    odd = ((lasts - firsts) & 1) == 0  # of a run of backslashes, pairs stand for themselves
    escaped = np.zeros(len(data) + 1, bool)
    escaped[slashes[lasts[odd]] + 1] = True
    return quotes[~escaped[quotes]]


def brackets_outside(text: bytes, quotes: Offsets, within: bool = False, depth: int = 0) -> tuple[Offsets, Offsets]:
    """(offsets of the brackets outside of strings, depth after each). within, depth: as the text begins."""
    data = np.frombuffer(text, np.uint8)
    brackets = _places(data, _is_bracket)
    brackets = brackets[((np.searchsorted(quotes, brackets) + within) & 1) == 0]
    return brackets, depth + np.cumsum(0x7C - (data[brackets] | 0x20).astype(np.int64))


def _is_bracket(part: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    folded = part | 0x20  # [ and { become {, ] and } become }
    return (folded == 0x7B) | (folded == 0x7D)


def _places(data: npt.NDArray[np.uint8], test: Callable[..., npt.NDArray[np.bool_]]) -> Offsets:
    """Where a test of bytes holds; a piece at a time, so that what is between stays in the processor's cache."""
    found = [at + np.flatnonzero(test(data[at : at + PIECE])) for at in range(0, len(data), PIECE)]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def outside_strings(quotes: Offsets, offset: int, within: bool = False) -> bool:
    """Whether `offset` lies outside of strings. quotes: of the text; within: the text begins within a string."""
    return not (int(np.searchsorted(quotes, offset)) + within) & 1


def _ends_in_escape(text: bytes) -> bool:
    return text.endswith(b"\\") and (len(text) - len(text.rstrip(b"\\"))) % 2 == 1


def _has_long_number(before: bytes, text: bytes, quotes: Offsets, within: bool) -> bool:
    """Whether over LONGEST_NUMBER digits in a row stand outside of strings. before: the text up to here."""
    both = before + text
    spots = np.frombuffer(both, np.uint8)[::SPOT]
    digits = np.cumsum((spots >= 0x30) & (spots <= 0x39))
    least = LONGEST_NUMBER // SPOT  # so many spots in a row are digits then
    if not (digits[least:] - digits[:-least] == least).any() and not (len(digits) >= least == digits[least - 1]):
        return False
    starts = (max(found.start() - len(before), 0) for found in DIGITS.finditer(both))
    return any(outside_strings(quotes, start, within) for start in starts)


def _too_deep() -> TooLarge:
    return TooLarge(
        "json-too-deep",
        Text(zh=f"JSON 嵌套超过 {DEEPEST} 层", en=f"the JSON is nested more than {DEEPEST} levels deep"),
        Text(zh="请提供由对象组成的数组，每行数据一个对象", en="give an array of objects, one object per row"),
        field="file",
    )


def _number_too_long() -> TooLarge:
    return TooLarge(
        "number-too-long",
        Text(
            zh=f"JSON 中有超过 {LONGEST_NUMBER} 位的数字", en=f"the JSON holds a number of over {LONGEST_NUMBER} digits"
        ),
        Text(zh="请检查导出步骤；编号请写成文本", en="check the export; write codes as texts"),
        field="file",
    )
