"""Tablets: an officer invites one for an agent, the agent enrols it with a passkey, and an officer can revoke it.

A tablet has two keys. The passkey (WebAuthn) signs in, and only the agent can use it. The signing key lives in the
browser, cannot be read out of it, and signs sealed visits.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
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

from certify.domain.error_codes import ErrorCode
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import AgentState, SignInEnd, TabletState
from certify.doorstep.bundle import public_key
from certify.errors import CertifyError, Conflict, NotFound
from certify.people.sign_ins import end_tablet_sign_ins
from certify.service import Unit
from certify.storage.agents import get_agent
from certify.storage.tables.doorstep import AgentRow, TabletChallengeRow, TabletRow
from certify.storage.tablets import lock_invited_tablet, lock_tablet, tablets_of, use_challenge

INVITATION = timedelta(hours=24)
"""How long an officer's code can enrol a tablet. It is short, because the officer hands the code over in person."""

MAX_TABLETS = 3
"""Active tablets of one agent: one in use, one that replaces it, one in repair."""

_CHALLENGE = timedelta(minutes=5)


class TabletRefused(CertifyError):
    """The tablet is not enrolled or was revoked, or its agent is suspended."""

    code = ErrorCode.TABLET_REFUSED


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a tablet needs to create its passkey: ``options`` are those of WebAuthn's ``credentials.create``."""

    tablet: TabletRow
    agent: AgentRow
    options: Mapping[str, Any]


def invite_tablet(unit: Unit, agent: AgentRow, *, officer: str) -> tuple[TabletRow, str]:
    """Invite a tablet for an agent.

    Args:
        unit: the transaction.
        agent: the agent.
        officer: who invites.

    Returns:
        The tablet, in state ``invited``, and the secret that enrols it once.

    Raises:
        Conflict: the agent is suspended (``agent_suspended``), or has ``MAX_TABLETS`` active tablets
            (``too_many_tablets``).
    """
    if agent.state == AgentState.SUSPENDED:
        raise Conflict("This agent is suspended.", code=ErrorCode.AGENT_SUSPENDED)
    if sum(row.state == TabletState.ACTIVE for row in tablets_of(unit.db, agent.id)) >= MAX_TABLETS:
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
    """Begin to enrol a tablet with an invitation.

    Args:
        unit: the transaction.
        secret: the secret of the invitation.

    Returns:
        The options for the tablet's passkey.

    Raises:
        TabletRefused: the invitation was used, is unknown or too old (``tablet_refused``).
    """
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
    """Enrol a tablet with its signing key and its passkey.

    Args:
        unit: the transaction.
        secret: the secret of the invitation.
        jwk: the public signing key as a JWK, on the curve P-256.
        credential: the answer of WebAuthn's ``credentials.create``.

    Returns:
        The tablet, in state ``active``.

    Raises:
        TabletRefused: the invitation or the passkey's answer is not valid (``tablet_refused``).
        Invalid: this is not a signing key (``device_key``).
    """
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
    """Begin a sign-in.

    Args:
        unit: the transaction.
        tablet_id: id of the tablet.

    Returns:
        The options of WebAuthn's ``credentials.get``, with a challenge that is valid for five minutes.

    Raises:
        TabletRefused: the tablet cannot be used (``tablet_refused``).
    """
    tablet = _active(unit, tablet_id)
    options, _ = _server(unit).authenticate_begin(
        [_passkey(tablet)],
        user_verification=UserVerificationRequirement.REQUIRED,
        challenge=_challenge(unit, tablet),
    )
    public: Mapping[str, Any] = dict(options)["publicKey"]
    return public


def sign_in(unit: Unit, tablet_id: UUID, credential: Mapping[str, Any]) -> TabletRow:
    """Sign a tablet in if its passkey's answer is valid.

    Args:
        unit: the transaction.
        tablet_id: id of the tablet.
        credential: the answer of WebAuthn's ``credentials.get``.

    Returns:
        The tablet.

    Raises:
        TabletRefused: the answer is not valid, or the tablet cannot be used (``tablet_refused``).
    """
    tablet = _active(unit, tablet_id)
    try:
        state = _answered(unit, tablet, credential)
        _server(unit).authenticate_complete(state, [_passkey(tablet)], credential)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refused() from error
    tablet.seen_at = unit.now
    return tablet


def require_tablet(unit: Unit, tablet_id: UUID) -> TabletRow:
    """Return a tablet that can be used now.

    Args:
        unit: the transaction.
        tablet_id: id of the tablet.

    Returns:
        The tablet.

    Raises:
        TabletRefused: it is not enrolled or was revoked, or its agent is suspended (``tablet_refused``).
    """
    return _active(unit, tablet_id)


def revoke_tablet(unit: Unit, tablet_id: UUID, *, officer: str) -> TabletRow:
    """Revoke a tablet that was lost, stolen, or is no longer needed.

    Visits that it sends later are kept for inquiry only. Safe to repeat.

    Args:
        unit: the transaction.
        tablet_id: id of the tablet.
        officer: who revokes it.

    Returns:
        The tablet, in state ``revoked``.

    Raises:
        NotFound: no such tablet (``tablet_not_found``).
    """
    tablet = lock_tablet(unit.db, tablet_id)
    if tablet is None:
        raise NotFound("There is no such tablet.", code=ErrorCode.TABLET_NOT_FOUND)
    if tablet.state != TabletState.REVOKED:
        _revoke(unit, tablet, officer)
    return tablet


def revoke_tablets_of(unit: Unit, agent_id: UUID) -> None:
    """Revoke all tablets of an agent, in the name of the unit's actor."""
    for tablet in tablets_of(unit.db, agent_id):
        if tablet.state != TabletState.REVOKED:
            _revoke(unit, tablet, unit.actor)


def end_sign_ins_of_agent(unit: Unit, agent_id: UUID) -> int:
    """Sign an agent out on all tablets at once, in the name of the unit's actor; return how many sign-ins ended.

    Args:
        unit: the transaction.
        agent_id: id of the agent.

    Returns:
        The number of sign-ins that were live.

    Raises:
        NotFound: no such agent (``agent_not_found``).
    """
    agent = get_agent(unit.db, agent_id, lock=True)
    tablets = [tablet.id for tablet in tablets_of(unit.db, agent.id)]
    ended = end_tablet_sign_ins(unit, tablets, SignInEnd.ENDED_BY_OFFICER)
    unit.ledger(LedgerEvent.SIGN_INS_ENDED, None, agent=str(agent.id), because=SignInEnd.ENDED_BY_OFFICER.value)
    return ended


def _revoke(unit: Unit, tablet: TabletRow, officer: str) -> None:
    tablet.state, tablet.revoked_at, tablet.revoked_by, tablet.invite_hash = (
        TabletState.REVOKED,
        unit.now,
        officer,
        None,
    )
    unit.db.flush()
    end_tablet_sign_ins(unit, [tablet.id], SignInEnd.TABLET_REVOKED)
    unit.ledger(LedgerEvent.TABLET_REVOKED, None, tablet=str(tablet.id), agent=str(tablet.agent_id), officer=officer)


def _invited(unit: Unit, secret: str) -> TabletRow:
    tablet = lock_invited_tablet(unit.db, _invite_hash(unit, secret))
    if tablet is None or tablet.invite_expires_at <= unit.now:
        raise TabletRefused(
            "This code does not enrol a tablet: it was used, or its time has run out.",
            hint="Ask the office for a new code.",
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
    """Use up the challenge that was answered, and return the state that the library checks the answer with."""
    challenge = json.loads(_unpadded(credential["response"]["clientDataJSON"]))["challenge"]
    if not use_challenge(unit.db, _unpadded(challenge), tablet_id=tablet.id, now=unit.now):
        raise ValueError("no such challenge")
    return {"challenge": challenge, "user_verification": UserVerificationRequirement.REQUIRED}


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(str(text) + "=" * (-len(str(text)) % 4))


def _passkey(tablet: TabletRow) -> AttestedCredentialData:
    return AttestedCredentialData(tablet.passkey or b"")


def _server(unit: Unit) -> Fido2Server:
    """Return the WebAuthn server for the host name of the public address, which passkeys belong to."""
    address = urlsplit(unit.service.settings.public_url)
    origin = f"{address.scheme}://{address.netloc}"
    rp = PublicKeyCredentialRpEntity(name=unit.service.settings.issuer_name, id=address.hostname)
    return Fido2Server(rp, verify_origin=lambda given: given == origin)


def _invite_hash(unit: Unit, secret: str) -> bytes:
    return unit.service.vault.lookup_hash(unit.db, "tablet-invitation", secret)


def _refused() -> TabletRefused:
    return TabletRefused("This tablet may not be used: it is not enrolled, or was revoked.", hint="Call your office.")
