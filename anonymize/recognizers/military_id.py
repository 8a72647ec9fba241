"""Military officer's and soldier's ID: a Han word of the arm, 字第, and 6 to 8 digits."""

from anonymize.recognizers.specification import RIGHT, SIX_DIGITS, Pattern, Specification
from schemas.table_schema import Meaning

SPECIFICATION = Specification(
    entity="CN_MILITARY_ID",
    meaning=Meaning.MILITARY_ID,
    patterns=(
        Pattern(
            "military-id",
            rf"(?<![\u4e00-\u9fff])[军南北沈兰成济广海空参政后装武士文火][\u4e00-\u9fff]{{0,2}}字第?[0-9]{{6,8}}号?{RIGHT}"
            rf"|[军南北沈兰成济广海空参政后装武士文火]字第[0-9]{{6,8}}号?{RIGHT}",
            r"字第?[0-9]{6}",
            0.7,
        ),
    ),
    context_zh=("军官证", "士兵证", "军人证", "警官证", "文职"),
    context_en=("military",),
    column_pattern=r"(?:[\u4e00-\u9fff]{1,3}字)?第?[0-9]{6,8}号?",
    compact=False,
    holds=SIX_DIGITS,
)
