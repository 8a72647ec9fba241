"""Addresses by rule: division, road or village, number, building, unit, room. Source: GB/T 23705 (address elements)."""

import re

_HAN = r"[\u4e00-\u9fff]"
_NUMBER = r"[0-9A-Za-z一二三四五六七八九十百]{1,6}"
DIVISION = rf"(?:{_HAN}{{1,8}}?(?:省|自治区|特别行政区|自治州|地区|盟|市|州|自治县|新区|开发区|矿区|林区|区|县|旗))"
ROAD = rf"(?:{_HAN}{{1,8}}?(?:大道|大街|胡同|公路|国道|街道|路|街|道|巷|弄|里|条|线))"
_PLACES = "乡|镇|街道|村委会|居委会|社区|行政村|自然村|村|屯|组|小区|花园|新村|家园|公寓|大厦|广场|苑|园|庄|坊|队"
PLACE = rf"(?:{_HAN}{{1,8}}?(?:{_PLACES}))"
_DOOR = rf"(?:{_NUMBER}(?:[-－]{_NUMBER})*号(?:院|楼|附?{_NUMBER}号)?)"
_INNER = "号楼|号院|栋|幢|座|楼|单元|门|层|室|户|房|组|队|区|期|弄|支弄|号"
_INSIDE = rf"(?:{_NUMBER}(?:[-－]{_NUMBER})*(?:{_INNER})(?:之{_NUMBER})?)"
_ROOM = r"(?:[0-9]{1,4}(?:-[0-9]{1,4}){0,3}(?![0-9A-Za-z年月日元个人次岁.%-]))"
# Divisions and roads or places, then at least a door, a building or a room.
DETAILED = re.compile(
    rf"{DIVISION}{{0,4}}(?:{ROAD}|{PLACE}){{1,4}}(?:{_DOOR}|{_INSIDE})(?:{PLACE}|{_INSIDE}|{_HAN}{{2,6}}(?={_INSIDE})){{0,6}}{_ROOM}?"
)
# Divisions and a road or a place without a number: not a door, but few people.
STREET = re.compile(rf"{DIVISION}{{1,4}}(?:{ROAD}|{PLACE}){{1,3}}")
# What may follow a place a model found: road, number, building, unit.
TAIL = re.compile(rf"(?:{ROAD}|{PLACE}|{_DOOR}|{_INSIDE}){{1,6}}{_ROOM}?")
PREFILTER = r"[省市区县旗州乡镇村路街道巷弄里号栋幢座楼室]"
DETAILED_PREFILTER = r"[0-9A-Za-z一二三四五六七八九十百](?:号|栋|幢|座|楼|单元|门|层|室|户|房|组|队|区|期|弄)"
_LEADING = re.compile(
    r"^(?:地址|住址|住所|居住地|户籍地|家住|住在|现住|位于|前往|住|在|于|到|至|由|从|为|是|的|和|与|及)+"
)


def address_spans(text: str) -> list[tuple[int, int, float]]:
    """(start, end, score) of detailed addresses in a text."""
    spans = []
    for match in DETAILED.finditer(text):
        lead = _LEADING.match(match.group())
        spans.append((match.start() + (lead.end() if lead else 0), match.end(), 0.7))
    return spans


def is_address(cell: str) -> bool:
    """Whether a whole cell is one address with a door, a building or a room."""
    match = DETAILED.search(cell)
    return match is not None and match.end() - match.start() >= 0.6 * len(cell) and match.start() <= 12


def is_street(cell: str) -> bool:
    """Whether a whole cell names a road or a village within its divisions, without a number."""
    match = STREET.match(cell)
    return match is not None and match.end() >= 0.8 * len(cell)


def extend_place(text: str, start: int, end: int) -> tuple[int, int]:
    """A place's span, extended over road, number, building and unit that follow it."""
    tail = TAIL.match(text, end)
    return start, tail.end() if tail else end
