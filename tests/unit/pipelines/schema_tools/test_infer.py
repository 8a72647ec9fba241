"""Drafts: types that the file fits, roles and meanings that the detector proposes, and no values."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.read import read_source
from pipelines.schema_tools import infer_schema, to_yaml
from pipelines.validation.validate import ValidatedTable, validate_table
from schemas.errors import Refused
from schemas.registry import load_published, published_references, schema_folder
from schemas.table_schema import table_schema_from_descriptor

HEADER = "登记编号,身份证号,手机号码,出生日期,登记时间,年份,人数,金额,是否有效,区划代码,状态,备注"


def source_of(tmp_path, text):
    path = tmp_path / "s.csv"
    path.write_text(text, "utf-8")
    return read_source(path)


def people(rows=40):
    lines = [HEADER]
    for n in range(rows):
        body = f"1101011990{n % 12 + 1:02d}{n % 28 + 1:02d}{n:03d}"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        check = "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]
        note = "这是一段比较长的说明文字，用来描述该登记事项的来龙去脉以及办理过程中的情况。"
        lines.append(
            f"A{n:04d},{body}{check},138{n:08d},1990/{n % 12 + 1}/{n % 28 + 1},2020-03-05T08:00:{n:02d},"
            f"{2000 + n % 20},{n},{n}.5,{'true' if n % 2 else 'false'},{'110101' if n % 2 else '110102'},"
            f"{'在册' if n % 2 else '注销'},{note}{n}"
        )
    return "\n".join(lines) + "\n"


def test_a_draft_of_a_table_about_people(tmp_path):
    inferred = infer_schema(source_of(tmp_path, people()), name="people")
    fields = {f["name"]: f for f in inferred.descriptor["fields"]}
    assert {name: f["type"] for name, f in fields.items()} == {
        "登记编号": "string", "身份证号": "string", "手机号码": "string", "出生日期": "date", "登记时间": "datetime",
        "年份": "year", "人数": "integer", "金额": "number", "是否有效": "boolean", "区划代码": "string",
        "状态": "string", "备注": "string",
    }  # fmt: skip
    assert fields["出生日期"]["format"] == "%Y/%m/%d"
    assert (fields["身份证号"]["meaning"], fields["身份证号"]["role"]) == ("resident-id", "direct-identifier")
    assert (fields["手机号码"]["meaning"], fields["手机号码"]["role"]) == ("mobile", "direct-identifier")
    assert fields["区划代码"]["meaning"] == "division-code"
    assert fields["备注"]["role"] == "free-text"
    assert fields["状态"]["constraints"] == {"required": True, "enum": ["在册", "注销"]}
    assert inferred.descriptor["primaryKey"] == "登记编号"
    assert inferred.rows == 40
    assert set(inferred.undecided) == {f["name"] for f in fields.values() if "role" not in f}
    assert "人数" in inferred.undecided


def test_the_file_is_valid_under_its_draft(tmp_path):
    source = source_of(tmp_path, people())
    schema = table_schema_from_descriptor(infer_schema(source, name="people").descriptor, "people", "0.1.0")
    assert isinstance(validate_table(source, schema), ValidatedTable)


def test_the_draft_holds_no_values_of_concern(tmp_path):
    text = to_yaml(infer_schema(source_of(tmp_path, people()), name="people"))
    assert "1101011990" not in text
    assert "138000" not in text
    assert "这是一段" not in text
    assert "# 尚未确定角色 / role undecided: 人数" in text
    assert yaml.safe_load(text)["name"] == "people"


def test_codes_keep_their_zeros_and_long_numbers_stay_text(tmp_path):
    source = source_of(tmp_path, "a,b,c,d\n007,12345678901234567890,1.50,1\n008,12345678901234567891,2,\n")
    fields = infer_schema(source, name="t").descriptor["fields"]
    assert [f["type"] for f in fields] == ["string", "string", "number", "integer"]
    assert "constraints" not in fields[3]


@pytest.mark.parametrize("text", ["a,a\n1,2\n", "a,\n1,2\n"])
def test_headers_that_name_nothing_are_refused(tmp_path, text):
    with pytest.raises(Refused) as caught:
        infer_schema(source_of(tmp_path, text), name="t")
    assert caught.value.code == "unusable-header"


@pytest.mark.parametrize("reference", published_references())
def test_examples_of_published_schemas_fit_their_drafts(reference):
    name, version = reference.split("@")
    example = schema_folder(name, version) / "valid.csv"
    if not example.exists():
        pytest.skip("no example")
    source = read_source(example)
    inferred = infer_schema(source, name=name)
    draft = table_schema_from_descriptor(inferred.descriptor, name, "0.1.0")
    assert isinstance(validate_table(source, draft), ValidatedTable)
    declared = {f.name: f.type for f in load_published(reference).fields}
    same = sum(declared.get(f.name) == f.type for f in draft.fields)
    assert same >= 0.85 * len(declared)


CELL = st.sampled_from(["1", "0", "-3", "1.5", "true", "2020-03-05", "2020/3/5", "2020", "2020-03", "x", "007", "1e3"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6))
def test_any_file_is_valid_under_its_draft(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("i") / "s.csv"
    path.write_text("年a,b\n" + "".join(f"{a},{b}\n" for a, b in rows), "utf-8")
    source = read_source(path)
    schema = table_schema_from_descriptor(infer_schema(source, name="t").descriptor, "t", "0.1.0")
    assert isinstance(validate_table(source, schema), ValidatedTable)
