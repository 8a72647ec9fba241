"""Keyed pseudonyms: equal values get equal names under one key, and unlinkable ones under another.

BLAKE2b with a key (RFC 7693) is a pseudorandom function; 80 bits keep a million values apart (chance of one clash
below 10⁻¹²). Pseudonymised data stay personal data (Personal Information Protection Law, art. 73; GDPR art. 4(5)).
"""

import base64
import hashlib

import pyarrow as pa

from anonymize.treatments.distinct import map_distinct

KEY_BYTES = 32
DIGEST_BYTES = 10  # 16 characters of base32


def derive_key(master: bytes, *, dataset: str, recipient: str) -> bytes:
    """The key of one dataset for one recipient (a grant, an organisation, or the tier's name).

    Tables that one grant may join share a recipient and are given the same `dataset` scope; nothing else matches.
    """
    scope = b"".join(len(part).to_bytes(4, "big") + part for part in (dataset.encode(), recipient.encode()))
    return hashlib.blake2b(scope, key=master[:64], digest_size=KEY_BYTES, person=b"gongkai-pseudo").digest()


def pseudonymise(column: pa.ChunkedArray, key: bytes, domain: str) -> pa.ChunkedArray:
    """Pseudonyms of 16 letters and digits. domain: what the values are (a meaning, else the field's name), so that
    the same digits as a phone number and as an account do not match."""
    person = hashlib.blake2b(domain.encode(), digest_size=16).digest()

    def replace(text: str) -> str:
        digest = hashlib.blake2b(text.strip().encode(), key=key[:64], digest_size=DIGEST_BYTES, person=person).digest()
        return base64.b32encode(digest).decode().lower()

    return map_distinct(column, replace)
