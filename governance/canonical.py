"""One byte form per value, for digests and signatures: JSON with sorted keys, no spaces, UTF-8 (after RFC 8785)."""

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """value: dicts, lists, strings, integers, booleans, None. Floats are refused: their text form is not one."""
    _refuse_floats(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def canonical_digest(value: Any) -> str:
    """SHA-256 of the canonical form, hex."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("a float has no canonical form here")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        _refuse_floats(inner)
