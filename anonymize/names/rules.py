"""Persons and addresses in texts, by rule."""

from collections.abc import Sequence

from anonymize.names.address import address_spans
from anonymize.names.person import person_spans


def name_spans(texts: Sequence[str]) -> dict[int, list[tuple[int, int, str, float]]]:
    """Position of the text → (start, end, entity, score), ordered, not overlapping; addresses go before persons."""
    found = {}
    for at, text in enumerate(texts):
        if not text or text.isascii():
            continue
        spans = [(a, b, "ADDRESS", score) for a, b, score in address_spans(text)]
        for a, b, score in person_spans(text):
            if all(b <= s[0] or a >= s[1] for s in spans):
                spans.append((a, b, "PERSON", score))
        if spans:
            found[at] = sorted(spans)
    return found
