"""Changes between two schemas: their level, and the version proposed."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.schema_tools import diff_schemas
from pipelines.schema_tools.diff import CHANGES, next_version
from schemas.registry import load_published, published_references
from schemas.table_schema import table_schema_from_descriptor

BASE: dict[str, Any] = {
    "title": "人员",
    "fieldsMatch": "exact",
    "primaryKey": ["id"],
    "missingValues": [""],
    "rules": [{"name": "r", "kind": "compare", "left": "n", "operator": "<", "value": 9, "text": "t"}],
    "fields": [
        {
            "name": "id",
            "type": "string",
            "role": "direct-identifier",
            "constraints": {"required": True, "unique": True},
        },
        {"name": "n", "type": "integer", "role": "non-sensitive", "constraints": {"minimum": 1, "maximum": 9}},
        {"name": "k", "type": "string", "meaning": "code", "constraints": {"enum": ["a", "b"], "maxLength": 5}},
        {"name": "d", "type": "date", "constraints": {"minimum": "2000-01-01"}},
        {"name": "b", "type": "boolean", "trueValues": ["是"], "falseValues": ["否"]},
    ],
}


def changed(**edits):
    """BASE after edits `path` (a__b__c) → value; None removes."""
    descriptor = copy.deepcopy(BASE)
    for path, value in edits.items():
        *parents, last = path.split("__")
        node: Any = descriptor
        for part in parents:
            node = next(f for f in node if f["name"] == part) if isinstance(node, list) else node.setdefault(part, {})
        if value is None:
            node.pop(last, None)
        else:
            node[last] = value
    return descriptor


def diff(new, old=BASE):
    def schema(descriptor, version):
        return table_schema_from_descriptor(copy.deepcopy(descriptor), "people", version)

    return diff_schemas(schema(old, "1.2.3"), schema(new, "9.9.9"))


FIELDS = BASE["fields"]
EXTRA = {"name": "x", "type": "string"}
RULE = BASE["rules"][0]


@pytest.mark.parametrize(
    ("new", "kinds", "version"),
    [
        (BASE, [], "1.2.3"),
        (changed(title="居民"), ["words-changed"], "1.2.4"),
        (changed(fields__n__title="数"), ["words-changed"], "1.2.4"),
        (changed(fields__n__type="number"), ["type-changed"], "2.0.0"),
        (changed(fields__d__format="%Y/%m/%d"), ["format-changed"], "2.0.0"),
        (changed(fields__d__format="default"), [], "1.2.3"),
        (changed(fields__n__constraints__minimum=0), ["constraint-loosened"], "1.3.0"),
        (changed(fields__n__constraints__minimum=2), ["constraint-tightened"], "2.0.0"),
        (changed(fields__n__constraints__maximum=10), ["constraint-loosened"], "1.3.0"),
        (changed(fields__n__constraints__maximum=8), ["constraint-tightened"], "2.0.0"),
        (changed(fields__n__constraints__maximum=None), ["constraint-loosened"], "1.3.0"),
        (changed(fields__d__constraints__minimum="2001-01-01"), ["constraint-tightened"], "2.0.0"),
        (changed(fields__n__constraints__minimum="x"), ["constraint-changed"], "2.0.0"),
        (changed(fields__n__constraints__required=True), ["constraint-tightened"], "2.0.0"),
        (changed(fields__n__constraints__required=False), [], "1.2.3"),
        (changed(fields__id__constraints__required=False), ["constraint-loosened"], "1.3.0"),
        (changed(fields__id__constraints__unique=None), ["constraint-loosened"], "1.3.0"),
        (changed(fields__k__constraints__enum=["a", "b", "c"]), ["constraint-loosened"], "1.3.0"),
        (changed(fields__k__constraints__enum=["a", "c"]), ["constraint-tightened"], "2.0.0"),
        (changed(fields__k__constraints__maxLength=6), ["constraint-loosened"], "1.3.0"),
        (changed(fields__k__constraints__pattern="a|b"), ["constraint-tightened"], "2.0.0"),
        (changed(fields__k__meaning="occupation"), ["meaning-noted"], "1.2.4"),
        (changed(fields__k__meaning="uscc"), ["meaning-checked"], "2.0.0"),
        (changed(fields__n__role="sensitive"), ["role-stricter"], "2.0.0"),
        (changed(fields__id__role="quasi-identifier"), ["role-looser"], "1.3.0"),
        (changed(fields__id__role=None), ["role-stricter"], "2.0.0"),
        (changed(fields__k__role="sensitive"), ["role-looser"], "1.3.0"),
        (changed(fields__n__unit="万元"), ["unit-changed"], "2.0.0"),
        (changed(fields__b__trueValues=["是", "Y"]), ["values-added"], "1.3.0"),
        (changed(fields__b__trueValues=["Y"]), ["reading-changed"], "2.0.0"),
        (changed(fields__b__trueValues=None), ["reading-changed"], "2.0.0"),
        (changed(fields__n__bareNumber=False), ["reading-changed"], "2.0.0"),
        (changed(fields__n__somethingNew=1), ["property-changed"], "2.0.0"),
        (changed(somethingNew=1), ["property-changed"], "2.0.0"),
        (changed(fields=[*FIELDS, EXTRA]), ["field-added"], "2.0.0"),
        (changed(fields=[*FIELDS, EXTRA], fieldsMatch="partial"), ["optional-field-added", "match-loosened"], "1.3.0"),
        (changed(fields=FIELDS[:-1]), ["field-removed"], "2.0.0"),
        (changed(fields=FIELDS[::-1]), ["fields-reordered"], "2.0.0"),
        (changed(fieldsMatch="equal"), ["match-loosened"], "1.3.0"),
        (changed(fieldsMatch=["exact"]), [], "1.2.3"),
        (changed(primaryKey="id"), [], "1.2.3"),
        (changed(primaryKey=["id", "n"]), ["key-added"], "2.0.0"),
        (changed(primaryKey=None), ["key-removed"], "1.3.0"),
        (changed(foreignKeys=[{"fields": "k", "reference": {"resource": "c", "fields": "k"}}]), ["key-added"], "2.0.0"),
        (changed(missingValues=["", "-"]), ["missing-values-changed"], "2.0.0"),
        (changed(missingValues=None), [], "1.2.3"),
        (changed(rules=[RULE | {"text": "other"}]), ["rule-reworded"], "1.2.4"),
        (changed(rules=[RULE | {"value": 8}]), ["rule-added"], "2.0.0"),
        (changed(rules=[]), ["rule-removed"], "1.3.0"),
        (changed(rules=[RULE, RULE | {"name": "s", "level": "warning"}]), ["warning-rule-added"], "1.3.0"),
    ],
)
def test_level_of_each_change(new, kinds, version):
    found = diff(new)
    assert sorted(c.kind for c in found.changes) == sorted(kinds)
    assert found.version == version
    assert found.compatible == (version.split(".")[0] == "1")
    assert all(c.text.zh and c.text.en for c in found.changes)


def test_order_matters_only_where_columns_are_read_by_position():
    partial = changed(fieldsMatch="partial")
    new = changed(fieldsMatch="partial", fields=FIELDS[::-1])
    assert [c.kind for c in diff(new, partial).changes] == ["fields-reordered-freely"]


def test_a_required_field_is_never_optional():
    new = changed(fieldsMatch="partial", fields=[*FIELDS, EXTRA | {"constraints": {"required": True}}])
    assert "field-added" in [c.kind for c in diff(new).changes]


def test_the_weightiest_change_comes_first():
    found = diff(changed(title="x", fields__n__type="number", fields__n__constraints__minimum=0))
    assert [c.level for c in found.changes] == ["major", "minor", "patch"]


def test_next_versions():
    assert [next_version("0.3.1", level) for level in ("major", "minor", "patch", None)] == [
        "0.4.0", "0.4.0", "0.3.2", "0.3.1",
    ]  # fmt: skip
    assert next_version("2", "minor") == "2.1.0"


@pytest.mark.parametrize("reference", published_references())
def test_a_published_schema_differs_from_itself_in_nothing(reference):
    schema = load_published(reference)
    assert diff_schemas(schema, schema).changes == ()


VARIANTS = st.sampled_from([
    {"title": "y"}, {"fields__n__type": "number"}, {"fields__k__constraints__enum": ["a"]}, {"fieldsMatch": "subset"},
    {"rules": []}, {"primaryKey": None}, {"fields__n__constraints__maximum": 20}, {"fields__k__meaning": "plate"},
])  # fmt: skip


@settings(deadline=None)
@given(VARIANTS)
def test_every_change_there_is_a_change_back(edits):
    there, back = diff(changed(**edits)), diff(BASE, changed(**edits))
    assert len(there.changes) == len(back.changes) == 1
    assert there.changes[0].kind in CHANGES
