"""Names of organisations by their endings. Source: the order of elements in 企业名称登记管理规定 (form at the end)."""

import re

ENDINGS = (
    "有限责任公司|股份有限公司|有限公司|分公司|公司|集团|企业|工厂|厂|商行|商店|超市|经营部|门市部|药店|药房|诊所|饭店|酒店|宾馆|餐厅|"
    "合作社|合伙企业|事务所|银行|支行|信用社|医院|卫生院|卫生室|中心|学校|大学|学院|中学|小学|幼儿园|委员会|居委会|村委会|管委会|"
    "人民政府|政府|法院|检察院|派出所|公安局|分局|支队|大队|局|厅|部|署|院|所|站|馆|协会|学会|商会|基金会|研究院|研究所|研究会|办公室"
)
_BODY = r"[\u4e00-\u9fff0-9A-Za-z（）()·]"
WHOLE = re.compile(rf"{_BODY}{{2,40}}?(?:{ENDINGS})(?:[（(]{_BODY}{{1,20}}[）)])?")
PREFILTER = f"(?:{ENDINGS})"


def is_organisation(cell: str) -> bool:
    """Whether a whole cell is the name of an organisation."""
    return len(cell) >= 4 and WHOLE.fullmatch(cell) is not None


# In texts: endings that hardly stand for anything but an organisation, and what may stand before its name.
_TOLD = (
    "有限责任公司|股份有限公司|有限公司|分公司|公司|集团|工厂|厂|商行|商店|超市|经营部|门市部|服务部|工作室|药店|药房|诊所|饭店|酒店|宾馆|餐厅|"
    "理发店|小吃店|便利店|合作社|合伙企业|事务所|银行|支行|信用社|医院|卫生院|幼儿园|大学|学院|中学|小学"
)
_INSIDE = re.compile(rf"[\u4e00-\u9fff0-9A-Za-z·]{{2,30}}?(?:{_TOLD})(?!长|家|[\u4e00-\u9fff]?区|员工)")
_LEADING = re.compile(
    "就职于|任职于|供职于|受雇于|反映|投诉|举报|咨询|申请|名为|名叫|开设|经营的|所在|位于|在|到|向|对|被|系|是|称|该|及|的|至"
)
TEXT_PREFILTER = f"(?:{_TOLD})"


def organisation_spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of organisations in a text, by their endings."""
    found = []
    for match in _INSIDE.finditer(text):
        start = max((m.end() for m in _LEADING.finditer(text, match.start(), match.end() - 3)), default=match.start())
        if match.end() - start >= 4:
            found.append((start, match.end()))
    return found
