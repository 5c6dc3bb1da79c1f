"""Requests of a person's phone: they name the device, and carry a new Idempotency-Key."""

from __future__ import annotations

import itertools
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from api.auth import DEVICE_HEADER

PHONE = "b1946ac92492d2347c6235b4d2611184"
OTHER = "0cc175b9c0f1b6a831c399e269772661"

_turns = itertools.count()


def new_key() -> str:
    """Return an Idempotency-Key that was not used before."""
    return f"phone-{next(_turns):08}"


def post(
    pages: TestClient, path: str, body: dict[str, Any] | None, *, device: str = PHONE, token: str = ""
) -> Response:
    """Send a request as the page does, with a bearer token if one is given."""
    headers = {DEVICE_HEADER: device, "Idempotency-Key": new_key()}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return pages.post(path, json=body, headers=headers)
