"""Telephone numbers elsewhere, in texts without Han characters. Source: ITU-T E.123, North American Numbering Plan."""

from anonymize.recognizers.specification import Pattern, Specification
from schemas.table_schema import Meaning

_LEFT, _RIGHT = r"(?<![0-9A-Za-z+])(?<![0-9][-. ])", r"(?![0-9A-Za-z])(?![-.][0-9])"

SPECIFICATION = Specification(
    entity="PHONE_NUMBER",
    meaning=Meaning.TELEPHONE,
    patterns=(
        Pattern(
            "north-american",
            rf"{_LEFT}(?:(?:\+?1|001)[-. ]?)?(?:\([2-9][0-9]{{2}}\) ?|[2-9][0-9]{{2}}[-. ])"
            rf"[2-9][0-9]{{2}}[-. ][0-9]{{4}}(?: ?x[0-9]{{1,6}})?{_RIGHT}",
            r"[2-9][0-9]{2}\)? ?[-. ]?[2-9][0-9]{2}[-. ][0-9]{4}",
            0.55,
        ),
        Pattern(
            "international",
            rf"{_LEFT}\+(?!86)[1-9][0-9]{{0,2}}(?:[-. ]?\(?[0-9]{{1,4}}\)?){{2,5}}{_RIGHT}",
            r"\+[1-9][0-9]{0,2}[-. (]{0,2}[0-9]",
            0.55,
        ),
    ),
    context_en=("phone", "tel", "call", "fax", "mobile", "contact", "number is"),
    column_pattern=r"\+?[0-9(][0-9() .-]{5,18}[0-9](?: ?x[0-9]{1,6})?",
    latin_only=True,
)
