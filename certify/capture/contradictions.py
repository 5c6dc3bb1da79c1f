"""List for officers what the cameras of a person's captures contradicted, in words, with what each may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from certify.service import Unit
from certify.storage.sessions import liveness_checks_of
from models.liveness.contradictions import BY_CODE, Effect
from models.liveness.source import NAME

_NEWEST = 20
"""Captures of a person that are looked at: those of some years."""


@dataclass(frozen=True, slots=True)
class Contradicted:
    """One contradiction in one capture.

    Attributes:
        session_id: the capture session.
        decided_at: when it was decided.
        code: stable name (``models/liveness/contradictions.py``).
        effect: what it may do: fails, asks, doubts or noted.
        text: one sentence.
    """

    session_id: UUID
    decided_at: datetime
    code: str
    effect: Effect
    text: str


def contradictions_of(unit: Unit, person: UUID) -> list[Contradicted]:
    """Return what is stored with the newest captures of a person, newest first."""
    return [
        Contradicted(session_id, decided_at, code, BY_CODE[code].effect, BY_CODE[code].text)
        for session_id, decided_at, checks in liveness_checks_of(unit.db, person, limit=_NEWEST)
        for code in contradictions_in(checks)
    ]


def contradictions_in(checks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the codes of the contradictions in the stored checks of one film, in the order of the table.

    Args:
        checks: as in the report of a session.
    """
    values: Mapping[str, Any] = next((check["values"] for check in checks if check["name"] == NAME), {})
    # Films of earlier releases have only the reason of their check.
    told = {check["reason"] for check in checks if check["name"] == NAME}
    return [code for code in BY_CODE if ("rules" in values and values.get(code) == 1) or code in told]
