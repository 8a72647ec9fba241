"""Administrative penalties 行政处罚, right and with errors made on purpose."""

import datetime
from random import Random

from examples.people import Firm, make_person
from examples.tables import Row
from examples.words import STREETS, district

# Violation → (law, lowest and highest fine in yuan).
VIOLATIONS: dict[str, tuple[str, int, int]] = {
    "销售超过保质期的食品": ("《中华人民共和国食品安全法》第一百二十四条", 5000, 60000),
    "未明码标价": ("《中华人民共和国价格法》第四十二条", 500, 5000),
    "发布虚假广告": ("《中华人民共和国广告法》第五十五条", 20000, 200000),
    "无照经营": ("《无证无照经营查处办法》第十三条", 1000, 10000),
    "使用未经检定的计量器具": ("《中华人民共和国计量法》第二十五条", 500, 1000),
    "侵犯注册商标专用权": ("《中华人民共和国商标法》第六十条", 3000, 250000),
}
KINDS: dict[str, float] = {"罚款": 62, "警告": 20, "没收违法所得": 12, "责令停产停业": 6}
PLACES = ("超市", "便利店", "餐馆", "摊位", "仓库", "门店")


def make_penalties(rng: Random, firms: list[Firm], count: int = 700) -> list[Row]:
    """Two thirds against organisations, the rest against natural persons (whose names must be masked when opened)."""
    taken: set[str] = set()
    rows: list[Row] = []
    for number in range(1, count + 1):
        day = datetime.date(2025, 10, 9) + datetime.timedelta(days=int(356 * rng.random()))
        violation = rng.choice(list(VIOLATIONS))
        law, low, high = VIOLATIONS[violation]
        kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        fine = round(low * (high / low) ** rng.random(), -2)
        firm = rng.choice(firms) if rng.random() < 0.66 else None
        person = None if firm else make_person(rng, taken)
        place = f"{district(rng)}{rng.choice(STREETS)}的{rng.choice(PLACES)}"
        party = firm.name if firm else (person.name if person else "")
        rows.append(
            {
                "决定书文号": f"澜市监罚〔{day.year}〕{number}号",
                "当事人类别": "法人及非法人组织" if firm else "自然人",
                "单位名称": firm.name if firm else "",
                "统一社会信用代码": firm.uscc if firm else "",
                "法定代表人": firm.legal_representative if firm else "",
                "当事人姓名": person.name if person else "",
                "当事人身份证号": person.resident_id if person else "",
                "违法行为类型": violation,
                "违法事实": f"{day.year}年{day.month}月，当事人{party}在{place}{violation}，经现场检查和询问确认。",
                "处罚依据": law,
                "处罚种类": kind,
                "罚款金额（元）": f"{fine:.0f}" if kind == "罚款" else "",
                "决定日期": day.isoformat(),
                "处罚机关": "澜川市市场监督管理局",
            }
        )
    return rows


def spoil(rows: list[Row]) -> list[Row]:
    """A copy of the first 120 rows with one error of each usual kind, as agencies deliver them."""
    spoiled = [dict(row) for row in rows[:120]]
    of_firms = [row for row in spoiled if row["统一社会信用代码"]]
    of_persons = [row for row in spoiled if row["当事人身份证号"]]
    fined = [row for row in spoiled if row["罚款金额（元）"]]
    spoiled[4]["决定日期"] = "2026年2月30日"  # no such day
    spoiled[11]["决定日期"] = spoiled[11]["决定日期"].replace("-", "/")
    spoiled[17]["处罚机关"] = ""  # required
    spoiled[23]["处罚种类"] = "口头教育"  # out of the list
    spoiled[36]["决定书文号"] = spoiled[35]["决定书文号"]  # duplicate key
    fined[6]["罚款金额（元）"] = "12.5万元"
    fined[9]["罚款金额（元）"] = fined[9]["罚款金额（元）"].translate({ord(str(d)): chr(0xFF10 + d) for d in range(10)})
    of_firms[12]["统一社会信用代码"] = _other_last(of_firms[12]["统一社会信用代码"])
    of_persons[8]["当事人身份证号"] = _other_last(of_persons[8]["当事人身份证号"])
    return spoiled


def _other_last(number: str) -> str:
    """The number with another check character: a checksum that does not hold."""
    return number[:-1] + ("1" if number[-1] != "1" else "2")
