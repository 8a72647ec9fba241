"""Passport of China. Source: National Immigration Administration, series E, EA–EZ, G, D, S, P and 14, 15."""

from anonymize.recognizers.specification import LEFT, RIGHT, SIX_DIGITS, Pattern, Specification
from schemas.table_schema import Meaning

_BODY = r"(?:[EGDSP][0-9]{8}|E[A-HJ-NP-Z][0-9]{7}|[DSP]E[0-9]{7}|1[45][0-9]{7})"

SPECIFICATION = Specification(
    entity="CN_PASSPORT",
    meaning=Meaning.PASSPORT,
    patterns=(
        Pattern(
            "passport",
            rf"{LEFT}(?:[EGDSP] ?[0-9]{{8}}|E[A-HJ-NP-Z][0-9]{{7}}|[DSP]E[0-9]{{7}}){RIGHT}",
            r"[EGDSP][A-Z]? ?[0-9]{7}",
            0.35,
        ),
    ),
    context_zh=("护照",),
    context_en=("passport",),
    column_pattern=f"{_BODY}|[A-Z0-9]{{7,9}}",
    holds=SIX_DIGITS,
)
