"""Meanings, rules and warnings together, over batches."""

import numpy as np
import pyarrow as pa
import pytest

from pipelines.validation.beyond import BatchChecks
from schemas.errors import ConfigurationError
from schemas.table_schema import table_schema_from_descriptor

SCHEMA = table_schema_from_descriptor(
    {
        "fieldsMatch": "partial",
        "fields": [
            {"name": "code", "type": "string", "meaning": "division-code"},
            {"name": "a", "type": "integer"},
            {"name": "b", "type": "integer"},
        ],
        "rules": [
            {"name": "r", "kind": "compare", "left": "a", "operator": "<=", "right": "b", "text": "a > b"},
            {"name": "w", "kind": "compare", "left": "a", "operator": ">", "value": 0, "text": "0", "level": "warning"},
        ],
    },
    "t",
    "1.0.0",
)


def batch(codes, a, b):
    return pa.RecordBatch.from_pydict({"code": pa.array(codes, pa.string()), "a": a, "b": b})


def test_errors_of_a_batch_in_order_of_rows():
    checks = BatchChecks(SCHEMA)
    found = checks(batch(["110101", "x", None], [3, 1, 0], [1, 1, 1]), np.array([2, 3, 5]))
    assert [(e.row, e.type, e.level) for e in found] == [
        (2, "rule-error", "error"),
        (3, "meaning-error", "error"),
        (5, "rule-error", "warning"),
    ]
    assert not checks.truncated


def test_warnings_come_at_the_end():
    checks = BatchChecks(SCHEMA)
    cells = {"code": pa.array([" 110101"]), "a": pa.array(["１"])}
    checks(batch(["110101"], [1], [1]), np.array([2]), cells)
    checks(batch([" 110101"], [1], [1]), np.array([3]))
    assert [(w.type, w.field, w.row) for w in checks.warnings(["a", "code", "x"])] == [
        ("extra-column", None, 1),
        ("missing-optional-column", "b", None),
        ("column-order", None, 1),
        ("surrounding-spaces", "code", 2),
        ("full-width-characters", "a", 2),
    ]
    assert "2" in checks.warnings([])[-2].message.en


def test_the_limit_holds_over_batches_and_a_new_pass_starts_afresh():
    checks = BatchChecks(SCHEMA, limit=3)
    bad = batch(["x", "y"], [1, 1], [1, 1])
    assert [len(checks(bad, np.array(rows))) for rows in ([2, 3], [4, 5], [6, 7])] == [2, 1, 0]
    assert checks.truncated
    assert len(checks(bad, np.array([2, 3]))) == 2
    assert not checks.truncated
    assert len(BatchChecks(SCHEMA, limit=0)(bad, np.array([2, 3]))) == 2


def test_wrong_rules_are_found_before_any_row():
    wrong = {**SCHEMA.descriptor, "rules": [{"name": "r", "kind": "none", "text": "t"}]}
    with pytest.raises(ConfigurationError):
        BatchChecks(table_schema_from_descriptor(wrong, "t", "1.0.0"))
