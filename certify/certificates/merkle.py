"""The ledger's Merkle tree: hashes and proofs of RFC 9162 section 2.1 over stored complete subtrees.

A node (level, index) is the root of the complete subtree over the leaves from index * 2^level (inclusive) to
(index + 1) * 2^level (exclusive); level 0 holds the leaf hashes. Complete subtrees never change, so a store only grows,
and the tree of every earlier size can be read from it. Every function accesses the store O(log n) times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

HASH_BYTES = 32


class NodeStore(Protocol):
    """A store for the hashes of complete subtrees."""

    def get(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree that was stored before.

        Raises:
            LookupError: it was not stored.
        """
        ...

    def put(self, level: int, index: int, value: bytes) -> None:
        """Store the hash of a complete subtree. It is called once for each subtree."""
        ...


@dataclass(frozen=True, slots=True)
class Node:
    """A complete subtree: its level, its index on the level, its hash of 32 bytes."""

    level: int
    index: int
    value: bytes


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 || entry), RFC 9162 section 2.1.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 || left || right), RFC 9162 section 2.1.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


EMPTY_ROOT = hashlib.sha256(b"").digest()


def append(store: NodeStore, size: int, leaf: bytes) -> list[Node]:
    """Add a leaf hash to a tree, so that it has ``size`` + 1 leaves.

    Args:
        store: where the leaf and every subtree that it completes are stored.
        size: number of leaves before.
        leaf: hash of the new leaf, 32 bytes.

    Returns:
        The stored nodes, lowest level first.

    Raises:
        ValueError: the hash is not 32 bytes, or the size is negative.
    """
    if len(leaf) != HASH_BYTES or size < 0:
        raise ValueError("a leaf is a hash of 32 bytes, at a size of zero or more")
    created = [Node(0, size, leaf)]
    while created[-1].index % 2 == 1:
        child = created[-1]
        value = node_hash(store.get(child.level, child.index - 1), child.value)
        created.append(Node(child.level + 1, child.index // 2, value))
    for node in created:
        store.put(node.level, node.index, node.value)
    return created


def root(store: NodeStore, size: int) -> bytes:
    """Return the root of the tree over the first ``size`` leaves (RFC 9162 section 2.1.1).

    Args:
        store: the stored nodes.
        size: number of leaves.

    Returns:
        The root hash, 32 bytes.

    Raises:
        ValueError: the size is negative.
        LookupError: the store has fewer leaves.
    """
    if size < 0:
        raise ValueError("a size is zero or more")
    return EMPTY_ROOT if size == 0 else _range_hash(store, 0, size)


def inclusion_proof(store: NodeStore, index: int, size: int) -> list[bytes]:
    """Return the proof that a leaf is in the tree of the first ``size`` leaves (RFC 9162 section 2.1.3.1).

    Args:
        store: the stored nodes.
        index: index of the leaf, from 0.
        size: number of leaves.

    Returns:
        The hashes of the path, from the leaf to the root.

    Raises:
        ValueError: not 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError("a leaf is included only in larger trees")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_hash(store, middle, end))
            end = middle
        else:
            path.append(_range_hash(store, start, middle))
            start = middle
    return path[::-1]


def consistency_proof(store: NodeStore, old: int, new: int) -> list[bytes]:
    """Return the proof that the tree of ``old`` leaves is a beginning of the tree of ``new`` (section 2.1.4.1).

    Args:
        store: the stored nodes.
        old: number of leaves of the older tree.
        new: number of leaves of the newer tree.

    Returns:
        The hashes of the proof; empty for equal sizes and for an old size of zero, which fits every tree.

    Raises:
        ValueError: not 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ValueError("a tree is consistent only with larger ones")
    if old in (0, new):
        return []
    path: list[bytes] = []
    start, end, whole = 0, new, True  # whole: the range is the whole old tree, whose root the verifier has
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_hash(store, middle, end))
            end = middle
        else:
            path.append(_range_hash(store, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(_range_hash(store, start, end))
    return path[::-1]


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether a proof shows that a leaf is in a tree (RFC 9162 section 2.1.3.2).

    Args:
        leaf: hash of the leaf.
        index: index of the leaf, from 0.
        size: number of leaves of the tree.
        proof: the hashes that ``inclusion_proof`` returned.
        root: root hash of the tree.

    Returns:
        True if the proof is right.
    """
    if not 0 <= index < size or not _are_hashes(leaf, root, *proof):
        return False
    position, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            value = node_hash(sibling, value)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and value == root


def verify_consistency(
    *, old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether a proof shows that the new tree only appended to the old one (RFC 9162 section 2.1.4.2).

    Args:
        old_size: number of leaves of the older tree.
        new_size: number of leaves of the newer tree.
        old_root: root hash of the older tree.
        new_root: root hash of the newer tree.
        proof: the hashes that ``consistency_proof`` returned.

    Returns:
        True if the proof is right.
    """
    if not 0 <= old_size <= new_size or not _are_hashes(old_root, new_root, *proof):
        return False
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    if old_size == new_size:
        return not proof and old_root == new_root
    if not proof:
        return False
    path = list(proof)
    if old_size & (old_size - 1) == 0:  # a complete tree: its root is the first node of the path
        path.insert(0, old_root)
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_value = new_value = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old_value, new_value = node_hash(sibling, old_value), node_hash(sibling, new_value)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new_value = node_hash(new_value, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old_value == old_root and new_value == new_root


def _split(count: int) -> int:
    """Return the largest power of two smaller than a count of two or more."""
    return 1 << (count - 1).bit_length() - 1


def _range_hash(store: NodeStore, start: int, end: int) -> bytes:
    """Return the hash over leaves start to end. Start is aligned, so the range consists of complete subtrees."""
    peaks: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        peaks.append(store.get(level, start >> level))
        start += 1 << level
    value = peaks.pop()
    while peaks:
        value = node_hash(peaks.pop(), value)
    return value


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
