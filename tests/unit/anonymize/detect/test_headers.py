"""What headers say."""

import pytest

from anonymize.headers import read_header
from schemas.table_schema import Meaning


@pytest.mark.parametrize(
    ("header", "meaning"),
    [
        ("身份证号", Meaning.RESIDENT_ID),
        ("证件号码（必填）", Meaning.RESIDENT_ID),
        ("法定代表人身份证号", Meaning.RESIDENT_ID),
        ("sfzh", Meaning.RESIDENT_ID),
        ("idCardNo", Meaning.RESIDENT_ID),
        ("姓名", Meaning.PERSON_NAME),
        ("xm", Meaning.PERSON_NAME),
        ("name", Meaning.PERSON_NAME),
        ("caller_name", Meaning.PERSON_NAME),
        ("法定代表人", Meaning.LEGAL_REPRESENTATIVE),
        ("法定代表人姓名", Meaning.LEGAL_REPRESENTATIVE),
        ("企业名称", Meaning.ORGANISATION_NAME),
        ("company_name", Meaning.ORGANISATION_NAME),
        ("联系电话", Meaning.MOBILE),
        ("办公电话", Meaning.LANDLINE),
        ("统一社会信用代码", Meaning.USCC),
        ("住址", Meaning.ADDRESS),
        ("出生年月", Meaning.DATE_OF_BIRTH),
        ("年龄", Meaning.AGE),
        ("经度", Meaning.LONGITUDE),
        ("行政区划代码", Meaning.DIVISION_CODE),
        ("社保卡号", Meaning.SOCIAL_SECURITY_NUMBER),
        ("公积金账号", Meaning.PROVIDENT_FUND_NUMBER),
        ("银行卡号", Meaning.BANK_CARD),
        ("备注", Meaning.FREE_TEXT),
        ("身份证类型", None),
        ("手机品牌", None),
        ("stop_name", None),
        ("学生人数", None),
        ("pm25", None),
    ],
)
def test_a_header_says_this(header: str, meaning: Meaning | None) -> None:
    found = read_header(header)
    assert (found.meaning if found else None) == meaning


def test_a_title_tells_where_the_name_does_not() -> None:
    found = read_header("c07", "身份证号")
    assert found is not None
    assert found.meaning == Meaning.RESIDENT_ID
