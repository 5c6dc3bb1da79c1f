"""Tablets: an officer invites one for an agent, the agent enrols it with a passkey, and either may be ended at once.

What a tablet is, is two keys: a passkey (WebAuthn), which only the agent can use and which signs in; and a signing key
that lives in the browser, cannot be read out of it, and signs what is sealed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticatorAttachment,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from sqlalchemy import delete, select

from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import AgentState, TabletState
from certify.doorstep.bundle import public_key
from certify.errors import CertifyError, Conflict, NotFound
from certify.service import Unit
from certify.storage.tables.doorstep import AgentRow, TabletChallengeRow, TabletRow

INVITATION = timedelta(hours=24)
"""For so long the officer's code enrols a tablet: it is handed over, not sent around."""
_CHALLENGE = timedelta(minutes=5)
MAX_TABLETS = 3
"""Of one agent at once: one in use, one that replaces it, one that is being repaired."""


class TabletRefused(CertifyError):
    """Not this tablet, not this agent, or not any more."""

    code = ErrorCode.TABLET_REFUSED


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a tablet needs to make its passkey."""

    tablet: TabletRow
    agent: AgentRow
    options: Mapping[str, Any]


def invite_tablet(unit: Unit, agent: AgentRow, *, officer: str) -> tuple[TabletRow, str]:
    """Invite a tablet for an agent; return it with the secret that enrols it once. Raises Conflict."""
    if agent.state == AgentState.SUSPENDED:
        raise Conflict("This agent is suspended.", code=ErrorCode.AGENT_SUSPENDED)
    if sum(row.state == TabletState.ACTIVE for row in tablets_of(unit, agent.id)) >= MAX_TABLETS:
        raise Conflict("This agent has enough tablets.", hint="Revoke one first.", code=ErrorCode.TOO_MANY_TABLETS)
    secret = base64.urlsafe_b64encode(unit.service.random_bytes(20)).rstrip(b"=").decode()
    row = TabletRow(
        id=unit.service.new_id(),
        agent_id=agent.id,
        state=TabletState.INVITED,
        invited_by=officer,
        invited_at=unit.now,
        invite_hash=_invite_hash(unit, secret),
        invite_expires_at=unit.now + INVITATION,
    )
    unit.db.add(row)
    unit.db.flush()
    unit.ledger(LedgerEvent.TABLET_INVITED, None, tablet=str(row.id), agent=str(agent.id), officer=officer)
    return row, secret


def begin_enrolment(unit: Unit, secret: str) -> Enrolment:
    """Return what a tablet with an invitation is to make. Raises TabletRefused."""
    tablet = _invited(unit, secret)
    agent = unit.db.get_one(AgentRow, tablet.agent_id)
    user = PublicKeyCredentialUserEntity(id=agent.id.bytes, name=agent.badge, display_name=agent.name)
    options, _ = _server(unit).register_begin(
        user,
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
        authenticator_attachment=AuthenticatorAttachment.PLATFORM,
        challenge=_challenge(unit, tablet),
    )
    return Enrolment(tablet, agent, dict(options)["publicKey"])


def enrol_tablet(unit: Unit, secret: str, *, jwk: Mapping[str, Any], credential: Mapping[str, Any]) -> TabletRow:
    """Enrol a tablet: its signing key and the passkey it has made. Raises TabletRefused, Invalid (``device_key``)."""
    tablet = _invited(unit, secret)
    public_key(jwk)
    try:
        state = _answered(unit, tablet, credential)
        made = _server(unit).register_complete(state, credential).credential_data
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refused() from error
    if made is None:
        raise _refused()
    tablet.state, tablet.enrolled_at, tablet.seen_at = TabletState.ACTIVE, unit.now, unit.now
    tablet.invite_hash = None
    tablet.public_jwk = {name: str(jwk[name]) for name in ("kty", "crv", "x", "y")}
    tablet.passkey = bytes(made)
    unit.db.flush()
    unit.ledger(LedgerEvent.TABLET_ENROLLED, None, tablet=str(tablet.id), agent=str(tablet.agent_id))
    return tablet


def begin_sign_in(unit: Unit, tablet_id: UUID) -> Mapping[str, Any]:
    """Return what a tablet's passkey is to sign. Raises TabletRefused."""
    tablet = _active(unit, tablet_id)
    options, _ = _server(unit).authenticate_begin(
        [_passkey(tablet)],
        user_verification=UserVerificationRequirement.REQUIRED,
        challenge=_challenge(unit, tablet),
    )
    found: Mapping[str, Any] = dict(options)["publicKey"]
    return found


def sign_in(unit: Unit, tablet_id: UUID, credential: Mapping[str, Any]) -> TabletRow:
    """Check the passkey's answer and return the tablet that is signed in. Raises TabletRefused."""
    tablet = _active(unit, tablet_id)
    try:
        state = _answered(unit, tablet, credential)
        _server(unit).authenticate_complete(state, [_passkey(tablet)], credential)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refused() from error
    tablet.seen_at = unit.now
    return tablet


def require_tablet(unit: Unit, tablet_id: UUID) -> TabletRow:
    """Return a tablet that may work now: not revoked, its agent not suspended. Raises TabletRefused."""
    return _active(unit, tablet_id)


def revoke_tablet(unit: Unit, tablet_id: UUID, *, officer: str) -> TabletRow:
    """End a tablet: lost, stolen, or not needed any more. What it sends from now on is kept for inquiry only.

    Raises NotFound. Safe to repeat.
    """
    tablet = unit.db.get(TabletRow, tablet_id, with_for_update=True)
    if tablet is None:
        raise NotFound("There is no such tablet.", code=ErrorCode.TABLET_NOT_FOUND)
    if tablet.state != TabletState.REVOKED:
        _revoke(unit, tablet, officer)
    return tablet


def end_tablets_of(unit: Unit, agent_id: UUID) -> None:
    """Revoke all tablets of an agent."""
    for tablet in tablets_of(unit, agent_id):
        if tablet.state != TabletState.REVOKED:
            _revoke(unit, tablet, unit.actor)


def tablets_of(unit: Unit, agent_id: UUID) -> Sequence[TabletRow]:
    """Return an agent's tablets, newest first."""
    query = select(TabletRow).where(TabletRow.agent_id == agent_id)
    return unit.db.scalars(query.order_by(TabletRow.invited_at.desc())).all()


def purge_challenges(unit: Unit) -> None:
    """Delete challenges that nobody answered."""
    unit.db.execute(delete(TabletChallengeRow).where(TabletChallengeRow.expires_at <= unit.now))


def _revoke(unit: Unit, tablet: TabletRow, officer: str) -> None:
    tablet.state, tablet.revoked_at, tablet.revoked_by, tablet.invite_hash = (
        TabletState.REVOKED,
        unit.now,
        officer,
        None,
    )
    unit.db.flush()
    unit.ledger(LedgerEvent.TABLET_REVOKED, None, tablet=str(tablet.id), agent=str(tablet.agent_id), officer=officer)


def _invited(unit: Unit, secret: str) -> TabletRow:
    query = select(TabletRow).where(
        TabletRow.invite_hash == _invite_hash(unit, secret), TabletRow.state == TabletState.INVITED
    )
    tablet = unit.db.scalars(query.with_for_update()).one_or_none()
    if tablet is None or tablet.invite_expires_at <= unit.now:
        raise TabletRefused(
            "This code does not enrol a tablet: it was used, or its time has run out.",
            hint="Ask the office for a new one.",
        )
    return tablet


def _active(unit: Unit, tablet_id: UUID) -> TabletRow:
    tablet = unit.db.get(TabletRow, tablet_id)
    if tablet is None or tablet.state != TabletState.ACTIVE or tablet.passkey is None:
        raise _refused()
    if unit.db.get_one(AgentRow, tablet.agent_id).state == AgentState.SUSPENDED:
        raise _refused()
    return tablet


def _challenge(unit: Unit, tablet: TabletRow) -> bytes:
    challenge = unit.service.random_bytes(32)
    unit.db.add(TabletChallengeRow(challenge=challenge, tablet_id=tablet.id, expires_at=unit.now + _CHALLENGE))
    unit.db.flush()
    return challenge


def _answered(unit: Unit, tablet: TabletRow, credential: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find the challenge that was answered, use it up, and return the state that the checks want."""
    said = json.loads(_unpadded(credential["response"]["clientDataJSON"]))["challenge"]
    gone = (
        delete(TabletChallengeRow)
        .where(
            TabletChallengeRow.challenge == _unpadded(said),
            TabletChallengeRow.tablet_id == tablet.id,
            TabletChallengeRow.expires_at > unit.now,
        )
        .returning(TabletChallengeRow.challenge)
    )
    if unit.db.scalars(gone).one_or_none() is None:
        raise ValueError("no such challenge")
    return {"challenge": said, "user_verification": UserVerificationRequirement.REQUIRED}


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(str(text) + "=" * (-len(str(text)) % 4))


def _passkey(tablet: TabletRow) -> AttestedCredentialData:
    return AttestedCredentialData(tablet.passkey or b"")


def _server(unit: Unit) -> Fido2Server:
    """Passkeys belong to the name under which people reach the service."""
    address = urlsplit(unit.service.settings.public_url)
    origin = f"{address.scheme}://{address.netloc}"
    rp = PublicKeyCredentialRpEntity(name=unit.service.settings.issuer_name, id=address.hostname)
    return Fido2Server(rp, verify_origin=lambda said: said == origin)


def _invite_hash(unit: Unit, secret: str) -> bytes:
    return unit.service.vault.lookup_hash(unit.db, "tablet-invitation", secret)


def _refused() -> TabletRefused:
    return TabletRefused("This tablet may not be used: it is not enrolled, or was revoked.", hint="Call your office.")
