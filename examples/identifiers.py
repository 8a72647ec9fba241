"""Invented identifiers with right checksums, chosen from ranges that are hardly ever given to people.

Sources: GB 11643-1999 (公民身份号码), GB 32100-2015 (统一社会信用代码), GB 11714-1997 (组织机构代码),
GA 36-2018 (机动车号牌).
"""

import datetime
from random import Random

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I, O, S, V, Z
USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
RESIDENT_WEIGHTS = tuple(pow(2, 17 - i, 11) for i in range(17))

# 6299 is no division of GB/T 2260: no enterprise that exists bears these codes.
USCC_DIVISION = "629901"
# Satellite telephones and data cards: well formed, but no number that a person answers.
MOBILE_PREFIXES = ("1349", "1450", "1451", "1457", "1471", "1475", "1478")


def resident_id_check_character(body: str) -> str:
    """Check character of the first 17 digits (ISO 7064 MOD 11-2)."""
    return "10X98765432"[sum(int(d) * w for d, w in zip(body, RESIDENT_WEIGHTS, strict=True)) % 11]


def resident_id(rng: Random, division: str, born: datetime.date, female: bool) -> str:
    """18 characters. The sequence number lies in 900–999, which counties do not reach; its parity says the gender."""
    sequence = 900 + 2 * rng.randrange(50) + (0 if female else 1)
    body = f"{division}{born:%Y%m%d}{sequence}"
    return body + resident_id_check_character(body)


def organisation_code(body: str) -> str:
    """Organisation code of eight characters `body` with its check character (GB 11714), without hyphen."""
    total = sum(int(c, 36) * w for c, w in zip(body, ORGANISATION_WEIGHTS, strict=True))
    return body + "0123456789X0"[11 - total % 11]


def uscc_check_character(body: str) -> str:
    """Check character of the first 17 characters."""
    total = sum(USCC_ALPHABET.index(c) * w for c, w in zip(body, USCC_WEIGHTS, strict=True))
    return USCC_ALPHABET[-total % 31]


def uscc(rng: Random, kind: str = "91") -> str:
    """18 characters. kind: `91` enterprise, `92` individual business, `93` farmers' cooperative."""
    body = kind + USCC_DIVISION + organisation_code("MA" + "".join(rng.choice(USCC_ALPHABET) for _ in range(6)))
    return body + uscc_check_character(body)


def mobile(rng: Random) -> str:
    """11 digits."""
    prefix = rng.choice(MOBILE_PREFIXES)
    return prefix + f"{rng.randrange(10 ** (11 - len(prefix))):0{11 - len(prefix)}d}"


def plate(rng: Random) -> str:
    """Plate of a series (甘S) that is not issued; every eighth is a new-energy plate with six places."""
    if rng.random() < 0.125:
        return f"甘S{rng.choice('DF')}{rng.randrange(100000):05d}"
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    return f"甘S{rng.choice(letters)}{rng.randrange(10000):04d}"
