"""Transparency log: a Merkle tree over digests of releases and decisions (RFC 9162, the tree of RFC 6962).

Interior nodes of whole subtrees are stored, so that a root or a proof reads O(log n) rows. Leaves are canonical JSON
and hold digests, never a personal value. This module writes and reads; `merkle` is the pure part.
"""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from governance import merkle
from governance.audit import record
from governance.canonical import canonical_json
from governance.database.decision_tables import log_entries, log_nodes
from governance.signatures import public_key, sign, verify
from schemas.actor import Actor
from schemas.errors import Conflict, NotFound, Refused
from schemas.text import Text

ADVISORY_LOCK = 0x676F6E676B6169  # "gongkai"


def append_entry(connection: sa.Connection, entry: dict[str, Any], *, actor: Actor, now: datetime) -> int:
    """Add a leaf; returns its index. entry: needs `kind`; may name its subject as `release` or `dataset`.

    Raises Conflict when another transaction took the same index; running the whole transaction again helps.
    """
    leaf = canonical_json(entry)
    _queue_up(connection)
    index = log_size(connection)
    subject = str(entry.get("release") or entry.get("dataset") or entry.get("decision") or "")[:100]
    nodes = merkle.nodes_of_append(index, merkle.leaf_hash(leaf), lambda level, i: _node(connection, level, i))
    try:
        connection.execute(
            log_entries.insert().values(index=index, kind=entry["kind"], leaf=leaf, subject=subject, at=now)
        )
        connection.execute(log_nodes.insert(), [{"level": v, "index": i, "hash": h} for v, i, h in nodes])
    except sa.exc.IntegrityError:
        raise Conflict(
            "log-busy",
            Text(zh="日志正被同时写入", en="the log is being written at the same time"),
            Text(zh="请重试", en="try again"),
        ) from None
    record(
        connection, actor=actor, action="log.appended", subject=f"log:{index}", now=now, data={"kind": entry["kind"]}
    )
    return index


def _queue_up(connection: sa.Connection) -> None:
    """Appending transactions take turns. SQLite's write lock does that already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_LOCK)))


def log_size(connection: sa.Connection) -> int:
    """Number of leaves."""
    newest = connection.execute(sa.select(sa.func.max(log_entries.c.index))).scalar()
    return 0 if newest is None else newest + 1


def log_root(connection: sa.Connection, size: int | None = None) -> bytes:
    """Root hash (32 bytes) over the first `size` leaves; all by default."""
    return merkle.root(_checked_size(connection, size), lambda level, i: _node(connection, level, i))


def tree_head(connection: sa.Connection, key: bytes, now: datetime) -> dict[str, Any]:
    """Signed tree head: size, root (hex), at, public_key and signature over the first three."""
    size = log_size(connection)
    head = {"size": size, "root": log_root(connection, size).hex(), "at": now.isoformat()}
    return {**head, "public_key": public_key(key), "signature": sign(head, key)}


def verify_tree_head(head: dict[str, Any], public: str) -> bool:
    """Whether the head was signed by the holder of `public` (hex)."""
    return verify({name: head[name] for name in ("size", "root", "at")}, head["signature"], public)


def entry(connection: sa.Connection, index: int) -> dict[str, Any]:
    """index, kind, at, leaf (the text that was hashed) and entry (the same, parsed). Raises NotFound."""
    row = connection.execute(sa.select(log_entries).where(log_entries.c.index == index)).mappings().first()
    if row is None:
        raise NotFound(
            "unknown-log-entry",
            Text(zh="日志中没有这一条", en="the log has no such entry"),
            Text(zh="日志的当前大小见 /api/v1/log", en="/api/v1/log gives the present size of the log"),
            field="index",
        )
    return _entry(row)


def entries(connection: sa.Connection, *, start: int = 0, limit: int = 100) -> list[dict[str, Any]]:
    """Entries from `start` on, in order."""
    query = sa.select(log_entries).where(log_entries.c.index >= start).order_by(log_entries.c.index).limit(limit)
    return [_entry(row) for row in connection.execute(query).mappings()]


def entries_about(connection: sa.Connection, subject: str) -> list[dict[str, Any]]:
    """Entries whose `release` (or else `dataset`) is `subject`."""
    query = sa.select(log_entries).where(log_entries.c.subject == subject).order_by(log_entries.c.index)
    return [_entry(row) for row in connection.execute(query).mappings()]


def inclusion_proof(connection: sa.Connection, index: int, size: int | None = None) -> list[bytes]:
    """Audit path of leaf `index` in the tree of the first `size` leaves, from the leaf upwards."""
    checked = _checked_size(connection, size)
    if not 0 <= index < checked:
        raise NotFound(
            "unknown-log-entry",
            Text(zh="日志中没有这一条", en="the log has no such entry"),
            Text(zh="日志的当前大小见 /api/v1/log", en="/api/v1/log gives the present size of the log"),
            field="index",
        )
    return merkle.inclusion_path(index, checked, lambda level, i: _node(connection, level, i))


def consistency_proof(connection: sa.Connection, first: int, second: int | None = None) -> list[bytes]:
    """Proof that the tree of `first` leaves is a beginning of the tree of `second` leaves."""
    checked = _checked_size(connection, second)
    if not 1 <= first <= checked:
        raise Refused(
            "invalid-log-size",
            Text(zh=f"应在1到{checked}之间", en=f"must be 1 to {checked}"),
            Text(zh="日志的当前大小见 /api/v1/log", en="/api/v1/log gives the present size of the log"),
            field="first",
        )
    return merkle.consistency_path(first, checked, lambda level, i: _node(connection, level, i))


def verify_log(connection: sa.Connection) -> tuple[int, bytes]:
    """(size, root) computed anew from every leaf; every stored node is compared. Raises Conflict on a difference.

    Leaves cut off at the end leave a whole tree: that shows against a signed head somebody kept.
    """
    size, stack = 0, list[bytes]()
    leaves = sa.select(log_entries.c.index, log_entries.c.leaf).order_by(log_entries.c.index)
    completed_by = (log_nodes.c.index + 1).bitwise_lshift(log_nodes.c.level)  # the leaf count that completes a node
    nodes = sa.select(log_nodes.c.level, log_nodes.c.index, log_nodes.c.hash).order_by(completed_by, log_nodes.c.level)
    stored = iter(connection.execute(nodes))
    for index, leaf in connection.execute(leaves):
        hashed = merkle.leaf_hash(leaf)
        for level, place, value in merkle.completed_nodes(stack, size, hashed):
            found = next(stored, None)
            if index != size or found is None or tuple(found) != (level, place, value):
                raise _tampered(size)
        stack = merkle.push(stack, size, hashed)
        size += 1
    if next(stored, None) is not None:
        raise _tampered(size)
    return size, merkle.fold(stack)


def _tampered(index: int) -> Conflict:
    return Conflict(
        "log-altered",
        Text(zh=f"日志在第{index}条附近被改动", en=f"the log was altered near entry {index}"),
        Text(zh="请停止发布并从备份核对", en="stop publishing and compare with a backup"),
    )


def _checked_size(connection: sa.Connection, size: int | None) -> int:
    whole = log_size(connection)
    if size is not None and not 0 <= size <= whole:
        raise Refused(
            "invalid-log-size",
            Text(zh=f"应在0到{whole}之间", en=f"must be 0 to {whole}"),
            Text(zh="日志的当前大小见 /api/v1/log", en="/api/v1/log gives the present size of the log"),
            field="size",
        )
    return whole if size is None else size


def _node(connection: sa.Connection, level: int, index: int) -> bytes:
    stored = connection.execute(
        sa.select(log_nodes.c.hash).where(log_nodes.c.level == level, log_nodes.c.index == index)
    ).scalar()
    if stored is None:
        raise _tampered(index << level)
    return bytes(stored)


def _entry(row: sa.RowMapping) -> dict[str, Any]:
    text = bytes(row["leaf"]).decode()
    return {"index": row["index"], "kind": row["kind"], "at": row["at"], "leaf": text, "entry": json.loads(text)}
