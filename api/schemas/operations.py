"""Bodies of health checks and of proofs about the ledger."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.base import Out


class HealthOut(Out):
    """The state of the process: alive, or ready with the parts that were checked."""

    status: Literal["ok"]
    checks: dict[str, str] = Field(default_factory=dict)


class InclusionOut(Out):
    """An entry of the ledger, and the proof that the tree of ``size`` leaves contains it (RFC 9162)."""

    index: int
    size: int
    entry: str
    proof: list[str]


class ConsistencyOut(Out):
    """The proof that the tree of ``new_size`` leaves begins with the tree of ``old_size`` leaves (RFC 9162)."""

    old_size: int
    new_size: int
    proof: list[str]
