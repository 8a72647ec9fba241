"""Employment registrations 就业登记: the richest table, with every kind of field role."""

import datetime
from random import Random

from examples.identifiers import mobile
from examples.people import Firm, make_person
from examples.tables import Row
from examples.words import (
    EDUCATION,
    EDUCATION_WEIGHTS,
    OCCUPATIONS,
    address,
    person_name,
    weighted,
)

PAY_BY_EDUCATION = dict(zip(EDUCATION, (0.8, 0.86, 0.93, 0.96, 1.08, 1.32, 1.7, 2.2), strict=True))
CONTRACTS: dict[str, float] = {"固定期限": 70, "无固定期限": 18, "完成一定任务": 7, "劳务派遣": 5}
REMARKS = (
    "本人联系电话{mobile}，紧急联系人{other}（{relation}），电话{mobile2}。",
    "原在{firm}工作，因合同到期离职，{other}经办，社保已转入。",
    "材料由{other}代交，代办人身份证{rid}，现住{address}。",
    "零就业家庭成员，社区工作人员{other}已入户核实，住址{address}。",
    "首次就业的高校毕业生，申请社保补贴，联系邮箱{mail}。",
    "合同未附页，已电话{mobile}通知补交。",
    "灵活就业转单位就业。",
    "补录。",
)


def make_employment_registrations(rng: Random, firms: list[Firm], count: int = 2400) -> list[Row]:
    """Registrations of residents aged 18 to 60, two years of dates; a third of the remarks are filled."""
    taken: set[str] = set()
    employers = firms[: len(firms) // 4]
    weights = [1 / (rank + 3) for rank in range(len(employers))]  # few large employers, many small ones
    people = [make_person(rng, taken) for _ in range(count)]
    rows: list[Row] = []
    for number, person in enumerate(people, start=1):
        firm = rng.choices(employers, weights)[0]
        occupation = weighted(rng, {name: weight for name, (weight, _) in OCCUPATIONS.items()})
        education = rng.choices(EDUCATION, EDUCATION_WEIGHTS)[0]
        pay = OCCUPATIONS[occupation][1] * PAY_BY_EDUCATION[education] * rng.lognormvariate(0, 0.22)
        day = datetime.date(2024, 10, 8) + datetime.timedelta(days=int(730 * rng.random()))
        other = people[rng.randrange(count)]
        remark = rng.choice(REMARKS) if rng.random() < 0.35 else ""
        rows.append(
            {
                "登记编号": f"JY{day.year}{number:06d}",
                "姓名": person.name,
                "身份证号": person.resident_id,
                "性别": person.gender,
                "出生日期": person.born.isoformat(),
                "手机号": person.mobile,
                "户籍地区划代码": person.division,
                "居住地址": address(rng),
                "学历": education,
                "职业代码": occupation,
                "用人单位名称": firm.name,
                "单位统一社会信用代码": firm.uscc,
                "行业门类": firm.industry,
                "合同类型": weighted(rng, CONTRACTS),
                "登记日期": day.isoformat(),
                "月工资（元）": f"{max(1960, round(pay, -1)):.2f}",
                "就业困难人员": "是" if rng.random() < 0.06 else "否",
                "备注": remark.format(
                    mobile=person.mobile,
                    mobile2=mobile(rng),
                    other=person_name(rng, rng.random() < 0.5),
                    relation=rng.choice(("配偶", "父亲", "母亲", "兄弟", "姐妹")),
                    firm=rng.choice(firms).name,
                    rid=other.resident_id,
                    address=address(rng),
                    mail=f"user{rng.randrange(10000, 99999)}@mail.lanchuan.example",
                ),
            }
        )
    return rows
