"""Codes and levels of districts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.district import LEVELS, DistrictLevel, level_of_code, parent_code


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("110000", DistrictLevel.PROVINCE),
        ("100000", DistrictLevel.PROVINCE),
        ("620100", DistrictLevel.CITY),
        ("441900", DistrictLevel.CITY),
        ("419001", DistrictLevel.COUNTY),
        ("620102", DistrictLevel.COUNTY),
        ("620110", DistrictLevel.COUNTY),
        ("620102001", DistrictLevel.TOWNSHIP),
        ("620102100", DistrictLevel.TOWNSHIP),
        ("620102000", DistrictLevel.COUNTY),
    ],
)
def test_the_level_is_told_by_the_zeros(code: str, level: DistrictLevel) -> None:
    assert level_of_code(code) is level


@given(st.from_regex(r"[1-8]\d{5}(\d{3})?", fullmatch=True), st.sampled_from(LEVELS))
def test_a_parent_is_at_or_above_the_level_asked_for(code: str, level: DistrictLevel) -> None:
    parent = parent_code(code, level)
    assert len(parent) == len(code)
    assert LEVELS.index(level_of_code(parent)) <= LEVELS.index(level)
    assert parent_code(parent, level) == parent
