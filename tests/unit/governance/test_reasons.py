"""A reason is there where it is wanted, and not too long to keep."""

import pytest

from governance.reasons import LONGEST_REASON, checked_reason
from schemas.errors import Refused
from schemas.text import Text

REMEDY = Text(zh="请说明", en="say why")


def test_blanks_around_it_go() -> None:
    assert checked_reason(" 坐标有误\n", REMEDY) == "坐标有误"
    assert checked_reason("  ", REMEDY, wanted=False) == ""


def test_an_empty_one_is_refused_where_it_is_wanted() -> None:
    with pytest.raises(Refused, match="reason-missing") as refused:
        checked_reason(" \t", REMEDY)
    assert (refused.value.remedy, refused.value.field) == (REMEDY, "reason")


@pytest.mark.parametrize("longest", [LONGEST_REASON, 500])
def test_the_longest_that_is_kept(longest: int) -> None:
    assert len(checked_reason("因" * longest, REMEDY, longest=longest)) == longest
    with pytest.raises(Refused, match="reason-too-long"):
        checked_reason("因" * (longest + 1), REMEDY, wanted=False, longest=longest)
