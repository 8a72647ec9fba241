"""Kernels of meanings: tables of cases, python-stdnum as oracle, and errors in words."""

import datetime
import functools
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
import stdnum.luhn
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.cn import ric
from stdnum.cn import uscc as stdnum_uscc
from stdnum.exceptions import ValidationError

from pipelines.validation.meanings import check_meaning, checked_meanings, meaning_errors
from pipelines.validation.messages import templates
from schemas.errors import ConfigurationError
from schemas.table_schema import Meaning, table_schema_from_descriptor

ID = "11010519491231002X"

CASES = {
    "resident-id": ([ID, ID.lower()], [ID[:-1] + "1", ID[:-1], "110105491231002", "", "99" + ID[2:], "１１0105"]),
    "uscc": (["91350100M000100Y43"], ["91350100M000100Y44", "9135O100M000100Y43", "91350100M000100Y4"]),
    "organisation-code": (["D2143569-X", "D2143569X"], ["D2143569-1", "D2143569 X", "D214356-9X", "d2143569-X"]),
    "bank-card": (["6222020000000000000"], ["6222020000000000001", "6222020000000", "x222020000000000000"]),
    "division-code": (["110101", "110103", "510000", "350403"], ["000000", "999999", "11010", "1101011", "11010a"]),
    "postcode": (["100000", "010010", "999077"], ["000000", "080000", "10000", "10000a", "1000000"]),
    "date-compact": (["20200229", "19991231"], ["20190229", "20201301", "20200100", "2020115", "2020-1-1", "00000101"]),
    "longitude": (["116.39", "73.5", "135"], ["216.39", "0", "-116.39", "E116", "nan", "", "116,39"]),
    "latitude": (["39.9", "3.9"], ["116.39", "-39.9", "0", "x"]),
    "money": (["0", "12.50", "-3.1"], ["12.505", "1,200", "12万", "1e5", "￥3", ".5"]),
    "mobile": (["13800000000", "19912345678"], ["12800000000", "1380000000", "+8613800000000", "138****0000"]),
    "landline": (
        ["010-12345678".replace("-1", "-6"), "02161234567"[:11], "0755-26123456", "400-123-4567", "0571-8123456-801"],
        ["12345678", "010-1234567", "0110-61234567", "13800000000"],
    ),
    "plate": (
        ["京A12345", "粤BD12345", "沪A1234学", "使014578"],
        ["京I12345", "A12345", "京A1234", "京a12345", "京A123456"],
    ),
    "email": (["a.b@example.gov.cn"], ["a@b", "a b@c.cn", "@c.cn", "a@-c.cn"]),
    "telephone": (
        [
            "+33 1 23 45 67 89",
            "+33 (0)1.23.45.67.89",
            "0033123456789",
            "(020) 7946 0000",
            "8 (495) 123-45-67",
            "+1 (212) 555-0123 ext. 45",
            "010-60000000转801",
            "13800000000",
            "12345",
            "110",
            "+86 10 6000 0000",
            "400-123-4567",
        ],
        [
            "+999 1 23 45 67",
            "+33",
            "+3312345678901234",
            "12",
            "1234567890123456",
            "010--60000000",
            "电话123456",
            "1-800-FLOWERS",
            "010-60000000/13800000000",
            "010-60000000、010-60000001",
            "(010 60000000",
            "+86 ext. 5",
            "-12345678",
            "１３８00000000",
            "",
        ],
    ),
    "passport": (
        ["E12345678", "EA1234567", "C01X00T47", "123456789"],
        ["e12345678", "E1234567890", "E 1234567", "E1234", "护照12345678"],
    ),
    "travel-permit": (
        ["H12345678", "M1234567801", "C12345678", "CA1234567", "LB7654321", "T87654321", "12345678", "0123456789(B)"],
        ["X12345678", "H1234567", "H123456789", "CI1234567", "123456789", "h12345678"],
    ),
    "military-id": (
        ["军字第2001001号", "南字第01234567号", "士字20090908", "2001001"],
        ["军第号", "军字第12345号", "ABC字第2001001号"],
    ),
    "social-security-number": (
        [ID, ID.lower(), "A12345678", "1234567890", "12345678901X"],
        [ID[:-1] + "1", "110105194912310021", "ABC123456789", "1234567", "123456789012345678901"],
    ),
    "provident-fund-number": (["1101010000001", "GJ123456"], ["12345", "gj123456", "1234-5678"]),
    "ip-address": (
        ["192.0.2.1", "0.0.0.0", "2001:db8::1", "::", "::ffff:192.0.2.1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::"],
        [
            "256.0.0.1",
            "192.0.2",
            "192.0.2.01",
            "2001:db8:::1",
            "1:2:3:4:5:6:7:8:9",
            "1::2::3",
            "fe80::1%eth0",
            "::1.2.3",
        ],
    ),
    "mac-address": (
        ["00:00:5E:00:53:01", "00-00-5e-00-53-01", "00005E005301", "0000.5e00.5301"],
        ["00:00:5E:00:53", "00:00-5E:00:53:01", "00:00:5G:00:53:01", "0000:5e00:5301", "00:00:5E:00:53:01:"],
    ),
    "wechat": (["wx_example", "abc-123", "13800000000", "10001"], ["abc", "1abcdef", "微信号abc", "a" * 21, "1234"]),
    "qq": (["10001", "12345678901"], ["01234", "1234", "123456789012", "qq10001"]),
    "age": (["0", "35", "130"], ["131", "-1", "35.5", "三十五", "35岁"]),
    "date-of-birth": (
        ["1990-01-31", "19900131", "1990-01", "199001", "1990", "2000-02-29"],
        [
            "1990-02-30",
            "1990-13",
            "9999-01-01",
            "99990101",
            "1849-12-31",
            "1990-1-31",
            "1990/01/31",
            "90-01-31",
            "19901",
        ],
    ),
}


def test_every_checked_meaning_has_cases_and_an_example_that_passes():
    assert set(CASES) == {m.value for m in checked_meanings()}
    for name in CASES:
        shown = templates()["meanings"][name]["example"]
        assert check_meaning(pa.array([str(shown)]), {"meaning": name}).all(), name


@pytest.mark.parametrize("meaning", sorted(CASES))
def test_right_and_wrong_values(meaning):
    right, wrong = CASES[meaning]
    field = {"name": "f", "meaning": meaning}
    assert check_meaning(pa.array(right), field).tolist() == [True] * len(right)
    assert check_meaning(pa.array(wrong), field).tolist() == [False] * len(wrong)
    # sliced, chunked and with gaps the answers stay the same
    mixed = pa.chunked_array([pa.array([None, *right, *wrong]).slice(1), pa.array([None, *wrong])])
    expected = [True] * len(right) + [False] * len(wrong) + [True] + [False] * len(wrong)
    assert check_meaning(mixed, field).tolist() == expected


def test_typed_columns():
    dates = {"name": "d", "meaning": "date-compact"}
    assert check_meaning(pa.array([20200229, 20190229, 2020115, None]), dates).tolist() == [True, False, False, True]
    codes = {"name": "c", "meaning": "division-code"}
    assert check_meaning(pa.array([110101, 999999], pa.int32()), codes).tolist() == [True, False]
    place = {"name": "x", "meaning": "longitude"}
    assert check_meaning(pa.array([116.4, 0.0, None, float("nan")]), place).tolist() == [True, False, True, False]
    ages = {"name": "a", "meaning": "age"}
    assert check_meaning(pa.array([0, 130, 131, -1, None]), ages).tolist() == [True, True, False, False, True]
    assert check_meaning(pa.array([35.0, 35.5, float("nan")]), ages).tolist() == [True, False, False]
    births = {"name": "b", "meaning": "date-of-birth"}
    today = datetime.date.today()
    days = [today, today + datetime.timedelta(1), datetime.date(1850, 1, 1), datetime.date(1849, 12, 31), None]
    assert check_meaning(pa.array(days), births).tolist() == [True, False, True, False, True]
    assert check_meaning(pa.array([datetime.datetime(1990, 1, 31, 8)]), births).all()
    assert check_meaning(pa.array([1990, 19900131, 1800]), births).tolist() == [True, True, False]
    money = {"name": "m", "meaning": "money"}
    assert check_meaning(pa.array([0.1 + 0.2, 1234567.89, 0.005, float("inf")]), money).tolist() == [
        True, True, False, False,
    ]  # fmt: skip
    decimals = pa.array(["12.50", "12.505"]).cast(pa.decimal128(12, 3))
    assert check_meaning(decimals, money).tolist() == [True, False]
    assert check_meaning(pa.array(["0.123456"]), money | {"unit": "万元"}).all()


def test_money_floats_of_every_fen_pass():
    amounts = np.arange(0, 2_000_000) / 100
    assert check_meaning(pa.array(amounts), {"name": "m", "meaning": "money"}).all()


def test_a_column_without_meaning_passes():
    assert check_meaning(pa.array(["x", None]), {"name": "f"}).all()
    assert check_meaning(pa.array(["x"]), {"name": "f", "meaning": "person-name"}).all()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        (pa.array([datetime.date(2020, 1, 1)]), {"name": "f", "meaning": "longitude"}),
        (pa.array(["110101"]), {"name": "f", "meaning": "division-code", "valid_on": "last year"}),
        (pa.array([116.4]), {"name": "f", "meaning": "longitude", "datum": "WGS 1984"}),
        (pa.array(["1"]), {"name": "f", "meaning": "money", "unit": "dollars"}),
    ],
)
def test_a_meaning_that_cannot_be_checked_is_refused(values, field):
    with pytest.raises(ConfigurationError) as caught:
        check_meaning(values, field)
    assert caught.value.code == "invalid-meaning"
    assert caught.value.field == "f"


SCHEMA = table_schema_from_descriptor(
    {
        "fields": [
            {"name": "id", "type": "string", "title": "证件号码", "meaning": "resident-id"},
            {"name": "day", "type": "string", "meaning": "date-compact"},
            {"name": "born", "type": "date"},
            {"name": "home", "type": "string", "meaning": "division-code", "valid_on_field": "born"},
        ]
    },
    "people",
    "1.0.0",
)


def test_errors_are_worded_in_order_and_limited():
    born = pa.array([datetime.date(2000, 1, 1), datetime.date(2015, 1, 1), None])
    table = pa.table({
        "id": [ID, None, "1101051949123100 2X"],
        "day": ["2020-3-5", "20200305", "x"],
        "born": born,
        "home": ["110103", "110103", "110103"],
    })  # fmt: skip
    errors, total = meaning_errors(table, SCHEMA, row_numbers=np.array([2, 5, 9]))
    assert [(e.row, e.field) for e in errors] == [(2, "day"), (5, "home"), (9, "id"), (9, "day")]
    assert total == 4
    assert errors[0].message.zh == "第 2 行，B 列“day”：不是有效的八位日期（YYYYMMDD）"
    assert errors[0].suggestion == "20200305"
    assert errors[2].suggestion == ID
    assert errors[3].suggestion is None
    assert [e.row for e in meaning_errors(table, SCHEMA, limit=2)[0]] == [2, 3]
    assert meaning_errors(table, SCHEMA, limit=2)[1] == 4


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=8), st.sampled_from(sorted(CASES)))
def test_any_text_gets_a_verdict(values, meaning):
    verdicts = check_meaning(pa.array(values, pa.string()), {"name": "f", "meaning": meaning})
    assert len(verdicts) == len(values)
    assert all(ok for ok, value in zip(verdicts, values, strict=True) if value is None)


@settings(deadline=None)
@given(st.dates(), st.integers(0, 99_999_999))
def test_compact_dates_are_those_of_the_calendar(day, number):
    text = f"{number:08d}"
    try:
        valid = bool(datetime.date(int(text[:4]), int(text[4:6]), int(text[6:])))
    except ValueError:
        valid = False
    field = {"name": "f", "meaning": Meaning.DATE_COMPACT}
    assert check_meaning(pa.array([f"{day:%Y%m%d}".rjust(8, "0"), text]), field).tolist() == [True, valid]


def test_columns_are_counted_as_in_the_file():
    table = pa.table({"home": ["110103", "x"], "day": ["20200101", "y"]})
    errors, _ = meaning_errors(table, SCHEMA)  # the date of the codes is left out
    assert [(e.row, e.field, e.field_number) for e in errors] == [(3, "home", 1), (3, "day", 2)]


def test_a_date_field_that_the_schema_lacks_is_refused():
    field = {"name": "home", "type": "string", "meaning": "division-code", "valid_on_field": "nowhere"}
    with pytest.raises(ConfigurationError):
        meaning_errors(pa.table({"home": ["110103"]}), table_schema_from_descriptor({"fields": [field]}, "t", "1.0.0"))


@functools.cache
def _birth_by_stdnum(digits: str) -> datetime.date:
    return ric.get_birth_date("000000" + digits)  # it looks at nothing else, and a million cards share few days


def _resident_id_by_stdnum(value: str) -> bool:
    """Check character and date as python-stdnum does; without its list of counties, which ends in 2013."""
    try:
        if len(value) != 18 or not value[:17].isascii() or not value[:17].isdigit():
            return False
        return value[17].upper() == ric.calc_check_digit(value) and bool(_birth_by_stdnum(value[6:14]))
    except ValidationError:
        return False


def _uscc_by_stdnum(value: str) -> bool:
    try:
        return stdnum_uscc.validate(value) == value.upper()
    except ValidationError:
        return False


def _card_by_stdnum(value: str) -> bool:
    return 14 <= len(value) <= 19 and value.isascii() and value.isdigit() and stdnum.luhn.is_valid(value)


ALPHABETS = {"resident-id": "0123456789X", "uscc": "0123456789ABCDEFGHJKLMNPQRTUWXY", "bank-card": "0123456789"}
ORACLES: dict[str, Callable[[str], bool]] = {
    "resident-id": _resident_id_by_stdnum,
    "uscc": _uscc_by_stdnum,
    "bank-card": _card_by_stdnum,
}


def _resident_ids(rng: np.random.Generator, count: int) -> np.ndarray:
    provinces = np.array([(1, 1), (3, 1), (4, 4), (6, 5), (9, 9)])
    days = [f"{datetime.date(1930, 1, 1) + datetime.timedelta(n):%Y%m%d}" for n in range(34_000)]
    dates = np.array([[int(digit) for digit in day] for day in days])
    county, order = rng.integers(10, size=(count, 4)), rng.integers(10, size=(count, 3))
    body = np.hstack([provinces[rng.integers(5, size=count)], county, dates[rng.integers(34_000, size=count)], order])
    return np.column_stack([body, (1 - body @ (1 << np.arange(17, 0, -1))) % 11])  # ISO 7064, MOD 11-2


def _credit_codes(rng: np.random.Generator, count: int) -> np.ndarray:
    body = rng.integers([10, 4] + [10] * 6 + [31] * 9, size=(count, 17))
    body[:, 0] = 9
    return np.column_stack([body, -(body @ np.array([3**at % 31 for at in range(17)])) % 31])  # GB 32100


def _cards(rng: np.random.Generator, count: int, length: int) -> np.ndarray:
    body = np.hstack([np.full((count, 2), (6, 2)), rng.integers(10, size=(count, length - 3))])
    odd, even = 2 * body[:, ::-2], body[:, -2::-2]
    return np.column_stack([body, -((odd // 10 + odd % 10).sum(1) + even.sum(1)) % 10])  # Luhn


MAKERS: dict[str, Callable[[np.random.Generator, int], list[np.ndarray]]] = {
    "resident-id": lambda rng, count: [_resident_ids(rng, count)],
    "uscc": lambda rng, count: [_credit_codes(rng, count)],
    "bank-card": lambda rng, count: [_cards(rng, -(-count // 6), length) for length in range(14, 20)],
}


def _random_values(meaning: str, count: int, seed: int) -> list[str]:
    """Valid values, each half of the time with a character changed, dropped, doubled or two swapped."""
    rng = np.random.default_rng(seed)
    signs = np.array(list(ALPHABETS[meaning]))
    made = [numbers.view(f"U{numbers.shape[1]}") for numbers in (signs[m] for m in MAKERS[meaning](rng, count))]
    valid = [value for block in made for value in block[:, 0].tolist()][:count]
    others = np.array([*signs, "a", "ｘ", "-"])[rng.integers(len(signs) + 3, size=count)].tolist()
    places = rng.integers([len(value) - 1 for value in valid]).tolist()
    ways = rng.integers(8, size=count).tolist()
    return [_changed(*given) for given in zip(valid, places, others, ways, strict=True)]


def _changed(value: str, at: int, other: str, way: int) -> str:
    match way:
        case 0:
            return value[:at] + other + value[at + 1 :]
        case 1:
            return value[:at] + value[at + 1 :]
        case 2:
            return value[:at] + value[at] + value[at:]
        case 3:
            return value[:at] + value[at + 1] + value[at] + value[at + 2 :]
    return value


def _differences(meaning: str, count: int, seed: int) -> tuple[int, int]:
    values = _random_values(meaning, count, seed)
    ours = check_meaning(pa.array(values), {"name": "f", "meaning": meaning})
    # Provinces and the span of birth years are ours alone: stdnum knows them by its county list.
    if meaning == "resident-id":
        theirs = np.array([_resident_id_by_stdnum(v) and v[:2] != "99" and _province(v) for v in values])
    else:
        theirs = np.array([ORACLES[meaning](v) for v in values])
    return int((ours != theirs).sum()), int(ours.sum())


def _province(value: str) -> bool:
    from anonymize.recognizers.resident_id import FIRST_YEAR, LAST_YEAR, PROVINCES

    return value[:2] in PROVINCES and FIRST_YEAR <= int(value[6:10]) <= LAST_YEAR


@pytest.mark.parametrize("meaning", sorted(ALPHABETS))
def test_kernels_agree_with_stdnum(meaning):
    different, valid = _differences(meaning, 5_000, seed=1)
    assert different == 0
    assert 1_000 < valid < 4_000


@pytest.mark.slow
@pytest.mark.parametrize("meaning", sorted(ALPHABETS))
def test_kernels_agree_with_stdnum_on_a_million_values(meaning, monkeypatch):
    monkeypatch.setattr(stdnum_uscc, "compact", functools.lru_cache(1)(stdnum_uscc.compact))  # it asks twice a value
    different, valid = _differences(meaning, 1_000_000, seed=2)
    assert different == 0
    assert 200_000 < valid < 800_000


def test_what_stdnum_accepts_we_accept():
    values = [v for v in _random_values("resident-id", 20_000, seed=3) if len(v) == 18 and _all_of_stdnum(v)]
    assert len(values) > 40
    assert check_meaning(pa.array(values), {"name": "f", "meaning": "resident-id"}).all()


def _all_of_stdnum(value: str) -> bool:
    try:
        return ric.is_valid(value)
    except KeyError:  # it knows the province, but no county of it
        return False
