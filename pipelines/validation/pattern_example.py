"""An example of what a pattern accepts, made from the pattern alone: `LC\\d{5}` → `LC12345`."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import cycle

# Python's own parser of patterns; it has no public name.
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

LONGEST = 60


class _Unclear(Exception):
    """The pattern has a part for which no example is made."""


@lru_cache(maxsize=512)
def pattern_example(pattern: str) -> str | None:
    """A text that the pattern accepts as a whole; None where the pattern is wrong, too long, or looks around.

    RE2 confirms the outcome, in linear time.
    """
    try:
        digits = cycle("1234567890")
        text = "".join(_parts(parser.parse(pattern), digits))
        accepted = pc.match_substring_regex(pa.scalar(text), f"^(?:{pattern})$").as_py()
    except (_Unclear, re.error, RecursionError, OverflowError, pa.ArrowInvalid):
        return None
    return text if accepted and 0 < len(text) <= LONGEST else None


def _parts(tokens: Iterable[Any], digits: Iterator[str]) -> Iterator[str]:
    for code, value in tokens:
        if code is codes.LITERAL:
            yield chr(value)
        elif code is codes.ANY:
            yield "x"
        elif code is codes.IN:
            yield _member(value, digits)
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
            least, most, inner = value
            if least > LONGEST:
                raise _Unclear
            # What may be missing stays out; what may be missing or repeated is shown once.
            for _ in range(least if least or most == 1 else 1):
                yield from _parts(inner, digits)
        elif code is codes.SUBPATTERN:
            yield from _parts(value[3], digits)
        elif code is codes.BRANCH:
            yield from _parts(value[1][0], digits)
        elif code is not codes.AT:
            raise _Unclear


def _member(choices: list[Any], digits: Iterator[str]) -> str:
    """One character of a class: a digit if it takes any digit, else its first member."""
    if any(c is codes.CATEGORY and v is codes.CATEGORY_DIGIT for c, v in choices) or (
        (codes.RANGE, (48, 57)) in choices
    ):
        return next(digits)
    code, value = choices[0]
    if code is codes.LITERAL:
        return chr(value)
    if code is codes.RANGE:
        return chr(value[0])
    if code is codes.CATEGORY and value is codes.CATEGORY_WORD:
        return "x"
    raise _Unclear
