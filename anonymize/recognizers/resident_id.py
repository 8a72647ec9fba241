"""Resident identity number, 公民身份号码.

Source: GB 11643-1999 (18 digits, check character ISO 7064 MOD 11-2), GB 11643-1989 (15 digits, no check digit).
Real records often fail the checksum: shape, division and date decide, the checksum raises the score.
"""

import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from anonymize.recognizers.bytes_matrix import Flags, digits_of, number, rows_of_width
from anonymize.recognizers.specification import LEFT, LEFT_SPLIT, RIGHT, RIGHT_SPLIT, SIX_DIGITS, Pattern, Specification
from schemas.table_schema import Meaning

# GB/T 2260 provinces; 81–83 residence permits of Hong Kong, Macao, Taiwan residents; 91 foreign permanent residents.
PROVINCES = frozenset(
    f"{region}{place}"
    for region, places in enumerate(("", "12345", "123", "1234567", "123456", "01234", "12345", "1", "123", "1"))
    for place in places
)
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"
FIRST_YEAR, LAST_YEAR = 1880, 2035
_MONTH_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_PROVINCE_FLAGS = np.isin(np.arange(100), [int(p) for p in PROVINCES])
_MONTH_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def plausible(value: str) -> bool:
    """15 digits, or 17 and a check character, with a division and a date that can exist.

    Of 15 digits, which no checksum guards, the prefecture (01–70, 90) and the county must be possible too.
    """
    if len(value) not in (15, 18) or not value.isascii() or not value[:-1].isdigit():
        return False
    if not (value[-1].isdigit() or (len(value) == 18 and value[-1] in "Xx")) or value[:2] not in PROVINCES:
        return False
    if len(value) == 15 and not (("01" <= value[2:4] <= "70" or value[2:4] == "90") and value[4:6] != "00"):
        return False
    birth = value[6:14] if len(value) == 18 else "19" + value[6:12]
    try:
        date = datetime.date(int(birth[:4]), int(birth[4:6]), int(birth[6:]))
    except ValueError:
        return False
    return FIRST_YEAR <= date.year <= LAST_YEAR


def valid(value: str) -> bool:
    """Plausible, 18 long, and the check character holds."""
    if len(value) != 18 or not plausible(value):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(value[:17], WEIGHTS, strict=True))
    return CHECK_CHARACTERS[total % 11] == value[17].upper()


def plausible_many(values: pa.StringArray) -> Flags:
    """`plausible` of every value."""
    return _judge(values)[0]


def valid_many(values: pa.StringArray) -> Flags:
    """`valid` of every value."""
    return _judge(values)[1]


def _judge(values: pa.StringArray) -> tuple[Flags, Flags]:
    shape, checked = np.zeros(len(values), bool), np.zeros(len(values), bool)
    positions, matrix = rows_of_width(values, 18)
    digits, _ = digits_of(matrix)
    body_ok = (matrix[:, :17] >= ord("0")) & (matrix[:, :17] <= ord("9"))
    last = np.where(matrix[:, 17] == ord("x"), ord("X"), matrix[:, 17])
    last_ok = ((last >= ord("0")) & (last <= ord("9"))) | (last == ord("X"))
    shape[positions] = body_ok.all(axis=1) & last_ok & _possible(digits, number(digits[:, 6:10]), 10)
    expected = np.frombuffer(CHECK_CHARACTERS.encode(), np.uint8)[(digits[:, :17] @ np.array(WEIGHTS, np.int32)) % 11]
    checked[positions] = shape[positions] & (last == expected)
    positions, matrix = rows_of_width(values, 15)
    digits, all_digits = digits_of(matrix)
    city = number(digits[:, 2:4])
    division = (((city >= 1) & (city <= 70)) | (city == 90)) & (number(digits[:, 4:6]) > 0)
    shape[positions] = all_digits & division & _possible(digits, 1900 + number(digits[:, 6:8]), 8)
    return shape, checked


def _possible(digits: npt.NDArray[np.int32], year: npt.NDArray[np.int32], at: int) -> Flags:
    """Division and date can exist; month and day stand at `at`."""
    month, day = number(digits[:, at : at + 2]), number(digits[:, at + 2 : at + 4])
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    days = np.where((month == 2) & ~leap, 28, _MONTH_DAYS[np.clip(month, 0, 12)])
    known = _PROVINCE_FLAGS[number(digits[:, :2])]
    return (
        known & (year >= FIRST_YEAR) & (year <= LAST_YEAR) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= days)
    )


SPECIFICATION = Specification(
    entity="CN_RESIDENT_ID",
    meaning=Meaning.RESIDENT_ID,
    patterns=(
        Pattern(
            "resident-id-18",
            f"{LEFT}[1-9][0-9]{{5}}(?:18|19|20)[0-9]{{2}}{_MONTH_DAY}[0-9]{{3}}[0-9Xx]{RIGHT}",
            r"[0-9]{17}[0-9Xx]",
            0.6,
        ),
        Pattern(
            "resident-id-split",
            rf"{LEFT_SPLIT}[1-9](?=[0-9]{{0,16}}[ -])(?:[ -]?[0-9]){{16}}[ -]?[0-9Xx]{RIGHT_SPLIT}",
            r"[0-9][ -]?(?:[0-9][ -]?){10}[0-9]",
            0.6,
        ),
        Pattern(
            "resident-id-parted",
            rf"{LEFT}[1-9][0-9]{{5}}([._/·、])(?:18|19|20)[0-9]{{2}}\1?{_MONTH_DAY}\1[0-9]{{3}}[0-9Xx]{RIGHT}",
            r"[0-9]{6}[._/·、][0-9]{4}",
            0.6,
        ),
        Pattern(
            "resident-id-15",
            rf"{LEFT}[1-9][0-9]{{7}}{_MONTH_DAY}[0-9]{{3}}{RIGHT}",
            r"[0-9]{15}",
            0.5,
        ),
    ),
    plausible=plausible,
    plausible_many=plausible_many,
    valid=valid,
    valid_many=valid_many,
    context_zh=("身份证", "身份号码", "证件号", "公民身份"),
    context_en=("resident id", "identity card", "id card", "id number"),
    column_pattern=r"[1-9][0-9]{14}|[1-9][0-9]{16}[0-9Xx]",
    coincidence=0.05,
    holds=SIX_DIGITS,
)
