"""Persons and addresses in texts, by rule; legal representatives, who are public by law, told apart."""

from collections.abc import Sequence

from anonymize.intervals import Intervals
from anonymize.names.address import address_spans
from anonymize.names.person import legal_representative_spans, person_spans


def name_spans(texts: Sequence[str]) -> dict[int, list[tuple[int, int, str, float]]]:
    """Position of the text → (start, end, entity, score), ordered, not overlapping; addresses go before persons."""
    found = {}
    for at, text in enumerate(texts):
        if not text or text.isascii():
            continue
        spans, taken = [], Intervals()
        for entity, listed in (
            ("LEGAL_REPRESENTATIVE", legal_representative_spans(text)),
            ("ADDRESS", address_spans(text)),
            ("PERSON", person_spans(text)),
        ):
            spans += [(a, b, entity, score) for a, b, score in listed if taken.take(a, b)]
        if spans:
            found[at] = sorted(spans)
    return found
