"""A phone is known by a key that cannot leave it; what is only copied or made up proves nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey

from certify.capture.challenge import demand_of
from certify.capture.session import open_session
from certify.domain.channels import Channel
from certify.people.device_key import MAX_PROOF, NONCE_S, device_hash, device_nonce, proved_key
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.references import add_reference
from certify.service import Service
from certify.storage.people import get_beneficiary
from certify.storage.sessions import known_devices
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from tests.conftest import Clock

pytestmark = pytest.mark.integration

PATH = "/v1/knock/sessions"
KEY = ECKey.generate_key("P-256", auto_kid=False)


@pytest.fixture
def person(service: Service) -> UUID:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        made = add_beneficiary(unit, NewBeneficiary("KEY0001", "Somebody", pension, birth_date=date(1956, 1, 1)))
        add_reference(unit, made, faces.no_face(seed=4))
    return made


def _nonce(service: Service) -> str:
    with service.reading() as unit:
        return device_nonce(unit)


def _proof(given: str, *, key: ECKey = KEY, header: dict[str, Any] | None = None, **claims: Any) -> str:
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False), **(header or {})}
    said = {"jti": "1", "htm": "POST", "htu": f"https://fund.example{PATH}", "iat": 0, "nonce": given, **claims}
    return jws.serialize_compact(head, json.dumps(said), key, algorithms=["ES256"])


def _proved(service: Service, proof: str | None) -> str | None:
    with service.reading() as unit:
        return proved_key(unit, proof, method="POST", path=PATH)


def test_the_key_that_signed_the_request_is_proved(service: Service, clock: Clock) -> None:
    nonce = _nonce(service)
    clock.now = clock.now.replace(microsecond=0)
    assert _proved(service, _proof(nonce)) == KEY.thumbprint()
    assert _proved(service, _proof(nonce, htu=f"http://127.0.0.1:8000{PATH}?a=b#c")) == KEY.thumbprint()


def _with_head(proof: str, head: dict[str, Any]) -> str:
    return ".".join([base64.urlsafe_b64encode(json.dumps(head).encode()).decode().rstrip("="), *proof.split(".")[1:]])


_OTHER = ECKey.generate_key("P-256", auto_kid=False)
_ATTACKS: dict[str, Callable[[str], str | None]] = {
    "no proof": lambda _: None,
    "no token at all": lambda _: "made up",
    "too long": lambda nonce: _proof(nonce, jti="x" * MAX_PROOF),
    "letters of no alphabet": lambda nonce: _proof(nonce)[:-4] + "éééé",
    "another key than the one it names": lambda nonce: _proof(
        nonce, key=_OTHER, header={"jwk": KEY.as_dict(private=False)}
    ),
    "a key with its secret": lambda nonce: _proof(nonce, header={"jwk": KEY.as_dict(private=True)}),
    "a key of another kind": lambda nonce: _proof(
        nonce, header={"jwk": OKPKey.generate_key("Ed25519", auto_kid=False).as_dict(private=False)}
    ),
    "a key that is none": lambda nonce: _with_head(_proof(nonce), {"typ": "dpop+jwt", "alg": "ES256", "jwk": "none"}),
    "no algorithm": lambda nonce: _with_head(_proof(nonce), {"typ": "dpop+jwt", "alg": "none"}),
    "another type": lambda nonce: _proof(nonce, header={"typ": "JWT"}),
    "another method": lambda nonce: _proof(nonce, htm="GET"),
    "another path": lambda nonce: _proof(nonce, htu="https://fund.example/v1/me/sessions"),
    "no path": lambda nonce: _proof(nonce, htu=None),
    "no nonce": lambda nonce: _proof(nonce, nonce=None),
    "a made-up nonce": lambda _: _proof("AAAAAGkAAAAAAAAAAAAAAAAAAAAAAAAA"),
    "a nonce of no alphabet": lambda _: _proof("ééé"),
    "signed by no one": lambda nonce: _proof(nonce).rpartition(".")[0] + ".",
}


@pytest.mark.parametrize("attack", _ATTACKS.values(), ids=_ATTACKS)
def test_attack_what_is_no_proof_proves_nothing(service: Service, attack: Callable[[str], str | None]) -> None:
    assert _proved(service, attack(_nonce(service))) is None


def test_attack_an_old_proof_proves_nothing(service: Service, clock: Clock) -> None:
    nonce = _nonce(service)
    proof = _proof(nonce)
    clock.now = clock.now.fromtimestamp(clock.now.timestamp() + NONCE_S, clock.now.tzinfo)
    assert _proved(service, proof) is not None
    clock.now = clock.now.fromtimestamp(clock.now.timestamp() + 1, clock.now.tzinfo)
    assert _proved(service, proof) is None


def test_attack_a_copied_id_is_another_phone_than_the_one_with_the_key(service: Service, person: UUID) -> None:
    """Who copied what a phone calls itself, even its thumbprint, is asked as much as any stranger."""
    name, thumbprint = "device-0000000001", KEY.thumbprint()
    with service.unit() as unit:
        row = open_session(unit, person, Channel.REMOTE, device_id=name, device_key=thumbprint, confirmed=True)
        stored = unit.db.get_one(SessionRow, row.id)
        stored.state, stored.outcome, stored.decided_at = "decided", "certified", unit.now
    with service.reading() as unit:
        beneficiary = get_beneficiary(unit.db, person)

        def is_new(device_id: str | None, key: str | None) -> bool:
            device = device_hash(unit, device_id, key)
            return "risk:new_device" in demand_of(unit, beneficiary, device, []).reasons

        assert not is_new(name, thumbprint)
        assert not is_new("another id after the data were cleared", thumbprint)
        for copied in (name, thumbprint, f"device_key|{thumbprint}"):
            assert is_new(copied, None)


def test_a_phone_without_a_key_does_not_become_known(service: Service, person: UUID) -> None:
    name = "device-0000000001"
    with service.unit() as unit:
        row = open_session(unit, person, Channel.REMOTE, device_id=name, confirmed=True)
        stored = unit.db.get_one(SessionRow, row.id)
        stored.state, stored.outcome, stored.decided_at = "decided", "certified", unit.now
        unit.db.flush()
        assert not stored.device_proved
        assert known_devices(unit.db, person) == set()
