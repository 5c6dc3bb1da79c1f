"""Requests of a person's phone: they name the device, and carry a new Idempotency-Key."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient
from httpx2 import Response

from api.auth import DEVICE_HEADER
from certify.capture.evaluate import evaluate_session
from certify.doorstep.traces import note_face
from certify.people.access import new_link
from certify.service import Service
from models.pipeline import FaceEngine

PHONE = "b1946ac92492d2347c6235b4d2611184"
OTHER = "0cc175b9c0f1b6a831c399e269772661"

_turns = itertools.count()


def new_key() -> str:
    """Return an Idempotency-Key that was not used before."""
    return f"phone-{next(_turns):08}"


BORN = "1950-11-19"
"""Birth date of the people whom ``World.enrol`` enrols."""


def knock(
    pages: TestClient, number: str = "TEST0001", *, born: str = BORN, device: str = PHONE, **more: Any
) -> Response:
    """Open a capture session without a sign-in."""
    body = {"national_id": number, "birth_date": born, "device_id": device, "consent": True, **more}
    return post(pages, "/v1/knock/sessions", body, device=device)


def shape(value: Any) -> Any:
    """Reduce an answer to the names and types of its fields, without random values."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value[:1]]
    return type(value).__name__


def send_photo(
    pages: TestClient,
    service: Service,
    engine: FaceEngine,
    opened: dict[str, Any],
    photo: bytes,
    *,
    device: str = PHONE,
) -> dict[str, Any]:
    """Send a photo in a session, evaluate it, and return the session."""
    session, token = opened["session"]["id"], opened["token"]
    headers = {"Authorization": f"Bearer {token}", DEVICE_HEADER: device, "Idempotency-Key": new_key()}
    sent = pages.post(f"/v1/sessions/{session}/media", content=photo, headers=headers | {"Content-Type": "image/jpeg"})
    assert sent.status_code == 202, sent.text
    evaluate_session(service, engine, UUID(session), notice=note_face)
    answer: dict[str, Any] = pages.get(f"/v1/sessions/{session}", headers=headers).json()
    return answer


def sign_in_by_link(pages: TestClient, service: Service, person: UUID, *, device: str = PHONE) -> None:
    """Sign a person in with a new link; the client keeps the cookie."""
    with service.unit() as unit:
        secret = new_link(unit, person, timedelta(days=1))
    body = {"secret": secret, "birth_date": BORN, "device_id": device}
    answer = post(pages, "/v1/knock/links/redeem", body, device=device)
    assert answer.status_code == 200, answer.text


def come_from(pages: TestClient, host: str) -> None:
    """Let the requests of a client come from another network address."""
    pages._transport.client = (host, 50000)  # type: ignore[attr-defined]  # as the server would report it


def post(
    pages: TestClient, path: str, body: dict[str, Any] | None, *, device: str = PHONE, token: str = ""
) -> Response:
    """Send a request as the page does, with a bearer token if one is given."""
    headers = {DEVICE_HEADER: device, "Idempotency-Key": new_key()}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return pages.post(path, json=body, headers=headers)
