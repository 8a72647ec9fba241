"""QQ number: 5 to 11 digits. A label or header must name it."""

from anonymize.recognizers.specification import RIGHT, Pattern, Specification, labelled, labelled_prefilter
from schemas.table_schema import Meaning

_LABELS = (
    "QQ",
    "qq",
    "QQ号",
    "qq号",
    "QQ号码",
    "qq号码",
    "QQ账号",
    "扣扣",
    "企鹅号",
    "企鹅",
    "球球",
    "Q号",
    "q号",
    "加Q",
    "加q",
    "QQ群",
    "qq群",
)
_BODY = r"[1-9][0-9]{4,10}"

SPECIFICATION = Specification(
    entity="QQ",
    meaning=Meaning.QQ,
    patterns=(Pattern("qq-labelled", labelled(_LABELS, _BODY) + RIGHT, labelled_prefilter(_LABELS, _BODY), 0.75),),
    context_zh=("qq", "扣扣"),
    context_en=("qq",),
    column_pattern=_BODY,
)
