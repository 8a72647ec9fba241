"""International bank account number. Source: ISO 13616 (MOD 97-10)."""

import re

import numpy as np
import pyarrow as pa

from anonymize.recognizers.bytes_matrix import Flags
from anonymize.recognizers.specification import LEFT, LETTERS, RIGHT, Pattern, Specification
from schemas.table_schema import Meaning

# Lengths by country, of the SWIFT IBAN registry.
_LENGTHS = {
    country: length
    for length, countries in (
        (15, "NO"), (16, "BE"), (18, "DK FI FO GL NL"), (19, "MK SI"), (20, "AT BA EE KZ LT LU XK"),
        (21, "CH CR HR LI LV"), (22, "BG BH DE GB GE IE ME RS"), (23, "AE GI IL IQ TL"),
        (24, "AD CZ ES MD PK RO SA SE SK TN VG"), (25, "LY PT ST"), (26, "IS TR"), (27, "FR GR IT MC MR SM"),
        (28, "AL AZ BY CY DO EG GT HU LB PL SV"), (29, "BR PS QA UA"), (30, "JO KW MU"), (31, "MT SC"), (32, "LC"),
    )
    for country in countries.split()
}  # fmt: skip
_FORM = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}")


def valid(value: str) -> bool:
    """The country's length, and the two check digits hold."""
    if not _FORM.fullmatch(value) or len(value) != _LENGTHS.get(value[:2]):
        return False
    return int("".join(str(int(c, 36)) for c in value[4:] + value[:4])) % 97 == 1


def valid_many(values: pa.StringArray) -> Flags:
    """`valid` of every value."""
    return np.fromiter((v is not None and valid(v) for v in values.to_pylist()), bool, len(values))


SPECIFICATION = Specification(
    entity="IBAN_CODE",
    meaning=Meaning.BANK_CARD,
    patterns=(
        Pattern(
            "iban",
            f"{LEFT}(?i:[A-Z]{{2}}[0-9]{{2}}"
            f"(?:(?: [0-9A-Z]{{4}}){{2,7}}(?: [0-9A-Z]{{1,3}})?|[0-9A-Z]{{11,30}})){RIGHT}",
            r"[A-Za-z]{2}[0-9]{2} ?[0-9A-Za-z]{4}",
            0.3,
        ),
    ),
    valid=valid,
    valid_many=valid_many,
    checksum_decides=True,
    context_en=("iban", "account"),
    coincidence=0.05,
    holds=LETTERS,
)
