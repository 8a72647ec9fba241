"""Matching of all specifications over many texts at once.

Way: normalise → prefilter per pattern (Rust regex) → one `finditer` over the joined candidates → checksums as matrix
products → overlaps resolved. Equal, match for match, to Presidio running the same specifications cell by cell.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from anonymize.intervals import Intervals
from anonymize.recognizers.plate import PROVINCES
from anonymize.recognizers.registry import SPECIFICATIONS
from anonymize.recognizers.specification import (
    CONFIDENT,
    CONTEXT_BOOST,
    NEEDS_NORMALISING,
    SPELLS_DIGITS,
    VERIFIED_SCORE,
    WIDE,
    Specification,
    compact,
    has_context,
    normalise,
)

CHUNK = 200_000
# True of every text that any prefilter is true of; most free texts hold nothing of the kind. A test holds it so.
GATE = (
    rf"[0-9@]|[A-Fa-f][:.-][A-Fa-f]|::|[微薇威Vv]信|微 信|加[VvQq微]|(?i:wechat|weixin|vx|wx|\(at\)|\[at\])"
    rf"|[{PROVINCES}] ?[A-HJ-NP-Za-hj-np-z]|车牌|号牌"
)
NO_HAN = r"^[^\u{3400}-\u{4dbf}\u{4e00}-\u{9fff}\u{20000}-\u{3134f}]*$"
HAN = r"[\u{3400}-\u{4dbf}\u{4e00}-\u{9fff}\u{20000}-\u{3134f}]"


@dataclass(frozen=True)
class Matches:
    """Parallel arrays, ordered by text and start. `text`: position of the text; `specification`: position in
    SPECIFICATIONS; `pattern`: position in the specification's patterns; `verified`: its checksum holds."""

    text: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    specification: npt.NDArray[np.int64]
    pattern: npt.NDArray[np.int64]
    score: npt.NDArray[np.float64]
    verified: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.text)

    def select(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Matches":
        return Matches(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def normalise_many(texts: pl.Series) -> pl.Series:
    """`normalise` of every text."""
    if texts.str.contains(NEEDS_NORMALISING).any():
        texts = texts.str.replace_many(list(WIDE), list(WIDE.values()))
    spelling = texts.str.contains(SPELLS_DIGITS).fill_null(False)
    if spelling.any():
        changed = pl.Series([normalise(t) for t in texts.filter(spelling).to_list()], dtype=pl.String)
        texts = texts.scatter(spelling.arg_true(), changed)
    return texts


def match_texts(texts: pl.Series, specifications: Sequence[Specification] = SPECIFICATIONS) -> Matches:
    """All matches in `texts` (normalised strings, nulls allowed), overlaps resolved.

    At most CHUNK texts are worked on at once, which bounds the memory for millions of long ones.
    """
    parts = []
    for first in range(0, len(texts), CHUNK):
        chunk = texts.slice(first, CHUNK)
        places = chunk.str.contains(GATE).fill_null(False).arg_true()
        part = _match_chunk(chunk.gather(places), specifications)
        parts.append(replace(part, text=places.to_numpy().astype(np.int64)[part.text] + first))
    return _concatenate(parts)


def _match_chunk(texts: pl.Series, specifications: Sequence[Specification]) -> Matches:
    found: list[Matches] = []
    worth: dict[str, tuple[pl.Series, npt.NDArray[np.int64]]] = {"": (texts, np.arange(len(texts)))}
    for number, specification in enumerate(specifications):
        expression = NO_HAN if specification.latin_only else specification.holds
        if expression not in worth:
            places = texts.str.contains(expression).fill_null(False).arg_true()
            worth[expression] = texts.gather(places), places.to_numpy().astype(np.int64)
        gathered, places_of = worth[expression]
        for place, pattern in enumerate(specification.patterns):
            candidates = gathered.str.contains(pattern.prefilter).fill_null(False)
            positions = places_of[candidates.arg_true().to_numpy()]
            if len(positions):
                found.append(
                    _match_pattern(gathered.filter(candidates).to_list(), positions, specification, number, place)
                )
    return _resolve(_concatenate(found))


def _match_pattern(
    texts: list[str], positions: npt.NDArray[np.int64], specification: Specification, number: int, place: int
) -> Matches:
    pattern = specification.patterns[place]
    buffer = "\n".join(texts)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    starts = np.concatenate([[0], np.cumsum(lengths[:-1] + 1)]).astype(np.int64)
    spans = [m.span() for m in _compiled(pattern.regex).finditer(buffer)]
    at = np.array(spans, np.int64).reshape(-1, 2)
    if not len(at):
        return _empty()
    row = np.searchsorted(starts, at[:, 0], side="right") - 1
    score, verified, kept = _judge([buffer[a:b] for a, b in spans], specification, pattern.score)
    at, row, score, verified = at[kept], row[kept], score[kept], verified[kept]
    start, end = at[:, 0] - starts[row], at[:, 1] - starts[row]
    for i in np.flatnonzero(~verified) if specification.context else ():
        if has_context(texts[row[i]], int(start[i]), specification.context):
            score[i] = min(1.0, score[i] + CONTEXT_BOOST)
    same = np.zeros(len(at), np.int64)
    return Matches(positions[row], start, end, same + number, same + place, score, verified)


def _judge(
    found: list[str], specification: Specification, plain_score: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(score, checksum holds, is a match at all) of the matched strings."""
    score, verified = np.full(len(found), plain_score), np.zeros(len(found), bool)
    kept = np.ones(len(found), bool)
    if specification.plausible_many or specification.valid_many:
        values = pa.array(map(compact, found) if specification.compact else found, pa.string())
        if specification.plausible_many:
            kept = specification.plausible_many(values)
        if specification.valid_many:
            verified = specification.valid_many(values) & kept
            score[verified] = VERIFIED_SCORE
            if specification.checksum_decides:
                kept = verified
    return score, verified, kept


@cache
def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(regex)


def _empty() -> Matches:
    whole = np.zeros(0, np.int64)
    return Matches(whole, whole, whole, whole, whole, np.zeros(0), np.zeros(0, bool))


def _concatenate(parts: Iterable[Matches]) -> Matches:
    parts = [_empty(), *parts]
    return Matches(*(np.concatenate([getattr(p, n) for p in parts]) for n in Matches.__dataclass_fields__))


def _resolve(matches: Matches) -> Matches:
    """Of overlapping matches, the one of higher score, then the longer, then the earlier specification."""
    length = matches.end - matches.start
    order = np.lexsort((matches.start, matches.pattern, matches.specification, -length, -matches.score, matches.text))
    matches = matches.select(order)
    alone = np.ones(len(matches), bool)
    if len(matches) > 1:
        same = matches.text[1:] == matches.text[:-1]
        alone[1:] &= ~same
        alone[:-1] &= ~same
    kept = alone.copy()
    current, taken = -1, Intervals()
    for i in np.flatnonzero(~alone):
        if matches.text[i] != current:
            current, taken = matches.text[i], Intervals()
        kept[i] = taken.take(int(matches.start[i]), int(matches.end[i]))
    matches = matches.select(kept)
    return matches.select(np.lexsort((matches.start, matches.text)))


def confident(matches: Matches) -> Matches:
    """Those that count without a header."""
    return matches.select(matches.score >= CONFIDENT)
