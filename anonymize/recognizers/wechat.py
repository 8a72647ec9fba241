"""WeChat account: a letter and 5 to 19 letters, digits, _ or - (Tencent). A label or a header must name it."""

from anonymize.recognizers.specification import LETTERS, Pattern, Specification, labelled, labelled_prefilter
from schemas.table_schema import Meaning

_LABELS = (
    "微信",
    "微信号",
    "微信号码",
    "微信账号",
    "微信ID",
    "微信 ID",
    "微信id",
    "微 信",
    "薇信",
    "威信",
    "V信",
    "v信",
    "加V",
    "加v",
    "加微",
    "WeChat",
    "wechat",
    "Wechat",
    "WeChat ID",
    "wechat id",
    "weixin",
    "vx",
    "VX",
    "Vx",
    "wx",
    "WX",
    "vx号",
    "VX号",
)
_BODY = r"[A-Za-z][0-9A-Za-z_-]{5,19}"

SPECIFICATION = Specification(
    entity="WECHAT",
    meaning=Meaning.WECHAT,
    patterns=(
        Pattern(
            "wechat-labelled", labelled(_LABELS, _BODY) + "(?![0-9A-Za-z_@-])", labelled_prefilter(_LABELS, _BODY), 0.75
        ),
    ),
    context_zh=("微信",),
    context_en=("wechat", "weixin"),
    column_pattern=r"[A-Za-z][0-9A-Za-z_-]{5,19}|1[3-9][0-9]{9}|[0-9]{5,11}",
    compact=False,
    holds=LETTERS,
)
