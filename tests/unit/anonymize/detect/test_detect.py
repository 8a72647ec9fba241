"""What detection says of whole tables: kinds, coincidence, headers, tables about persons and not, bad input."""

import datetime
import random
from collections.abc import Callable, Sequence
from decimal import Decimal

import pyarrow as pa
import pytest

from anonymize.classify import proposed_role
from anonymize.detect import PROPOSALS, detect
from anonymize.recognizers.specification import CONFIDENT
from schemas.findings import Finding, Findings
from schemas.table_schema import FieldRole, Meaning
from tests.factories import personal_data as make

ROWS = 200
D, Q, N, F = (
    FieldRole.DIRECT_IDENTIFIER,
    FieldRole.QUASI_IDENTIFIER,
    FieldRole.NON_SENSITIVE,
    FieldRole.FREE_TEXT,
)


def column(maker: Callable[[random.Random], str], rows: int = ROWS, seed: int = 1) -> list[str]:
    rng = random.Random(seed)
    return [maker(rng) for _ in range(rows)]


def address(rng: random.Random) -> str:
    district = rng.choice(("西湖区", "朝阳区", "南山区"))
    return f"杭州市{district}文三路{rng.randint(1, 400)}号{rng.randint(1, 9)}幢{rng.randint(101, 1600)}室"


def seen(findings: Findings, field: str) -> dict[str, Finding]:
    """The confident findings of a field, by entity; without what uniqueness alone proposes."""
    return {f.entity: f for f in findings.of(field) if f.score >= CONFIDENT and f.entity not in PROPOSALS}


@pytest.mark.parametrize(
    ("entity", "maker", "header"),
    [
        ("CN_RESIDENT_ID", make.resident_id, "身份证号"),
        ("CN_RESIDENT_ID", make.resident_id, "c1"),
        ("CN_RESIDENT_ID", make.resident_id_15, "证件号"),
        ("CN_MOBILE", make.mobile, "手机"),
        ("CN_MOBILE", make.mobile, "c1"),
        ("CN_LANDLINE", make.landline, "电话"),
        ("BANK_CARD", make.bank_card, "c1"),
        ("CN_USCC", make.uscc, "c1"),
        ("EMAIL_ADDRESS", make.email, "c1"),
        ("CN_PLATE", make.plate, "c1"),
        ("IP_ADDRESS", make.ip_address, "c1"),
        ("MAC_ADDRESS", make.mac_address, "c1"),
        ("PERSON", make.person, "姓名"),
        ("PERSON", make.person, "c1"),
        ("ADDRESS", address, "住址"),
        ("ADDRESS", address, "c1"),
    ],
)
def test_a_column_of_one_kind_is_that_kind(entity: str, maker: Callable[[random.Random], str], header: str) -> None:
    finding = seen(detect(pa.table({header: column(maker)})), header)[entity]
    assert finding.whole_cell_share > 0.9
    assert finding.cells == pytest.approx(finding.share * ROWS)


@pytest.mark.parametrize(
    ("header", "entity", "maker"),
    [
        ("护照号", "CN_PASSPORT", lambda r: f"E{make.digits(r, 8)}"),
        ("港澳通行证号", "CN_TRAVEL_PERMIT", lambda r: f"H{make.digits(r, 8)}"),
        ("台胞证号", "CN_TRAVEL_PERMIT", lambda r: make.digits(r, 8)),
        ("军官证号", "CN_MILITARY_ID", lambda r: make.digits(r, 7)),
        ("社保卡号", "CN_SOCIAL_SECURITY_NUMBER", lambda r: make.digits(r, 10)),
        ("公积金账号", "CN_PROVIDENT_FUND_NUMBER", lambda r: make.digits(r, 12)),
        ("微信号", "WECHAT", lambda r: f"wx_{make.digits(r, 6)}"),
        ("QQ号", "QQ", lambda r: f"1{make.digits(r, 8)}"),
        ("联系电话", "CN_MOBILE", lambda r: f"8{make.digits(r, 7)}"),  # local numbers without an area code
        ("座机", "CN_LANDLINE", lambda r: f"8{make.digits(r, 7)}"),
        ("组织机构代码", "CN_ORGANISATION_CODE", lambda r: make.digits(r, 9)),
    ],
)
def test_the_header_tells_kinds_whose_cells_alone_do_not(
    header: str, entity: str, maker: Callable[[random.Random], str]
) -> None:
    assert entity in seen(detect(pa.table({header: column(maker)})), header)
    assert entity not in seen(detect(pa.table({"c1": column(maker)})), "c1")


@pytest.mark.parametrize(
    "maker",
    [
        lambda r: f"6222{make.digits(r, 15)}",  # one in ten passes Luhn's check
        lambda r: f"{make.digits(r, 15)}",
        lambda r: f"{r.randint(10, 99)}{make.digits(r, 16)}",
        make.order_number,
        lambda r: f"1{make.digits(r, 10)}",  # seven in ten are shaped like mobiles
        lambda r: f"20{r.randint(18, 26)}{r.randint(1, 12):02}{r.randint(1, 28):02}{make.digits(r, 8)}",
    ],
)
def test_codes_that_match_by_chance_are_not_identifiers(maker: Callable[[random.Random], str]) -> None:
    table = pa.table({"流水号": column(maker, rows=2000)})
    assert seen(detect(table), "流水号") == {}


def test_mobiles_and_landlines_of_one_shape_are_telephones() -> None:
    rng = random.Random(5)
    cells = [make.mobile(rng) if i % 2 else f"020{rng.randint(2, 8)}{make.digits(rng, 7)}" for i in range(ROWS)]
    found = seen(detect(pa.table({"c1": cells})), "c1")
    assert set(found) == {"CN_MOBILE", "CN_LANDLINE"}


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.decimal128(20, 0), pa.large_string(), pa.string()])
def test_numbers_of_any_type_are_looked_at(kind: pa.DataType) -> None:
    mobiles = [int(m) for m in column(make.mobile)]
    cells = (
        pa.array([Decimal(m) for m in mobiles], kind)
        if pa.types.is_decimal(kind)
        else (
            pa.array([str(m) for m in mobiles], kind)
            if not pa.types.is_primitive(kind)
            else pa.array(mobiles).cast(kind)
        )
    )
    finding = seen(detect(pa.table({"c1": cells})), "c1")["CN_MOBILE"]
    assert finding.whole_cell_share == 1.0


def test_identifiers_inside_texts_call_for_free_text() -> None:
    notes = [f"申请人{make.person(random.Random(i))}，电话{m}，请回复" for i, m in enumerate(column(make.mobile))]
    findings = detect(pa.table({"备注": [*notes, *["办理完毕，无异议"] * ROWS]}))
    found = seen(findings, "备注")
    assert found["CN_MOBILE"].share == 0.5
    assert found["CN_MOBILE"].whole_cell_share == 0.0
    assert found["CN_MOBILE"].proposed_role == F
    assert found["PERSON"].proposed_role == F
    assert proposed_role("备注", findings) == F


def test_the_vote_is_over_all_kinds() -> None:
    cells = column(make.mobile, 60) + column(make.email, 40)
    found = seen(detect(pa.table({"联系方式": cells})), "联系方式")
    assert (found["CN_MOBILE"].share, found["EMAIL_ADDRESS"].share) == (0.6, 0.4)


def test_verified_share_and_shapes_are_evidence() -> None:
    rng = random.Random(1)
    good = [v for v in (make.resident_id(rng) for _ in range(400)) if v[-1] == "X"][:10]
    bad = ["110105194912310021"] * 10
    finding = seen(detect(pa.table({"c1": good + bad})), "c1")["CN_RESIDENT_ID"]
    assert finding.verified_share is not None
    assert 0.4 <= finding.verified_share <= 0.5
    assert finding.shapes == {"17 digits + X": 10, "18 digits": 10}
    assert finding.patterns == ("resident-id-18",)


def test_a_table_about_places_has_addresses_of_nobody() -> None:
    rng = random.Random(1)
    places = {
        "学校名称": [f"第{i}中学" for i in range(ROWS)],
        "地址": column(address),
        "经度": [f"{120 + rng.random():.6f}" for _ in range(ROWS)],
        "纬度": [f"{30 + rng.random():.6f}" for _ in range(ROWS)],
        "办公电话": column(make.landline),
    }
    findings = detect(pa.table(places))
    assert [proposed_role(f, findings) for f in ("地址", "经度", "办公电话")] == [N, N, N]
    persons = detect(pa.table(places | {"身份证号": column(make.resident_id)}))
    assert [proposed_role(f, persons) for f in ("地址", "经度", "办公电话")] == [D, Q, D]


def test_legal_representatives_are_public_and_other_persons_are_not() -> None:
    findings = detect(pa.table({"法定代表人": column(make.person), "经办人": column(make.person, seed=2)}))
    assert seen(findings, "法定代表人")["PERSON"].meaning == Meaning.LEGAL_REPRESENTATIVE
    assert seen(findings, "法定代表人")["PERSON"].proposed_role == N
    assert seen(findings, "经办人")["PERSON"].proposed_role == D


def test_attributes_of_persons_are_quasi_identifiers() -> None:
    rng = random.Random(1)
    birth = [datetime.date(1950, 1, 1) + datetime.timedelta(rng.randrange(20000)) for _ in range(ROWS)]
    table = pa.table(
        {
            "性别": [rng.choice("男女") for _ in range(ROWS)],
            "年龄": [rng.randint(18, 80) for _ in range(ROWS)],
            "出生日期": birth,
            "出生年月": [f"{d:%Y-%m}" for d in birth],
            "邮编": [f"3100{rng.randint(10, 99)}" for _ in range(ROWS)],
            "行政区划代码": [rng.choice(make.DIVISIONS) for _ in range(ROWS)],
            "c1": [rng.choice(("男", "女")) for _ in range(ROWS)],
        }
    )
    findings = detect(table)
    meanings = {f.field: f.meaning for f in findings.findings if f.score >= CONFIDENT and f.meaning}
    assert meanings == {
        "性别": Meaning.GENDER,
        "年龄": Meaning.AGE,
        "出生日期": Meaning.DATE_OF_BIRTH,
        "出生年月": Meaning.DATE_OF_BIRTH,
        "邮编": Meaning.POSTCODE,
        "行政区划代码": Meaning.DIVISION_CODE,
        "c1": Meaning.GENDER,
    }
    assert {proposed_role(field, findings) for field in meanings} == {Q}


def test_rare_values_and_combinations_are_proposed_and_sets_are_listed() -> None:
    rng = random.Random(4)
    table = pa.table(
        {
            "街道": [f"街道{rng.randint(1, 12)}" for _ in range(500)],
            "学历": [f"学历{rng.randint(1, 6)}" for _ in range(500)],
            "职级": [f"职级{rng.randint(1, 6)}" for _ in range(500)],
            "状态": ["在册"] * 500,
            "编码": [f"K{i}" for i in range(500)],
        }
    )
    findings = detect(table)
    assert ("编码",) in findings.unique_sets
    assert ("街道", "学历", "职级") in findings.unique_sets
    assert {f.field: f.entity for f in findings.findings} == {
        "街道": "SINGLES_OUT",
        "学历": "SINGLES_OUT",
        "职级": "SINGLES_OUT",
        "编码": "RARE_VALUES",
    }
    profile = next(p for p in findings.profiles if p.field == "编码")
    assert (profile.cells, profile.nulls, profile.distinct, profile.unique_share) == (500, 0, 500, 1.0)


@pytest.mark.parametrize(
    "cells",
    [
        pa.nulls(5),
        pa.array([None] * 5, pa.string()),
        pa.array(["", " ", None, "", ""]),
        pa.array(["同"] * 5),
        pa.array([True, False, None, True, True]),
        pa.array([[1, 2], None, [], [3], [4]]),
        pa.array([b"x", None, b"", b"y", b"z"]),
        pa.array([1.5, float("nan"), float("inf"), None, -0.0]),
        pa.array([datetime.datetime(2020, 1, 1), None, None, None, None]),
        pa.array(["a", "b", None, "a", "b"]).dictionary_encode(),
        pa.array([{"a": 1}, None, None, None, None]),
    ],
    ids=lambda cells: str(cells.type),
)
def test_odd_columns_are_profiled(cells: pa.Array) -> None:
    findings = detect(pa.table({"c1": cells}))
    profile = findings.profiles[0]
    assert profile.cells + profile.nulls == findings.rows == 5
    assert profile.nulls == cells.null_count
    assert all(f.score < CONFIDENT or f.entity == "RARE_VALUES" for f in findings.findings)


def test_an_empty_table_has_no_findings() -> None:
    assert detect(pa.table({"姓名": pa.array([], pa.string())})).findings == ()
    assert detect(pa.table({})).profiles == ()


def test_chunks_and_nulls_are_counted_as_cells() -> None:
    chunks = pa.chunked_array([["13812345678", None], ["13812345678", "无"], []], pa.string())
    finding = seen(detect(pa.table({"手机": chunks})), "手机")["CN_MOBILE"]
    assert (finding.cells, finding.share) == (2, pytest.approx(2 / 3))


def test_masked_cells_are_not_found_again() -> None:
    masked = {
        "身份证号": ["110***********002X"] * 50,
        "手机": ["138****5678"] * 50,
        "姓名": ["张**"] * 50,
        "住址": ["杭州市西湖区"] * 50,
    }
    findings = detect(pa.table(masked))
    assert [f for f in findings.findings if f.score >= CONFIDENT] == []


def test_titles_of_the_schema_tell_what_names_do_not() -> None:
    table = pa.table({"c1": [make.digits(random.Random(i), 10) for i in range(50)]})
    assert "CN_SOCIAL_SECURITY_NUMBER" in seen(detect(table, titles={"c1": ("社保卡号",)}), "c1")
    assert seen(detect(table), "c1") == {}


def test_a_model_of_names_is_asked_for_texts() -> None:
    notes = [f"今天{'来访' * 6}阿依古丽第{i}次" for i in range(50)]
    table = pa.table({"内容": notes})

    def tag(texts: Sequence[str]) -> list[list[tuple[int, int, str]]]:
        return [[(t.index("阿"), t.index("第"), "PERSON")] for t in texts]

    assert "PERSON" not in seen(detect(table), "内容")
    assert seen(detect(table, names=tag), "内容")["PERSON"].proposed_role == F


def test_a_model_of_names_is_asked_for_names_that_no_rule_knows() -> None:
    table = pa.table({"姓名": ["阿依古丽", "迪丽热巴", "古力娜扎", "库尔班江", "买买提江"] * 10})

    def tag(texts: Sequence[str]) -> list[list[tuple[int, int, str]]]:
        return [[(0, len(t), "PERSON")] for t in texts]

    assert detect(table, names=tag).of("姓名")[0].share == 1.0
    assert detect(table).of("姓名")[0].share < 1.0


def test_nobody_is_born_after_the_day_of_looking() -> None:
    """The day is told, so that a table is judged the same whenever that is done."""
    births = [f"20{year}-03-0{day}" for year in range(30, 60) for day in range(1, 6)]
    table = pa.table({"出生日期": births})
    late = seen(detect(table, today=datetime.date(2026, 11, 27)), "出生日期").get("DATE_OF_BIRTH")
    assert late is None or late.cells == 0
    for today in (datetime.date(2061, 1, 1), None):
        assert seen(detect(table, today=today), "出生日期")["DATE_OF_BIRTH"].cells == len(births)
    typed = pa.table({"出生日期": [datetime.date.fromisoformat(b) for b in births]})
    assert seen(detect(typed, today=datetime.date(2061, 1, 1)), "出生日期")["DATE_OF_BIRTH"].cells == len(births)
    early = seen(detect(typed, today=datetime.date(2026, 11, 27)), "出生日期").get("DATE_OF_BIRTH")
    assert early is None or early.cells == 0
