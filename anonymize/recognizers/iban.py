"""International bank account number. Source: ISO 13616 (MOD 97-10)."""

import re

import numpy as np
import pyarrow as pa

from anonymize.recognizers.bytes_matrix import Flags
from anonymize.recognizers.specification import LEFT, RIGHT, Pattern, Specification
from schemas.table_schema import Meaning

_FORM = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}")


def valid(value: str) -> bool:
    """The two check digits hold."""
    if not _FORM.fullmatch(value):
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
            f"{LEFT}[A-Z]{{2}}[0-9]{{2}}(?:(?: [0-9A-Z]{{4}}){{2,7}}(?: [0-9A-Z]{{1,3}})?|[0-9A-Z]{{11,30}}){RIGHT}",
            r"[A-Z]{2}[0-9]{2}(?: [0-9A-Z]{4}|[0-9A-Z]{4})",
            0.3,
        ),
    ),
    valid=valid,
    valid_many=valid_many,
    checksum_decides=True,
    context_en=("iban", "account"),
    coincidence=0.05,
)
