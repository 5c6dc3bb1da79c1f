"""Read the proof of a phone's key from a request (certify/people/device_key.py)."""

from __future__ import annotations

from fastapi import Request

from certify.people.device_key import proved_key
from certify.service import Unit

DPOP_HEADER = "DPoP"


def device_key_of(unit: Unit, request: Request) -> str | None:
    """Return the thumbprint of the key that the caller's phone proved; None without a good proof."""
    return proved_key(unit, request.headers.get(DPOP_HEADER), method=request.method, path=request.url.path)
