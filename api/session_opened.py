"""Build the answer to a request that opened a capture session: the session and its token."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from api import views
from api.schemas.sessions import SessionOpened
from certify.issuers.tokens import Role, Signer
from certify.people.access import device_mark
from certify.service import Unit
from certify.storage.tables.sessions import SessionRow

_RESULT_LIFETIME = timedelta(hours=24)
"""How long the token can still read the result after the session has ended."""


def opened(
    signer: Signer, unit: Unit, row: SessionRow, *, subject: UUID, device_id: str | None = None
) -> SessionOpened:
    """Return a new session with its token.

    Args:
        signer: signs the token.
        unit: the transaction that the session was opened in.
        row: the new session.
        subject: id that the token carries for all to read: of the person, or of the session if the caller must not
            learn who the person is.
        device_id: the device on which the token is good; None for any device.
    """
    token = signer.issue(
        subject=str(subject),
        role=Role.PENSIONER,
        now=unit.now,
        lifetime=row.expires_at - unit.now + _RESULT_LIFETIME,
        session=row.id,
        device=None if device_id is None else device_mark(device_id),
    )
    return SessionOpened(session=views.new_session(row, unit.now), token=token)
