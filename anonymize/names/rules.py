"""Persons and addresses in texts, by rule; legal representatives, who are public by law, told apart.

Most texts hold none: expressions and characters that every hit has are looked for in all texts at once, and only the
texts that have them are read one by one.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from anonymize.intervals import Intervals
from anonymize.names import address, person
from anonymize.names.characters import Promising
from anonymize.names.weighing import promising_texts

_NOTHING = Promising([], [])


def name_spans(texts: Sequence[str]) -> dict[int, list[tuple[int, int, str, float]]]:
    """Position of the text → (start, end, entity, score), ordered, not overlapping; addresses go before persons."""
    series = pl.Series("", texts, dtype=pl.String)
    promise = promising_texts(series)
    legal, addressed, told = (
        _holding(series, *prefilters)
        for prefilters in ((person.LEGAL_PREFILTER,), (address.DETAILED_PREFILTER,), person.PREFILTERS)
    )
    worth = legal | addressed | told
    worth[list(promise)] = True
    found = {}
    for at in np.flatnonzero(worth).tolist():
        text, spans, taken = texts[at], [], Intervals()
        for entity, listed in (
            ("LEGAL_REPRESENTATIVE", person.legal_representative_spans(text) if legal[at] else ()),
            ("ADDRESS", address.address_spans(text) if addressed[at] else ()),
            ("PERSON", person.person_spans(text, promise.get(at, _NOTHING), told=bool(told[at]))),
        ):
            spans += [(a, b, entity, score) for a, b, score in listed if taken.take(a, b)]
        if spans:
            found[at] = sorted(spans)
    return found


def _holding(texts: pl.Series, *expressions: str) -> npt.NDArray[np.bool_]:
    """Texts that hold a match of one of the (Rust) expressions."""
    found = np.zeros(len(texts), bool)
    for expression in expressions:
        found |= texts.str.contains(expression).fill_null(False).to_numpy()
    return found
