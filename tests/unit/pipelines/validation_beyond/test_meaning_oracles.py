"""Kernels of meanings that have a form and no check digit, against what judges such values elsewhere."""

import datetime
import ipaddress
import random
import re
import socket
import string
from pathlib import Path

import numpy as np
import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from stdnum import mac
from stdnum.cn import ric

from anonymize.recognizers.registry import SPECIFICATIONS
from pipelines.read import read_source
from pipelines.validation.meanings import check_meaning
from pipelines.validation.telephones import COUNTRY_CODES
from pipelines.validation.validate import ValidatedTable, validate_table
from schemas.table_schema import Meaning, table_schema_from_descriptor
from tests.factories import personal_data

ASSIGNED_ELSEWHERE = {"379"}  # the Vatican's, which has its numbers under Italy's code
FORMATS = (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL)
TYPES = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.TOLL_FREE, PhoneNumberType.SHARED_COST)


def verdicts(values: list[str], meaning: Meaning) -> list[bool]:
    return check_meaning(pa.array(values, pa.string()), {"name": "f", "meaning": meaning.value}).tolist()


def mutated(rng: random.Random, value: str, letters: str) -> str:
    """Half of the time the value, else with a character changed, dropped or doubled."""
    if rng.random() < 0.5 or not value:
        return value
    at = rng.randrange(len(value))
    return value[:at] + rng.choice([rng.choice(letters), "", value[at] * 2]) + value[at + 1 :]


def is_address(value: str) -> bool:
    kind = ipaddress.IPv6Address if ":" in value else ipaddress.IPv4Address  # as ip_address, which tries both
    try:
        return bool(kind(value)) and "%" not in value
    except ValueError:
        return False


def random_address(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return socket.inet_ntop(socket.AF_INET, rng.randbytes(4))
    number = rng.getrandbits(128)
    for _ in range(rng.randrange(4)):  # runs of zeros, which are left out when written
        first = rng.randrange(8)
        number &= ~(((1 << 16 * rng.randrange(1, 9 - first)) - 1) << (16 * first))
    short, long = socket.inet_ntop(socket.AF_INET6, number.to_bytes(16)), number.to_bytes(16).hex(":", 2)
    if rng.random() < 0.2:
        return rng.choice(["::ffff:", "::", "64:ff9b::", long[:30]]) + socket.inet_ntop(
            socket.AF_INET, rng.randbytes(4)
        )
    return rng.choice([short, long, short.upper()])


@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_addresses_are_those_of_the_standard_library(count: int) -> None:
    rng = random.Random(count)
    values = [mutated(rng, random_address(rng), "0123456789abcdefF:.%g/") for _ in range(count)]
    expected = [is_address(value) for value in values]
    assert 0.3 < np.mean(expected) < 0.9
    assert verdicts(values, Meaning.IP_ADDRESS) == expected


@given(st.text("0123456789abF:.", max_size=24))
@settings(max_examples=300, deadline=None)
def test_any_signs_of_addresses(text: str) -> None:
    assert verdicts([text], Meaning.IP_ADDRESS) == [is_address(text)]


@pytest.mark.parametrize("separator", [":", "-"])
def test_mac_addresses_are_those_of_stdnum(separator: str) -> None:
    rng = random.Random(4)
    values = [
        mutated(rng, separator.join(f"{rng.randrange(256):02{rng.choice('xX')}}" for _ in range(6)), "0aF:-g")
        for _ in range(5_000)
    ]
    whole = [v for v in values if not (":" in v and "-" in v) and re.search("[:-]", v)]
    expected = [
        mac.is_valid(v, validate_manufacturer=False) and all(len(part) == 2 for part in re.split("[:-]", v))
        for v in whole
    ]
    assert 0.2 < np.mean(expected) < 0.9
    assert verdicts(whole, Meaning.MAC_ADDRESS) == expected


# Meaning → entity of the recogniser, and values in which it finds a whole cell.
FOUND = {
    Meaning.PASSPORT: ("CN_PASSPORT", ["E12345678", "EA1234567", "G12345678", "DE1234567"]),
    Meaning.TRAVEL_PERMIT: ("CN_TRAVEL_PERMIT", ["H12345678", "M1234567801", "C12345678", "CA1234567", "L12345678"]),
    Meaning.MILITARY_ID: ("CN_MILITARY_ID", ["军字第2001001号", "南字第01234567号", "空字20010011"]),
    Meaning.MAC_ADDRESS: ("MAC_ADDRESS", ["00:16:3e:00:53:01", "00-16-3E-00-53-01", "0016.3e00.5301"]),
    Meaning.EMAIL: ("EMAIL_ADDRESS", ["name@example.com", "a.b+c@example.gov.cn"]),
}


@pytest.mark.parametrize("meaning", FOUND)
def test_what_detection_finds_is_valid(meaning: Meaning) -> None:
    entity, values = FOUND[meaning]
    kinds = [s for s in SPECIFICATIONS if s.entity == entity]
    # Detection treats identity cards of Hong Kong and Taiwan as permits, which carry their numbers; they are none.
    patterns = [p.compiled() for s in kinds for p in s.patterns if not p.name.endswith("identity-card")]
    rng = random.Random(5)
    signs = "0123456789" * 3 + string.ascii_uppercase
    varied = [re.sub(r"[0-9](?=[0-9]{2})", lambda _: rng.choice("23456789"), v) for v in values for _ in range(50)]
    changed = [mutated(rng, v, signs) for v in varied]
    found = [v for v in changed if any(p.fullmatch(v) for p in patterns)]
    assert len(found) > 40
    assert all(verdicts(found, meaning))


@pytest.mark.parametrize(
    ("make", "meaning"),
    [(personal_data.landline, Meaning.TELEPHONE), (personal_data.mobile, Meaning.TELEPHONE)],
)
def test_numbers_of_the_mainland_are_telephone_numbers(make, meaning: Meaning) -> None:
    rng = random.Random(6)
    assert all(verdicts([make(rng) for _ in range(500)], meaning))


def examples_of_the_world() -> list[str]:
    """An example number of every region and kind, in three ways to write it."""
    numbers = [
        phonenumbers.example_number_for_type(region, kind)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in TYPES
    ]
    return [phonenumbers.format_number(number, form) for number in numbers if number for form in FORMATS]


def test_numbers_of_every_country() -> None:
    examples = examples_of_the_world()
    assert len(examples) > 2_000
    given = [*examples, *(f"{e} ext. 12" for e in examples), *(e.replace("+", "00", 1) for e in examples)]
    refused = [v for v, ok in zip(given, verdicts(given, Meaning.TELEPHONE), strict=True) if not ok]
    assert refused == []


def test_country_codes_are_those_assigned() -> None:
    known = {str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE}
    ours = {str(code) for code in range(1, 1000) if re.fullmatch(COUNTRY_CODES, str(code))}
    assert ours - known == ASSIGNED_ELSEWHERE
    assert known <= ours


def test_numbers_that_no_country_has_are_refused() -> None:
    rng = random.Random(7)
    digits = [f"+{rng.randrange(10**width, 10 ** (width + 1))}" for width in range(5, 18) for _ in range(1_000)]
    verdict = verdicts(digits, Meaning.TELEPHONE)
    assert 0.1 < np.mean(verdict) < 0.9
    known = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    for value, ok in zip(digits, verdict, strict=True):
        assigned = any(int(value[1 : 1 + n]) in known for n in (1, 2, 3)) or value[1:4] in ASSIGNED_ELSEWHERE
        assert ok == (assigned and 7 <= len(value) - 1 <= 15), value[:4]


@given(st.text("0123456789+()- .x转/", max_size=24))
@settings(max_examples=300, deadline=None)
def test_a_telephone_number_has_three_to_fifteen_digits(text: str) -> None:
    if verdicts([text], Meaning.TELEPHONE) == [True]:
        number = re.sub(r"(?:x|转) ?[0-9]{1,7}$", "", text)
        assert 3 <= len(re.sub("[^0-9]", "", number)) - 2 * number.startswith("00") <= 15
        assert number.count("(") == number.count(")") <= 1


def test_social_security_numbers_of_eighteen_characters_are_resident_numbers() -> None:
    rng = random.Random(8)
    bodies = [f"110105{rng.randrange(1930, 2010)}0123{rng.randrange(1000):03d}" for _ in range(500)]
    values = [body + rng.choice([ric.calc_check_digit(body + "0"), rng.choice("0123456789X")]) for body in bodies]
    expected = [value[17] == ric.calc_check_digit(value) for value in values]
    assert verdicts(values, Meaning.SOCIAL_SECURITY_NUMBER) == expected


@given(st.dates(datetime.date(1700, 1, 1)))
@settings(deadline=None)
def test_births_are_past_days(day: datetime.date) -> None:
    expected = datetime.date(1850, 1, 1) <= day <= datetime.date.today()
    assert verdicts([f"{day:%Y-%m-%d}", f"{day:%Y%m%d}"], Meaning.DATE_OF_BIRTH) == [expected, expected]
    field = {"name": "f", "meaning": "date-of-birth"}
    assert check_meaning(pa.array([day]), field).tolist() == [expected]


@pytest.mark.parametrize(("today", "born"), [(datetime.date(2001, 5, 6), True), (datetime.date(2001, 5, 5), False)])
def test_nobody_is_born_after_the_file_was_handed_in(tmp_path: Path, today: datetime.date, born: bool) -> None:
    (tmp_path / "a.csv").write_text("b\n2001-05-06\n", "utf-8")
    fields = [{"name": "b", "type": "date", "meaning": "date-of-birth"}]
    schema = table_schema_from_descriptor({"fields": fields}, "births", "1.0.0")
    result = validate_table(read_source(tmp_path / "a.csv"), schema, today=today)
    assert isinstance(result, ValidatedTable) == born
