"""The application on a fresh database, and callers of each role."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from api.app import create_app
from certify.approvals.actions import carry_out_due
from certify.capture.evaluate import evaluate_session
from certify.doorstep.traces import note_face
from certify.issuers.tokens import Role, development_signer
from certify.people.access import device_mark
from certify.people.references import measure_reference
from certify.service import Service, Unit
from certify.storage.tables.door import SignInRow
from fixtures import faces
from models.pipeline import FaceEngine
from tests.films import drawn_once, film_session

_keys = itertools.count()

SOURCES = ("civil-registry", "hospital", "household-register", "registry")
ENROLMENT: dict[str, Any] = {
    "national_id": "PROBLEM001",
    "name": "A Person",
    "entitlements": [{"scheme": "employee", "starts_on": "2015-01-01"}],
}
"""The body of a request that enrols a person."""


@pytest.fixture(scope="session", autouse=True)
def _no_freeze() -> Iterator[None]:
    """Do not collect garbage when an application starts: a process of tests holds far more objects than a service."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.app.freeze_objects", lambda: None)
        yield


@pytest.fixture(scope="session")
def collins() -> Any:
    return faces.portraits()["eileen_collins"]


@pytest.fixture(scope="session")
def hopper() -> Any:
    return faces.portraits()["grace_hopper"]


@pytest.fixture(scope="session")
def film(engine: FaceEngine, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A film of Eileen Collins that answers its plan (tests/films.py)."""
    own = tmp_path_factory.getbasetemp()
    return drawn_once(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


@dataclass
class Caller:
    """A client that sends its requests with one token."""

    client: TestClient
    token: str | None

    def get(self, path: str) -> Response:
        return self.client.get(path, headers=self._headers())

    def post(self, path: str, json: Any = None, *, content: bytes | None = None, key: str | None = None) -> Response:
        headers = self._headers() | {"Idempotency-Key": key or f"test-key-{next(_keys)}"}
        if content is not None:
            return self.client.post(path, content=content, headers=headers | {"Content-Type": "image/jpeg"})
        return self.client.post(path, json=json, headers=headers)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    with TestClient(create_app(service=service), raise_server_exceptions=False) as client:
        yield client


def signed_in(unit: Unit, *, person: UUID | None = None, tablet: UUID | None = None) -> UUID:
    """Store a sign-in on the usual phone, without a code or face, and return its id."""
    row = SignInRow(
        id=uuid4(),
        beneficiary_id=person,
        tablet_id=tablet,
        way="link" if tablet is None else "passkey",
        device=device_mark("b1946ac92492d2347c6235b4d2611184"),
        created_at=unit.now,
        expires_at=unit.now + timedelta(hours=9),
    )
    unit.db.add(row)
    unit.db.flush()
    return row.id


@pytest.fixture
def call(client: TestClient, service: Service) -> Callable[..., Caller]:
    """Return a function that makes a caller of a role, with a token of the development issuer.

    It takes a role, and on request a subject, sources and a scope.
    """
    signer = development_signer(service.settings)

    def of(role: Role, subject: str | None = None, **claims: Any) -> Caller:
        # Only the service itself issues tokens for people and tablets. They belong to a sign-in.
        sign_in = None
        if role in (Role.SELF, Role.TABLET):
            with service.unit() as unit:
                sign_in = signed_in(unit)
        token = (client.app.state.certify.session_signer if role in (Role.SELF, Role.TABLET) else signer).issue(  # type: ignore[attr-defined]
            subject=subject or f"test-{role}",
            role=role,
            now=service.clock(),
            lifetime=timedelta(hours=8),
            sources=claims.pop("sources", SOURCES if role is Role.REGISTRY else ()),
            sign_in=sign_in,
            **claims,
        )
        return Caller(client, token)

    return of


@pytest.fixture
def officer(call: Callable[[Role], Caller]) -> Caller:
    return call(Role.OFFICER)


@pytest.fixture
def session(officer: Caller) -> tuple[Caller, str]:
    """Return the phone of a person and the id of its open session."""
    person = officer.post("/v1/beneficiaries", ENROLMENT).json()["id"]
    refused = officer.post("/v1/sessions", {"beneficiary_id": person})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_reference")
    portrait = faces.encode(faces.portraits()["eileen_collins"])
    assert officer.post(f"/v1/beneficiaries/{person}/references", content=portrait).status_code == 202
    opened = officer.post("/v1/sessions", {"beneficiary_id": person}).json()
    return Caller(officer.client, opened["token"]), opened["session"]["id"]


@pytest.fixture
def pages(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A client that keeps cookies as a browser does, which sends secure cookies over HTTPS only."""
    monkeypatch.setattr("api.routes.knock.BEAT_S", 0.0)  # the test of the beat sets it again
    with TestClient(create_app(service=service), base_url="https://testserver") as client:
        yield client


WHY = {"reason": "document_seen", "text": "The file shows it."}
"""The reason of an officer's decision."""


@dataclass
class World:
    """The callers of a test that spans several roles, and the face engine of the worker.

    ``registry`` and ``hospital`` are two principals, who may speak for sources of two institutions.
    """

    officer: Caller
    colleague: Caller
    enroller: Caller
    payer: Caller
    registry: Caller
    hospital: Caller
    auditor: Caller
    public: Caller
    service: Service
    engine: FaceEngine

    def enrol(self, portrait: bytes, *, schemes: tuple[str, ...] = ("employee",), national_id: str = "TEST0001") -> str:
        """Enrol a person with one active reference, and return the id."""
        body = {
            "national_id": national_id,
            "name": "Eileen Collins",
            "birth_date": "1950-11-19",
            "entitlements": [{"scheme": scheme, "starts_on": "2015-01-01"} for scheme in schemes],
        }
        answer = self.enroller.post("/v1/beneficiaries", body)
        assert answer.status_code == 201, answer.text
        person: str = answer.json()["id"]
        answer = self.officer.post(f"/v1/beneficiaries/{person}/references", content=portrait)
        assert answer.status_code == 202, answer.text
        assert answer.json()["state"] == "pending"
        measure_reference(self.service, self.engine, UUID(answer.json()["id"]))
        return person

    def rule(self, case: str, ruling: str) -> dict[str, Any]:
        """Let an officer rule on a case, and a colleague agree if two are needed; return the person afterwards."""
        answer = self.officer.post(f"/v1/review-cases/{case}/ruling", {"ruling": ruling} | WHY)
        assert answer.status_code in (200, 202), answer.text
        if answer.status_code == 202:
            self.agree(answer.json()["proposal"]["id"])
        person: dict[str, Any] = self.officer.get(f"/v1/beneficiaries/{answer.json()['beneficiary']['id']}").json()
        return person

    def decide(self, path: str) -> None:
        """Let an officer propose on a path, and a colleague agree."""
        answer = self.officer.post(path, WHY)
        assert answer.status_code == 202, answer.text
        self.agree(answer.json()["id"])

    def agree(self, proposal: str) -> None:
        """Let a colleague carry a proposal out."""
        answer = self.colleague.post(f"/v1/proposals/{proposal}/carry-out")
        assert answer.status_code in (200, 202), answer.text

    def erase(self, person: str) -> None:
        """Let two officers erase a person, and the waiting time pass."""
        self.decide(f"/v1/beneficiaries/{person}/erasure")
        assert carry_out_due(replace(self.service, clock=lambda: self.service.clock() + timedelta(hours=72))) == 1

    def send(self, person: str, photo: bytes) -> str:
        """Open a session, send a photo, and return the id of the session, which waits for the worker."""
        opened = self.officer.post("/v1/sessions", {"beneficiary_id": person}).json()
        session: str = opened["session"]["id"]
        sent = Caller(self.officer.client, opened["token"]).post(f"/v1/sessions/{session}/media", content=photo)
        assert sent.status_code == 202, sent.text
        return session

    def attempt(self, person: str, photo: bytes) -> tuple[Caller, dict[str, Any]]:
        """Open a session, send a photo and evaluate it; return the person's caller and the result."""
        opened = self.officer.post("/v1/sessions", {"beneficiary_id": person})
        assert opened.status_code == 201, opened.text
        session = opened.json()["session"]["id"]
        phone = Caller(self.officer.client, opened.json()["token"])
        sent = phone.post(f"/v1/sessions/{session}/media", content=photo)
        assert sent.status_code == 202, sent.text
        evaluate_session(self.service, self.engine, UUID(session), notice=note_face)
        answer = phone.get(f"/v1/sessions/{session}")
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return phone, result

    def film(self, person: str, film: bytes) -> tuple[Caller, dict[str, Any]]:
        """Open a session, send a film that answers its plan and evaluate it; return the caller and the result."""
        opened = self.officer.post("/v1/sessions", {"beneficiary_id": person})
        assert opened.status_code == 201, opened.text
        session = opened.json()["session"]["id"]
        phone = Caller(self.officer.client, opened.json()["token"])
        film_session(self.service, self.engine, UUID(session), film)
        result: dict[str, Any] = phone.get(f"/v1/sessions/{session}").json()
        return phone, result


@pytest.fixture
def world(call: Callable[..., Caller], client: TestClient, service: Service, engine: FaceEngine) -> World:
    return World(
        officer=call(Role.OFFICER),
        colleague=call(Role.OFFICER, "test-colleague"),
        enroller=call(Role.ENROLLER),
        payer=call(Role.PAYER),
        registry=call(Role.REGISTRY),
        hospital=call(Role.REGISTRY, "test-hospital"),
        auditor=call(Role.AUDITOR),
        public=Caller(client, None),
        service=service,
        engine=engine,
    )
