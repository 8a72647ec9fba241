"""One specification per identifier, from which the column path and Presidio's recogniser are both made.

Texts are normalised before matching (`normalise`), one character for one, so offsets stay those of the raw text.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.table_schema import FieldRole, Meaning

Flags = npt.NDArray[np.bool_]

# Python's \b and \w are Unicode: between a Han character and a digit there is no \b, and identifiers are missed.
LEFT = r"(?<![0-9A-Za-z])"
RIGHT = r"(?![0-9A-Za-z])"
# A number written in groups must not be a piece of a longer one written in groups.
LEFT_SPLIT = r"(?<![0-9A-Za-z])(?<![0-9][ -])"
RIGHT_SPLIT = r"(?![0-9A-Za-z])(?![ -][0-9])"

# (Rust) Cheap to look for, and true of every text that holds a match of the specifications that name them.
SIX_DIGITS = "[0-9][0-9 ()._/·、-]{4,}[0-9]"
LETTERS = "[A-Za-z]"

CONTEXT_REACH = 16  # characters before a match in which a context word counts
CONFIDENT = 0.5  # matches below need a header or a context word
VERIFIED_SCORE = 1.0  # what Presidio gives a match whose validation holds
CONTEXT_BOOST = 0.35  # as in Presidio's context enhancer


@dataclass(frozen=True)
class Pattern:
    """name: shown as evidence. regex: Python. prefilter: Rust regex true of every text that holds a match."""

    name: str
    regex: str
    prefilter: str
    score: float

    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.regex)


@dataclass(frozen=True)
class Specification:
    """One kind of identifier.

    plausible / plausible_many: a match that fails is none (None: all pass). valid / valid_many: the checksum holds;
    then the score is 1. checksum_decides: a match whose checksum fails is none. All four get the match compacted:
    ASCII, capitals, no spaces or hyphens, except where `compact` is off.
    context: words (lower case) that raise the score when they stand shortly before the match.
    column_pattern: regex of a whole cell, used where the header alone tells the kind.
    coincidence: where fewer of a column's cells of the same shape match, the matches are chance (one number in ten
    passes Luhn's check).
    latin_only: not looked for in texts with Han characters.
    personal: the identifier belongs to a person (organisations' codes do not).
    holds: a cheap Rust regex true of every text in which one of the prefilters is.
    """

    entity: str
    meaning: Meaning | None
    patterns: tuple[Pattern, ...]
    role: FieldRole = FieldRole.DIRECT_IDENTIFIER
    plausible: Callable[[str], bool] | None = None
    plausible_many: Callable[[pa.StringArray], Flags] | None = None
    valid: Callable[[str], bool] | None = None
    valid_many: Callable[[pa.StringArray], Flags] | None = None
    checksum_decides: bool = False
    compact: bool = True
    context_zh: tuple[str, ...] = ()
    context_en: tuple[str, ...] = ()
    column_pattern: str | None = None
    coincidence: float = 0.0
    latin_only: bool = False
    personal: bool = True
    holds: str = ""
    context: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "context", self.context_zh + self.context_en)


_WIDE: dict[int, str] = {
    c: chr(c - 0xFEE0) for first, last in ("０９", "ＡＺ", "ａｚ") for c in range(ord(first), ord(last) + 1)
}
_WIDE |= {ord(c): chr(ord(c) - 0xFEE0) for c in "＠．－＋＿（）"} | {0x3000: " ", 0xA0: " ", 0x202F: " ", 0x205F: " "}
_WIDE |= dict.fromkeys(range(0x2000, 0x200B), " ")
_WIDE |= {ord(c): "-" for c in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63"}
_WIDE |= {ord(c): "X" for c in "\u0425\u0445\u03a7\u03c7"}  # Cyrillic and Greek, at the end of a resident number
# Digits of other scripts and of mathematical alphabets.
_WIDE |= {
    c: str(unicodedata.decimal(chr(c))) for c in range(0x660, 0x1FBFA) if unicodedata.decimal(chr(c), None) is not None
}
# A line end separates: no identifier runs over it. Vertical tabs stand for it, since cells are joined by "\n".
_WIDE |= {ord(c): "\x0b" for c in "\n\r\t"}
WIDE: dict[str, str] = {chr(c): plain for c, plain in _WIDE.items()}
NEEDS_NORMALISING = "[" + "".join(map(chr, _WIDE)).replace("-", "\\-") + "]"

# Digits written as words, in circles or as the letters that look like them. Alone they are words, marks of lists and
# letters; in rows as long as a telephone number they are digits. Mixed with plain digits they must have just the length
# of a mobile's or a resident's number: a name may end in one (张三13812345678).
_WORDS = {c: str(at % 10) for row in ("〇一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖") for at, c in enumerate(row)}
_WORDS |= {"幺": "1", "○": "0", "◯": "0"}
_MARKS = {c: str(at) for row in ("⓪①②③④⑤⑥⑦⑧⑨", "⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉") for at, c in enumerate(row)}
_LETTERS_AS_DIGITS = {"O": "0", "o": "0", "I": "1", "l": "1"}
_W, _M = "".join(_WORDS), "".join(_MARKS)
_SPELLED_RUN = re.compile(
    f"[{_M}]{{11,}}|(?<![0-9{_W}])(?:[{_W}]{{11,}}[0-9Xx]?|[0-9{_W}]{{11}}|[0-9{_W}]{{17}}[0-9{_W}Xx])(?![0-9{_W}])"
)
_LETTERED_RUN = re.compile(
    r"(?<![0-9A-Za-z])(?=(?:[OoIl]{0,9}[0-9]){5})(?:[0-9OoIl]{11}|[0-9OoIl]{17}[0-9OoIlXx])(?![0-9A-Za-z])"
)
_SPELLING, _LETTERING = str.maketrans(_WORDS | _MARKS), str.maketrans(_LETTERS_AS_DIGITS)
# (Rust) True of every text that `normalise` changes in another way than sign by sign.
SPELLS_DIGITS = (
    f"[{_M}]{{11}}|[0-9{_W}]{{0,10}}[{_W}][0-9{_W}]{{5}}|[0-9{_W}]{{5}}[{_W}]|[0-9OoIl]{{0,9}}[OoIl][0-9OoIl]{{5}}"
)
SPELLS_DIGITS += "|[0-9OoIl]{5}[OoIl]"

# Characters that are not seen and part no number: zero-width spaces and joiners, soft hyphens, directions, tags.
INVISIBLE = (
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_INVISIBLE = re.compile(INVISIBLE)


def normalise(text: str) -> str:
    """Digits however written as ASCII digits, full-width letters and hyphens as ASCII; same length."""
    text = text.translate(_WIDE)
    text = _SPELLED_RUN.sub(lambda m: m.group().translate(_SPELLING), text)
    return _LETTERED_RUN.sub(lambda m: m.group().translate(_LETTERING), text)


def without_invisible(text: str) -> tuple[str, list[int] | None]:
    """The text without characters that are not seen, and where each kept one stood; None where all are kept."""
    if not _INVISIBLE.search(text):
        return text, None
    kept = [at for at, character in enumerate(text) if not _INVISIBLE.match(character)]
    return "".join(text[at] for at in kept), kept


_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]")


def has_han(text: str) -> bool:
    """Whether a Han character is in the text."""
    return _HAN.search(text) is not None


_SEPARATORS = str.maketrans("", "", " -.·•・()_/、")


def compact(match: str) -> str:
    """A match without separators, in capitals."""
    return match.translate(_SEPARATORS).upper()


def has_context(text: str, start: int, words: Iterable[str]) -> bool:
    """Whether one of `words` stands in the CONTEXT_REACH characters before `start`. text is normalised."""
    before = text[max(0, start - CONTEXT_REACH) : start].lower()
    before = before[before.rfind("\x0b") + 1 :]
    return any(word in before for word in words)


def labelled(words: tuple[str, ...], body: str) -> str:
    """`body` directly after one of the label `words`, up to two signs between. `re` wants look-behinds of one width."""
    signs = r"[:：=为是 ]"
    variants = [f"(?<={re.escape(w)}{signs * n})" for w in words for n in range(3)]
    return f"(?:{'|'.join(variants)})(?:{body})"


def labelled_prefilter(words: tuple[str, ...], body: str) -> str:
    """The Rust prefilter of `labelled`."""
    return f"(?:{'|'.join(re.escape(w) for w in words)})[:：=为是 ]{{0,2}}(?:{body})"
