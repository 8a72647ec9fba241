"""Vehicle plate, with new-energy plates of six signs. Source: GA 36-2018."""

from anonymize.recognizers.specification import LETTERS, RIGHT, Pattern, Specification, labelled, labelled_prefilter
from schemas.table_schema import Meaning

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_LABELS = ("车牌", "车牌号", "车牌号码", "号牌", "号牌号码")
_SIGN = "A-HJ-NP-Z0-9"

SPECIFICATION = Specification(
    entity="CN_PLATE",
    meaning=Meaning.PLATE,
    patterns=(
        Pattern(
            "plate",
            rf"[{PROVINCES}][A-HJ-NP-Z][·•・. -]?"
            rf"(?:[DF][{_SIGN}][0-9]{{4}}|[0-9]{{5}}[DF]|[{_SIGN}]{{4}}[{_SIGN}挂学警港澳]){RIGHT}",
            rf"[{PROVINCES}][A-HJ-NP-Z][·•・. -]?[{_SIGN}]{{4}}",
            0.8,
        ),
        Pattern(
            "plate-loose",  # small letters, or spaces on both sides: then most signs must be digits
            rf"[{PROVINCES}] ?[A-HJ-NP-Za-hj-np-z] ?[·•・.-]? ?(?=(?:[A-Za-z]{{0,2}}[0-9]){{4}})(?:[DFdf][0-9]{{5}}"
            rf"|[0-9]{{5}}[DFdf]|[{_SIGN}a-hj-np-z]{{5}}){RIGHT}",
            rf"[{PROVINCES}] ?[A-HJ-NP-Za-hj-np-z] ?[·•・.-]? ?[{_SIGN}a-hj-np-z]{{5}}",
            0.7,
        ),
        Pattern(
            "plate-police",
            rf"(?<![0-9A-Za-z])WJ[· ]?[{PROVINCES}][· ]?[0-9]{{4,5}}[XBTSHJD]?{RIGHT}",
            rf"WJ[· ]?[{PROVINCES}]",
            0.8,
        ),
        Pattern(
            "plate-labelled",
            labelled(_LABELS, f"[A-HJ-NP-Z][·. -]?[{_SIGN}]{{5,6}}") + RIGHT,
            labelled_prefilter(_LABELS, f"[A-HJ-NP-Z][·. -]?[{_SIGN}]{{5}}"),
            0.7,
        ),
    ),
    context_zh=("车牌", "号牌", "车号"),
    context_en=("plate",),
    column_pattern=rf"[{PROVINCES}]?[A-Za-z][·•・. -]?[{_SIGN}a-z]{{4,6}}[挂学警港澳]?",
    holds=LETTERS,
)
