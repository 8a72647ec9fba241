"""The roles the city's schemas declare stand up to what detection finds in its files."""

from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest

from anonymize.classify import classify_fields
from anonymize.detect import detect
from examples.generate import SOURCES
from pipelines.datasets import read_declaration
from pipelines.read import read_source
from pipelines.validation.validate import ValidatedTable, validate_table
from schemas.dataset import Dataset
from schemas.findings import Findings
from schemas.registry import load_published
from schemas.table_schema import Meaning
from schemas.validation import ValidationReport

DATASETS = [
    declared
    for path in sorted((SOURCES.parent / "datasets").glob("*.yaml"))
    if (declared := read_declaration(path)).table_schema
]


@cache
def typed_table(name: str) -> pa.Table:
    dataset = next(d for d in DATASETS if d.name == name)
    validated = validate_table(read_source(Path(dataset.source or "")), load_published(dataset.table_schema or ""))
    assert isinstance(validated, ValidatedTable), validated
    return validated.table


@cache
def findings(name: str) -> Findings:
    return detect(typed_table(name))


@pytest.fixture(params=DATASETS, ids=lambda dataset: dataset.name)
def dataset(request: pytest.FixtureRequest) -> Dataset:
    return request.param


def test_sources_pass_without_warnings(dataset: Dataset) -> None:
    validated = validate_table(read_source(Path(dataset.source or "")), load_published(dataset.table_schema or ""))
    assert isinstance(validated, ValidatedTable)
    assert validated.report.counts == {}
    assert [(warning.type, warning.field) for warning in validated.report.warnings] == []


def test_declared_roles_answer_what_is_detected(dataset: Dataset) -> None:
    schema = load_published(dataset.table_schema or "")
    assert classify_fields(schema, findings(dataset.name)) == {field.name: field.role for field in schema.fields}


def test_identifiers_are_detected_where_they_are_declared(dataset: Dataset) -> None:
    wanted = {Meaning.RESIDENT_ID, Meaning.MOBILE, Meaning.USCC, Meaning.PERSON_NAME, Meaning.ADDRESS}
    for field in load_published(dataset.table_schema or "").fields:
        if field.meaning in wanted:
            assert field.meaning in {f.meaning for f in findings(dataset.name).of(field.name)}, field.name


def test_delivery_with_errors_is_refused() -> None:
    source = read_source(SOURCES / "administrative-penalties-with-errors.csv")
    report = validate_table(source, load_published("administrative-penalties@1.0.0"))
    assert isinstance(report, ValidationReport)
    assert {"type-error", "constraint-error", "primary-key"} <= set(report.counts)
    assert {error.field for error in report.errors} >= {"决定日期", "处罚种类", "处罚机关", "罚款金额（元）"}
    assert "125000" in {error.suggestion for error in report.errors}
