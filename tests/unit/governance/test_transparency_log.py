"""The transparency log against the Certificate Transparency vectors, pymerkle and a naive tree."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pymerkle
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from governance import merkle, signatures
from governance import transparency_log as log
from governance.canonical import canonical_digest, canonical_json
from governance.database.decision_tables import log_entries
from governance.database.engine import metadata, open_database
from schemas.actor import system_actor
from schemas.errors import Conflict, NotFound, Refused

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACTOR = system_actor("test")
KEY = bytes(range(32))
# The vectors of the Certificate Transparency projects, for RFC 6962.
CT_LEAVES = [
    bytes.fromhex(x)
    for x in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


class Tree:
    """The pure functions over a dictionary."""

    def __init__(self, leaves: list[bytes]):
        self.stored: dict[tuple[int, int], bytes] = {}
        for index, leaf in enumerate(leaves):
            for level, i, value in merkle.nodes_of_append(index, merkle.leaf_hash(leaf), self.nodes):
                self.stored[level, i] = value

    def nodes(self, level: int, index: int) -> bytes:
        return self.stored[level, index]


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH as RFC 9162 §2.1.1 defines it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = max(2**n for n in range(64) if 2**n < len(leaves))
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_proof(first: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF as RFC 9162 §2.1.4.1 defines it."""
    if first == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = max(2**n for n in range(64) if 2**n < len(leaves))
    if first <= k:
        return [*naive_proof(first, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_proof(first - k, leaves[k:], False), naive_root(leaves[:k])]


def numbered(count: int) -> list[bytes]:
    return [b"%d" % i for i in range(count)]


def test_roots_are_those_of_certificate_transparency():
    tree = Tree(CT_LEAVES)
    assert [merkle.root(n, tree.nodes).hex() for n in range(9)] == CT_ROOTS


def test_roots_and_proofs_hold_the_hashes_that_pymerkles_hold():
    leaves = numbered(40)
    tree, reference = Tree(leaves), pymerkle.InmemoryTree(algorithm="sha256")
    reference.append_entries(leaves)
    for size in range(1, 41):
        assert merkle.root(size, tree.nodes) == reference.get_root(size)
        for index in range(size):
            path = merkle.inclusion_path(index, size, tree.nodes)
            theirs = reference.prove_inclusion(index + 1, size).path  # with the leaf itself
            assert sorted([*path, merkle.leaf_hash(leaves[index])]) == sorted(theirs)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8, 9, 16, 17, 31, 33])
def test_every_proof_verifies_and_no_altered_one_does(size):
    leaves = numbered(size)
    tree = Tree(leaves)
    root = merkle.root(size, tree.nodes)
    assert root == naive_root(leaves)
    for index, leaf in enumerate(leaves):
        path, hashed = merkle.inclusion_path(index, size, tree.nodes), merkle.leaf_hash(leaf)
        assert merkle.verify_inclusion(hashed, index, size, path, root)
        assert not merkle.verify_inclusion(merkle.leaf_hash(b"other"), index, size, path, root)
        assert not merkle.verify_inclusion(hashed, index, size, [*path, root], root)
        if path:
            assert not merkle.verify_inclusion(hashed, index, size, path[:-1], root)
            assert not merkle.verify_inclusion(hashed, (index + 1) % size, size, path, root)
    for first in range(1, size + 1):
        path, old = merkle.consistency_path(first, size, tree.nodes), merkle.root(first, tree.nodes)
        assert path == naive_proof(first, leaves)
        assert merkle.verify_consistency(first, size, path, old, root)
        assert not merkle.verify_consistency(first, size, path, merkle.leaf_hash(b"other"), root)
        assert not merkle.verify_consistency(first, size, [*path, root], old, root)
    assert not merkle.verify_inclusion(b"", size, size, [], root)
    assert not merkle.verify_consistency(size + 1, size, [], root, root)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=8), max_size=70))
def test_the_streamed_root_is_the_naive_one(leaves):
    stack: list[bytes] = []
    for size, leaf in enumerate(leaves):
        stack = merkle.push(stack, size, merkle.leaf_hash(leaf))
    assert merkle.fold(stack) == naive_root(leaves)
    assert len(stack) == len(leaves).bit_count()


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    engine = open_database(tmp_path)
    metadata.create_all(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def append(connection: sa.Connection, count: int) -> list[int]:
    return [
        log.append_entry(connection, {"kind": "publication", "release": f"r{n}"}, actor=ACTOR, now=NOW)
        for n in range(count)
    ]


def test_the_stored_log_gives_roots_proofs_and_signed_heads(connection):
    assert log.log_root(connection) == merkle.EMPTY_ROOT
    assert append(connection, 11) == list(range(11))
    leaves = [e["leaf"].encode() for e in log.entries(connection)]
    assert log.log_root(connection) == naive_root(leaves)
    assert log.verify_log(connection) == (11, naive_root(leaves))
    assert log.log_root(connection, 6) == naive_root(leaves[:6])
    head = log.tree_head(connection, KEY, NOW)
    assert log.verify_tree_head(head, signatures.public_key(KEY))
    assert not log.verify_tree_head(head | {"size": 12}, signatures.public_key(KEY))
    assert not log.verify_tree_head(head, signatures.public_key(bytes(32)))
    assert [e["index"] for e in log.entries_about(connection, "r7")] == [7]
    with pytest.raises(NotFound):
        log.inclusion_proof(connection, 11)
    with pytest.raises(Refused):
        log.consistency_proof(connection, 3, 12)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda c: c.execute(log_entries.update().where(log_entries.c.index == 3).values(leaf=b'{"kind":"forged"}')),
        lambda c: c.execute(log_entries.delete().where(log_entries.c.index == 3)),
        lambda c: c.execute(log_entries.delete().where(log_entries.c.index == 8)),
        lambda c: c.exec_driver_sql("UPDATE log_nodes SET hash = zeroblob(32) WHERE level = 2"),
    ],
)
def test_altering_the_database_is_noticed(connection, tamper):
    append(connection, 9)
    for table in ("log_entries", "log_nodes"):
        for verb in ("update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER {table}_no_{verb}")
    tamper(connection)
    with pytest.raises(Conflict, match="log-altered"):
        log.verify_log(connection)


def test_leaves_cut_off_at_the_end_show_against_a_head_that_somebody_kept(connection):
    append(connection, 9)
    head = log.tree_head(connection, KEY, NOW)
    for table in ("log_entries", "log_nodes"):
        connection.exec_driver_sql(f"DROP TRIGGER {table}_no_delete")
    connection.execute(log_entries.delete().where(log_entries.c.index == 8))
    connection.exec_driver_sql('DELETE FROM log_nodes WHERE level = 0 AND "index" = 8')
    assert log.verify_log(connection)[0] == 8
    with pytest.raises(Refused, match="invalid-log-size"):
        log.consistency_proof(connection, head["size"])


def test_canonical_json_is_one_form_per_value():
    assert canonical_json({"b": [1, None, True], "a": "中"}) == '{"a":"中","b":[1,null,true]}'.encode()
    assert canonical_digest({"a": 1, "b": 2}) == canonical_digest({"b": 2, "a": 1})
    with pytest.raises(TypeError):
        canonical_json({"a": [1.5]})


def test_signatures_are_those_of_rfc_8032():
    # RFC 8032 §7.1, test 1: the key pair
    secret = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert signatures.public_key(secret) == public
    signature = signatures.sign({"a": "b"}, secret)
    assert signatures.verify({"a": "b"}, signature, public)
    assert not signatures.verify({"a": "c"}, signature, public)
    assert not signatures.verify({"a": "b"}, "zz", public)
    assert not signatures.verify({"a": "b"}, signature, "00")
