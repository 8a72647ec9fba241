"""Every published schema: complete in both languages, and true to its own examples under the real frictionless."""

import re
from pathlib import Path

import frictionless
import pytest

from schemas.registry import load_published, published_references, schema_folder
from schemas.table_schema import FieldRole, TableSchema

HAN = re.compile(r"[\u4e00-\u9fff]")
REFERENCES = published_references()
IDENTIFYING = {"person-name", "resident-id", "mobile", "address"}
# Errors in the order of the rows of `invalid.csv`: (row, field, type).
EXPECTED = {
    "administrative-penalties@1.0.0": [
        (2, "决定书文号", "constraint-error"),
        (3, "当事人类别", "constraint-error"),
        (4, "统一社会信用代码", "constraint-error"),
        (5, "当事人身份证号", "constraint-error"),
        (6, "违法行为类型", "constraint-error"),
        (7, "违法事实", "constraint-error"),
        (8, "处罚种类", "constraint-error"),
        (9, "罚款金额（元）", "type-error"),
        (10, "决定日期", "type-error"),
        (11, None, "primary-key"),
    ],
    "air-quality-hourly@1.0.0": [
        (2, "station_id", "constraint-error"),
        (3, "station_name", "constraint-error"),
        (4, "observed_at", "type-error"),
        (5, "pm25", "constraint-error"),
        (6, "co", "type-error"),
        (7, "aqi", "constraint-error"),
        (8, "primary_pollutant", "constraint-error"),
        (9, "district", "constraint-error"),
    ],
    "bus-lines@1.0.0": [
        (2, "line_id", "constraint-error"),
        (3, "line", "constraint-error"),
        (4, "direction", "constraint-error"),
        (5, "first_departure", "type-error"),
        (6, "length_km", "constraint-error"),
        (7, "stop_count", "constraint-error"),
        (8, "fare_yuan", "type-error"),
        (9, "electric", "type-error"),
        (10, "interval_minutes", "type-error"),
        (11, None, "primary-key"),
    ],
    "bus-stops@1.0.0": [
        (2, "stop_id", "constraint-error"),
        (3, "stop_name", "constraint-error"),
        (4, "direction", "constraint-error"),
        (5, "longitude", "constraint-error"),
        (6, "line_count", "type-error"),
        (7, "has_shelter", "type-error"),
        (8, "opened_on", "type-error"),
        (9, "latitude", "type-error"),
        (10, "stop_id", "unique-error"),
        (10, None, "primary-key"),
    ],
    "employment-registrations@1.0.0": [
        (2, "登记编号", "constraint-error"),
        (3, "姓名", "constraint-error"),
        (4, "身份证号", "constraint-error"),
        (5, "性别", "constraint-error"),
        (6, "出生日期", "type-error"),
        (7, "手机号", "constraint-error"),
        (8, "户籍地区划代码", "constraint-error"),
        (9, "学历", "constraint-error"),
        (10, "月工资（元）", "type-error"),
        (11, "就业困难人员", "type-error"),
        (12, "月工资（元）", "constraint-error"),
        (13, None, "primary-key"),
    ],
    "enterprise-register@1.0.0": [
        (2, "统一社会信用代码", "constraint-error"),
        (3, "企业名称", "constraint-error"),
        (4, "法定代表人", "constraint-error"),
        (5, "注册资本（万元）", "type-error"),
        (6, "成立日期", "type-error"),
        (7, "行业门类", "constraint-error"),
        (8, "登记状态", "constraint-error"),
        (9, "注册资本（万元）", "constraint-error"),
        (10, None, "primary-key"),
    ],
    "hotline-tickets@1.0.0": [
        (2, "ticket_no", "constraint-error"),
        (3, "received_on", "type-error"),
        (4, "category", "constraint-error"),
        (5, "district", "constraint-error"),
        (6, "caller_gender", "constraint-error"),
        (7, "caller_phone", "constraint-error"),
        (8, "content", "constraint-error"),
        (9, "status", "constraint-error"),
        (10, "satisfaction", "type-error"),
        (11, "satisfaction", "constraint-error"),
    ],
    "medical-service-prices@1.0.0": [
        (2, "项目编码", "constraint-error"),
        (3, "项目名称", "constraint-error"),
        (4, "类别", "constraint-error"),
        (5, "计价单位", "constraint-error"),
        (6, "三级医院价格（元）", "type-error"),
        (7, "二级医院价格（元）", "constraint-error"),
        (8, "医保类别", "constraint-error"),
        (9, "执行日期", "type-error"),
        (10, None, "primary-key"),
    ],
    "resident-population-flow@1.0.0": [
        (2, "record_no", "constraint-error"),
        (3, "month", "constraint-error"),
        (4, "direction", "constraint-error"),
        (5, "district", "constraint-error"),
        (6, "gender", "constraint-error"),
        (7, "age", "type-error"),
        (8, "age", "constraint-error"),
        (9, "reason", "constraint-error"),
        (10, "household_members", "constraint-error"),
        (11, None, "primary-key"),
    ],
}


def folder_of(reference: str) -> Path:
    name, version = reference.split("@")
    return schema_folder(name, version)


def errors_of(reference: str, example: str) -> list[tuple[int | None, str | None, str]]:
    schema = frictionless.Schema.from_descriptor(load_published(reference).descriptor)
    report = frictionless.validate(example, basepath=str(folder_of(reference)), schema=schema)
    return [tuple(row) for row in report.flatten(["rowNumber", "fieldName", "type"])]


@pytest.fixture(params=REFERENCES)
def schema(request: pytest.FixtureRequest) -> TableSchema:
    return load_published(request.param)


def test_every_schema_is_expected_here() -> None:
    assert sorted(EXPECTED) == REFERENCES


@pytest.mark.parametrize("reference", REFERENCES)
def test_valid_example_passes(reference: str) -> None:
    assert errors_of(reference, "valid.csv") == []


@pytest.mark.parametrize("reference", REFERENCES)
def test_invalid_example_fails_as_expected(reference: str) -> None:
    assert errors_of(reference, "invalid.csv") == EXPECTED[reference]


def test_schema_says_who_it_is(schema: TableSchema) -> None:
    assert (schema.descriptor["name"], schema.descriptor["version"]) == (schema.name, schema.version)


def test_texts_are_chinese_and_english(schema: TableSchema) -> None:
    described = [schema.descriptor, *schema.descriptor["fields"]]
    for entry in described:
        assert entry["title"], entry["name"]
        assert entry["description"], entry["name"]
        assert not HAN.search(entry["title_en"]), entry["name"]
        assert not HAN.search(entry["description_en"]), entry["name"]
    assert HAN.search(schema.title.zh)


def test_every_field_has_a_role(schema: TableSchema) -> None:
    assert [f.name for f in schema.fields if f.role is None] == []


def test_roles_fit_meanings(schema: TableSchema) -> None:
    for field in schema.fields:
        if field.meaning in IDENTIFYING:
            assert field.role is FieldRole.DIRECT_IDENTIFIER, field.name
        if field.meaning == "free-text":
            assert field.role is FieldRole.FREE_TEXT, field.name
        if field.meaning in {"gender", "date-of-birth", "age", "division-code", "occupation"}:
            assert field.role is FieldRole.QUASI_IDENTIFIER, field.name


def test_primary_key_fields_are_required(schema: TableSchema) -> None:
    key = schema.descriptor["primaryKey"]
    for name in [key] if isinstance(key, str) else key:
        assert schema.field(name).constraints["required"] is True


@pytest.mark.parametrize("reference", REFERENCES)
def test_readme_lists_every_field(reference: str) -> None:
    readme = (folder_of(reference) / "README.md").read_text("utf-8")
    assert f"`{reference}`" in readme
    for field in load_published(reference).fields:
        assert f"| `{field.name}` | {field.title.zh} / {field.title.en} | {field.type} | {field.role} |" in readme
