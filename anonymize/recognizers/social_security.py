"""Social-security number. Its forms differ by place, so a label or a header must name it."""

from anonymize.recognizers.specification import RIGHT, SIX_DIGITS, Pattern, Specification, labelled, labelled_prefilter
from schemas.table_schema import Meaning

_LABELS = (
    "社保号",
    "社保卡号",
    "社会保障号",
    "社会保障卡号",
    "社会保障号码",
    "社保编号",
    "个人社保编号",
    "医保号",
    "医保卡号",
)
_BODY = r"[A-Z]{0,2}[0-9]{8,18}[0-9Xx]"

SPECIFICATION = Specification(
    entity="CN_SOCIAL_SECURITY_NUMBER",
    meaning=Meaning.SOCIAL_SECURITY_NUMBER,
    patterns=(
        Pattern("social-security-labelled", labelled(_LABELS, _BODY) + RIGHT, labelled_prefilter(_LABELS, _BODY), 0.75),
    ),
    context_zh=("社保", "社会保障", "医保"),
    context_en=("social security",),
    column_pattern=r"[A-Z]{0,2}[0-9]{7,18}[0-9Xx]",
    holds=SIX_DIGITS,
)
