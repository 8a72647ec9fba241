"""Regular expressions of schemas, checked in bounded time.

Python's `re` can run for ever on a pattern such as `(a+)+$`. Patterns that RE2 understands the same way run in
linear time; the others run in `regex` with a time limit.
"""

import re
import time

import pyarrow as pa
import pyarrow.compute as pc
import regex

from schemas.errors import Refused
from schemas.text import Text

SECONDS = 1.0  # for one cell: ordinary patterns take microseconds
SLOW_CELL = 0.05  # seconds from which a cell counts as slow, and how long all slow cells of a field may take
SLOW_CELLS = 10.0
# Constructs that mean the same in Python and in RE2 for every text, or less in RE2: `\d`, `\w`, `\s` are ASCII
# there, so what RE2 matches Python matches too, as long as they are not negated.
_SAFE = re.compile(
    r"(?:\\[dws.\-/+()\[\]{}|?*^$:@_]"
    r"|\[\^?(?:[A-Za-z0-9 _.,;:/@#%&=+'\"!-]|\\[dws.\-/+\]\[])+\]"
    r"|[A-Za-z0-9 _,;:/@#%&='\"!<>~-]|[.()|*+?^$]|\(\?:|\{\d{1,3}(?:,\d{0,3})?\})*"
)
_WORD, _SPACE = r"_\p{L}\p{N}", r"\s\x1c-\x1f"  # what `re` means by \w and \s, for `regex`
_IN_BRACKETS = {"s": _SPACE, "w": _WORD}
_OUTSIDE = {
    "s": f"[{_SPACE}]",
    "S": f"[^{_SPACE}]",
    "w": f"[{_WORD}]",
    "W": f"[^{_WORD}]",
    "b": f"(?:(?<![{_WORD}])(?=[{_WORD}])|(?<=[{_WORD}])(?![{_WORD}]))",
    "B": f"(?:(?<![{_WORD}])(?![{_WORD}])|(?<=[{_WORD}])(?=[{_WORD}]))",
}


class PatternCheck:
    """One field's pattern. `linear` is the same pattern for RE2 (as frictionless anchors it), or None."""

    def __init__(self, field: str, pattern: str):
        self.field = field
        self.pattern = pattern
        try:
            re.compile(f"^{pattern}$")
            self._regex = regex.compile(f"^{_as_python_reads(pattern)}$")
        except (re.error, regex.error, OverflowError, RecursionError) as error:
            raise _bad(field, getattr(error, "pos", None)) from None
        self.linear = _linear(pattern)
        self._slow_cells = 0.0

    def matches(self, value: str) -> bool:
        """Whether frictionless would accept `value`. Raises Refused `pattern-too-slow`."""
        if self.linear and value.isascii() and value.isprintable():
            return bool(pc.match_substring_regex(pa.scalar(value), self.linear).as_py())
        started = time.thread_time()  # not the clock: on a busy machine any cell may have to wait
        try:
            matched = self._regex.match(value, timeout=SECONDS) is not None
        except TimeoutError:
            raise _slow(self.field) from None
        self._count(time.thread_time() - started)
        return matched

    def _count(self, seconds: float) -> None:
        """A million cells of half a second each would run for days, though none of them takes too long."""
        if seconds > SLOW_CELL:
            self._slow_cells += seconds
            if self._slow_cells > SLOW_CELLS:
                raise _slow(self.field)


def _as_python_reads(pattern: str) -> str:
    """The pattern for `regex`, with what it understands otherwise than `re` spelt out.

    Its `\\s` lacks four separators (U+001C to U+001F); its words hold marks and lack numbers such as ² and ¼. Left as
    it is: `\\W` and `\\S` inside brackets.
    """
    parts: list[str] = []
    in_class, escaped = False, False
    for character in pattern:
        spelt = (_IN_BRACKETS if in_class else _OUTSIDE).get(character) if escaped else None
        if spelt is not None:
            parts[-1] = spelt
        else:
            parts.append(character)
            in_class = character == "[" or (in_class and character != "]") if not escaped else in_class
        escaped = character == "\\" and not escaped
    return "".join(parts)


def _linear(pattern: str) -> str | None:
    if not _SAFE.fullmatch(pattern) or re.search(r"\[\^[^\]]*\\[dws]|\(\?(?!:)", pattern):
        return None
    anchored = f"\\A(?:^{pattern}$)"
    try:
        pc.match_substring_regex(pa.array([""]), anchored)
    except pa.ArrowInvalid:
        return None
    return anchored


def _bad(field: str, position: int | None) -> Refused:
    """position: of the mistake in the pattern as it is compiled, with `^` before it: 1 is its first character."""
    place = max(position or 1, 1)
    return Refused(
        "bad-pattern",
        Text(
            zh=f"表结构中字段“{field}”的正则表达式有语法错误，在第 {place} 个字符附近",
            en=f"the regular expression of the field “{field}” in the table schema has a syntax error near character "
            f"{place}",
        ),
        Text(
            zh="请表结构的维护者改正该字段的 constraints.pattern",
            en="the keeper of the table schema has to correct constraints.pattern of that field",
        ),
        field=field,
    )


def _slow(field: str) -> Refused:
    return Refused(
        "pattern-too-slow",
        Text(
            zh=f"字段“{field}”的正则表达式在某些单元格上几乎不会结束，已停止检查",
            en=f"the regular expression of the field “{field}” would hardly ever end on some cells; the check stopped",
        ),
        Text(
            zh="请表结构的维护者去掉嵌套的重复，例如把 (a+)+ 改为 a+",
            en="the keeper of the table schema has to remove nested repetition, for example (a+)+ becomes a+",
        ),
        field=field,
    )
