"""A phone that is known for a person, and the proofs of its key (DPoP)."""

from __future__ import annotations

import json
from uuid import UUID

from joserfc import jws
from joserfc.jwk import ECKey

from certify.capture.session import open_session
from certify.domain.channels import Channel
from certify.people.device_key import device_nonce
from certify.service import Service, Unit

_KEY = ECKey.generate_key("P-256", private=True)


def know_phone(unit: Unit, person: UUID) -> None:
    """Let the phone be one from which the person was certified with possession."""
    row = open_session(unit, person, Channel.REMOTE, device_key=_KEY.thumbprint(), confirmed=True)
    row.state, row.outcome, row.submitted_at = "decided", "certified", unit.now


def proof_for(service: Service, path: str) -> str:
    """Return the proof of the phone for a POST request."""
    with service.reading() as unit:
        nonce = device_nonce(unit)
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": _KEY.as_dict(private=False)}
    claims = {"htm": "POST", "htu": f"http://testserver{path}", "nonce": nonce, "jti": "1"}
    return jws.serialize_compact(head, json.dumps(claims).encode(), _KEY, algorithms=["ES256"])
