"""The schema and the declaration shown in the how-to are accepted as they stand there."""

import re
from pathlib import Path

import frictionless
import yaml

from schemas.dataset import Dataset
from schemas.table_schema import table_schema_from_descriptor

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "declare-a-dataset.md"
SCHEMA, DECLARATION = (
    yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.S)
)


def test_schema_of_the_page_is_complete() -> None:
    schema = table_schema_from_descriptor(SCHEMA, "parking", "1.0.0")
    assert all(field.role for field in schema.fields)
    frictionless.Schema.from_descriptor(SCHEMA)


def test_declaration_of_the_page_names_the_schema_of_the_page() -> None:
    assert Dataset.model_validate(DECLARATION).table_schema == f"{SCHEMA['name']}@{SCHEMA['version']}"
