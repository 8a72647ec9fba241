"""Unified social credit code, 统一社会信用代码. Source: GB 32100-2015 (31 characters, weights 3^i mod 31).

It names organisations, so it is kept; a policy may treat it otherwise (sole traders).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anonymize.recognizers import resident_id
from anonymize.recognizers.bytes_matrix import Flags, rows_of_width
from anonymize.recognizers.specification import LEFT, RIGHT, SIX_DIGITS, Pattern, Specification
from schemas.table_schema import FieldRole, Meaning

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
DIVISIONS = resident_id.PROVINCES | {"10"}
_VALUE = np.full(256, -1, np.int32)
for _i, _c in enumerate(ALPHABET):
    _VALUE[ord(_c)] = _VALUE[ord(_c.lower())] = _i


def plausible(value: str) -> bool:
    """A registered division at 3 and 4 (10: the state's own register), and no resident number."""
    return value[2:4] in DIVISIONS and not resident_id.plausible(value)


def plausible_many(values: pa.StringArray) -> Flags:
    """`plausible` of every value."""
    known = pc.is_in(pc.utf8_slice_codeunits(values, 2, 4), pa.array(sorted(DIVISIONS)))
    return np.asarray(known) & ~resident_id.plausible_many(values)


def valid(value: str) -> bool:
    """18 characters of the alphabet, and the check character holds."""
    value = value.upper()
    if len(value) != 18 or any(c not in ALPHABET for c in value):
        return False
    total = sum(ALPHABET.index(c) * weight for c, weight in zip(value[:17], WEIGHTS, strict=True))
    return ALPHABET[(31 - total % 31) % 31] == value[17]


def valid_many(values: pa.StringArray) -> Flags:
    """`valid` of every value."""
    flags = np.zeros(len(values), bool)
    positions, matrix = rows_of_width(values, 18)
    numbers = _VALUE[matrix]
    known = (numbers >= 0).all(axis=1)
    total = np.where(numbers < 0, 0, numbers)[:, :17] @ np.array(WEIGHTS, np.int32)
    flags[positions] = known & ((31 - total % 31) % 31 == numbers[:, 17])
    return flags


_BODY = r"[1-9ANY][1-59](?:[0-9][ -]?){6}[0-9A-HJ-NP-RTUWXY]{9}[ -]?[0-9A-HJ-NP-RTUWXY]"

SPECIFICATION = Specification(
    entity="CN_USCC",
    meaning=Meaning.USCC,
    patterns=(
        Pattern(
            "uscc",
            f"{LEFT}(?i:{_BODY}){RIGHT}",
            r"(?i)[1-9ANY][1-59](?:[0-9][ -]?){6}[0-9A-HJ-NP-RTUWXY]{9}",
            0.3,
        ),
    ),
    role=FieldRole.NON_SENSITIVE,
    plausible=plausible,
    plausible_many=plausible_many,
    valid=valid,
    valid_many=valid_many,
    context_zh=("信用代码", "社会信用", "纳税人识别号", "税号"),
    context_en=("uscc", "credit code", "taxpayer"),
    column_pattern=r"[0-9A-Za-z]{18}",
    coincidence=0.1,
    personal=False,
    holds=SIX_DIGITS,
)
