"""Prices of medical services, as the healthcare security bureau sets them by level of hospital."""

import datetime
from random import Random

from examples.tables import Row

# Category → (unit, lowest and highest price in a tertiary hospital, procedures, body parts or variants).
SERVICES: dict[str, tuple[str, float, float, tuple[str, ...], tuple[str, ...]]] = {
    "综合服务": (
        "次", 6, 60, ("门诊诊察费", "急诊诊察费", "会诊费", "住院诊察费", "护理费"),
        ("普通", "副主任医师", "主任医师", "专科", "多学科", "互联网复诊"),
    ),
    "影像诊断": (
        "部位", 60, 520, ("X线摄影", "CT平扫", "CT增强扫描", "磁共振平扫", "彩色多普勒超声检查"),
        ("头颅", "颈部", "胸部", "腹部", "盆腔", "脊柱", "四肢关节", "乳腺"),
    ),
    "检验": (
        "项", 4, 90, ("血清测定", "尿液测定", "抗体测定", "核酸检测", "药敏试验"),
        ("葡萄糖", "肌酐", "总胆固醇", "甲胎蛋白", "铁蛋白", "乙肝病毒", "结核分枝杆菌", "流感病毒"),
    ),
    "临床治疗": (
        "次", 12, 380, ("换药", "清创缝合", "穿刺术", "置管术", "雾化吸入"),
        ("小", "中", "大", "关节腔", "胸腔", "腹腔", "静脉"),
    ),
    "手术": (
        "次", 420, 5200, ("切除术", "修补术", "吻合术", "探查术", "成形术"),
        ("阑尾", "胆囊", "甲状腺", "疝", "子宫", "前列腺", "半月板", "肠管"),
    ),
    "康复与中医": (
        "次", 15, 160, ("推拿治疗", "针刺治疗", "运动疗法", "艾灸治疗", "作业疗法"),
        ("颈椎", "腰椎", "肩关节", "膝关节", "偏瘫", "小儿", "踝关节"),
    ),
    "口腔": (
        "牙", 20, 900, ("充填术", "根管治疗", "拔除术", "种植体植入", "洁治"),
        ("前牙", "前磨牙", "磨牙", "阻生牙", "乳牙", "全口"),
    ),
}  # fmt: skip
INSURANCE = ("甲类", "乙类", "自费")


def make_medical_prices(rng: Random) -> list[Row]:
    """One row per service; hospitals of lower level charge less. Dates are real date cells in the workbook."""
    rows: list[Row] = []
    for section, (category, (unit, low, high, procedures, variants)) in enumerate(SERVICES.items(), start=1):
        for procedure in procedures:
            for variant in variants:
                price = _price(low * (high / low) ** rng.random())
                rows.append(
                    {
                        "项目编码": f"LCYL{section:02d}{len(rows) + 1:04d}",
                        "项目名称": f"{variant}{procedure}",
                        "类别": category,
                        "计价单位": unit,
                        "三级医院价格（元）": price,
                        "二级医院价格（元）": _price(price * 0.9),
                        "一级医院价格（元）": _price(price * 0.8),
                        "医保类别": rng.choices(INSURANCE, (58, 30, 12))[0],
                        "执行日期": datetime.date(2023 + rng.randrange(4), rng.choice((1, 4, 7)), 1),
                        "说明": rng.choice(("", "", "", "含一次性耗材", "双侧加收50%", "6周岁以下儿童加收20%")),
                    }
                )
    return rows


def _price(amount: float) -> float:
    """Rounded as price lists are: to half a yuan, above 100 to whole yuan."""
    return float(round(amount)) if amount >= 100 else round(amount * 2) / 2
