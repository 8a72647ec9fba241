"""Rules over fields and tables: what breaks them, how they are worded, what is refused."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.validation.rules import HeldKeys, broken_by, read_rules, rule_check
from schemas.errors import ConfigurationError, NotFound, Refused
from schemas.table_schema import table_schema_from_descriptor
from schemas.text import Text

FIELDS = [
    {"name": "start", "type": "date", "title": "开始日期", "title_en": "Start"},
    {"name": "end", "type": "date", "title": "结束日期", "title_en": "End"},
    {"name": "a", "type": "integer"},
    {"name": "b", "type": "number"},
    {"name": "total", "type": "number"},
    {"name": "kind", "type": "string"},
    {"name": "phone", "type": "string"},
    {"name": "mail", "type": "string"},
]
TEXT = {"zh": "结束日期不能早于开始日期", "en": "the end must not come before the start"}


def schema(*rules):
    return table_schema_from_descriptor({"fields": FIELDS, "rules": list(rules)}, "t", "1.0.0")


def rule(**properties):
    return {"name": "r", "text": TEXT, **properties}


def broken(properties, **columns):
    batch = pa.RecordBatch.from_pydict(columns)
    return broken_by(read_rules(schema(rule(**properties)))[0], batch).tolist()


D = dt.date


@pytest.mark.parametrize(
    ("properties", "columns", "expected"),
    [
        (
            {"kind": "compare", "left": "a", "operator": "<=", "right": "b"},
            {"a": [1, 2, 3, None], "b": [1.0, 1.5, None, 1.0]},
            [False, True, False, False],
        ),
        ({"kind": "compare", "left": "a", "operator": ">", "value": 1}, {"a": [1, 2, None]}, [True, False, False]),
        (
            {"kind": "compare", "left": "start", "operator": ">=", "value": "2020-01-01"},
            {"start": [D(2019, 12, 31), D(2020, 1, 1)]},
            [True, False],
        ),
        (
            {"kind": "sum", "parts": ["a", "b"], "total": "total"},
            {"a": [1, 1, None], "b": [0.1, 0.2, 1.0], "total": [1.1, 1.3, 5.0]},
            [False, True, False],
        ),
        (
            {"kind": "sum", "parts": ["a", "b"], "total": "total", "tolerance": 0.2},
            {"a": [1, 1], "b": [0.1, 0.2], "total": [1.3, 1.5]},
            [False, True],
        ),
        (
            {"kind": "one-of-required", "fields": ["phone", "mail"]},
            {"phone": ["1", None, "1"], "mail": [None, None, "m"]},
            [False, True, False],
        ),
        (
            {"kind": "one-of-required", "fields": ["phone", "mail"], "exactly": True},
            {"phone": ["1", None, "1"], "mail": [None, None, "m"]},
            [False, True, True],
        ),
        ({"kind": "one-of-required", "fields": ["phone", "mail"]}, {"phone": ["1", None]}, [False, True]),
        (
            {"kind": "interval-order", "start": "start", "end": "end"},
            {"start": [D(2020, 1, 1), D(2020, 1, 2), None], "end": [D(2020, 1, 1), D(2020, 1, 1), D(2020, 1, 1)]},
            [False, True, False],
        ),
        (
            {"kind": "interval-order", "start": "start", "end": "end", "strict": True},
            {"start": [D(2020, 1, 1)], "end": [D(2020, 1, 1)]},
            [True],
        ),
        (
            {"kind": "conditional-required", "when": {"field": "kind", "equals": "x"}, "require": ["phone", "mail"]},
            {"kind": ["x", "x", "y", None], "phone": ["1", "1", None, None], "mail": [None, "m", None, None]},
            [True, False, False, False],
        ),
        (
            {"kind": "conditional-required", "when": {"field": "a", "in": [1, 2]}, "require": ["phone"]},
            {"a": [1, 2, 3], "phone": [None, "1", None]},
            [True, False, False],
        ),
        (
            {"kind": "conditional-required", "when": {"field": "mail", "present": False}, "require": ["phone"]},
            {"mail": [None, "m"], "phone": [None, None]},
            [True, False],
        ),
    ],
)
def test_what_breaks_a_rule(properties, columns, expected):
    arrays = {k: pa.array(v, pa.string()) if k in ("phone", "mail", "kind") else v for k, v in columns.items()}
    assert broken(properties, **arrays) == expected


def test_decimals_are_added_exactly():
    money = pa.decimal128(12, 2)
    columns = {k: pa.array(v).cast(money) for k, v in {"b": ["0.10"], "a": ["0.20"], "total": ["0.30"]}.items()}
    assert broken({"kind": "sum", "parts": ["a", "b"], "total": "total"}, **columns) == [False]


def test_errors_carry_the_rules_own_text():
    check = rule_check(schema(rule(kind="interval-order", start="start", end="end", level="warning")))
    batch = pa.RecordBatch.from_pydict({"start": [D(2020, 1, 2)], "end": [D(2020, 1, 1)]})
    (error,) = check(batch, np.array([7]), 10)
    assert (error.type, error.level, error.row, error.field, error.field_number) == (
        "rule-error", "warning", 7, "end", 2,
    )  # fmt: skip
    assert error.message.zh == "第 7 行，B 列“结束日期”（end）：结束日期不能早于开始日期"
    assert error.message.en == "row 7, column B “End” (end): the end must not come before the start"
    assert error.note == "r"
    assert error.cell == "2020-01-01"


def test_the_limit_holds_over_all_rules():
    more = [rule(kind="compare", left="a", operator=">", value=9) | {"name": f"r{n}"} for n in range(2)]
    batch = pa.RecordBatch.from_pydict({"a": [1, 2]})
    assert [e.row for e in rule_check(schema(*more))(batch, np.array([2, 3]), 3)] == [2, 2, 3]


REFERENCE = rule(kind="reference", dataset="companies", fields=["kind"], reference_fields=["code"])


def test_a_reference_to_another_dataset():
    asked = []

    def lookup(dataset, names):
        asked.append((dataset, tuple(names)))
        return pa.table({"code": ["x", "y", None]})

    check = rule_check(schema(REFERENCE), lookup)
    batch = pa.RecordBatch.from_pydict({"kind": ["x", "z", None, "y"]})
    assert [e.row for e in check(batch, np.arange(2, 6), 10)] == [3]
    assert asked == [("companies", ("code",))]


def test_numbers_refer_across_types():
    held = HeldKeys([pa.array(["5.00", "6.00"]).cast(pa.decimal128(5, 2))])
    assert held.lacks([pa.array([5, 7, None])]).tolist() == [False, True, False]
    assert held.lacks([pa.array([5.0, 6.5])]).tolist() == [False, True]
    assert HeldKeys([pa.array([10, 100])]).lacks([pa.array([10.0, 1.0])]).tolist() == [False, True]
    assert HeldKeys([pa.array(["5"])]).lacks([pa.array([5, 7])]).tolist() == [False, True]
    assert HeldKeys([pa.array([], pa.string())]).lacks([pa.array(["a", None])]).tolist() == [True, False]


KEYS = st.lists(st.tuples(*[st.one_of(st.none(), st.text(alphabet="ab\x1f01", max_size=3))] * 2), max_size=20)


@settings(deadline=None)
@given(KEYS, KEYS)
def test_held_keys_are_a_set_of_tuples(reference, rows):
    def columns(keys):
        return [pa.array([key[i] for key in keys], pa.string()) for i in range(2)]

    known = {key for key in reference if None not in key}
    expected = [None not in key and key not in known for key in rows]
    assert HeldKeys(columns(reference)).lacks(columns(rows)).tolist() == expected


def test_equal_hashes_are_told_apart(monkeypatch):
    monkeypatch.setattr("pipelines.validation.rules._hashes", lambda keys: np.zeros(len(keys), np.uint64))
    held = HeldKeys([pa.array(["a", "b", "c"])])
    assert held.lacks([pa.array(["c", "d", None, "a"])]).tolist() == [False, True, False, False]


def test_a_reference_that_cannot_be_read_refuses():
    def lookup(dataset, names):
        raise NotFound("unknown-dataset", Text(zh="没有该数据集", en="no such dataset"))

    for broken_lookup in (None, lookup, lambda dataset, names: pa.table({"other": [1]})):
        with pytest.raises(Refused) as caught:
            rule_check(schema(REFERENCE), broken_lookup)
        assert caught.value.code == "reference-unavailable"


def test_no_rules_no_check():
    assert rule_check(schema()) is None


@pytest.mark.parametrize(
    "properties",
    [
        {"kind": "compare", "left": "a", "operator": "<"},
        {"kind": "compare", "left": "a", "operator": "~", "value": 1},
        {"kind": "compare", "left": "nowhere", "operator": "<", "value": 1},
        {"kind": "unknown"},
        {"kind": "sum", "parts": [], "total": "a"},
        {"kind": "conditional-required", "when": {"field": "a"}, "require": ["b"]},
        {"kind": "reference", "dataset": "d", "fields": ["a"], "reference_fields": ["x", "y"]},
        {"kind": "one-of-required", "fields": ["a", "b"], "typo": 1},
    ],
)
def test_wrong_rules_are_refused_all_at_once(properties):
    with pytest.raises(ConfigurationError) as caught:
        read_rules(schema(rule(**properties), rule(kind="also-unknown")))
    assert caught.value.code == "invalid-rule"
    assert caught.value.message.en.count("rule") >= 2


def test_types_that_do_not_compare_are_refused():
    with pytest.raises(ConfigurationError) as caught:
        broken({"kind": "compare", "left": "a", "operator": "<", "right": "kind"}, a=[1], kind=["x"])
    assert caught.value.field == "rules"
