"""Vehicle plate, with new-energy plates of six signs. Source: GA 36-2018."""

from anonymize.recognizers.specification import LETTERS, RIGHT, Pattern, Specification
from schemas.table_schema import Meaning

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_SIGN = "A-HJ-NP-Z0-9"

SPECIFICATION = Specification(
    entity="CN_PLATE",
    meaning=Meaning.PLATE,
    patterns=(
        Pattern(
            "plate",
            rf"[{PROVINCES}][A-HJ-NP-Z][·. -]?"
            rf"(?:[DF][{_SIGN}][0-9]{{4}}|[0-9]{{5}}[DF]|[{_SIGN}]{{4}}[{_SIGN}挂学警港澳]){RIGHT}",
            rf"[{PROVINCES}][A-HJ-NP-Z][·. -]?[{_SIGN}]{{4}}",
            0.8,
        ),
    ),
    context_zh=("车牌", "号牌", "车号"),
    context_en=("plate",),
    column_pattern=rf"[{PROVINCES}]?[A-Za-z][·. -]?[{_SIGN}a-z]{{4,6}}[挂学警港澳]?",
    holds=LETTERS,
)
