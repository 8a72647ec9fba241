"""Every recogniser: what it finds, what it leaves, beside Han characters, digits, letters and signs."""

import random
import re

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize import matching
from anonymize.recognizers.registry import SPECIFICATIONS
from anonymize.recognizers.specification import normalise
from anonymize.spans import find_spans
from tests.factories.personal_data import make_cells, uscc_with_mobile

FOUND = [
    # entity, text, what is found
    ("CN_RESIDENT_ID", "身份证11010519491231002X已核验", "11010519491231002X"),
    ("CN_RESIDENT_ID", "11010519491231002x", "11010519491231002x"),
    ("CN_RESIDENT_ID", "１１０１０５１９４９１２３１００２Ｘ", "１１０１０５１９４９１２３１００２Ｘ"),
    ("CN_RESIDENT_ID", "110105 19491231 002X", "110105 19491231 002X"),
    ("CN_RESIDENT_ID", "110105-1949-1231-002X", "110105-1949-1231-002X"),
    ("CN_RESIDENT_ID", "110105194912310021", "110105194912310021"),  # the checksum fails, shape and date decide
    ("CN_RESIDENT_ID", "620102198001010013", "620102198001010013"),  # Gansu begins like a UnionPay card
    ("CN_RESIDENT_ID", "原号110105491231002", "110105491231002"),
    ("CN_MOBILE", "电话13812345678，请回复", "13812345678"),
    ("CN_MOBILE", "１３８１２３４５６７８", "１３８１２３４５６７８"),
    ("CN_MOBILE", "138-1234-5678", "138-1234-5678"),
    ("CN_MOBILE", "138 1234 5678", "138 1234 5678"),
    ("CN_MOBILE", "+86 13812345678", "+86 13812345678"),
    ("CN_MOBILE", "86-13812345678", "86-13812345678"),
    ("CN_MOBILE", "1.13812345678", "13812345678"),
    ("CN_MOBILE", "2023-01-01 13812345678", "13812345678"),
    ("CN_RESIDENT_ID", "身份证①①⓪①⓪⑤①⑨④⑨①②③①⓪⓪②Ｘ", "①①⓪①⓪⑤①⑨④⑨①②③①⓪⓪②Ｘ"),
    ("CN_RESIDENT_ID", "110105\u200b19491231\u200b002X", "110105\u200b19491231\u200b002X"),
    ("CN_RESIDENT_ID", "11O1O519491231OO2X", "11O1O519491231OO2X"),
    ("CN_RESIDENT_ID", "ll0l05l949l23l002X", "ll0l05l949l23l002X"),
    ("CN_RESIDENT_ID", "11010519491231002Х", "11010519491231002Х"),
    ("CN_RESIDENT_ID", "110105\u200919491231\u2009002X", "110105\u200919491231\u2009002X"),
    ("CN_RESIDENT_ID", "110105.19491231.002X", "110105.19491231.002X"),
    ("CN_RESIDENT_ID", "一一〇一〇五一九四九一二三一〇〇二X", "一一〇一〇五一九四九一二三一〇〇二X"),
    ("CN_RESIDENT_ID", "https://a.gov.cn/q?id=11010519491231002X&x=1", "11010519491231002X"),
    ("CN_RESIDENT_ID", '{"idCard":"11010519491231002X"}', "11010519491231002X"),
    ("CN_MOBILE", "电话一三八一二三四五六七八", "一三八一二三四五六七八"),
    ("CN_MOBILE", "电话壹叁捌壹贰叁肆伍陆柒捌", "壹叁捌壹贰叁肆伍陆柒捌"),
    ("CN_MOBILE", "电话幺三八幺二三四五六七八", "幺三八幺二三四五六七八"),
    ("CN_MOBILE", "电话138一二三四5678", "138一二三四5678"),
    ("CN_MOBILE", "张三13812345678", "13812345678"),  # the name's numeral is no digit of the number
    ("CN_MOBILE", "①13812345678", "13812345678"),  # nor is a mark of a list
    ("CN_MOBILE", "电话l38I2345678", "l38I2345678"),
    ("CN_MOBILE", "1\u200b3812345678", "1\u200b3812345678"),
    ("CN_MOBILE", "𝟏𝟑𝟖𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖", "𝟏𝟑𝟖𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖"),
    ("CN_MOBILE", "١٣٨١٢٣٤٥٦٧٨", "١٣٨١٢٣٤٥٦٧٨"),
    ("CN_MOBILE", "138.1234.5678", "138.1234.5678"),
    ("CN_MOBILE", "138/1234/5678", "138/1234/5678"),
    ("CN_MOBILE", "（138）12345678", "（138）12345678"),
    ("CN_MOBILE", "1 3 8 1 2 3 4 5 6 7 8", "1 3 8 1 2 3 4 5 6 7 8"),
    ("CN_MOBILE", "13812345678.0", "13812345678"),  # a spreadsheet's number
    ("CN_MOBILE", "1.3812345678E+10", "1.3812345678E+10"),
    ("EMAIL_ADDRESS", "zhang(at)163.com", "zhang(at)163.com"),
    ("EMAIL_ADDRESS", "zhang @ 163.com", "zhang @ 163.com"),
    ("CN_PLATE", "京A•12345", "京A•12345"),
    ("CN_PLATE", "京a12345", "京a12345"),
    ("CN_PLATE", "京 A 12345", "京 A 12345"),
    ("CN_PLATE", "车牌号：A12345", "A12345"),
    ("CN_PLATE", "WJ京12345", "WJ京12345"),
    ("WECHAT", "加V：zhang_san88", "zhang_san88"),
    ("WECHAT", "薇信zhang_san88", "zhang_san88"),
    ("WECHAT", "微信 ID：zhang_san88", "zhang_san88"),
    ("QQ", "加Q 123456789", "123456789"),
    ("CN_PASSPORT", "护照 E 12345678", "E 12345678"),
    ("CN_TRAVEL_PERMIT", "香港身份证A123456(7)", "A123456(7)"),
    ("CN_TRAVEL_PERMIT", "台湾居民身份证A123456789", "A123456789"),
    ("CN_LANDLINE", "单位电话010-88886666", "010-88886666"),
    ("CN_LANDLINE", "（0571）87654321", "（0571）87654321"),
    ("CN_LANDLINE", "0755-1234567转8", None),
    ("CN_LANDLINE", "0755-26543210转801", "0755-26543210转801"),
    ("CN_LANDLINE", "+86 10 88886666", "+86 10 88886666"),
    ("BANK_CARD", "卡号6222021234567890128", "6222021234567890128"),
    ("BANK_CARD", "4111 1111 1111 1111", "4111 1111 1111 1111"),
    ("EMAIL_ADDRESS", "邮箱zhang.san@163.com，谢谢", "zhang.san@163.com"),
    ("EMAIL_ADDRESS", "13812345678@qq.com", "13812345678@qq.com"),
    ("CN_PLATE", "车牌京A12345违停", "京A12345"),
    ("CN_PLATE", "粤B·D12345", "粤B·D12345"),
    ("CN_PLATE", "沪AD12345", "沪AD12345"),
    ("CN_PLATE", "苏A1234学", "苏A1234学"),
    ("CN_PLATE", "浙AWTPPM", "浙AWTPPM"),
    ("MAC_ADDRESS", "aa:bb:cc:dd:ee:ff", "aa:bb:cc:dd:ee:ff"),
    ("WECHAT", "微信 zhangsan", "zhangsan"),
    ("CN_PASSPORT", "护照E12345678", "E12345678"),
    ("CN_PASSPORT", "护照号码：EA1234567", "EA1234567"),
    ("CN_TRAVEL_PERMIT", "回乡证H12345678", "H12345678"),
    ("CN_TRAVEL_PERMIT", "通行证C12345678", "C12345678"),
    ("CN_MILITARY_ID", "军官证：军字第1234567号", "军字第1234567号"),
    ("CN_SOCIAL_SECURITY_NUMBER", "社保卡号：A123456789", "A123456789"),
    ("CN_PROVIDENT_FUND_NUMBER", "公积金账号 330012345678", "330012345678"),
    ("WECHAT", "微信号: zhang_san88", "zhang_san88"),
    ("QQ", "QQ：123456789", "123456789"),
    ("IP_ADDRESS", "来源192.168.10.5访问", "192.168.10.5"),
    ("IP_ADDRESS", "2001:db8::1", "2001:db8::1"),
    ("MAC_ADDRESS", "00:1A:2B:3C:4D:5E", "00:1A:2B:3C:4D:5E"),
    ("MAC_ADDRESS", "设备00-1a-2b-3c-4d-5e", "00-1a-2b-3c-4d-5e"),
    ("COORDINATES", "位置116.397128,39.916527", "116.397128,39.916527"),
    ("CN_USCC", "代码91350100M000100Y43有效", "91350100M000100Y43"),
    ("CN_ORGANISATION_CODE", "组织机构代码D2143569-X", "D2143569-X"),
    ("IBAN_CODE", "DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00"),
    ("US_SSN", "SSN 536-90-4399", "536-90-4399"),
    ("PHONE_NUMBER", "call (212) 555-0123", "(212) 555-0123"),
    ("PHONE_NUMBER", "+44 20 7946 0958", "+44 20 7946 0958"),
]
LEFT = [
    # entity, text that must not hold it
    ("CN_RESIDENT_ID", "110105194913310021"),  # no such month
    ("CN_RESIDENT_ID", "110105194902300021"),  # no such day
    ("CN_RESIDENT_ID", "990105194912310021"),  # no such division
    ("CN_RESIDENT_ID", "A11010519491231002X"),
    ("CN_RESIDENT_ID", "11010519491231002X5"),
    ("CN_RESIDENT_ID", "5 110105 19491231 002X 7"),
    ("CN_MOBILE", "订单编号2023138123456780001"),
    ("CN_MOBILE", "GD13812345678"),
    ("CN_MOBILE", "13812345678A"),
    ("CN_MOBILE", "91350100M13812345678"),
    ("CN_MOBILE", "13812345678.50"),
    ("CN_MOBILE", "121.13812345678"),
    ("CN_MOBILE", "2023-13812345678-01"),
    ("CN_MOBILE", "12812345678"),
    ("CN_MOBILE", "1234 138 1234 5678"),
    ("CN_MOBILE", "一九九七年七月一日起至二〇〇三年"),
    ("CN_MOBILE", "13812345678.05"),
    ("CN_MOBILE", "1.38E10"),
    ("CN_MOBILE", "1 3 8 1 2 3 4 5 6 7 8 9"),
    ("CN_RESIDENT_ID", "110105.19491331.002X"),
    ("CN_PLATE", "新style1"),
    ("CN_PLATE", "云a1234567"),
    ("WECHAT", "树立威信abc"),
    ("CN_LANDLINE", "2023-0571-87654321"),
    ("BANK_CARD", "6222021234567890123"),  # Luhn's digit is wrong
    ("BANK_CARD", "202301011234567890"),
    ("CN_PASSPORT", "批次E12345678"),  # no context
    ("CN_TRAVEL_PERMIT", "H12345678"),
    ("CN_PLATE", "A12345"),
    ("CN_PLATE", "京A1234I"),  # plates have no I and no O
    ("IP_ADDRESS", "版本1.2.3.4.5"),
    ("IP_ADDRESS", "版本号：1.2.3.4"),
    ("IP_ADDRESS", "0.0.0.0"),
    ("IP_ADDRESS", "300.1.1.1"),
    ("MAC_ADDRESS", "00:00:00:00:00:00"),
    ("QQ", "共123456789元"),
    ("WECHAT", "微信支付"),
    ("CN_ORGANISATION_CODE", "D2143569-1"),
    ("IBAN_CODE", "DE89 3704 0044 0532 0130 01"),
    ("US_SSN", "编号536-90-4399"),  # for Latin texts alone
    ("US_SSN", "000-12-3456"),
    ("EMAIL_ADDRESS", "@zhangsan"),
    ("COORDINATES", "12.5,13.5"),
]


def spans_of(text: str) -> list[tuple[str, str]]:
    return [(s.entity, text[s.start : s.end]) for s in find_spans([text], all_kinds=True).get(0, [])]


@pytest.mark.parametrize(("entity", "text", "expected"), FOUND)
def test_it_finds(entity: str, text: str, expected: str | None) -> None:
    found = [piece for kind, piece in spans_of(text) if kind == entity]
    assert found == ([] if expected is None else [expected])


@pytest.mark.parametrize(("entity", "text"), LEFT)
def test_it_leaves(entity: str, text: str) -> None:
    assert entity not in {kind for kind, _ in spans_of(text)}


def test_every_recogniser_is_tried() -> None:
    assert {s.entity for s in SPECIFICATIONS} == {entity for entity, _, expected in FOUND if expected}


def test_numbers_of_two_lines_do_not_run_together() -> None:
    assert spans_of("138\n12345678") == []
    assert spans_of("号码13812345678\n9") == [("CN_MOBILE", "13812345678")]


def test_a_code_with_a_mobile_inside_is_the_code_alone() -> None:
    rng = random.Random(1)
    for _ in range(50):
        code = uscc_with_mobile(rng)
        assert spans_of(f"单位{code}经营正常") == [("CN_USCC", code)]


def test_organisations_codes_are_kept_in_texts() -> None:
    assert find_spans(["代码91350100M000100Y43"]) == {}
    assert [s.entity for s in find_spans(["代码91350100M000100Y43"], all_kinds=True)[0]] == ["CN_USCC"]


def test_nulls_and_arrow_strings_are_taken() -> None:
    values = pa.array([None, "电话13812345678", ""])
    assert {at: [s.entity for s in spans] for at, spans in find_spans(values).items()} == {1: ["CN_MOBILE"]}


def test_chunks_of_texts_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [c.text for c in make_cells(300, seed=4)]
    whole = find_spans(texts)
    monkeypatch.setattr(matching, "CHUNK", 7)
    assert find_spans(texts) == whole


PIECES = st.text("0189abfAFxZBQWE浙:.-@ +·微信号vwxechatWeiQq京军字第，", max_size=14)
EXPRESSIONS = {
    matching.GATE,
    *(s.holds for s in SPECIFICATIONS),
    *(p.prefilter for s in SPECIFICATIONS for p in s.patterns),
}


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, min_size=1, max_size=4), st.sampled_from([text for _, text, _ in FOUND]))
def test_every_match_passes_its_prefilter_and_the_gate(pieces: list[str], known: str) -> None:
    text = normalise("".join([*pieces, known, *reversed(pieces)]))
    looked_at = [pl.col("text").str.contains(expression).alias(expression) for expression in EXPRESSIONS]
    [contains] = pl.DataFrame({"text": [text]}).select(looked_at).to_dicts()
    for specification in SPECIFICATIONS:
        for pattern in specification.patterns:
            if contains[pattern.prefilter]:
                assert contains[specification.holds], pattern.name
            if re.search(pattern.regex, text):
                assert contains[pattern.prefilter], pattern.name
                assert contains[matching.GATE], pattern.name
