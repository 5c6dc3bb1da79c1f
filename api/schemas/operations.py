"""Bodies about the service itself: health and ledger proofs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.schemas.base import Out


class HealthOut(Out):
    """Alive, or ready with the parts that were checked."""

    status: Literal["ok"]
    checks: dict[str, str] = Field(default_factory=dict)


class InclusionOut(Out):
    """An entry of the ledger and the proof that it is in the tree of ``size`` (RFC 9162)."""

    index: int
    size: int
    entry: str
    proof: list[str]


class ConsistencyOut(Out):
    """The proof that the tree of ``old_size`` is the beginning of that of ``new_size`` (RFC 9162)."""

    old_size: int
    new_size: int
    proof: list[str]
