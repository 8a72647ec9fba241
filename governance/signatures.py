"""Ed25519 signatures (RFC 8032) over canonical JSON. The key is a 32-byte secret of the home folder."""

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.canonical import canonical_json


def sign(statement: dict[str, Any], key: bytes) -> str:
    """Signature of `statement`, hex (128 digits). key: 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(key).sign(canonical_json(statement)).hex()


def public_key(key: bytes) -> str:
    """The public key that belongs to a secret key, hex (64 digits)."""
    return Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw().hex()


def verify(statement: dict[str, Any], signature: str, public: str) -> bool:
    """Whether `signature` (hex) was made over exactly this statement by the holder of `public` (hex)."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(
            bytes.fromhex(signature), canonical_json(statement)
        )
    except (InvalidSignature, ValueError):
        return False
    return True
