"""The transparency log, for everybody: signed head, entries with inclusion proofs, consistency proofs. All in hex."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from api.dependencies import Now, ThePlatform
from governance import merkle
from governance import transparency_log as log
from governance.database.engine import reading
from pipelines.platform import Platform

router = APIRouter(prefix="/log", tags=["log"])
SIGNING_KEY = "log-signing"
LARGEST_PAGE = 1000
LARGEST_INDEX = 2**53


@router.get("/head")
def head(platform: ThePlatform, now: Now) -> dict[str, Any]:
    """The signed tree head: size, root, at, public_key, signature (Ed25519 over canonical JSON of the first three)."""
    return signed_head(platform, now)


def signed_head(platform: Platform, now: Now) -> dict[str, Any]:
    with reading(platform.engine) as connection:
        return log.tree_head(connection, platform.home.key(SIGNING_KEY), now)


@router.get("/entries")
def entries(
    platform: ThePlatform,
    start: Annotated[int, Query(ge=0, le=LARGEST_INDEX)] = 0,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 100,
) -> list[dict[str, Any]]:
    """Entries in order. `leaf` is the exact text that was hashed."""
    with reading(platform.engine) as connection:
        return log.entries(connection, start=start, limit=limit)


@router.get("/entries/{index}")
def entry(
    index: Annotated[int, Path(ge=0, le=LARGEST_INDEX)],
    platform: ThePlatform,
    size: Annotated[int | None, Query(ge=1)] = None,
) -> dict[str, Any]:
    """One entry, with the proof that it stands in the tree of `size` leaves (all by default)."""
    with reading(platform.engine) as connection:
        found = log.entry(connection, index)
        whole = log.log_size(connection) if size is None else size
        proof = log.inclusion_proof(connection, index, whole)
        root = log.log_root(connection, whole)
    leaf_hash = merkle.leaf_hash(found["leaf"].encode()).hex()
    return {**found, "leaf_hash": leaf_hash, "size": whole, "root": root.hex(), "proof": [h.hex() for h in proof]}


@router.get("/consistency")
def consistency(
    platform: ThePlatform, first: Annotated[int, Query(ge=1)], second: Annotated[int | None, Query(ge=1)] = None
) -> dict[str, Any]:
    """The proof that the tree of `first` leaves is a beginning of the one of `second` (all by default)."""
    with reading(platform.engine) as connection:
        whole = log.log_size(connection) if second is None else second
        proof = log.consistency_proof(connection, first, whole)
        roots = log.log_root(connection, first), log.log_root(connection, whole)
    return {
        "first": first,
        "second": whole,
        "first_root": roots[0].hex(),
        "second_root": roots[1].hex(),
        "proof": [h.hex() for h in proof],
    }
