"""Spans of personal data inside free text, for redaction."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from anonymize.intervals import Intervals
from anonymize.matching import confident, match_texts, normalise_many
from anonymize.names.organisation import TEXT_PREFILTER, organisation_spans
from anonymize.names.rules import name_spans
from anonymize.recognizers.registry import SPECIFICATIONS
from anonymize.recognizers.specification import INVISIBLE, without_invisible


class Span(NamedTuple):
    """Characters start to end (exclusive) of a text hold `entity`; score 0 to 1."""

    start: int
    end: int
    entity: str
    score: float


# Finds persons, places and organisations: for each text, (start, end, entity).
NameTagger = Callable[[Sequence[str]], list[list[tuple[int, int, str]]]]

# Kinds that do not identify a person: found, but kept in free text.
KEPT_IN_TEXT = frozenset(
    {"ORGANIZATION", "LEGAL_REPRESENTATIVE"} | {s.entity for s in SPECIFICATIONS if not s.personal}
)
# Kinds that tell at what organisation somebody works or trades: kept unless the policy hides them.
OF_ORGANISATIONS = frozenset({"ORGANIZATION", "CN_USCC", "CN_ORGANISATION_CODE"})
NAME_SCORE, ORGANISATION_SCORE = 0.85, 0.6


def find_spans(
    values: pa.StringArray | list[str] | list[str | None],
    *,
    names: NameTagger | None = None,
    all_kinds: bool = False,
    organisations: bool = False,
) -> dict[int, list[Span]]:
    """Spans of personal data in `values`: position of the value → its spans, ordered, not overlapping.

    Identifiers come from the recognisers; persons and addresses from rules, and from `names` where a model is given.
    Identifiers go before names. Organisations, their codes and their legal representatives, who are public by law, are
    left out unless `all_kinds`. organisations: their names, by the endings of these too, and their codes are among the
    spans.
    """
    raw = pl.Series("", values, dtype=pl.String)
    hiding = raw.str.contains(INVISIBLE).fill_null(False).arg_true()
    kept: dict[int, list[int] | None] = {}
    if len(hiding):
        seen = [without_invisible(text) for text in raw.gather(hiding).to_list()]
        kept = {at: places for at, (_, places) in zip(hiding.to_list(), seen, strict=True)}
        raw = raw.scatter(hiding, pl.Series([text for text, _ in seen], dtype=pl.String))
    texts = normalise_many(raw)
    matches = confident(match_texts(texts))
    found: dict[int, list[Span]] = {}
    for text, start, end, number, score in zip(
        matches.text.tolist(),
        matches.start.tolist(),
        matches.end.tolist(),
        matches.specification.tolist(),
        matches.score.tolist(),
        strict=True,
    ):
        found.setdefault(text, []).append(Span(start, end, SPECIFICATIONS[number].entity, score))
    for position, spans in _named(texts, names).items():
        found[position] = _without_overlaps(found.get(position, []) + spans)
    if organisations:
        for position, spans in _organisations(texts).items():
            found[position] = _without_overlaps(found.get(position, []) + spans)
    if not all_kinds:
        kept_kinds = KEPT_IN_TEXT - OF_ORGANISATIONS if organisations else KEPT_IN_TEXT
        found = {at: [s for s in spans if s.entity not in kept_kinds] for at, spans in found.items()}
    return {at: in_raw_text(sorted(found[at]), kept.get(at)) for at in sorted(found) if found[at]}


def in_raw_text(spans: list[Span], kept: list[int] | None) -> list[Span]:
    """Spans of a text without invisible characters, as spans of the text with them. kept: see `without_invisible`."""
    if kept is None:
        return spans
    return [s._replace(start=kept[s.start], end=kept[s.end - 1] + 1) for s in spans]


def _named(texts: pl.Series, names: NameTagger | None) -> dict[int, list[Span]]:
    """Persons, places and organisations; the model's where there is one, the rules' beside them."""
    listed = [t or "" for t in texts.to_list()]
    by_rule = {at: [Span(*s) for s in spans] for at, spans in name_spans(listed).items()}
    if names is None:
        return by_rule
    for at, tagged in enumerate(names(listed)):
        spans = [Span(start, end, entity, NAME_SCORE) for start, end, entity in tagged]
        if spans:
            ruled = by_rule.get(at, [])
            public = [s for s in ruled if s.entity in KEPT_IN_TEXT]
            by_rule[at] = _without_overlaps(public + spans + ruled)
    return by_rule


def _organisations(texts: pl.Series) -> dict[int, list[Span]]:
    """Organisations by the endings of their names."""
    places = texts.str.contains(TEXT_PREFILTER).fill_null(False).arg_true()
    return {
        at: [Span(start, end, "ORGANIZATION", ORGANISATION_SCORE) for start, end in organisation_spans(text)]
        for at, text in zip(places.to_list(), texts.gather(places).to_list(), strict=True)
    }


def _without_overlaps(spans: list[Span]) -> list[Span]:
    """The spans that overlap none before them in the list."""
    taken = Intervals()
    return [span for span in spans if taken.take(span.start, span.end)]
