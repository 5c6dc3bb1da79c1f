"""Rotating the service's keys: every purpose, also while another process makes or rotates a key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from certify.audit.checkpoints import ledger_keys, publish_checkpoint
from certify.certificates.checkpoint import verify_checkpoint
from certify.certificates.keys import Algorithm, SigningKey
from certify.certificates.note import NoteKey
from certify.domain.ledger_events import LedgerEvent
from certify.errors import Invalid, Unavailable
from certify.issuers.tokens import SESSION_ISSUER, Authenticator, Role, Signer, TokenRefused
from certify.service import Service
from certify.storage import signing
from certify.storage.signing import Purpose, active_key, public_keys, rotate_key, verifying_keys

pytestmark = pytest.mark.integration


def _rotate(service: Service, purpose: str, algorithm: Algorithm = Algorithm.EDDSA) -> SigningKey:
    with service.unit() as unit:
        return rotate_key(unit.db, service.vault, purpose, algorithm, service.clock)


def _active(service: Service, purpose: str) -> SigningKey:
    with service.unit() as unit:
        return active_key(unit.db, service.vault, purpose, unit.now)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_the_key_of_every_purpose_rotates_and_the_old_one_stays_known(
    service: Service, clock: Any, purpose: Purpose
) -> None:
    first = _active(service, purpose)
    clock.advance(timedelta(days=1))
    second = _rotate(service, purpose)
    assert second.kid != first.kid
    assert _active(service, purpose).kid == second.kid
    with service.unit() as unit:
        assert [row.kid for row in public_keys(unit.db, purpose)] == [first.kid, second.kid]
        assert [row.kid for row in verifying_keys(unit.db, purpose, unit.now - timedelta(hours=1))] == [
            first.kid,
            second.kid,
        ]
        later = unit.now + timedelta(hours=1)
        assert [row.kid for row in verifying_keys(unit.db, purpose, later)] == [second.kid]


@pytest.mark.parametrize("purpose", [Purpose.LEDGER, Purpose.SESSION])
def test_only_certificates_can_be_signed_with_another_algorithm(service: Service, purpose: Purpose) -> None:
    before = _active(service, purpose)
    with pytest.raises(Invalid) as refused:
        _rotate(service, purpose, Algorithm.ES256)
    assert refused.value.code == "algorithm_not_possible"
    assert _active(service, purpose).kid == before.kid


def test_checkpoints_of_both_keys_verify(service: Service, clock: Any) -> None:
    notes = []
    for _ in range(2):
        with service.unit() as unit:
            unit.ledger(LedgerEvent.PERSON_ENROLLED, uuid4())
        with service.unit() as unit:
            checkpoint = publish_checkpoint(unit)
            assert checkpoint is not None
            notes.append(checkpoint.note)
        clock.advance(timedelta(minutes=1))
        _rotate(service, Purpose.LEDGER)
    with service.unit() as unit:
        keys = [trusted.key for trusted in ledger_keys(unit).keys]
    origin = service.settings.ledger_origin
    for note, key in zip(notes, keys, strict=False):
        assert verify_checkpoint(note, NoteKey(origin, key)).origin == origin


def test_a_token_of_the_retired_key_is_accepted_until_it_expires(service: Service, clock: Any) -> None:
    roles = frozenset({Role.PENSIONER})
    old = _active(service, Purpose.SESSION)
    session = uuid4()
    token = Signer(SESSION_ISSUER, old.to_jwk(), roles).issue(
        subject="p", role=Role.PENSIONER, now=service.clock(), lifetime=timedelta(hours=1), session=session
    )
    clock.advance(timedelta(minutes=10))
    new = _rotate(service, Purpose.SESSION)
    with service.unit() as unit:
        kept = [row.public_jwk for row in verifying_keys(unit.db, Purpose.SESSION, unit.now - timedelta(hours=2))]
    signer = Signer(SESSION_ISSUER, new.to_jwk(), roles, retired=kept)
    both = Authenticator([signer.issuer()])
    assert both.authenticate(token, service.clock()).session == session
    fresh = signer.issue(
        subject="p", role=Role.PENSIONER, now=service.clock(), lifetime=timedelta(hours=1), session=session
    )
    only_new = Authenticator([Signer(SESSION_ISSUER, new.to_jwk(), roles).issuer()])
    assert only_new.authenticate(fresh, service.clock()).session == session
    with pytest.raises(TokenRefused):
        only_new.authenticate(token, service.clock())
    clock.advance(timedelta(hours=1))
    with pytest.raises(TokenRefused):
        Authenticator([signer.issuer()]).authenticate(token, service.clock())


def test_a_key_made_at_the_same_moment_is_retired_too(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process stores the first key between our read and our insert. It must not stay active unnoticed."""
    insert = signing._insert
    theirs: list[str] = []

    def too_late(db: Any, vault: Any, purpose: str, key: SigningKey, now: Any) -> bool:
        if not theirs:
            with service.unit() as other:  # a transaction of its own, committed before ours continues
                first = SigningKey.generate()
                assert insert(other.db, vault, purpose, first, now)
                theirs.append(first.kid)
        return insert(db, vault, purpose, key, now)

    monkeypatch.setattr(signing, "_insert", too_late)
    ours = _rotate(service, Purpose.LEDGER)
    assert _active(service, Purpose.LEDGER).kid == ours.kid
    with service.unit() as unit:
        active = {row.kid: row.retired_at is None for row in public_keys(unit.db, Purpose.LEDGER)}
    assert active == {theirs[0]: False, ours.kid: True}


def test_a_rotation_that_never_succeeds_raises_an_error(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "_insert", lambda *_: False)
    with pytest.raises(Unavailable) as refused:
        _rotate(service, Purpose.CERTIFICATE)
    assert refused.value.code == "keys_contended"
