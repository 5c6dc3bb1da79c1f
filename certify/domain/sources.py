"""Names of the sources that the service itself writes. No registry, agent or officer may record under these names."""

from __future__ import annotations

CERTIFY = "certify"
"""Captures that the service evaluated itself."""

DOORSTEP = "doorstep"
"""Records from sealed visits, such as a death that an agent reports."""

INTEGRITY = "integrity"
"""Holds of an agent's visits: the adverse records of the integrity watch."""

FACES = "faces"
"""Holds of references that look like the face of another person: the adverse records of the search for duplicates."""

PERSON = "person"
"""What the person says, such as "that was not me" about a receipt."""

FUND = "fund"
"""The institution behind what the service, its officers and its agents record."""

OFFICER_PREFIX = "officer"
"""Rulings carry the source ``officer:NAME``."""

RESERVED = frozenset({CERTIFY, DOORSTEP, INTEGRITY, FACES, PERSON})


def officer_source(officer: str) -> str:
    """Return the one source under which everything that an officer records counts."""
    return f"{OFFICER_PREFIX}:{officer}"


def is_reserved(source: str) -> bool:
    """Return whether only the service itself may record under this source."""
    return source in RESERVED or source.startswith(OFFICER_PREFIX)
