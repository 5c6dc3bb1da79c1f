"""A store of Merkle nodes in memory, to compute the roots of a ledger independently of the database."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class MemoryNodes:
    """A NodeStore that keeps its hashes in a dictionary."""

    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def get(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]

    def put(self, level: int, index: int, value: bytes) -> None:
        self.nodes[level, index] = value
