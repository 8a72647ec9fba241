"""Merkle tree hashes and proofs of RFC 9162 §2.1, pure. Hashes are SHA-256, 32 bytes.

`nodes(level, index)` gives the stored hash of the whole subtree over leaves [index·2^level, (index+1)·2^level).
"""

import hashlib
from collections.abc import Callable, Sequence

Nodes = Callable[[int, int], bytes]
EMPTY_ROOT = hashlib.sha256().digest()


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256 of 0x00 and the leaf (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of 0x01 and both children (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def nodes_of_append(index: int, leaf: bytes, nodes: Nodes) -> list[tuple[int, int, bytes]]:
    """(level, index, hash) of the leaf and of every subtree it completes. leaf: its hash."""
    level, value = 0, leaf
    added = [(level, index, value)]
    while index & 1:
        value = node_hash(nodes(level, index - 1), value)
        level, index = level + 1, index >> 1
        added.append((level, index, value))
    return added


def completed_nodes(stack: Sequence[bytes], size: int, leaf: bytes) -> list[tuple[int, int, bytes]]:
    """What `nodes_of_append` gives for one more leaf (its hash), from the whole subtrees of a tree of `size` leaves.

    stack: the hashes of those subtrees, largest first.
    """
    return nodes_of_append(size, leaf, lambda level, _index: stack[-1 - (size & ((1 << level) - 1)).bit_count()])


def push(stack: Sequence[bytes], size: int, leaf: bytes) -> list[bytes]:
    """The stack after one more leaf."""
    level, _, value = completed_nodes(stack, size, leaf)[-1]
    return [*stack[: len(stack) - level], value]


def fold(stack: Sequence[bytes]) -> bytes:
    """Root of the tree whose whole subtrees have these hashes."""
    if not stack:
        return EMPTY_ROOT
    value = stack[-1]
    for left in reversed(stack[:-1]):
        value = node_hash(left, value)
    return value


def root(size: int, nodes: Nodes) -> bytes:
    return _range_hash(0, size, nodes) if size else EMPTY_ROOT


def inclusion_path(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """PATH(index, D[size]) of §2.1.3.1. Needs 0 <= index < size."""
    path, begin, end = list[bytes](), 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append(_range_hash(middle, end, nodes))
            end = middle
        else:
            path.append(_range_hash(begin, middle, nodes))
            begin = middle
    return path[::-1]


def consistency_path(first: int, second: int, nodes: Nodes) -> list[bytes]:
    """PROOF(first, D[second]) of §2.1.4.1. Needs 1 <= first <= second."""
    return _subproof(first, 0, second, True, nodes)


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], tree_root: bytes) -> bool:
    """§2.1.3.2. leaf: its hash."""
    if not 0 <= index < size:
        return False
    position, last, value = index, size - 1, leaf
    for other in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            value = node_hash(other, value)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            value = node_hash(value, other)
        position, last = position >> 1, last >> 1
    return last == 0 and value == tree_root


def verify_consistency(first: int, second: int, path: Sequence[bytes], first_root: bytes, second_root: bytes) -> bool:
    """§2.1.4.2: whether the tree with `first_root` is a beginning of the one with `second_root`."""
    if first == second:
        return not path and first_root == second_root
    if not 0 < first < second:
        return False
    steps = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not steps:
        return False
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = steps[0]
    for other in steps[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(other, old), node_hash(other, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, other)
        position, last = position >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _range_hash(begin: int, end: int, nodes: Nodes) -> bytes:
    size = end - begin
    if size & (size - 1) == 0:
        return nodes(size.bit_length() - 1, begin // size)
    middle = begin + _split(size)
    return node_hash(_range_hash(begin, middle, nodes), _range_hash(middle, end, nodes))


def _subproof(first: int, begin: int, end: int, whole: bool, nodes: Nodes) -> list[bytes]:
    size = end - begin
    if first == size:
        return [] if whole else [_range_hash(begin, end, nodes)]
    middle = _split(size)
    if first <= middle:
        return [*_subproof(first, begin, begin + middle, whole, nodes), _range_hash(begin + middle, end, nodes)]
    right = _subproof(first - middle, begin + middle, end, False, nodes)
    return [*right, _range_hash(begin, begin + middle, nodes)]
