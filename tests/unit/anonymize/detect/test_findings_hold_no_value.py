"""Findings never hold a raw value or a part of one."""

import random
import re

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.classify import classify_fields
from anonymize.detect import detect
from schemas.errors import Refused
from schemas.findings import Findings
from schemas.table_schema import SchemaField, TableSchema
from schemas.text import Text
from tests.factories.personal_data import MAKERS, make_cell, person

# Characters that no header, entity, pattern or message uses.
RARE_HAN = "龘靐齉爩麤龗灪龖厵滟籱癵驫鱻麷鸞虪齾"
PIECE = 4  # characters of a value that must not appear
HEADERS = ("姓名", "身份证号", "备注", "手机", "地址", "c1")
CELL = st.one_of(
    st.none(),
    st.text(RARE_HAN, min_size=1, max_size=30),
    st.integers(0, 2**32).map(lambda seed: make_cell(random.Random(seed)).text),
    st.integers(0, 2**32).map(lambda seed: person(random.Random(seed))),
    st.sampled_from(sorted(MAKERS)).flatmap(
        lambda kind: st.integers(0, 2**32).map(lambda seed: MAKERS[kind](random.Random(seed)))
    ),
)


def pieces(value: str) -> set[str]:
    """The value's rare characters, and its runs of digits and letters cut into pieces that could name it."""
    runs = re.findall(r"[0-9A-Za-z@.]{5,}", value)
    found = {run[i : i + PIECE + 1] for run in runs for i in range(len(run) - PIECE)}
    return found | set(value) & set(RARE_HAN)


def text_of(findings: Findings) -> str:
    return findings.model_dump_json(exclude={"rows"})


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(HEADERS), st.lists(CELL, min_size=1, max_size=12))
def test_no_piece_of_a_cell_is_in_the_findings_or_in_a_refusal(header: str, cells: list[str | None]) -> None:
    findings = detect(pa.table({header: pa.array(cells, pa.string())}))
    told = text_of(findings) + refusal_of(header, findings)
    # Shares such as 0.14285714285714285 are numbers of ours.
    told = re.sub(r"[0-9]+\.[0-9]+", "", told)
    for cell in cells:
        for piece in pieces(cell or ""):
            assert piece not in told


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(RARE_HAN, min_size=2, max_size=4), min_size=5, max_size=20))
def test_no_name_is_in_the_findings(names: list[str]) -> None:
    told = text_of(detect(pa.table({"姓名": names, "备注": [f"申请人：{n}，已于今日受理并转办完毕" for n in names]})))
    assert not set("".join(names)) & set(told)


def refusal_of(header: str, findings: Findings) -> str:
    empty = Text(zh="", en="")
    field = SchemaField(name=header, title=empty, description=empty)
    schema = TableSchema(name="t", version="1.0.0", title=empty, description=empty, fields=(field,), descriptor={})
    try:
        classify_fields(schema, findings)
    except Refused as refused:
        return f"{refused.message} {refused.remedy} {refused.field}"
    raise AssertionError("an undeclared field must be refused")
