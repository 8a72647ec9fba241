"""Generated cells with known personal data in them, and neighbours that only look alike.

Nothing here is a real person's: numbers are drawn at random, check characters computed by python-stdnum or afresh.
"""

import random
from collections.abc import Callable
from typing import NamedTuple

import stdnum.iso7064.mod_11_2
import stdnum.luhn

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓韩冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆"
)
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国志红梅文斌宇浩凯鑫子涵梓萱一诺俊熙雨桐欣怡嘉豪思远婷"
DIVISIONS = (
    "110105",
    "310115",
    "440305",
    "330106",
    "510107",
    "420111",
    "610113",
    "370202",
    "650102",
    "230103",
    "620102",
)
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
PLATE_SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


class Cell(NamedTuple):
    """text, and the spans (start, end, entity) in it."""

    text: str
    spans: tuple[tuple[int, int, str], ...]


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def resident_id(rng: random.Random) -> str:
    birth = f"{rng.randint(1935, 2020)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    body = f"{rng.choice(DIVISIONS)}{birth}{digits(rng, 3)}"
    check = stdnum.iso7064.mod_11_2.calc_check_digit(body)
    return body + (check if rng.random() < 0.95 else rng.choice("0123456789X"))  # records with a wrong check character


def resident_id_15(rng: random.Random) -> str:
    return f"{rng.choice(DIVISIONS)}{rng.randint(35, 99)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}{digits(rng, 3)}"


def mobile(rng: random.Random) -> str:
    return f"1{rng.choice('356789')}{digits(rng, 9)}"


def landline(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return f"{rng.choice(('010', '021', '020', '023'))}{rng.choice('- ')}{rng.choice('2345678')}{digits(rng, 7)}"
    return f"0{rng.choice(('755', '571', '512', '991', '451'))}-{rng.choice('2345678')}{digits(rng, 6)}"


def bank_card(rng: random.Random) -> str:
    body = rng.choice(("622202", "621700", "622848", "356833", "404117", "524047", "545821", "373456"))
    length = {"6": rng.choice((16, 19)), "3": 15 if body[1] == "7" else 16}.get(body[0], 16)
    body += digits(rng, length - 7)
    return body + stdnum.luhn.calc_check_digit(body)


def uscc(rng: random.Random) -> str:
    body = rng.choice(("91", "92", "12", "51", "93")) + rng.choice(DIVISIONS)
    body += "".join(rng.choice(USCC_ALPHABET if rng.random() < 0.3 else "0123456789") for _ in range(9))
    total = sum(USCC_ALPHABET.index(c) * w for c, w in zip(body, USCC_WEIGHTS, strict=True))
    return body + USCC_ALPHABET[(31 - total % 31) % 31]


def uscc_with_mobile(rng: random.Random) -> str:
    """A code whose middle digits are shaped like a mobile number."""
    body = f"91{rng.choice(DIVISIONS)}{mobile(rng)[:9]}"
    total = sum(USCC_ALPHABET.index(c) * w for c, w in zip(body, USCC_WEIGHTS, strict=True))
    return body + USCC_ALPHABET[(31 - total % 31) % 31]


def email(rng: random.Random) -> str:
    user, host = rng.choice(("zhang", "li.si", "wang_w", "a")), rng.choice(("163.com", "qq.com", "city.gov.cn"))
    return f"{user}{digits(rng, 3)}@{host}"


def plate(rng: random.Random) -> str:
    start = rng.choice("京沪粤浙苏川鄂") + rng.choice("ABCDEFGH")
    if rng.random() < 0.3:
        return f"{start}{rng.choice('DF')}{digits(rng, 5)}"
    return start + "".join(rng.choice(PLATE_SIGNS) for _ in range(5))


def person(rng: random.Random) -> str:
    return rng.choice(SURNAMES) + "".join(rng.choice(GIVEN) for _ in range(rng.choice((1, 2, 2, 2))))


def ip_address(rng: random.Random) -> str:
    return ".".join(str(rng.randint(1, 126)) for _ in range(4))


def mac_address(rng: random.Random) -> str:
    return rng.choice(":-").join(f"{rng.randint(0, 255):02X}" for _ in range(6))


def grouped(value: str, sizes: tuple[int, ...], separator: str) -> str:
    parts, at = [], 0
    for size in sizes:
        parts.append(value[at : at + size])
        at += size
    return separator.join([p for p in (*parts, value[at:]) if p])


MAKERS: dict[str, Callable[[random.Random], str]] = {
    "CN_RESIDENT_ID": resident_id,
    "CN_MOBILE": mobile,
    "CN_LANDLINE": landline,
    "BANK_CARD": bank_card,
    "CN_USCC": uscc,
    "EMAIL_ADDRESS": email,
    "CN_PLATE": plate,
    "IP_ADDRESS": ip_address,
    "MAC_ADDRESS": mac_address,
}
WRITTEN: dict[str, tuple[Callable[[str, random.Random], str], ...]] = {
    "CN_RESIDENT_ID": (
        lambda v, r: v.translate(FULL_WIDTH),
        lambda v, r: grouped(v, (6, 8), r.choice(" -")),
        lambda v, r: grouped(v, (6, 4, 4), r.choice(" -")),
        lambda v, r: v.lower(),
    ),
    "CN_MOBILE": (
        lambda v, r: v.translate(FULL_WIDTH),
        lambda v, r: grouped(v, (3, 4), r.choice(" -")),
        lambda v, r: f"+86{r.choice(('', ' ', '-'))}{v}",
        lambda v, r: f"86-{v}",
    ),
    "BANK_CARD": (
        lambda v, r: grouped(v, (4, 4, 4, 4) if len(v) > 15 else (4, 6), " "),
        lambda v, r: v.translate(FULL_WIDTH),
    ),
    "CN_USCC": (lambda v, r: v.translate(FULL_WIDTH),),
}


def order_number(rng: random.Random) -> str:
    return (
        rng.choice(("DD", "NO", "P", ""))
        + f"20{rng.randint(18, 26)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}{mobile(rng)}"
    )


LOOK_ALIKES: tuple[Callable[[random.Random], str], ...] = (
    order_number,
    lambda r: f"GD{mobile(r)}",  # ticket
    lambda r: f"{mobile(r)}{digits(r, 3)}",  # longer run
    lambda r: f"{r.choice('ABCT')}{mobile(r)}",
    lambda r: f"{mobile(r)}A",
    lambda r: f"20{r.randint(10, 26)}-{mobile(r)}-{digits(r, 2)}",
    lambda r: f"{mobile(r)}.{digits(r, 2)}",  # amount
    lambda r: f"1{r.randint(10, 21)}.{mobile(r)}",  # coordinate
    lambda r: f"20{r.randint(10, 26)}{r.randint(1, 12):02}{r.randint(1, 28):02}{digits(r, 10)}",
    lambda r: (
        f"{r.randint(2015, 2026)}-{r.randint(1, 12):02}-{r.randint(1, 28):02} {r.randint(10, 23)}:{r.randint(10, 59)}"
    ),
    lambda r: f"1{digits(r, 7)}",
    lambda r: f"{r.randint(1, 9)}.{r.randint(0, 9)}.{r.randint(0, 20)}",  # version
    lambda r: f"〔{r.randint(2015, 2026)}〕{digits(r, 3)}号",
    lambda r: f"{digits(r, 6)}",
    lambda r: f"SN{digits(r, 12)}",
    lambda r: digits(r, 15),  # one in eighty has a division and a date
    lambda r: digits(r, 18),
    lambda r: f"{r.randint(10**18, 9 * 10**18)}",  # snowflake
    lambda r: f"4{digits(r, 15)}" if r.random() < 0.1 else f"8{digits(r, 15)}",  # one in ten passes Luhn's check
    lambda r: f"3301040160{digits(r, 9)}",  # an organisation's account
    lambda r: f"35{digits(r, 13)}",  # IMEI
    lambda r: f"{r.choice(('SF', 'YT', 'JD'))}{digits(r, 13)}",  # parcel
    lambda r: f"0330019{digits(r, 5)}",  # invoice
    lambda r: f"版本{r.randint(1, 9)}.{r.randint(0, 9)}.{r.randint(0, 20)}.{r.randint(0, 99)}",
    lambda r: f"V{r.randint(1, 9)}.{r.randint(0, 9)}.{r.randint(0, 20)}.{r.randint(0, 99)}",
    lambda r: f"{r.randint(100, 999)}-{r.randint(10, 99)}-{digits(r, 4)}号",
    lambda r: f"（{r.randint(2015, 2026)}）浙{digits(r, 4)}民初{digits(r, 4)}号",
    lambda r: f"E{digits(r, 8)}",  # a product's code, shaped like a passport
    lambda r: f"{r.randint(100, 135)}.{digits(r, 6)}",
)
SENTENCES = (
    "申请人联系号码{}，请于三日内回复",
    "经核验{}无误，准予办理",
    "来件登记：{}；已转办",
    "（{}）",
    "信息{}已归档",
)
PLAIN = (
    "办理完毕，无异议",
    "申请材料齐全，已受理",
    "共3件，金额12345.67元",
    "2023年5月1日",
    "",
    "无",
    "朝阳区",
    "第二季度",
)


def make_cell(rng: random.Random, entities: tuple[str, ...] = tuple(MAKERS)) -> Cell:
    """One cell: an identifier alone or in a sentence, in the plain or another way of writing, or a look-alike."""
    if rng.random() < 0.4:
        text = rng.choice(LOOK_ALIKES)(rng) if rng.random() < 0.8 else rng.choice(PLAIN)
        return Cell(rng.choice(SENTENCES).format(text) if rng.random() < 0.5 else text, ())
    entity = rng.choice(entities)
    value = MAKERS[entity](rng)
    if rng.random() < 0.3 and entity in WRITTEN:
        value = rng.choice(WRITTEN[entity])(value, rng)
    sentence = rng.choice(SENTENCES) if rng.random() < 0.5 else "{}"
    start = sentence.index("{}")
    return Cell(sentence.format(value), ((start, start + len(value), entity),))


def make_cells(count: int, seed: int) -> list[Cell]:
    rng = random.Random(seed)
    cells = [make_cell(rng) for _ in range(count)]
    for at in range(0, count, 50):  # codes with a mobile's shape inside
        value = uscc_with_mobile(rng)
        cells[at] = Cell(value, ((0, len(value), "CN_USCC"),))
    return cells
