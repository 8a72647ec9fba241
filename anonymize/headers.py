"""What a column's header says: a lexicon in Chinese, English and the pinyin initials of government tables.

The lexicon stands in headers.tsv.
"""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from schemas.table_schema import FieldRole, Meaning


class Header(NamedTuple):
    """meaning: what a header names. entity: the kind it belongs to. role: of such a field in a table about persons."""

    meaning: Meaning
    entity: str
    role: FieldRole


# Headers that name the type, date, number or state of a thing, not the thing: 身份证类型, 手机品牌, 姓名笔画数.
_ABOUT = re.compile(
    "类型|类别|种类|数量?$|个数|总数|次数|人数|户数|比例|占比|状态|品牌|型号|有效期|期限|签发|是否"
    "|_type$|_count$|_status$|_kind$|^is_|^has_"
)


def read_header(*headers: str) -> Header | None:
    """What the first telling one of a column's name and titles says; None where none tells."""
    return next((found for header in headers if (found := _read(header))), None)


@cache
def _lexicon() -> tuple[tuple[Header, re.Pattern[str]], ...]:
    lines = (Path(__file__).parent / "headers.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return tuple((Header(Meaning(m), entity, FieldRole(role)), re.compile(x)) for m, entity, role, x in rows)


@cache
def _read(header: str) -> Header | None:
    plain = re.sub(r"[（(\[【].*?[)）\]】]|[\s*:：]", "", header)
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", plain).lower().replace("-", "_")
    if _ABOUT.search(plain):
        return None
    return next((header for header, expression in _lexicon() if expression.search(plain)), None)
