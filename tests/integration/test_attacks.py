"""Attacks on treated tables, carried out: linkage, differencing, row order, singletons, homogeneity, other columns.

Each test first shows that the attack works on a table that was treated carelessly, then that it fails on ours.
"""

from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pytest

from anonymize.apply import apply_controls
from anonymize.cells import statistical_table
from anonymize.plan import plan_controls
from anonymize.recognizers.specification import without_invisible
from anonymize.rerelease import suppress_differences
from anonymize.treated import TreatedTable
from anonymize.treatments.redaction import redact
from schemas.dataset import Tier
from schemas.disclosure import Control, ControlSpec, Recoding, TierPolicy
from schemas.statistics import StatisticalTable
from schemas.table_schema import FieldRole, Meaning
from tests.factories.disclosure import (
    KEY,
    person_roles,
    person_schema,
    persons,
    policy,
    published,
    thresholds,
    tier_policy,
)

KNOWN = ("性别", "年龄", "区划", "就诊日期")  # what the attacker knows of a target
RECODINGS = [Recoding.FULL_DOMAIN, Recoding.LOCAL]


def treat(table: pa.Table, tier: TierPolicy) -> TreatedTable:
    controls = plan_controls(person_schema(), person_roles(), policy(tier), [Tier.OPEN])[Tier.OPEN]
    return apply_controls(table, controls, tier, KEY)


def covers(label: object, value: object) -> bool:
    """Could a record with this published label be a target with this raw value? Straight from the labels' words."""
    text, raw = str(label), str(value)
    if text in ("*", raw):
        return True
    if text.isdigit() and len(text) == 6:  # a division code, zeros at its end
        return raw.startswith(text.rstrip("0")) if text != raw else True
    if "-Q" in text:
        year, quarter = text.split("-Q")
        return raw[:4] == year and (int(raw[5:7]) - 1) // 3 + 1 == int(quarter)
    if text.endswith("+"):
        return raw.isdigit() and int(raw) >= int(text[:-1])
    low, dash, high = text.partition("-")
    if len(text) == 7 and text[4] == "-":
        return raw.startswith(text)
    if dash and high.isdigit():
        return int(low) <= int(raw[:4] if len(raw) == 10 else raw) <= int(high)
    return raw.startswith(text)


def candidates(treated: pa.Table, target: dict) -> list[dict]:
    return [row for row in treated.to_pylist() if all(covers(row[name], target[name]) for name in KNOWN)]


@pytest.mark.parametrize("recoding", RECODINGS)
def test_linkage_finds_no_fewer_than_k_candidates(recoding: Recoding) -> None:
    source = persons(300)
    careless = source.select([*KNOWN, "诊断"])
    targets = source.slice(0, 60).to_pylist()
    assert sum(len(candidates(careless, t)) == 1 for t in targets) > 50
    treated = treat(source, tier_policy(recoding=recoding, suppression_limit=0.1)).table
    found = [len(candidates(treated, t)) for t in targets]
    assert all(n == 0 or n >= 5 for n in found)
    assert sum(n > 0 for n in found) > 40


@pytest.mark.parametrize("recoding", RECODINGS)
def test_homogeneous_classes_do_not_tell_the_diagnosis(recoding: Recoding) -> None:
    source = persons(400)
    same = pa.array(
        [
            "高血压" if code == "620102" else d
            for code, d in zip(source["区划"].to_pylist(), source["诊断"].to_pylist(), strict=True)
        ]
    )
    source = source.set_column(source.column_names.index("诊断"), "诊断", same)

    def told(treated: pa.Table) -> int:
        diagnoses = defaultdict(set)
        for row in treated.to_pylist():
            diagnoses[tuple(row[name] for name in KNOWN)].add(row["诊断"])
        return sum(len(values) == 1 for values in diagnoses.values())

    quasi = [*KNOWN]
    careless = source.select([*quasi, "诊断"])
    assert told(careless) > 0
    assert told(treat(source, tier_policy(recoding=recoding, l=2, suppression_limit=0.2)).table) == 0


@pytest.mark.parametrize("recoding", RECODINGS)
def test_the_order_of_rows_does_not_link_to_the_source(recoding: Recoding) -> None:
    source = persons(500)
    numbered = source.set_column(8, "科室", pa.array([f"{n % 7}" for n in range(500)]))
    careless = numbered.select(["诊断"])
    assert careless["诊断"].to_pylist() == numbered["诊断"].to_pylist()  # row n is person n
    treated = treat(numbered, tier_policy(recoding=recoding, suppression_limit=0.2)).table
    ranks = np.array([int(v) for v in treated["科室"].to_pylist()])
    agreeing = (ranks == np.arange(len(ranks)) % 7).mean()
    assert agreeing < 0.3  # one in seven by chance


def test_pseudonyms_do_not_keep_the_order_of_identity_numbers() -> None:
    source = persons(300).sort_by("身份证号")
    tier = tier_policy({FieldRole.DIRECT_IDENTIFIER: ControlSpec(control=Control.PSEUDONYM)}, suppression_limit=1.0)
    controls = plan_controls(person_schema(), person_roles(), policy(tier), [Tier.OPEN])[Tier.OPEN]
    kept = [
        c
        if c.role is FieldRole.DIRECT_IDENTIFIER
        else c.model_copy(update={"role": FieldRole.NON_SENSITIVE, "control": Control.KEEP})
        for c in controls
    ]
    treated = apply_controls(source, kept, tier, KEY).table
    by_content = {tuple(row[n] for n in (*KNOWN, "诊断", "科室")): row["身份证号"] for row in treated.to_pylist()}
    names = [by_content[tuple(row[n] for n in (*KNOWN, "诊断", "科室"))] for row in source.to_pylist()]
    rank = np.argsort(np.argsort(names))
    assert abs(np.corrcoef(rank, np.arange(len(rank)))[0, 1]) < 0.2


def test_two_grants_cannot_be_joined() -> None:
    source = persons(200)
    tier = tier_policy({FieldRole.DIRECT_IDENTIFIER: ControlSpec(control=Control.PSEUDONYM)}, suppression_limit=1.0)
    controls = plan_controls(person_schema(), person_roles(), policy(tier), [Tier.OPEN])[Tier.OPEN]
    one, two = (apply_controls(source, controls, tier, key).table for key in (KEY, KEY[::-1]))
    for name in ("姓名", "身份证号", "手机号"):
        assert not set(one[name].to_pylist()) & set(two[name].to_pylist())


def test_differencing_two_releases_singles_nobody_out() -> None:
    everybody = persons(700)
    without_target = everybody.filter(pa.array(np.arange(700) != 350))
    tier = tier_policy(suppression_limit=0.1)
    controls = plan_controls(person_schema(), person_roles(), policy(tier), [Tier.OPEN])[Tier.OPEN]
    before = treat(without_target, tier)
    after = treat(everybody, tier)
    assert before.levels == after.levels

    def difference(new: pa.Table, old: pa.Table) -> Counter:
        rows = lambda table: Counter(tuple(r.values()) for r in table.to_pylist())  # noqa: E731
        return rows(new) - rows(old)

    assert sum(difference(after.table, before.table).values()) == 1  # the newcomer, diagnosis and all
    checked = suppress_differences(after, everybody, [published(before, tier)], controls, tier)
    per_class = Counter(row[: len(KNOWN)] for row in difference(checked.table, before.table).elements())
    assert min(per_class.values(), default=5) >= 5


@pytest.mark.parametrize("recoding", RECODINGS)
def test_no_combination_of_published_quasi_identifiers_is_a_singleton(recoding: Recoding) -> None:
    treated = treat(persons(300), tier_policy(recoding=recoding, suppression_limit=0.1)).table
    for size in range(1, len(KNOWN) + 1):
        counts = Counter(tuple(row[name] for name in KNOWN[:size]) for row in treated.to_pylist())
        assert min(counts.values()) >= 5


def test_margins_do_not_give_small_cells_back() -> None:
    random = np.random.default_rng(5)
    table = pa.table(
        {"区": random.choice(list("abcd"), 400, p=[0.5, 0.3, 0.17, 0.03]), "病": random.choice(list("xyz"), 400)}
    )
    true = Counter(zip(table["区"].to_pylist(), table["病"].to_pylist(), strict=True))
    treated = statistical_table(table, StatisticalTable(by=("区", "病")), thresholds(k=None, smallest_cell=10)).table
    published = {(r["区"], r["病"]): r["count"] for r in treated.to_pylist()}
    small = [key for key, count in true.items() if count < 10]
    assert small
    for key in small:
        assert published[key] is None
        for axis in (0, 1):  # subtract everything published in the line from its margin
            line = [other for other in published if other[axis] == key[axis]]
            hidden = [other for other in line if published[other] is None]
            margin = sum(true[other] for other in line)
            assert len(hidden) >= 2 or margin < 10


def test_a_name_hidden_in_a_remark_goes_with_its_column() -> None:
    source = persons(60)
    remarks = pa.array(
        [
            f"已电话联系{name}本人，号码{phone}"
            for name, phone in zip(source["姓名"].to_pylist(), source["手机号"].to_pylist(), strict=True)
        ]
    )
    table = source.append_column("备注", remarks)
    tier = tier_policy(suppression_limit=1.0)
    schema = person_schema()
    described = schema.fields[0].model_copy(
        update={"name": "备注", "role": FieldRole.FREE_TEXT, "meaning": Meaning.FREE_TEXT}
    )
    schema = schema.model_copy(update={"fields": (*schema.fields, described)})
    roles = {**person_roles(), "备注": FieldRole.FREE_TEXT}
    controls = plan_controls(schema, roles, policy(tier), [Tier.OPEN])[Tier.OPEN]
    treated = apply_controls(table, controls, tier, KEY).table
    texts = "\n".join(t for t in treated["备注"].to_pylist() if t)
    assert "已电话联系" in texts or treated.num_rows == 0
    for name in ("姓名", "手机号"):
        assert not any(raw in texts for raw in source[name].to_pylist())


# How a number may be written so that a reader still reads it: the attacker knows the number and looks for any form.
def _spelled(digits: str, alphabet: str) -> str:
    return "".join(alphabet[int(d)] if d.isdigit() else d for d in digits)


WRITINGS = {
    "plain": lambda v: v,
    "full width": lambda v: _spelled(v, "０１２３４５６７８９"),
    "words": lambda v: _spelled(v, "〇一二三四五六七八九"),
    "capital words": lambda v: _spelled(v, "零壹贰叁肆伍陆柒捌玖"),
    "circles": lambda v: _spelled(v, "⓪①②③④⑤⑥⑦⑧⑨"),
    "invisible signs": lambda v: "\u200b".join(v),
    "letters": lambda v: v.replace("0", "O").replace("1", "l"),
    "a link": lambda v: f"https://city.gov.cn/q?id={v}&page=1",
    "an object": lambda v: f'{{"id":"{v}"}}',
}


@pytest.mark.parametrize("writing", WRITINGS)
def test_a_number_written_otherwise_in_a_remark_goes_too(writing: str) -> None:
    """The attacker reads every remark of the release back into digits and looks for the numbers he knows."""
    source = persons(60)
    write = WRITINGS[writing]
    numbers = list(zip(source["身份证号"].to_pylist(), source["手机号"].to_pylist(), strict=True))
    remarks = pa.array([f"证件{write(i)}，回电{write(m)}，已答复" for i, m in numbers])

    def readable(column: pa.ChunkedArray) -> str:
        texts = "\n".join(t for t in column.to_pylist() if t)
        return without_invisible(texts)[0].translate(READ_BACK)

    careless = readable(pa.chunked_array([remarks]))
    known = [n.translate(READ_BACK) for pair in numbers for n in pair]
    assert all(number in careless for number in known)
    treated = readable(redact(pa.chunked_array([remarks]))[0])
    assert "已答复" in treated
    assert [number for number in known if number in treated or number[::-1] in treated] == []


READ_BACK = str.maketrans(
    "０１２３４５６７８９〇一二三四五六七八九零壹贰叁肆伍陆柒捌玖⓪①②③④⑤⑥⑦⑧⑨Ol", "0123456789" * 4 + "01"
)
