"""Housing provident fund account. Its forms differ by place, so a label or a header must name it."""

from anonymize.recognizers.specification import RIGHT, SIX_DIGITS, Pattern, Specification, labelled, labelled_prefilter
from schemas.table_schema import Meaning

_LABELS = ("公积金账号", "公积金帐号", "公积金号", "公积金个人账号", "公积金卡号", "公积金个人编号")
_BODY = r"[A-Z]{0,2}[0-9]{6,20}"

SPECIFICATION = Specification(
    entity="CN_PROVIDENT_FUND_NUMBER",
    meaning=Meaning.PROVIDENT_FUND_NUMBER,
    patterns=(
        Pattern("provident-fund-labelled", labelled(_LABELS, _BODY) + RIGHT, labelled_prefilter(_LABELS, _BODY), 0.75),
    ),
    context_zh=("公积金",),
    context_en=("provident fund",),
    column_pattern=r"[A-Z]{0,2}[0-9]{6,20}",
    holds=SIX_DIGITS,
)
