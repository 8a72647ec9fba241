"""Declared and detected roles merged: what conflicts, what is explained, what a refusal says."""

import random

import pyarrow as pa
import pytest

from anonymize.classify import ANSWERS, classify_fields
from anonymize.detect import detect
from anonymize.recognizers.specification import CONFIDENT
from schemas.errors import Refused
from schemas.findings import FieldProfile, Finding, Findings
from schemas.table_schema import FieldRole, Meaning, SchemaField, TableSchema
from schemas.text import Text
from tests.factories import personal_data as make

D, Q, S, N, F = (
    FieldRole.DIRECT_IDENTIFIER,
    FieldRole.QUASI_IDENTIFIER,
    FieldRole.SENSITIVE,
    FieldRole.NON_SENSITIVE,
    FieldRole.FREE_TEXT,
)
EMPTY = Text(zh="", en="")


def schema_of(**fields: tuple[FieldRole | None, Meaning | None]) -> TableSchema:
    listed = tuple(
        SchemaField(name=n, title=EMPTY, description=EMPTY, role=role, meaning=meaning)
        for n, (role, meaning) in fields.items()
    )
    return TableSchema(name="t", version="1.0.0", title=EMPTY, description=EMPTY, fields=listed, descriptor={})


def found(field: str, entity: str, role: FieldRole, score: float = 0.9) -> Findings:
    finding = Finding(
        field=field, entity=entity, meaning=None, cells=9, share=0.9, whole_cell_share=0.9, score=score,
        proposed_role=role,
    )  # fmt: skip
    profile = FieldProfile(field=field, cells=10, nulls=0, distinct=10, unique_share=1.0)
    return Findings(rows=10, profiles=(profile,), findings=(finding,))


def column(kind: str, rows: int = 60) -> list[str]:
    rng = random.Random(1)
    maker = make.MAKERS.get(kind, make.person)
    return [maker(rng) for _ in range(rows)]


@pytest.mark.parametrize("declared", list(FieldRole))
@pytest.mark.parametrize("called_for", list(FieldRole))
def test_the_table_of_strictness_decides(declared: FieldRole, called_for: FieldRole) -> None:
    schema, findings = schema_of(a=(declared, None)), found("a", "CN_MOBILE", called_for)
    if declared in ANSWERS[called_for]:
        assert classify_fields(schema, findings) == {"a": declared}
    else:
        with pytest.raises(Refused) as refused:
            classify_fields(schema, findings)
        assert refused.value.code == "classification-conflict"


def test_strictness_is_what_it_must_be() -> None:
    assert all(role in answers for role, answers in ANSWERS.items())
    assert set(ANSWERS) == set(FieldRole)
    assert ANSWERS[D] == {D}
    assert N not in ANSWERS[F] | ANSWERS[Q] | ANSWERS[S]
    assert all(D in answers for answers in ANSWERS.values())


def test_all_conflicts_are_named_at_once_with_remedies() -> None:
    table = pa.table({"a": column("CN_RESIDENT_ID"), "b": column("CN_MOBILE"), "c": ["无"] * 60})
    with pytest.raises(Refused) as refused:
        classify_fields(schema_of(a=(N, None), b=(Q, None), c=(N, None)), detect(table))
    error = refused.value
    assert error.code == "classification-conflict"
    assert error.field == "a, b"
    assert "resident identity numbers" in error.message.en
    assert "公民身份号码" in error.message.zh
    assert "手机号码" in error.message.zh
    assert error.remedy is not None
    assert "direct-identifier" in error.remedy.en


def test_undeclared_fields_are_named_at_once_with_proposals() -> None:
    table = pa.table({"手机": column("CN_MOBILE"), "x": ["无"] * 60})
    with pytest.raises(Refused) as refused:
        classify_fields(schema_of(手机=(None, None), x=(None, None)), detect(table))
    error = refused.value
    assert (error.code, error.field) == ("unclassified-field", "手机, x")
    assert error.remedy is not None
    assert "“手机” seems to be direct identifier" in error.remedy.en
    assert "“x” seems to be non-sensitive" in error.remedy.en


def test_a_column_that_the_schema_does_not_list_stops() -> None:
    with pytest.raises(Refused) as refused:
        classify_fields(schema_of(x=(N, None)), detect(pa.table({"x": ["无"], "extra": ["有"]})))
    assert (refused.value.code, refused.value.field) == ("unclassified-field", "extra")


def test_legal_representatives_and_organisations_do_not_conflict() -> None:
    table = pa.table(
        {
            "法定代表人": column("PERSON"),
            "负责人": column("PERSON"),
            "统一社会信用代码": column("CN_USCC"),
            "企业名称": [f"杭州第{i}贸易有限公司" for i in range(60)],
        }
    )
    schema = schema_of(
        法定代表人=(N, Meaning.LEGAL_REPRESENTATIVE),
        负责人=(N, Meaning.LEGAL_REPRESENTATIVE),
        统一社会信用代码=(N, Meaning.USCC),
        企业名称=(N, Meaning.ORGANISATION_NAME),
    )
    assert set(classify_fields(schema, detect(table)).values()) == {N}


def test_a_declared_legal_representative_does_not_hide_other_kinds() -> None:
    table = pa.table({"法定代表人": column("CN_RESIDENT_ID")})
    with pytest.raises(Refused):
        classify_fields(schema_of(法定代表人=(N, Meaning.LEGAL_REPRESENTATIVE)), detect(table))


def test_names_declared_non_sensitive_conflict() -> None:
    with pytest.raises(Refused):
        classify_fields(schema_of(姓名=(N, None)), detect(pa.table({"姓名": column("PERSON")})))


def test_identifiers_inside_texts_need_free_text_or_stricter() -> None:
    notes = [f"请致电{m}处理" for m in column("CN_MOBILE")]
    findings = detect(pa.table({"a": notes}))
    for declared in (F, D):
        assert classify_fields(schema_of(a=(declared, None)), findings) == {"a": declared}
    for declared in (N, Q, S):
        with pytest.raises(Refused) as refused:
            classify_fields(schema_of(a=(declared, None)), findings)
        assert "free-text" in (refused.value.remedy.en if refused.value.remedy else "")


def test_one_identifier_in_a_thousand_texts_is_enough() -> None:
    notes = [f"第{i}次巡查，未见异常情况" for i in range(1000)] + ["请致电13812345678处理"]
    with pytest.raises(Refused):
        classify_fields(schema_of(a=(N, None)), detect(pa.table({"a": notes})))


@pytest.mark.parametrize("entity", ["RARE_VALUES", "SINGLES_OUT"])
def test_roles_proposed_by_uniqueness_do_not_bind(entity: str) -> None:
    assert classify_fields(schema_of(a=(N, None)), found("a", entity, Q)) == {"a": N}


def test_findings_bind_from_the_confident_score() -> None:
    schema = schema_of(a=(N, None))
    assert classify_fields(schema, found("a", "CN_PASSPORT", D, CONFIDENT - 0.001)) == {"a": N}
    with pytest.raises(Refused):
        classify_fields(schema, found("a", "CN_PASSPORT", D, CONFIDENT))
