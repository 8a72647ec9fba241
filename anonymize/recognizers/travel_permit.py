"""Permits between the mainland and Hong Kong, Macao and Taiwan.

Source: National Immigration Administration: home-return permit (H/M and 8 digits, older ones with a 2-digit issue
number), Taiwan residents' permit (8 digits, older ones 10), exit-entry permits (C, W, T, L with 8 characters).
"""

from anonymize.recognizers.specification import LEFT, RIGHT, SIX_DIGITS, Pattern, Specification
from schemas.table_schema import Meaning

SPECIFICATION = Specification(
    entity="CN_TRAVEL_PERMIT",
    meaning=Meaning.TRAVEL_PERMIT,
    patterns=(
        Pattern("home-return-permit", f"{LEFT}[HM][0-9]{{8}}(?:[0-9]{{2}})?{RIGHT}", r"[HM][0-9]{8}", 0.35),
        Pattern(
            "exit-entry-permit",
            f"{LEFT}(?:[CWTL][0-9]{{8}}|C[A-HJ-NP-Z][0-9]{{7}}){RIGHT}",
            r"[CWTL][A-Z]?[0-9]{7}",
            0.2,
        ),
        Pattern("hong-kong-identity-card", rf"{LEFT}[A-Z]{{1,2}}[0-9]{{6}}\([0-9A]\)", r"[A-Z][0-9]{6}\([0-9A]\)", 0.6),
        Pattern("taiwan-identity-card", f"{LEFT}[A-Z][12][0-9]{{8}}{RIGHT}", r"[A-Z][12][0-9]{8}", 0.2),
    ),
    context_zh=("通行证", "回乡证", "台胞证", "港澳", "台湾"),
    context_en=("travel permit", "permit"),
    column_pattern=r"[HM][0-9]{8}(?:[0-9]{2})?|[CWTL][A-Z]?[0-9]{7,8}|[0-9]{8}|[0-9]{10}",
    holds=SIX_DIGITS,
)
