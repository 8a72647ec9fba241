"""Tickets of the 12345 hotline: long free text full of (invented) personal data."""

import datetime
from random import Random

from examples.identifiers import mobile, plate
from examples.people import Firm, Person, make_person
from examples.tables import Row
from examples.words import STREETS, address, district, person_name

# Category → (agency that handles it, what callers say, what is answered).
SUBJECTS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "噪声扰民": (
        "生态环境局",
        (
            "市民{name}来电反映，家住{address}，楼下{street}烧烤店每晚营业至凌晨两点，噪声和油烟严重影响休息，"
            "家中{age}岁的母亲{other}患有高血压，已多次与店主协商未果，希望尽快处理。联系电话{mobile}。",
            "来电人反映{street}工地夜间施工，车牌{plate}的渣土车凌晨进出，请核查。来电人{name}，手机{mobile}，住{address}。",
        ),
        (
            "经核查，已约谈店主{other}并责令整改，营业时间调整至22时前，已电话{mobile}回访，市民表示满意。",
            "执法人员现场查看后下达限期整改通知书，将持续跟进。",
        ),
    ),
    "拖欠工资": (
        "人力资源和社会保障局",
        (
            "{name}（身份证号{rid}）反映：{year}年3月至8月在{firm}从事木工，公司拖欠工资{amount}元，包工头{other}电话{mobile2}"
            "一直不接。同班组还有{count}人未拿到工资。本人电话{mobile}，银行卡尾号{tail}。",
            "本人{name}，在{firm}上班，离职后三个月工资共{amount}元未发，多次找人事经理{other}沟通无果，求助。电话：{mobile}",
        ),
        (
            "已责令{firm}于十日内支付，欠薪{amount}元已发放至{name}本人账户。",
            "经调解，双方达成协议，分两期支付，劳动监察大队{other}负责跟进。",
        ),
    ),
    "停车管理": (
        "公安局",
        (
            "车主{name}反映其车辆{plate}在{street}被贴条，认为该处划有停车位，请予核实撤销。联系方式{mobile}，邮箱{mail}。",
            "{address}小区消防通道长期被{plate}占用，物业不管，请处理。反映人{name}，{mobile}。",
        ),
        (
            "经调取监控，{plate}停放位置不在泊位线内，处罚无误，已向来电人解释。",
            "已通知车主{other}挪车，并在通道口加装隔离桩。",
        ),
    ),
    "医保报销": (
        "医疗保障局",
        (
            "{name}咨询：父亲{other}，{age}岁，身份证{rid}，上月因脑梗在省外住院花费{amount}元，异地就医备案未通过，"
            "问如何手工报销。现住{address}，电话{mobile}。",
            "来电人称其子患白血病，门诊慢特病待遇何时能审批下来，申请人{name}，受理时预留手机{mobile}。",
        ),
        ("已告知报销材料清单，可由{name}本人或代办人到窗口办理。", "待遇已于当日审核通过，短信发送至{mobile}。"),
    ),
    "供暖供水": (
        "政务服务中心",
        (
            "{address}已停水两天，家里有孕妇，请尽快恢复。联系人{name}，{mobile}。",
            "{street}多个小区室温不足16度，热力公司维修员{other}称管网老化，居民{name}等{count}户联名反映，代表电话{mobile}。",
        ),
        ("抢修已完成，恢复供水，已致电{mobile}确认。", "热力公司已更换阀门，测温19度，用户{name}签字确认。"),
    ),
    "政策咨询": (
        "政务服务中心",
        ("咨询新生儿落户需要哪些材料。", "咨询公租房申请条件。", "市民{name}咨询灵活就业参保缴费档次，回电{mobile}。"),
        ("已告知办理条件、材料和地点。", "已解答。"),
    ),
}
STATES = ("已办结", "办理中", "已退回")


def make_hotline_tickets(rng: Random, firms: list[Firm], count: int = 600) -> list[Row]:
    taken: set[str] = set()
    rows: list[Row] = []
    for number in range(1, count + 1):
        person = make_person(rng, taken, youngest=20, oldest=78)
        category = rng.choices(list(SUBJECTS), (22, 20, 18, 14, 14, 12))[0]
        agency, said, answered = SUBJECTS[category]
        words = _words(rng, person, firms)
        state = rng.choices(STATES, (86, 10, 4))[0]
        anonymous = rng.random() < 0.08
        day = datetime.date(2026, 6, 1) + datetime.timedelta(days=int(122 * rng.random()))
        rows.append(
            {
                "ticket_no": f"GD{day:%Y%m}{number:05d}",
                "received_on": day.isoformat(),
                "category": category,
                "district": district(rng),
                "caller_name": "" if anonymous else person.name,
                "caller_gender": person.gender,
                "caller_phone": "" if anonymous else person.mobile,
                "content": rng.choice(said).format(**words),
                "handling_agency": agency,
                "reply": rng.choice(answered).format(**words) if state == "已办结" else "",
                "status": state,
                "satisfaction": rng.choices((5, 4, 3, 2, 1), (48, 26, 12, 6, 8))[0] if state == "已办结" else "",
            }
        )
    return rows


def _words(rng: Random, person: Person, firms: list[Firm]) -> dict[str, object]:
    """What the sentences above are filled with."""
    return {
        "name": person.name,
        "mobile": person.mobile,
        "mobile2": mobile(rng),
        "rid": person.resident_id,
        "address": address(rng),
        "street": rng.choice(STREETS),
        "other": person_name(rng, rng.random() < 0.4),
        "firm": rng.choice(firms).name,
        "plate": plate(rng),
        "mail": f"user{rng.randrange(10000, 99999)}@mail.lanchuan.example",
        "amount": f"{rng.randrange(30, 600) * 100}",
        "age": rng.randrange(58, 91),
        "year": rng.choice((2025, 2026)),
        "count": rng.randrange(3, 24),
        "tail": f"{rng.randrange(10000):04d}",
    }
