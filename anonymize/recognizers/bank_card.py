"""Bank card number. Source: ISO/IEC 7812 (issuer ranges, Luhn check digit); UnionPay 62, 60, 95, 98 of 16–19 digits."""

import numpy as np
import pyarrow as pa

from anonymize.recognizers import resident_id
from anonymize.recognizers.bytes_matrix import Flags, digits_of, rows_of_width
from anonymize.recognizers.specification import LEFT, LEFT_SPLIT, RIGHT, RIGHT_SPLIT, SIX_DIGITS, Pattern, Specification
from schemas.table_schema import Meaning

WIDTHS = range(14, 20)


def plausible(value: str) -> bool:
    """Not a resident number: those of Gansu begin with 62 as well."""
    return not (len(value) == 18 and resident_id.plausible(value))


def plausible_many(values: pa.StringArray) -> Flags:
    """`plausible` of every value."""
    flags = np.ones(len(values), bool)
    positions, _ = rows_of_width(values, 18)
    flags[positions] = ~resident_id.plausible_many(values)[positions]
    return flags


def valid(value: str) -> bool:
    """Luhn's check digit holds. value: 14 to 19 digits."""
    if len(value) not in WIDTHS or not (value.isascii() and value.isdigit()):
        return False
    total = 0
    for place, character in enumerate(reversed(value)):
        digit = int(character) * (1 + place % 2)
        total += digit - 9 * (digit > 9)
    return total % 10 == 0


def valid_many(values: pa.StringArray) -> Flags:
    """`valid` of every value."""
    flags = np.zeros(len(values), bool)
    for width in WIDTHS:
        positions, matrix = rows_of_width(values, width)
        digits, all_digits = digits_of(matrix)
        doubled = digits * np.where((np.arange(width)[::-1] % 2) == 1, 2, 1)
        flags[positions] = all_digits & ((doubled - 9 * (doubled > 9)).sum(axis=1) % 10 == 0)
    return flags


_ISSUERS = (
    r"(?=(?:62|60|9[58]))[0-9]{16,19}",
    r"4[0-9]{15}",
    r"(?:5[1-5]|2[3-6]|35|65)[0-9]{14}",
    r"3[47][0-9]{13}",
)

SPECIFICATION = Specification(
    entity="BANK_CARD",
    meaning=Meaning.BANK_CARD,
    patterns=(
        Pattern(
            "bank-card",
            f"{LEFT}(?:{'|'.join(_ISSUERS)}){RIGHT}",
            r"(?:62|60|9[58]|4|5[1-5]|2[3-6]|3[457]|65)[0-9]{13}",
            0.3,
        ),
        Pattern(
            "bank-card-split",
            rf"{LEFT_SPLIT}(?:62|60|9[58]|4[0-9]|5[1-5]|2[3-6]|35|65)[0-9]{{2}}"
            rf"(?:[ -][0-9]{{4}}){{3}}(?:[ -]?[0-9]{{1,3}})?{RIGHT_SPLIT}",
            r"[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}",
            0.3,
        ),
        Pattern(
            "bank-card-split-15",
            f"{LEFT_SPLIT}3[47][0-9]{{2}}[ -][0-9]{{6}}[ -][0-9]{{5}}{RIGHT_SPLIT}",
            r"3[47][0-9]{2}[ -][0-9]{6}[ -][0-9]{5}",
            0.3,
        ),
    ),
    plausible=plausible,
    plausible_many=plausible_many,
    valid=valid,
    valid_many=valid_many,
    checksum_decides=True,
    context_zh=("银行卡", "卡号", "银行账号", "开户账号", "账户"),
    context_en=("bank card", "card number", "credit card", "account"),
    column_pattern=r"[0-9]{14,19}",
    coincidence=0.3,
    holds=SIX_DIGITS,
)
