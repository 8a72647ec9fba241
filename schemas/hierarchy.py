"""Generalisation hierarchy: how the values of a field are made coarser, level by level.

Level 0 is always the value itself; the last level is always `*` (everything is one). Between them stand the levels
listed here, each coarser than the one before.
"""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.text import Text


class DateUnit(StrEnum):
    """How far a date is shortened. Named spans of years start at multiples of the span."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half-year"
    YEAR = "year"
    FIVE_YEARS = "five-years"
    TEN_YEARS = "ten-years"


class Level(BaseModel):
    """One level; exactly one of the kinds is given.

    prefix: the first N characters stay, the rest is filled with `fill` (GB/T 2260: `0`), or cut where fill is empty.
    band: numbers in bands of this width, `top` and above are one band. edges: numbers between named borders.
    date: a date shortened. lookup: label of the first `key_length` characters (None: of the whole value).
    pattern: the part of a text that a regular expression matches from its beginning; no match means `*`.
    title: how values are published at this level, after "the age is published …": `by county`, `只到县级`; where it is
    not given, words are made from the kind.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefix: int | None = Field(default=None, ge=1)
    fill: str = Field(default="", max_length=1)
    band: float | None = Field(default=None, gt=0)
    top: float | None = None
    edges: tuple[float, ...] | None = None
    date: DateUnit | None = None
    lookup: dict[str, str] | None = None
    key_length: int | None = Field(default=None, ge=1)
    pattern: str | None = None
    title: Text | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = ("prefix", "band", "edges", "date", "lookup", "pattern")
        given = [kind for kind in kinds if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"a level gives exactly one of {', '.join(kinds)}; given: {', '.join(given) or 'none'}")
        if self.edges is not None and list(self.edges) != sorted(set(self.edges)):
            raise ValueError("edges are ascending and differ")
        return self


class Hierarchy(BaseModel):
    """A named hierarchy. values: regular expression that whole values match; others do not fit it.

    source: the standard or the reason behind the levels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: Text
    source: Text
    values: str | None = None
    levels: tuple[Level, ...] = ()
