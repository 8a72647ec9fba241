"""Masks leave what the style says and nothing that leads back."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.treatments.masking import STYLES, mask_column
from schemas.errors import ConfigurationError


@pytest.mark.parametrize(
    ("style", "raw", "masked"),
    [
        ("name", "张三", "张某某"),
        ("name", "张三丰", "张某某"),
        ("name", "欧阳修", "欧阳某某"),
        ("name", "欧阳", "欧某某"),
        ("name", "买买提·吐尔逊", "买某某"),
        ("name", "李", "某某"),
        ("name", "澜川市启川物流有限公司", "澜川市启川物流有限公司"),
        ("name", "老王牛肉面馆", "老王牛肉面馆"),
        ("name", "老王面馆", "老某某"),  # might be a person
        ("name", "城关超市", "城关超市"),
        ("name", "欧阳建行", "欧阳某某"),
        ("name", "古丽·阿不都城", "古某某"),
        ("name", "王大行", "王某某"),  # ends like an organisation, is too short to be one
        ("resident-id", "110105199001011234", "11****************"),
        ("resident-id", "110105 19900101 123X", "11****************"),
        ("resident-id", "110105900101123", "11****************"),
        ("resident-id", "12345", "***"),
        ("mobile", "13812341234", "138****1234"),
        ("mobile", "+86 138-1234-1234", "138****1234"),
        ("mobile", "010-1234", "***"),
        ("email", "zhangsan@example.com", "z***@example.com"),
        ("email", "ab@example.com", "***@example.com"),
        ("email", "nonsense", "***"),
        ("address", "甘肃省兰州市城关区东岗路1号", "甘肃省兰州市城关区***"),
        ("address", "东岗路1号", "***"),
        ("full", "anything", "***"),
        ("ends", "6222021234567890", "****"),
    ],
)
def test_styles(style: str, raw: str, masked: str) -> None:
    assert mask_column(pa.chunked_array([[raw]]), style).to_pylist() == [masked]


def test_name_filler_and_organisations_may_be_set() -> None:
    column = pa.chunked_array([["张三", "老王面馆有限公司", None]])
    masked = mask_column(column, "name", filler="**", keep_organisations=False)
    assert masked.to_pylist() == ["张**", "老**", None]


def test_ends_keep_what_is_asked_and_hide_short_values_whole() -> None:
    column = pa.chunked_array([["6222021234567890", "12345678"]])
    assert mask_column(column, "ends", keep_first=2, keep_last=4).to_pylist() == ["62****7890", "***"]


@given(st.from_regex(r"[1-9]\d{5}(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d)\d{3}[\dX]", fullmatch=True))
@settings(deadline=None)
def test_no_mask_of_an_identity_number_leaves_its_birth_date_or_sequence(number: str) -> None:
    masked = STYLES["resident-id"](number)
    assert set(masked[6:]) == {"*"}
    widest = STYLES["resident-id"](number, keep_first=18, keep_last=18)  # a policy that asks for all
    assert widest[6:14] == "*" * 8


@pytest.mark.parametrize(("style", "parameters"), [("shout", {}), ("mobile", {"keep_first": 3})])
def test_unknown_styles_and_parameters_are_refused(style: str, parameters: dict) -> None:
    with pytest.raises(ConfigurationError):
        mask_column(pa.chunked_array([["x"]]), style, **parameters)
