"""Attacks with tokens: what the token of a payer, a registry, an enroller, an agent or an officer must not do.

Each test repeats an attack of the security review that worked when one role, "machine", did everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from joserfc import jwt

from api.app import create_app
from certify.issuers.tokens import AUDIENCE, Authenticator, Role, Signer, TokenRefused, development_signer, ed25519_jwk
from certify.service import Service
from certify.sources import load_sources
from certify.storage.facts import find_evidence
from fixtures import faces
from tests.api.conftest import ENROLMENT, WHY, Caller, World

pytestmark = pytest.mark.integration

_EVENT = datetime(2026, 1, 10, tzinfo=UTC).isoformat()


def _record(number: str, source: str | None = None, **what: str) -> dict[str, Any]:
    named = {} if source is None else {"source": source}
    return {"record_id": number, "event_at": _EVENT, **named, **what}


def _standing(officer: Caller, person: str) -> tuple[str, str]:
    pension = officer.get(f"/v1/beneficiaries/{person}").json()["entitlements"][0]
    return pension["standing"], pension["payment"]


@pytest.fixture
def person(officer: Caller) -> str:
    body = ENROLMENT | {"birth_date": "1930-11-19", "needs": ["low_vision"], "region": "110105"}
    return str(officer.post("/v1/beneficiaries", body).json()["id"])


@pytest.fixture
def shipped(service: Service) -> Service:
    """A service with the shipped registry of sources."""
    return replace(service, sources=load_sources())


@pytest.mark.parametrize("role", [Role.PAYER, Role.REGISTRY, Role.ENROLLER, Role.AGENT, Role.OPERATOR])
def test_a_token_of_a_machine_or_an_agent_reads_no_person_and_opens_no_session(
    call: Callable[[Role], Caller], person: str, role: Role
) -> None:
    caller = call(role)
    person_path = f"/v1/beneficiaries/{person}"
    for path in (person_path, f"{person_path}/receipts", f"{person_path}/determinations", "/v1/beneficiaries"):
        assert caller.get(path).status_code == 403, path
    photo = faces.encode(faces.portraits()["eileen_collins"])
    attempts: list[tuple[str, Any]] = [
        ("/v1/sessions", {"beneficiary_id": person}),
        ("/v1/beneficiaries/lookup", {"national_id": ENROLMENT["national_id"]}),
        ("/v1/review-cases", {"beneficiary_id": person, "kind": "proof_in_person"}),
        (f"{person_path}/certificate", None),
        (f"{person_path}/erasure", None),
        (f"{person_path}/receipts/{uuid4()}/not-me", None),
    ]
    for path, body in attempts:
        assert caller.post(path, body).status_code == 403, path
    assert caller.post(f"/v1/sessions/{uuid4()}/media", content=photo).status_code == 403
    declared = {"size": 9, "media_type": "video/webm", "sha256": "0" * 64}
    assert caller.post(f"/v1/sessions/{uuid4()}/upload", declared).status_code == 403
    if role is not Role.ENROLLER:
        assert caller.post(f"{person_path}/references", content=photo).status_code == 403
        assert caller.get(f"{person_path}/references").status_code == 403
        assert caller.post("/v1/beneficiaries", ENROLMENT | {"national_id": "GHOST001"}).status_code == 403


def test_a_payer_is_told_the_standing_and_nothing_about_the_person(
    call: Callable[..., Caller], person: str, officer: Caller
) -> None:
    case = officer.post("/v1/review-cases", {"beneficiary_id": person, "kind": "proof_in_person"}).json()["id"]
    ruling = {"ruling": "confirm_alive"} | WHY
    assert call(Role.OFFICER, "another").post(f"/v1/review-cases/{case}/ruling", ruling).status_code == 200
    payer = call(Role.PAYER)
    for answer in (
        payer.get(f"/v1/standings/{person}"),
        payer.post("/v1/standings/lookup", {"national_id": ENROLMENT["national_id"]}),
    ):
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert set(told) == {"beneficiary_id", "as_of", "pensions"}
        (pension,) = told["pensions"]
        assert set(pension) == {
            *("scheme", "payment", "standing", "valid_until", "back_pay_from", "owed_until"),
            *("method", "assurance", "decided_on", "overpaid", "entitled_until", "parts", "payable", "payable_amount"),
            *("currency", "payee"),
        }
        assert (pension["payment"], pension["standing"]) == ("continue", "certified")
        assert (pension["method"], pension["assurance"]) == ("officer", "officer")
        for secret in (ENROLMENT["name"], "1930", "low_vision", "110105", ENROLMENT["national_id"]):
            assert secret not in answer.text
    assert payer.get(f"/v1/standings/{uuid4()}").json()["code"] == "beneficiary_not_found"


def test_a_registry_is_told_only_the_id_of_a_person(call: Callable[[Role], Caller], person: str) -> None:
    registry = call(Role.REGISTRY)
    found = registry.post("/v1/beneficiaries/resolve", {"national_id": ENROLMENT["national_id"]})
    assert found.json() == {"id": person}
    sent = registry.post(f"/v1/beneficiaries/{person}/records", _record("D-1", "civil-registry", adverse="death"))
    assert (sent.status_code, sent.json()["beneficiary"]) == (201, None)


@pytest.mark.parametrize("role", [Role.ENROLLER, Role.OFFICER])
def test_only_an_officer_states_an_earlier_proof_of_life(call: Callable[[Role], Caller], role: Role) -> None:
    """The ghost: enrolled by a payer with a proof of life of today, and certified for a year."""
    pension = {"scheme": "employee", "starts_on": "2015-01-01", "last_proof_on": "2026-03-01"}
    answer = call(role).post("/v1/beneficiaries", ENROLMENT | {"entitlements": [pension]})
    if role is Role.OFFICER:
        assert answer.status_code == 201
        return
    assert (answer.status_code, answer.json()["code"]) == (403, "last_proof_by_officer")


def test_an_enroller_adds_the_first_face_only_and_only_from_a_document(
    call: Callable[..., Caller], person: str, officer: Caller
) -> None:
    enroller, path = call(Role.ENROLLER), f"/v1/beneficiaries/{person}/references"
    photo = faces.encode(faces.portraits()["eileen_collins"])
    for query in ("", "?provenance=camera&of=phone", "?provenance=document"):
        answer = enroller.post(path + query, content=photo)
        assert (answer.status_code, answer.json()["code"]) == (403, "provenance_not_accepted"), query
    first = enroller.post(f"{path}?provenance=document&of=passport", content=photo)
    assert first.status_code == 202, first.text
    shown = first.json()
    assert (shown["provenance"], shown["provenance_of"]) == ("document", "passport")
    assert shown["added_by"].endswith("|test-enroller")
    other = faces.encode(faces.portraits()["grace_hopper"])
    for caller in (enroller, call(Role.ENROLLER, "another-enroller")):
        answer = caller.post(f"{path}?provenance=register&of=id-register", content=other)
        assert (answer.status_code, answer.json()["code"]) == (409, "reference_exists")
    assert officer.post(path, content=other).status_code == 202, "an officer may; the measurement compares the faces"


def test_a_transport_card_registry_cannot_claim_a_hospital_stay(shipped: Service) -> None:
    with TestClient(create_app(service=shipped)) as client:
        officer, transport = _dev(client, shipped, Role.OFFICER), _dev(client, shipped, Role.REGISTRY, "transport")
        person = officer.post("/v1/beneficiaries", ENROLMENT).json()["id"]
        before = _standing(officer, person)
        path = f"/v1/beneficiaries/{person}/records"
        answer = transport.post(path, _record("1", "transport", act="hospital_stay"))
        assert (answer.status_code, answer.json()["code"]) == (422, "source_limits")
        answer = transport.post(path, _record("1", "transport", adverse="death"))
        assert (answer.status_code, answer.json()["code"]) == (422, "source_limits")
        assert transport.post(path, _record("1", "transport", act="transport_card")).status_code == 201
        assert _standing(officer, person) == before


def test_an_invented_source_is_refused_for_everyone(shipped: Service) -> None:
    with TestClient(create_app(service=shipped)) as client:
        officer, registry = _dev(client, shipped, Role.OFFICER), _dev(client, shipped, Role.REGISTRY, "reg-a", "reg-b")
        person = officer.post("/v1/beneficiaries", ENROLMENT).json()["id"]
        path = f"/v1/beneficiaries/{person}/records"
        for source in ("reg-a", "reg-b"):
            answer = registry.post(path, _record("D", source, adverse="death"))
            assert (answer.status_code, answer.json()["code"]) == (422, "source_unknown")
        answer = officer.post(path, _record("D", "hospital", adverse="death"))
        assert (answer.status_code, answer.json()["code"]) == (403, "source_not_yours")
        assert registry.post(path, _record("D", adverse="death")).json()["code"] == "source_invalid"


def test_a_token_s_sources_alone_do_not_make_its_holder_their_speaker(service: Service) -> None:
    listed = load_sources().model_copy(deep=True)
    hospital = listed.sources["hospital"].model_copy(update={"principals": ("certify:development|hospital-7",)})
    service = replace(service, sources=listed.model_copy(update={"sources": {"hospital": hospital}}))
    with TestClient(create_app(service=service)) as client:
        officer = _dev(client, service, Role.OFFICER)
        person = officer.post("/v1/beneficiaries", ENROLMENT).json()["id"]
        path = f"/v1/beneficiaries/{person}/records"
        thief = _dev(client, service, Role.REGISTRY, "hospital", subject="thief")
        answer = thief.post(path, _record("1", "hospital", adverse="death"))
        assert (answer.status_code, answer.json()["code"]) == (403, "source_not_yours")
        speaker = _dev(client, service, Role.REGISTRY, "hospital", subject="hospital-7")
        assert speaker.post(path, _record("1", "hospital", adverse="death")).status_code == 201
        with service.reading() as unit:
            stored = find_evidence(unit.db, "hospital", "1")
            assert stored is not None
            assert (stored.institution, stored.principal) == ("city-hospital", "certify:development|hospital-7")


def test_one_token_that_speaks_for_two_registries_stops_no_payment(
    call: Callable[..., Caller], person: str, officer: Caller
) -> None:
    registry, hospital = call(Role.REGISTRY), call(Role.REGISTRY, "test-hospital")
    path = f"/v1/beneficiaries/{person}/records"
    for source in ("civil-registry", "hospital"):
        assert registry.post(path, _record("D-1", source, adverse="death")).status_code == 201
    assert _standing(officer, person) == ("paused", "continue")
    assert hospital.post(path, _record("D-2", "hospital", adverse="death")).status_code == 201
    assert _standing(officer, person) == ("stopped", "stop"), "two institutions by two principals do"


def test_officers_are_one_institution_and_prove_no_life_by_records(
    call: Callable[..., Caller], person: str, officer: Caller
) -> None:
    path = f"/v1/beneficiaries/{person}/records"
    for name in ("anna", "bo"):
        assert call(Role.OFFICER, name).post(path, _record(f"D-{name}", adverse="death")).status_code == 201
    assert _standing(officer, person) == ("paused", "continue")
    answer = officer.post(path, _record("S-1", act="hospital_stay"))
    assert (answer.status_code, answer.json()["code"]) == (422, "source_limits")
    another = call(Role.OFFICER, "bo").post(path, _record("V-1", voids="D-anna"))
    assert (another.status_code, another.json()["code"]) == (404, "voided_record_not_found"), "another officer's record"


def _attestation(number: str = "A-1", **changes: str) -> dict[str, Any]:
    body = {
        "source": "consulates",
        "record_id": number,
        "capacity": "consulate",
        "seen_at": "2026-02-10T10:30:00-03:00",
        "seen_by": "K-204",
        "place": "São Paulo",
        "country": "BR",
        "document": "passport",
    }
    return body | changes


def test_a_consulate_attests_that_it_saw_the_person(shipped: Service) -> None:
    with TestClient(create_app(service=shipped)) as client:
        officer = _dev(client, shipped, Role.OFFICER)
        consul = _dev(client, shipped, Role.REGISTRY, "consulates", "hospital", subject="consul")
        payer = _dev(client, shipped, Role.PAYER)
        person = officer.post("/v1/beneficiaries", ENROLMENT).json()["id"]
        path = f"/v1/beneficiaries/{person}/attestations"
        first = consul.post(path, _attestation())
        assert first.status_code == 201, first.text
        assert consul.post(path, _attestation()).json() == first.json(), "a repeat changes nothing"
        assert consul.post(path, _attestation(country="CN")).json()["code"] == "record_changed"
        assert _standing(officer, person) == ("certified", "continue")
        (pension,) = payer.get(f"/v1/standings/{person}").json()["pensions"]
        assert (pension["method"], pension["assurance"]) == ("consulate", "attested")
        certificate = officer.post(f"/v1/beneficiaries/{person}/certificate").json()
        assert certificate["content"]["method"]["value"] == "attested"
        assert certificate["content"]["assurance"]["value"] == "attested"
        decided = officer.get(f"/v1/beneficiaries/{person}/determinations").json()["items"]
        why = next(r for entry in decided for r in entry["reasons"] if r["code"] == "proven_consulate")
        assert why["params"]["institution"] == "foreign-ministry"
        assert (why["params"]["place"], why["params"]["country"]) == ("São Paulo", "BR")
        voided = consul.post(f"/v1/beneficiaries/{person}/records", _record("V-1", "consulates", voids="A-1"))
        assert voided.status_code == 201
        assert _standing(officer, person)[0] != "certified"


def test_who_may_not_attest_does_not(shipped: Service) -> None:
    with TestClient(create_app(service=shipped)) as client:
        officer = _dev(client, shipped, Role.OFFICER)
        person = officer.post("/v1/beneficiaries", ENROLMENT).json()["id"]
        before, path = _standing(officer, person), f"/v1/beneficiaries/{person}/attestations"
        for role in (Role.PAYER, Role.ENROLLER, Role.AGENT, Role.OFFICER, Role.AUDITOR):
            assert _dev(client, shipped, role, "consulates").post(path, _attestation()).status_code == 403, role
        registry = _dev(client, shipped, Role.REGISTRY, "hospital", "bank", "consulates", "nowhere")
        refused = {
            "source_not_yours": [
                _attestation(source="hospital"),
                _attestation(source="bank", capacity="notary"),
                _attestation(source="consulates", capacity="doctor"),
                _attestation(source="civil-registry"),  # not in the token
            ],
            "source_unknown": [_attestation(source="nowhere")],
            "event_in_future": [_attestation(seen_at="2027-01-01T00:00:00Z")],
        }
        for code, bodies in refused.items():
            for body in bodies:
                assert registry.post(path, body).json()["code"] == code, body
        # A bank abroad is no bank that this scheme's policy names.
        accepted = registry.post(path, _attestation(source="bank", capacity="bank", country="BR"))
        assert accepted.status_code == 201
        assert _standing(officer, person) == before


@pytest.mark.parametrize("claim", ["sources", "schemes", "regions"])
@pytest.mark.parametrize("value", [5, None, "civil-registry", [5], [""], {"a": 1}])
def test_a_claim_that_is_no_list_of_names_is_a_refused_token(service: Service, claim: str, value: Any) -> None:
    """``sources: 5`` in a signed token was an error 500."""
    signer = Signer("https://idp.example", ed25519_jwk(b"s" * 32), frozenset({Role.REGISTRY}))
    now = int(service.clock().timestamp())
    claims = {"iss": "https://idp.example", "aud": AUDIENCE, "sub": "x", "role": "registry", "exp": now + 60}
    (key,) = signer.issuer().keys.current(service.clock()).keys
    token = jwt.encode({"alg": "Ed25519"}, {**claims, claim: value}, key, algorithms=["Ed25519"])
    with pytest.raises(TokenRefused):
        Authenticator([signer.issuer()]).authenticate(token, service.clock())


def _dev(client: TestClient, service: Service, role: Role, *sources: str, subject: str | None = None) -> Caller:
    token = development_signer(service.settings).issue(
        subject=subject or f"test-{role}",
        role=role,
        now=service.clock(),
        lifetime=timedelta(hours=1),
        sources=sources,
    )
    return Caller(client, token)


def test_the_agent_role_is_on_no_route(world: World, collins: Any) -> None:
    """An agent with a bearer token certified anyone with the enrolled photo, without tablet, plan or visit."""
    person = world.enrol(faces.encode(collins))
    session = world.send(person, faces.rephotograph(collins, seed=2))
    agent = Caller(world.officer.client, None)
    agent.token = development_signer(world.service.settings).issue(
        subject="agent", role=Role.AGENT, now=world.service.clock(), lifetime=timedelta(hours=1)
    )
    assert UUID(session)
    for path in (f"/v1/sessions/{session}", f"/v1/beneficiaries/{person}", f"/v1/beneficiaries/{person}/references"):
        assert agent.get(path).status_code == 403, path
    for body in ({"beneficiary_id": person}, {"beneficiary_id": person, "channel": "doorstep"}):
        assert agent.post("/v1/sessions", body).status_code == 403
    photo = faces.rephotograph(collins, seed=3)
    assert agent.post(f"/v1/sessions/{session}/media", content=photo).status_code == 403
