"""Recognise a phone by a key that cannot leave it: the page signs each request for a session (DPoP, RFC 9449).

The page makes the key once, so that the browser gives it to no program, and keeps it with the browser's data. The
random id of a phone can be copied; this key cannot. So only a phone that proved its key becomes known for a person, and
is asked for less (certify/storage/sessions.py). A proof that is missing, old or wrong makes no error: the phone is an
unknown one.

A nonce of the service stands for the time, because the clocks of phones are wrong. It is a time with a MAC, so nothing
is stored; within its few minutes the same proof may come twice, as a request that is sent again does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
from datetime import datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from certify.service import Unit

NONCE_S = 600
"""Seconds for which a nonce is good: a slow network, and requests that are sent again."""
MAX_PROOF = 1500
"""Characters of the longest proof that is read. One with a key of P-256 has 500."""

_MAC_BYTES = 16
_TIME = struct.Struct(">Q")


def device_hash(unit: Unit, device_id: str | None, key: str | None) -> bytes | None:
    """Return the keyed hash by which a phone is recognised: of the key that it proved, else of what it calls itself.

    No name that a phone can choose has the hash of a key.

    Args:
        unit: the transaction to read in.
        device_id: what the phone calls itself; None when it did not say.
        key: the thumbprint that ``proved_key`` returned.
    """
    if key is not None:
        return unit.service.vault.lookup_hash(unit.db, "device_key", key)
    return unit.service.vault.lookup_hash(unit.db, "device", device_id) if device_id else None


def device_nonce(unit: Unit) -> str:
    """Return a nonce for a proof that is made now."""
    return _nonce(_key(unit), int(unit.now.timestamp()))


def proved_key(unit: Unit, proof: str | None, *, method: str, path: str) -> str | None:
    """Return the thumbprint (RFC 7638) of the key that signed a request.

    Args:
        unit: the transaction to read in.
        proof: the header ``DPoP``; None if there is none.
        method: the method of the request, such as ``POST``.
        path: the path of the request. Scheme and host are not compared: a proxy may have changed them.

    Returns:
        The thumbprint; None if there is no proof, or it is not good.
    """
    if proof is None or len(proof) > MAX_PROOF:
        return None
    try:
        unread = jws.extract_compact(proof.encode("ascii"))
        header = unread.headers()
        jwk = header.get("jwk")
        if header.get("typ") != "dpop+jwt" or header.get("alg") != "ES256" or not isinstance(jwk, dict) or "d" in jwk:
            return None
        key = ECKey.import_key(jwk)
        claims = json.loads(jws.deserialize_compact(proof, key, algorithms=["ES256"]).payload)
        return key.thumbprint() if _is_for(claims, unit, method, path) else None
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _is_for(claims: Any, unit: Unit, method: str, path: str) -> bool:
    if not isinstance(claims, dict) or claims.get("htm") != method:
        return False
    place, nonce = claims.get("htu"), claims.get("nonce")
    if not isinstance(place, str) or not isinstance(nonce, str):
        return False
    without_query = place.partition("?")[0].partition("#")[0]
    return without_query.partition("://")[2].partition("/")[2] == path.removeprefix("/") and _is_fresh(
        nonce, _key(unit), unit.now
    )


def _is_fresh(nonce: str, key: bytes, now: datetime) -> bool:
    try:
        made = _TIME.unpack(base64.urlsafe_b64decode(nonce.encode("ascii"))[: _TIME.size])[0]
    except (ValueError, struct.error):
        return False
    return 0 <= int(now.timestamp()) - made <= NONCE_S and hmac.compare_digest(nonce, _nonce(key, made))


def _nonce(key: bytes, seconds: int) -> str:
    stamp = _TIME.pack(seconds)
    mac = hmac.digest(key, stamp, hashlib.sha256)[:_MAC_BYTES]
    return base64.urlsafe_b64encode(stamp + mac).decode("ascii")


def _key(unit: Unit) -> bytes:
    return unit.service.vault.lookup_hash(unit.db, "device_nonce", "")
