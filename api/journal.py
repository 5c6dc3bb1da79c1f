"""Collect, during a request, who reads about whom; the middleware writes it into the access journal before it answers.

The people of the fund themselves are not journalled: they read their own pages.
"""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from certify.issuers.tokens import Principal, Role
from certify.storage.journal import NewRead

READ = "certify.read"
"""Where a request's scope holds what it reads."""

_OWN = frozenset({Role.PENSIONER, Role.SELF})
_NOT_ABOUT_PEOPLE = ("/metrics", "/v1/ledger")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{8,64}")


@dataclass(slots=True)
class Reading:
    """What one request reads: by whom, and about which people."""

    principal: Principal | None = None
    people: set[UUID] = field(default_factory=set)


_reading: ContextVar[Reading | None] = ContextVar("certify_reading", default=None)


def begin(scope: Any, principal: Principal) -> None:
    """Note who calls."""
    reading = scope.get(READ)
    if reading is not None:
        reading.principal = principal
        _reading.set(reading)


def shows(person: UUID | None) -> None:
    """Note that the answer is about a person. Every view of a person, or of something about them, calls this."""
    reading = _reading.get()
    if reading is not None and person is not None:
        reading.people.add(person)


def entry(scope: Any, reading: Reading, *, status: int, now: datetime, request_id: str) -> NewRead | None:
    """Return the entry of a request for the journal; None if it needs none."""
    principal, route = reading.principal, getattr(scope.get("route"), "path", "")
    if principal is None or principal.role in _OWN or status >= 500 or route.startswith(_NOT_ABOUT_PEOPLE):
        return None
    if scope["method"] != "GET" and not reading.people:
        return None  # changes are in the ledger
    named = scope.get("path_params", {})
    person = named.get("beneficiary_id")
    people = reading.people | ({person} if isinstance(person, UUID) else _as_ids(person))
    return NewRead(
        at=now,
        subject=principal.subject,
        issuer=principal.issuer,
        role=principal.role.value,
        request_id=request_id,
        route=f"{scope['method']} {route}",
        target=",".join(map(str, named.values()))[:200],
        status=status,
        people=sorted(people, key=str),
    )


def request_id_of(scope: Any) -> str:
    """Return the id of a request: that of the proxy or caller, if it is a plain one, or a new one."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def _as_ids(text: object) -> set[UUID]:
    try:
        return {UUID(str(text))} if text else set()
    except ValueError:
        return set()
