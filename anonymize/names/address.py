"""Addresses by rule: division, road or village, number, building, unit, room. Source: GB/T 23705 (address elements).

Groups are atomic and repetitions possessive: without, texts made of these words would take minutes.
"""

import re

_HAN = r"[\u4e00-\u9fff]"
_DIVISIONS = "省|自治区|特别行政区|自治州|地区|盟|市|州|自治县|新区|开发区|矿区|林区|区|县|旗"
_ROADS = "大道|大街|胡同|公路|国道|路|街|道|巷|弄|里|条|线"
_PLACES = "街道|乡|镇|村委会|居委会|社区|行政村|自然村|村|屯|组|小区|花园|新村|家园|公寓|大厦|广场|苑|园|庄|坊|队"
_ENDINGS = f"{_DIVISIONS}|{_PLACES}|{_ROADS}"
# Words that end in a division's, a road's or a place's ending, one after another: 浙江省 杭州市 西湖区 文三路
_CHAIN = rf"(?>{_HAN}{{1,8}}?(?:{_ENDINGS}))(?>{_HAN}{{0,8}}?(?:{_ENDINGS})){{0,8}}+"
_NUMBER = r"[0-9A-Za-z一二三四五六七八九十百]{1,6}+"
_NUMBERS = rf"{_NUMBER}(?:[-－]{_NUMBER}){{0,4}}+"
_DOOR = rf"(?> ?[甲乙丙丁]?{_NUMBERS} ?号(?:院|楼|附?{_NUMBER}号)?)"
_INNER = "号楼|号院|栋|幢|座|楼|单元|门|层|室|户|房|组|队|区|期|弄|支弄|号"
_INSIDE = rf"(?> ?{_NUMBERS} ?(?:{_INNER})(?:之{_NUMBER})?)"
# Building, unit and room of an estate, without words: 阳光花园3-2-501
_TRIPLE = r"(?>[0-9]{1,3}[-－][0-9]{1,2}[-－][0-9]{3,4}(?![0-9A-Za-z-]))"
_BUILDING = rf"(?>{_HAN}{{1,8}}?(?:{_PLACES})(?={_NUMBER}))"
_ROOM = r"(?:[0-9]{1,4}(?:-[0-9]{1,4}){0,3}(?![0-9A-Za-z年月日元个人次岁.%-]))"
_REST = rf"(?:{_BUILDING}|{_INSIDE}|(?>{_HAN}{{2,6}}?(?={_INSIDE}))){{0,6}}+{_ROOM}?"
# Divisions, roads or places, then at least a door, a building or a room.
DETAILED = re.compile(rf"(?P<chain>{_CHAIN})(?:{_DOOR}|{_INSIDE}|{_TRIPLE}){_REST}")
# What may follow a place that a model found: road, number, building, unit.
TAIL = re.compile(rf"(?>{_HAN}{{1,8}}?(?:{_PLACES}|{_ROADS})){{0,4}}+(?:{_DOOR}|{_INSIDE}){_REST}")
_WHOLE_CHAIN = re.compile(_CHAIN)
_PRECISE = re.compile(f"(?:{_PLACES}|{_ROADS})")
_FIRST_ENDING = re.compile(_ENDINGS)
PREFILTER = r"[省市区县旗州乡镇村路街道巷弄里号栋幢座楼室]"
# (Rust) In every text with a detailed address: an ending, and at once a number of a door, a building or a room.
_RUST_NUMBER = "[0-9A-Za-z一二三四五六七八九十百]{1,6}"
DETAILED_PREFILTER = rf"(?:{_ENDINGS}) ?[甲乙丙丁]?{_RUST_NUMBER}(?:[-－]{_RUST_NUMBER}){{0,4}}(?: ?(?:{_INNER})|[-－])"
# What may stand before an address without a sign between: 申请人家住杭州市.
_LEADING = re.compile(
    "反映|咨询|投诉|举报|登记|核查|经查|留言|地址|住址|住所|居住地|户籍地|户籍|家住|住在|现住|居住在|位于|坐落于|前往|搬至|迁至|住|在|至|由|从|为|是|的|到"
)
SCORE = 0.7


def address_spans(text: str) -> list[tuple[int, int, float]]:
    """(start, end, score) of detailed addresses in a text."""
    found = []
    for match in DETAILED.finditer(text):
        if _PRECISE.search(match.group("chain")):
            found.append((match.start() + _lead(match.group("chain")), match.end(), SCORE))
    return found


def _lead(chain: str) -> int:
    """Characters before the address: up to the last leading word in the first element."""
    first = _FIRST_ENDING.search(chain, 1)
    leads = [m.end() for m in _LEADING.finditer(chain, 0, first.start() if first else len(chain))]
    return max(leads, default=0)


def is_address(cell: str) -> bool:
    """Whether a whole cell is one address with a door, a building or a room."""
    return any(end - start >= 0.6 * len(cell) and start <= 12 for start, end, _ in address_spans(cell))


def is_street(cell: str) -> bool:
    """Whether a whole cell names a road or a village within its divisions, without a number."""
    match = _WHOLE_CHAIN.match(cell)
    if match is None or match.end() < 0.8 * len(cell):
        return False
    endings = _FIRST_ENDING.findall(match.group(), 1)
    return len(endings) > 1 and _PRECISE.fullmatch(endings[-1]) is not None


def extend_place(text: str, start: int, end: int) -> tuple[int, int]:
    """A place's span, extended over road, number, building and unit that follow it."""
    tail = TAIL.match(text, end)
    return start, tail.end() if tail else end
