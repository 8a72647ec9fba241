"""Patterns mean what Python's `re` means, and never run for ever."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.validation import patterns
from pipelines.validation.patterns import PatternCheck
from schemas.errors import Refused

PATTERNS = [
    "[a-z]+", "a|b", r"\d+", r"\w*", r"\S+", "[^,]*", ".{1,5}", "a.*|.*b", "(ab|AB)C?\\d*$", "(?=a).*", r"(.)\1*",
    "[\u4e00-\u9fa5]+", r"[^\d]+", "", "^a", r"1[3-9]\d{9}", r"[\w.]+", r"\W+", r".*\b.+", r".\B.*",
]  # fmt: skip
# Python and `regex` know different versions of Unicode, so characters new to Python are left out.
ASSIGNED = st.characters(exclude_categories=["Cs", "Cn"])
CHECKS = [PatternCheck("f", pattern) for pattern in PATTERNS]


@given(st.sampled_from(CHECKS), st.text("abzAB19０中 ,\n\t", max_size=8) | st.text(ASSIGNED, max_size=6))
@settings(max_examples=300, deadline=None)
def test_agrees_with_re(check: PatternCheck, text: str) -> None:
    assert check.matches(text) == bool(re.match(f"^{check.pattern}$", text))


def test_a_catastrophic_pattern_that_re2_knows_is_quick() -> None:
    check = PatternCheck("f", "(a+)+")
    assert check.linear is not None
    assert not check.matches("a" * 40 + "!")


def test_a_catastrophic_pattern_beyond_re2_is_stopped() -> None:
    check = PatternCheck("f", r"(?=a)(a|aa)+(\1)*b\1")
    assert check.linear is None
    with pytest.raises(Refused) as caught:
        check.matches("a" * 60 + "!")
    assert caught.value.code == "pattern-too-slow"


def test_many_cells_that_are_slow_are_too_slow_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "SLOW_CELL", 1e-6)
    monkeypatch.setattr(patterns, "SLOW_CELLS", 0.05)
    check = PatternCheck("f", r"(?=a)(a|aa)+(\1)*b\1")
    cells = ["a" * 16 + "!"] * 10_000  # each takes some milliseconds
    with pytest.raises(Refused, match="pattern-too-slow"):
        list(map(check.matches, cells))


@pytest.mark.parametrize(("pattern", "place"), [("ab(c", 3), ("*a", 1), ("a{3,1}", 3)])
def test_the_place_of_the_mistake_is_told(pattern: str, place: int) -> None:
    with pytest.raises(Refused, match="bad-pattern") as caught:
        PatternCheck("f", pattern)
    assert f"第 {place} 个字符" in caught.value.message.zh
    assert caught.value.message.en.endswith(f"near character {place}")


@pytest.mark.parametrize("pattern", ["[a-", "(", "*a", "(?P<x>a", "a{3,1}"])
def test_a_wrong_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(Refused) as caught:
        PatternCheck("身份证号", pattern)
    assert caught.value.code == "bad-pattern"
    assert caught.value.field == "身份证号"
