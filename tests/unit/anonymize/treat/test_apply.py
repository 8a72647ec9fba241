"""apply_controls: what comes out holds no raw identifier, reaches k, and tells nothing by its order."""

import base64
import datetime
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.apply import apply_controls
from anonymize.built_in_hierarchies import BUILT_IN
from anonymize.plan import plan_controls
from anonymize.risk import measure_risk
from anonymize.treated import TreatedTable
from schemas.dataset import Tier
from schemas.disclosure import Control, ControlSpec, DisclosureControl, Recoding, TierPolicy
from schemas.errors import ConfigurationError, Refused
from schemas.hierarchy import Hierarchy
from schemas.table_schema import FieldRole, Meaning
from tests.factories.disclosure import (
    KEY,
    control,
    person_roles,
    person_schema,
    persons,
    policy,
    tier_policy,
)

DIRECT = ("姓名", "身份证号", "手机号")
KEPT = "科室"
PSEUDONYMS = {FieldRole.DIRECT_IDENTIFIER: ControlSpec(control=Control.PSEUDONYM)}
MASKS = {FieldRole.DIRECT_IDENTIFIER: ControlSpec(control=Control.MASK)}


def controls_for(tier: TierPolicy, **hierarchies: str) -> tuple[DisclosureControl, ...]:
    return plan_controls(person_schema(**hierarchies), person_roles(), policy(tier), [Tier.OPEN])[Tier.OPEN]


def treat(table: pa.Table, tier: TierPolicy, key: bytes | None = KEY) -> TreatedTable:
    return apply_controls(table, controls_for(tier), tier, key)


def published_bytes(table: pa.Table) -> bytes:
    """Everything a reader could find: cells as text, and a Parquet file with statistics and dictionaries."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, use_dictionary=True, write_statistics=True, compression="none")
    cells = "\n".join(str(cell) for column in table.columns for cell in column.to_pylist())
    return buffer.getvalue() + cells.encode()


@pytest.mark.parametrize("by_role", [None, PSEUDONYMS, MASKS], ids=["drop", "pseudonym", "mask"])
@pytest.mark.parametrize("recoding", [Recoding.FULL_DOMAIN, Recoding.LOCAL])
@given(seed=st.integers(0, 10_000), k=st.integers(2, 12))
@settings(max_examples=6, deadline=None)
def test_no_raw_identifier_and_k_on_every_output(by_role: dict | None, recoding: Recoding, seed: int, k: int) -> None:
    table = persons(120, seed)
    treated = treat(table, tier_policy(by_role, recoding=recoding, k=k, suppression_limit=0.2))
    found = published_bytes(treated.table)
    for name in DIRECT:
        for raw in table[name].to_pylist():
            assert raw.encode() not in found
            assert raw[::-1].encode() not in found
            assert base64.b64encode(raw.encode()).rstrip(b"=")[:-1] not in found
    figures = measure_risk(treated.table, treated.quasi_identifiers)
    assert figures.k is None or figures.k >= k
    assert treated.table.num_rows + treated.records_suppressed == table.num_rows
    assert treated.records_suppressed <= 0.2 * table.num_rows
    assert [f.name for f in treated.fields] == treated.table.column_names


@pytest.mark.parametrize("recoding", [Recoding.FULL_DOMAIN, Recoding.LOCAL])
def test_the_order_of_the_source_does_not_show(recoding: Recoding) -> None:
    table = persons(200)
    shuffled = table.take(pa.array(np.random.default_rng(9).permutation(200)))
    tier = tier_policy(recoding=recoding)
    one, two = treat(table, tier).table, treat(shuffled, tier).table
    if recoding is Recoding.FULL_DOMAIN:
        assert one.equals(two)
    for treated in (one, two):
        ordered = treated.sort_by([(name, "ascending") for name in treated.column_names])
        assert treated.equals(ordered)


@pytest.mark.parametrize("sizes", [(200,), (90, 110), (1, 99, 100)])
def test_the_pieces_in_which_a_table_was_read_do_not_show(sizes: tuple[int, ...]) -> None:
    whole = persons(200)
    texts = [None if i % 7 == 0 else f"{i % 11}" for i in range(200)]
    starts = np.cumsum((0, *sizes[:-1])).tolist()
    pieces = [texts[start : start + size] for start, size in zip(starts, sizes, strict=True)]
    kept = whole.column_names.index(KEPT)
    table = whole.set_column(kept, KEPT, pa.chunked_array(pieces, pa.string()))
    treated = treat(table, tier_policy()).table
    assert treated[KEPT].null_count > 0
    assert treated.equals(treat(whole.set_column(kept, KEPT, pa.array(texts)), tier_policy()).table)


def test_pseudonyms_join_under_one_key_only() -> None:
    table, tier = persons(100), tier_policy(PSEUDONYMS, suppression_limit=1.0)
    same = [set(treat(table, tier, KEY).table["身份证号"].to_pylist()) for _ in range(2)]
    other = set(treat(table, tier, b"another key of the tests").table["身份证号"].to_pylist())
    assert same[0] == same[1]
    assert not same[0] & other


@pytest.mark.parametrize("key", [None, b"", b"short"])
def test_without_a_key_nothing_is_written(key: bytes | None) -> None:
    with pytest.raises(Refused) as refused:
        treat(persons(50), tier_policy(PSEUDONYMS), key)
    assert refused.value.code == "missing-key"
    assert treat(persons(50), tier_policy(), key).table.num_rows <= 50  # no pseudonyms, no key needed


def test_a_table_without_persons_passes_untouched() -> None:
    table = pa.table({"站名": ["东渡路", "安宁路"], "经度": [104.1, 103.9]})
    kept = [control(name, FieldRole.NON_SENSITIVE, Control.KEEP) for name in table.column_names]
    treated = apply_controls(table, kept, tier_policy(), None)
    assert treated.table is table
    assert treated.quasi_identifiers == ()
    assert {e.loss for e in treated.effects} == {0.0}


def test_a_kept_quasi_identifier_counts_all_the_same() -> None:
    table = pa.table({"代码": [f"c{n}" for n in range(20)] + ["same"] * 80})
    kept = [control("代码", FieldRole.QUASI_IDENTIFIER, Control.KEEP)]
    treated = apply_controls(table, kept, tier_policy(suppression_limit=0.2), None)
    assert treated.records_suppressed == 20
    assert set(treated.table["代码"].to_pylist()) == {"same"}


def test_local_recoding_that_is_not_possible_is_said() -> None:
    table = pa.table({"代码": ["a"] * 50, "性别": ["男", "女"] * 25})
    plan = [
        control("代码", FieldRole.QUASI_IDENTIFIER, Control.KEEP),
        control("性别", FieldRole.QUASI_IDENTIFIER, Control.GENERALISE, levels=BUILT_IN["flat"]),
    ]
    treated = apply_controls(table, plan, tier_policy(recoding=Recoding.LOCAL), None)
    assert treated.levels == {"代码": 0, "性别": 0}
    assert any("one level per column" in remark.en for remark in treated.remarks)
    assert apply_controls(table, plan, tier_policy(), None).remarks == ()


def test_infeasible_thresholds_name_the_column_and_the_reachable_k() -> None:
    table = pa.table({"代码": [f"c{n}" for n in range(50)], "性别": ["男", "女"] * 25})
    kept = [control(name, FieldRole.QUASI_IDENTIFIER, Control.KEEP) for name in table.column_names]
    with pytest.raises(Refused) as refused:
        apply_controls(table, kept, tier_policy(suppression_limit=0.1), None)
    assert (refused.value.code, refused.value.field) == ("infeasible-thresholds", "代码")
    assert "k = 1 is reachable" in refused.value.message.en
    assert "k = 25" in refused.value.message.en
    assert "代码" in refused.value.message.zh


def test_an_unreachable_l_is_named() -> None:
    table = persons(100).set_column(7, "诊断", pa.array(["感冒"] * 100))
    with pytest.raises(Refused) as refused:
        treat(table, tier_policy(l=2))
    assert "诊断" in refused.value.message.zh
    assert "感冒" not in refused.value.message.zh


def test_controls_must_cover_the_table_exactly() -> None:
    tier = tier_policy()
    with pytest.raises(Refused) as refused:
        apply_controls(persons(20).drop_columns(["科室"]), controls_for(tier), tier, KEY)
    assert (refused.value.code, refused.value.field) == ("uncontrolled-field", "科室")


def test_quasi_identifiers_without_a_k_are_refused() -> None:
    with pytest.raises(ConfigurationError) as refused:
        treat(persons(20), tier_policy(k=None))
    assert refused.value.code == "no-k"


def test_what_is_left_of_the_fields() -> None:
    treated = treat(persons(300), tier_policy(MASKS))
    by_name = {f.name: f for f in treated.fields}
    changed = [name for name, level in treated.levels.items() if level > 0]
    assert changed
    for name in [*changed, *DIRECT]:
        assert (by_name[name].type, by_name[name].constraints, by_name[name].meaning) == ("string", {}, None)
    assert by_name["诊断"] == person_schema().field("诊断")


def test_every_column_says_why_in_both_languages() -> None:
    table = persons(300)
    treated = treat(table, tier_policy())
    assert [e.field for e in treated.effects] == table.column_names
    for effect in treated.effects:
        assert effect.why.zh
        assert effect.why.en
        assert effect.why.zh != effect.why.en
        assert 0 <= effect.loss <= 1


def test_the_lowest_level_of_a_policy_is_kept_even_where_k_would_hold() -> None:
    table = pa.table({"年龄": [34] * 30})
    coarse = [control("年龄", FieldRole.QUASI_IDENTIFIER, Control.GENERALISE, type="integer", lowest=2)]
    coarse = [coarse[0].model_copy(update={"levels": _age(), "hierarchy": "age"})]
    assert set(apply_controls(table, coarse, tier_policy(), None).table["年龄"].to_pylist()) == {"30-39"}


def _age() -> Hierarchy:
    return BUILT_IN["age"]


@pytest.mark.parametrize(
    ("column", "kind", "parameters"),
    [
        (["many", "words"], Control.ROUND, {"base": 10}),
        (["a", "b"], Control.DATE_SHIFT, {"days": 3, "subject": "x"}),
        (["a", "b"], Control.DATE_SHIFT, {"days": 3, "subject": "absent"}),
        (["a", "b"], Control.TOP_BOTTOM_CODE, {"top": 3}),
        (["a", "b"], Control.MICROAGGREGATE, {"k": 3}),
        ([1.0, 2.0], Control.COARSEN, {"metres": 100}),
    ],
)
def test_a_control_that_does_not_fit_is_refused_without_a_cell(column: list, kind: Control, parameters: dict) -> None:
    table = pa.table({"x": column})
    with pytest.raises(Refused) as refused:
        apply_controls(table, [control("x", FieldRole.SENSITIVE, kind, **parameters)], tier_policy(), b"k" * 32)
    assert (refused.value.code, refused.value.field) == ("untreatable-field", "x")
    assert "words" not in refused.value.message.en
    assert refused.value.__cause__ is None


def test_the_other_treatments_run_through() -> None:
    table = pa.table(
        {
            "人": ["a", "a", "b"] * 10,
            "日": pa.array([20000, 20005, 20010] * 10, pa.int32()).cast(pa.date32()),
            "额": [1201, 55, 99999] * 10,
            "经度": [103.8, 103.9, 104.0] * 10,
            "纬度": [36.0, 36.1, 36.2] * 10,
            "值": [1.0, 2.0, 30.0] * 10,
            "记": ["打13912345678给张伟", None, "无"] * 10,
        }
    )
    plan = [
        control("人", FieldRole.DIRECT_IDENTIFIER, Control.DROP),
        control("日", FieldRole.SENSITIVE, Control.DATE_SHIFT, type="date", days=30, subject="人"),
        control("额", FieldRole.SENSITIVE, Control.TOP_BOTTOM_CODE, type="integer", top=5000),
        control("经度", FieldRole.SENSITIVE, Control.COARSEN, meaning=Meaning.LONGITUDE, type="number", metres=5000),
        control("纬度", FieldRole.SENSITIVE, Control.COARSEN, meaning=Meaning.LATITUDE, type="number", metres=5000),
        control("值", FieldRole.SENSITIVE, Control.MICROAGGREGATE, type="number", k=10),
        control("记", FieldRole.FREE_TEXT, Control.REDACT),
    ]
    treated = apply_controls(table, plan, tier_policy(), KEY)
    assert treated.table.column_names == ["日", "额", "经度", "纬度", "值", "记"]
    assert max(treated.table["额"].to_pylist()) == 5000
    assert not any(t and "13912345678" in t for t in treated.table["记"].to_pylist())
    assert treated.remarks
    assert {f.name: f.type for f in treated.fields}["日"] == "date"


@pytest.mark.parametrize("recoding", [Recoding.FULL_DOMAIN, Recoding.LOCAL])
@pytest.mark.parametrize(
    "column",
    [
        pa.nulls(200, pa.string()),
        pa.nulls(200, pa.date32()),
        pa.array([7] * 200),
        pa.array([None, 3.5] * 100),
        pa.array([float("nan"), 2.0] * 100),
        pa.array([str(n) if n % 2 else f"text {n}" for n in range(200)]),
        pa.array([True, False] * 100),
        pa.array([b"raw", b"bytes"] * 100),
    ],
    ids=["null texts", "null dates", "one value", "half missing", "nan", "mixed", "booleans", "bytes"],
)
def test_columns_of_every_kind_end_in_classes_of_k(recoding: Recoding, column: pa.Array) -> None:
    table = pa.table({"x": column, "性别": ["男", "女", "女", "男"] * 50})
    for hierarchy in ("flat", "number", "date", "age", "address", "division-code"):
        plan = [
            control(name, FieldRole.QUASI_IDENTIFIER, Control.GENERALISE, levels=BUILT_IN[levels])
            for name, levels in (("x", hierarchy), ("性别", "flat"))
        ]
        treated = apply_controls(table, plan, tier_policy(recoding=recoding), None)
        assert measure_risk(treated.table, treated.quasi_identifiers).k >= 5
        assert treated.table.num_rows >= 190


@pytest.mark.parametrize("recoding", [Recoding.FULL_DOMAIN, Recoding.LOCAL, Recoding.SUPPRESS])
def test_an_empty_table_stays_empty(recoding: Recoding) -> None:
    treated = treat(persons(1).slice(0, 0), tier_policy(recoding=recoding))
    assert treated.table.num_rows == 0
    assert "姓名" not in treated.table.column_names


def test_a_table_smaller_than_k_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        treat(persons(4), tier_policy())
    assert refused.value.code == "infeasible-thresholds"


def test_a_million_distinct_values_are_one_in_the_end() -> None:
    numbers = np.arange(1_000_000)
    table = pa.table(
        {"编号": pa.array(numbers).cast(pa.string()), "性别": pa.array(["男", "女"]).take(pa.array(numbers % 2))}
    )
    plan = [
        control(name, FieldRole.QUASI_IDENTIFIER, Control.GENERALISE, levels=BUILT_IN["flat"])
        for name in table.column_names
    ]
    treated = apply_controls(table, plan, tier_policy(), None)
    assert treated.levels == {"编号": 1, "性别": 0}


@pytest.mark.parametrize("recoding", list(Recoding))
@pytest.mark.parametrize("control_of_ids", [Control.DROP, Control.PSEUDONYM])
def test_k_counts_persons_not_their_records(recoding: Recoding, control_of_ids: Control) -> None:
    """Somebody with many visits is alone in a class of many records."""
    everybody = persons(300)
    frequent = everybody.slice(0, 20)
    table = pa.concat_tables([everybody, *[frequent] * 9])
    table = table.set_column(
        table.column_names.index("就诊日期"), "就诊日期", pa.array([datetime.date(2025, 5, 5)] * table.num_rows)
    )
    tier = tier_policy(
        {FieldRole.DIRECT_IDENTIFIER: ControlSpec(control=control_of_ids)},
        recoding=recoding,
        suppression_limit=1.0 if recoding is Recoding.SUPPRESS else 0.3,
    )
    treated = treat(table, tier)
    quasi = list(treated.quasi_identifiers)
    if control_of_ids is Control.PSEUDONYM:
        people = treated.table.group_by(quasi).aggregate([("身份证号", "count_distinct")])
        assert min(people["身份证号_count_distinct"].to_pylist(), default=5) >= 5
    assert measure_risk(treated.table, quasi).k in (None, *range(5, 1000))
