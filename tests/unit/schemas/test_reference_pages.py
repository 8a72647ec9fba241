"""The reference pages name every key, role, meaning, tier and frequency there is."""

from pathlib import Path

import pytest

from schemas.dataset import Dataset, Openness, Tier, UpdateFrequency
from schemas.table_schema import FieldRole, Meaning

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference"
DECLARATION = (REFERENCE / "dataset-declaration.md").read_text("utf-8")
PROPERTIES = (REFERENCE / "table-schema-properties.md").read_text("utf-8")
KEYS = [field.alias or name for name, field in Dataset.model_fields.items()]


@pytest.mark.parametrize("key", KEYS)
def test_every_key_of_a_declaration_is_described(key: str) -> None:
    assert f"\n| `{key}` |" in DECLARATION


@pytest.mark.parametrize("code", [*Openness, *Tier, *UpdateFrequency])
def test_every_code_of_a_declaration_is_named(code: str) -> None:
    assert f"`{code}`" in DECLARATION


@pytest.mark.parametrize("code", [*FieldRole, *Meaning])
def test_every_role_and_meaning_is_described(code: str) -> None:
    assert f"`{code}`" in PROPERTIES
