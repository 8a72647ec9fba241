"""Landline of mainland China: area code and 7 or 8 digits. Source: MIIT numbering plan, GA area codes."""

from anonymize.recognizers.specification import SIX_DIGITS, Pattern, Specification
from schemas.table_schema import Meaning

_LEFT = r"(?<![0-9A-Za-z_])(?<![0-9A-Za-z][-.])(?<![0-9] )"
_RIGHT = r"(?![0-9A-Za-z_])(?![-.][0-9])"
_EXTENSION = r"(?:(?:-|转|分机| ?ext\.? ?)[0-9]{1,6})?"
_AREA = r"(?:10|2[0-9]|[3-9][0-9]{2})"

SPECIFICATION = Specification(
    entity="CN_LANDLINE",
    meaning=Meaning.LANDLINE,
    patterns=(
        Pattern(
            "landline",
            rf"{_LEFT}0(?:(?:10|2[0-9])[- ]?[2-8][0-9]{{3}}[- ]?[0-9]{{4}}"
            rf"|[3-9][0-9]{{2}}[- ]?[2-8][0-9]{{2,3}}[- ]?[0-9]{{4}})"
            rf"{_EXTENSION}{_RIGHT}",
            r"0(?:10|2[0-9]|[3-9][0-9]{2})[- ]?[2-8][0-9]{2}",
            0.6,
        ),
        Pattern(
            "landline-parentheses",
            rf"{_LEFT}\(0{_AREA}\) ?-?[2-8][0-9]{{2,3}}[- ]?[0-9]{{4}}{_EXTENSION}{_RIGHT}",
            r"\(0(?:10|2[0-9]|[3-9][0-9]{2})\) ?-?[2-8][0-9]{2}",
            0.7,
        ),
        Pattern(
            "landline-international",
            rf"{_LEFT}(?:\+|00)86[- ]?\(?0?{_AREA}\)?[- ]?[2-8][0-9]{{2,3}}[- ]?[0-9]{{4}}{_EXTENSION}{_RIGHT}",
            r"(?:\+|00)86[- ]?\(?0?(?:10|2[0-9]|[3-9][0-9]{2})\)?[- ]?[2-8][0-9]{2}",
            0.7,
        ),
    ),
    context_zh=("电话", "座机", "固话", "传真", "联系方式"),
    context_en=("tel", "phone", "fax"),
    column_pattern=rf"(?:\(?0{_AREA}\)?[- ]?)?[2-8][0-9]{{6,7}}{_EXTENSION}",
    coincidence=0.3,
    holds=SIX_DIGITS,
)
