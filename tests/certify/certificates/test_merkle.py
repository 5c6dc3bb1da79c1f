"""The Merkle tree: roots and proofs are those of RFC 9162, and no other leaf or tree verifies."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree  # type: ignore[import-untyped]

from certify.certificates.merkle import (
    EMPTY_ROOT,
    append,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

from .memory_nodes import MemoryNodes

LIMIT = 70
# The test data of Certificate Transparency implementations (RFC 6962), as in google/certificate-transparency.
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def build(entries: list[bytes]) -> MemoryNodes:
    store = MemoryNodes()
    for size, entry in enumerate(entries):
        append(store, size, leaf_hash(entry))
    return store


ENTRIES = [bytes([i, i >> 4]) for i in range(LIMIT)]
STORE = build(ENTRIES)


def by_definition(hashes: list[bytes]) -> bytes:
    """Compute the root as RFC 9162 section 2.1.1 defines it."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(by_definition(hashes[:split]), by_definition(hashes[split:]))


def subproof(old: int, hashes: list[bytes], *, whole: bool) -> list[bytes]:
    """Compute the proof as RFC 9162 section 2.1.4.1 defines it. (pymerkle has a form of its own.)"""
    if old == len(hashes):
        return [] if whole else [by_definition(hashes)]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    if old <= split:
        return [*subproof(old, hashes[:split], whole=whole), by_definition(hashes[split:])]
    return [*subproof(old - split, hashes[split:], whole=False), by_definition(hashes[:split])]


def test_every_consistency_proof_is_the_one_of_the_definition() -> None:
    hashes = [leaf_hash(entry) for entry in ENTRIES[:40]]
    for new in range(1, 41):
        for old in range(1, new + 1):
            assert consistency_proof(STORE, old, new) == subproof(old, hashes[:new], whole=True)


def test_certificate_transparency_vectors() -> None:
    store = build([bytes.fromhex(leaf) for leaf in CT_LEAVES])
    assert [root(store, size).hex() for size in range(1, 9)] == CT_ROOTS
    assert root(store, 0) == EMPTY_ROOT
    assert [node.hex() for node in inclusion_proof(store, 0, 8)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [node.hex() for node in inclusion_proof(store, 5, 8)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        CT_ROOTS[3],
    ]
    assert [node.hex() for node in consistency_proof(store, 6, 8)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        CT_ROOTS[3],
    ]
    assert [node.hex() for node in consistency_proof(store, 2, 5)] == [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ]


def test_every_root_is_the_one_of_the_definition() -> None:
    hashes = [leaf_hash(entry) for entry in ENTRIES]
    for size in range(LIMIT + 1):
        assert root(STORE, size) == by_definition(hashes[:size])


def test_every_inclusion_proof_verifies_and_no_other_leaf_does() -> None:
    for size in range(1, LIMIT + 1):
        top = root(STORE, size)
        for index in range(size):
            proof = inclusion_proof(STORE, index, size)
            leaf = leaf_hash(ENTRIES[index])
            assert verify_inclusion(leaf=leaf, index=index, size=size, proof=proof, root=top)
            other = (index + 1) % size
            if other != index:
                assert not verify_inclusion(leaf=leaf, index=other, size=size, proof=proof, root=top)
            assert not verify_inclusion(leaf=leaf_hash(b"x"), index=index, size=size, proof=proof, root=top)
            assert not verify_inclusion(leaf=leaf, index=index, size=size, proof=[*proof, top], root=top)
            assert not verify_inclusion(leaf=leaf, index=index, size=size, proof=proof[1:], root=top) or not proof


def test_every_consistency_proof_verifies_and_no_other_tree_does() -> None:
    forged = build([b"forged", *ENTRIES[1:]])
    for new in range(LIMIT + 1):
        for old in range(new + 1):
            proof = consistency_proof(STORE, old, new)
            sizes = {"old_size": old, "new_size": new}
            one, two = root(STORE, old), root(STORE, new)
            assert verify_consistency(**sizes, old_root=one, new_root=two, proof=proof)
            if old:
                assert not verify_consistency(**sizes, old_root=root(forged, old), new_root=two, proof=proof)
                assert not verify_consistency(**sizes, old_root=one, new_root=root(forged, new), proof=proof)
            assert not verify_consistency(**sizes, old_root=one, new_root=two, proof=[*proof, two])
            if proof:
                assert not verify_consistency(**sizes, old_root=one, new_root=two, proof=proof[:-1])


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=80), st.data())
def test_against_pymerkle(entries: list[bytes], data: st.DataObject) -> None:
    oracle = InmemoryTree(algorithm="sha256")
    for entry in entries:
        oracle.append_entry(entry)
    store = build(entries)
    size = data.draw(st.integers(1, len(entries)))
    index = data.draw(st.integers(0, size - 1))
    assert root(store, size) == oracle.get_root(size)
    theirs = oracle.prove_inclusion(index + 1, size).path  # counts from one, and begins with the leaf
    assert inclusion_proof(store, index, size) == theirs[1:]


class Counting(MemoryNodes):
    reads = 0

    def get(self, level: int, index: int) -> bytes:
        self.reads += 1
        return super().get(level, index)


def test_reads_are_logarithmic() -> None:
    store = Counting()
    size = 5_000
    for count in range(size):
        append(store, count, leaf_hash(count.to_bytes(4, "big")))
    assert store.reads < size  # one read per completed subtree
    for work in (
        lambda: root(store, size - 1),
        lambda: inclusion_proof(store, 1_234, size - 1),
        lambda: consistency_proof(store, 1_357, size - 1),
    ):
        store.reads = 0
        work()
        assert store.reads <= 3 * size.bit_length()


def test_append_returns_the_stored_nodes() -> None:
    store = build(ENTRIES[:3])
    nodes = append(store, 3, leaf_hash(ENTRIES[3]))
    assert [(node.level, node.index) for node in nodes] == [(0, 3), (1, 1), (2, 0)]
    assert all(store.get(node.level, node.index) == node.value for node in nodes)


def test_bad_arguments() -> None:
    for index, size in ((-1, 1), (1, 1), (0, 0)):
        with pytest.raises(ValueError, match="leaf"):
            inclusion_proof(STORE, index, size)
    for old, new in ((-1, 1), (2, 1)):
        with pytest.raises(ValueError, match="larger"):
            consistency_proof(STORE, old, new)
    with pytest.raises(ValueError, match="32 bytes"):
        append(MemoryNodes(), 0, b"short")
    with pytest.raises(ValueError, match="zero or more"):
        root(STORE, -1)
    with pytest.raises(LookupError):
        root(STORE, LIMIT + 1)
    assert not verify_inclusion(leaf=b"", index=0, size=1, proof=[], root=b"")
    assert not verify_inclusion(leaf=bytes(32), index=-1, size=1, proof=[], root=bytes(32))
    assert not verify_consistency(old_size=2, new_size=1, old_root=bytes(32), new_root=bytes(32), proof=[])
    assert not verify_consistency(old_size=1, new_size=2, old_root=bytes(32), new_root=bytes(32), proof=[])
