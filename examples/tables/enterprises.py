"""Enterprise register 企业登记."""

import datetime
from random import Random

from examples.people import Firm
from examples.tables import Row
from examples.words import INDUSTRIES, district

SCOPES = (
    "一般项目：{0}服务；技术推广与咨询；设备租赁。",
    "许可项目：{0}；（依法须经批准的项目，经相关部门批准后方可开展经营活动）",
    "{0}；货物进出口；会议及展览服务；办公用品销售。",
    "{0}相关产品的研发、生产和销售；售后维修服务。",
)
STATES = {"存续": 84, "注销": 10, "吊销": 4, "迁出": 2}


def make_enterprise_register(rng: Random, firms: list[Firm]) -> list[Row]:
    """One row per firm; capital in 万元 is log-normal, as registers show it."""
    rows: list[Row] = []
    for firm in firms:
        area = district(rng)
        row = {
            "统一社会信用代码": firm.uscc,
            "企业名称": firm.name,
            "企业类型": _kind(firm.name, rng),
            "法定代表人": firm.legal_representative,
            "注册资本（万元）": _capital(rng),
            "成立日期": (
                datetime.date(1998, 1, 4) + datetime.timedelta(days=int(10300 * rng.random() ** 0.6))
            ).isoformat(),
            "行业门类": firm.industry,
            "所在区县": area,
            "登记机关": f"{area}市场监督管理局",
            "登记状态": rng.choices(list(STATES), list(STATES.values()))[0],
            "经营范围": rng.choice(SCOPES).format(INDUSTRIES[firm.industry][0]),
        }
        rows.append(row)
    return rows


def _kind(name: str, rng: Random) -> str:
    if "股份" in name:
        return "股份有限公司"
    return "有限责任公司（自然人独资）" if rng.random() < 0.3 else "有限责任公司"


def _capital(rng: Random) -> str:
    amount = min(80000.0, rng.lognormvariate(5.2, 1.4))
    return f"{round(amount, -1) or 10:.0f}" if rng.random() < 0.9 else f"{amount:.2f}"
