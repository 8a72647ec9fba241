"""Partial masks: a value stays recognisable to its owner and to nobody else.

Styles follow what publication of decisions uses: the Supreme People's Court's rules on publishing judgements online
(法释〔2016〕19号, art. 8–10) keep the surname and drop identity numbers, dates of birth and contacts.
"""

import re
from collections.abc import Callable

import pyarrow as pa

from anonymize.treatments.distinct import map_distinct
from schemas.disclosure import MaskStyle
from schemas.errors import ConfigurationError
from schemas.table_schema import Meaning
from schemas.text import Text

FULL = "***"
HIDDEN_LEAST = 3  # a mask that would hide fewer characters hides all of them
COMPOUND_SURNAMES = frozenset(
    [
        "欧阳",
        "太史",
        "端木",
        "上官",
        "司马",
        "东方",
        "独孤",
        "南宫",
        "万俟",
        "闻人",
        "夏侯",
        "诸葛",
        "尉迟",
        "公羊",
        "赫连",
        "澹台",
        "皇甫",
        "宗政",
        "濮阳",
        "公冶",
        "太叔",
        "申屠",
        "公孙",
        "慕容",
        "仲孙",
        "钟离",
        "长孙",
        "宇文",
        "司徒",
        "鲜于",
        "司空",
        "令狐",
        "闾丘",
        "子车",
        "亓官",
        "司寇",
        "巫马",
        "公西",
        "颛孙",
        "壤驷",
        "公良",
        "漆雕",
        "乐正",
        "宰父",
        "谷梁",
        "拓跋",
        "夹谷",
        "轩辕",
        "呼延",
        "百里",
        "东郭",
        "南门",
        "羊舌",
        "微生",
        "梁丘",
        "左丘",
        "西门",
        "第五",
    ]
)
ORGANISATION = re.compile(
    r"[^·•]{2,}(公司|集团|中心|银行|支行|分行|学校|大学|学院|幼儿园|医院|诊所|药房|药店|超市|商行|商场|酒店|宾馆|饭店|餐厅|"
    r"经营部|服务部|工作室|合作社|事务所|基金会|协会|学会|商会|委员会|管理处|管理局|分局|农场|林场|"
    r"有限合伙|个体工商户|Ltd\.?|LLC|Inc\.?|Co\.)[）)]?$",
    re.IGNORECASE,
)
# One character is weaker evidence: personal names of four characters end in these too.
SHORT_ENDING = re.compile(r"[^·•]{4,}[厂店馆院所社局站场矿行部坊铺吧城][）)]?$")


def mask_column(column: pa.ChunkedArray, style: str, **parameters: object) -> pa.ChunkedArray:
    """`column` masked as strings. style: one of STYLES; parameters: see the style. ConfigurationError where unknown."""
    if style not in STYLES:
        raise ConfigurationError(
            "unknown-mask-style",
            Text(zh=f"未知的遮盖样式 {style}", en=f"unknown mask style {style}"),
            Text(zh=f"可用的样式：{'、'.join(STYLES)}", en=f"known styles: {', '.join(STYLES)}"),
        )
    try:
        return map_distinct(column, lambda text: STYLES[style](text, **parameters))
    except TypeError:
        raise ConfigurationError(
            "unknown-mask-parameter",
            Text(zh=f"遮盖样式 {style} 的参数有误", en=f"the parameters of mask style {style} are wrong"),
            Text(zh="请查阅披露策略参考中该样式的参数", en="see the style's parameters in the reference of policies"),
        ) from None


def mask_full(text: str) -> str:
    """`***`, whatever the length."""
    return FULL


def mask_name(text: str, filler: str = "某某", keep_organisations: bool = True) -> str:
    """张三 → 张某某, 欧阳修 → 欧阳某某; the length of the given name is not told. Organisations stay readable."""
    name = text.strip()
    if keep_organisations and names_organisation(name):
        return text
    if len(name) < 2:
        return filler
    surname = name[:2] if len(name) > 2 and name[:2] in COMPOUND_SURNAMES else name[0]
    return surname + filler


def names_organisation(name: str) -> bool:
    """Whether a name is certainly that of an organisation, by how it ends."""
    return ORGANISATION.fullmatch(name) is not None or SHORT_ENDING.fullmatch(name) is not None


def mask_resident_id(text: str, keep_first: int = 2, keep_last: int = 0) -> str:
    """Digits of the province stay. Birth date (7–14) and sequence are always hidden; the length stays 18.

    The last four characters together with a birth date known from elsewhere lead back to one person, therefore they
    are hidden unless the policy asks (keep_last ≤ 4).
    """
    digits = re.sub(r"\s|-", "", text)
    if len(digits) not in (15, 18):
        return FULL
    head, tail = min(keep_first, 6), min(keep_last, 4)
    return digits[:head] + "*" * (18 - head - tail) + (digits[-tail:] if tail and len(digits) == 18 else "*" * tail)


def mask_mobile(text: str) -> str:
    """138****1234."""
    digits = re.sub(r"\D", "", text)
    return f"{digits[-11:-8]}****{digits[-4:]}" if len(digits) in (11, 13) else FULL


def mask_email(text: str) -> str:
    """z***@example.com."""
    user, at, domain = text.rpartition("@")
    if not at:
        return FULL
    return f"{user[0]}***@{domain}" if len(user) > HIDDEN_LEAST else f"{FULL}@{domain}"


def mask_ends(text: str, keep_first: int = 0, keep_last: int = 0) -> str:
    """The first and last characters stay, the middle becomes `****` whatever its length."""
    hidden = len(text) - keep_first - keep_last
    if hidden < HIDDEN_LEAST:
        return FULL
    return text[:keep_first] + "****" + (text[-keep_last:] if keep_last else "")


def mask_address(text: str) -> str:
    """Everything after the county or district is hidden."""
    match = re.match(r"(?:.{2,7}?(?:省|自治区))?(?:.{1,8}?(?:市|自治州|地区|盟))?(?:.{1,6}?(?:区|县|旗))?", text)
    kept = match.group(0) if match else ""
    return kept + FULL if kept and len(kept) <= len(text) - HIDDEN_LEAST else FULL


STYLES: dict[str, Callable[..., str]] = {
    MaskStyle.FULL: mask_full,
    MaskStyle.NAME: mask_name,
    MaskStyle.RESIDENT_ID: mask_resident_id,
    MaskStyle.MOBILE: mask_mobile,
    MaskStyle.EMAIL: mask_email,
    MaskStyle.ENDS: mask_ends,
    MaskStyle.ADDRESS: mask_address,
}
STYLE_OF_MEANING: dict[Meaning, MaskStyle] = {
    Meaning.PERSON_NAME: MaskStyle.NAME,
    Meaning.LEGAL_REPRESENTATIVE: MaskStyle.NAME,
    Meaning.RESIDENT_ID: MaskStyle.RESIDENT_ID,
    Meaning.MOBILE: MaskStyle.MOBILE,
    Meaning.EMAIL: MaskStyle.EMAIL,
    Meaning.ADDRESS: MaskStyle.ADDRESS,
}
