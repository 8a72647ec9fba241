"""Organisation code, 组织机构代码. Source: GB 11714-1997 (8 characters and a check character, weights mod 11)."""

import numpy as np
import pyarrow as pa

from anonymize.recognizers.bytes_matrix import Flags, rows_of_width
from anonymize.recognizers.specification import LEFT, RIGHT, Pattern, Specification
from schemas.table_schema import FieldRole, Meaning

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "0123456789X"
_VALUE = np.full(256, -1, np.int32)
for _i, _c in enumerate(ALPHABET):
    _VALUE[ord(_c)] = _i


def valid(value: str) -> bool:
    """9 characters (no hyphen), and the check character holds."""
    if len(value) != 9 or any(c not in ALPHABET for c in value):
        return False
    total = sum(ALPHABET.index(c) * weight for c, weight in zip(value[:8], WEIGHTS, strict=True))
    return CHECK_CHARACTERS[(11 - total % 11) % 11] == value[8]


def valid_many(values: pa.StringArray) -> Flags:
    """`valid` of every value."""
    flags = np.zeros(len(values), bool)
    positions, matrix = rows_of_width(values, 9)
    numbers = _VALUE[matrix]
    known = (numbers >= 0).all(axis=1)
    total = np.where(numbers < 0, 0, numbers)[:, :8] @ np.array(WEIGHTS, np.int32)
    expected = np.frombuffer(CHECK_CHARACTERS.encode(), np.uint8)[(11 - total % 11) % 11]
    flags[positions] = known & (expected == matrix[:, 8])
    return flags


SPECIFICATION = Specification(
    entity="CN_ORGANISATION_CODE",
    meaning=Meaning.ORGANISATION_CODE,
    patterns=(Pattern("organisation-code", f"{LEFT}[0-9A-Z]{{8}}-[0-9X]{RIGHT}", r"[0-9A-Z]{8}-[0-9X]", 0.3),),
    role=FieldRole.NON_SENSITIVE,
    valid=valid,
    valid_many=valid_many,
    checksum_decides=True,
    context_zh=("组织机构代码", "机构代码"),
    context_en=("organisation code", "organization code"),
    column_pattern=r"[0-9A-Z]{8}-?[0-9X]",
    coincidence=0.3,
    personal=False,
)
