"""Schemathesis: no route answers with 5xx or with an undocumented status, for valid and for invalid requests."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import Counter
from collections.abc import MutableMapping
from datetime import date, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from api.auth import DEVICE_HEADER
from certify.actions import propose, wish_erasure
from certify.capture.public_entry import open_public_session
from certify.capture.session import open_session
from certify.capture.uploads import begin_upload
from certify.certificates.qr import to_text
from certify.config import Settings
from certify.decision.cases import open_case
from certify.decision.proposals import Why
from certify.decision.record import NewRecord, record
from certify.decision.review import Decision, rule
from certify.domain.case_kinds import CaseKind
from certify.domain.channels import Channel
from certify.domain.evidence import Capture, Check
from certify.domain.four_eyes import Action, ActionReason
from certify.doorstep.agents import NewAgent, add_agent, door_secret
from certify.doorstep.receive import take_bundle
from certify.doorstep.tablets import begin_enrolment, begin_sign_in, enrol_tablet, invite_tablet
from certify.doorstep.visits import ask_for_visit
from certify.people.access import device_mark, identify, new_code, new_link
from certify.people.contact import Contact, set_contact
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.references import add_reference
from certify.service import Service, Unit
from certify.storage.certificates import certificate_in_force
from certify.storage.facts import add_evidence, determinations_of
from certify.storage.signing import Purpose, active_key
from certify.storage.tables.doorstep import AgentHoldRow, VisitRow
from certify.tokens import DEVELOPMENT_ISSUER, OWN_ROLES, SESSION_ISSUER, Role, Signer, development_signer
from fixtures import faces, videos
from fixtures.passkey import Passkey
from fixtures.tablet import Tablet
from tests.api.conftest import signed_in

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


DESCRIPTION = create_app(Settings()).openapi()
"""The OpenAPI document, which is the same for every application. It is built once, because that takes longer than most
of these tests."""


class _Current:
    """Passes requests on to the application of the test that runs: Schemathesis takes a second to read the document."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


_current = _Current()


@cache
def _schema() -> Any:
    """Return what Schemathesis makes of the document, read once through the current application."""
    return schemathesis.openapi.from_asgi("/v1/openapi.json", _current)


@cache
def _film() -> bytes:
    return videos.encode(videos.moving(faces.portraits()["eileen_collins"], seconds=1.2, rate=10), rate=10)


class Served:
    """The application as OpenAPI describes it, with tokens for every role and the data that exists in it.

    Attributes:
        schema: the application as Schemathesis reads it from its OpenAPI document.
        tokens: one token for every role.
        known: values that exist, by the name of a parameter or body field.
        ended: for routes about a session that ended in a certain way: id of that session and token of its person.
        bodies: an accepted body by operation, because bodies of random valid fields are seldom valid as a whole.
    """

    schema: Any
    tokens: dict[Role, str]
    known: dict[str, Any]
    ended: dict[str, tuple[str, str]]
    bodies: dict[tuple[str, str], Any]


@pytest.fixture
def served(service: Service, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Served:
    path = request.node.callspec.params["path"] if hasattr(request.node, "callspec") else ""
    monkeypatch.setattr("api.routes.knock.BEAT_S", 0.0)  # otherwise each of hundreds of requests waits for a beat
    app = create_app(service=service)
    app.openapi_schema = DESCRIPTION
    served = Served()
    _current.app = app
    served.schema = _schema()
    signer = development_signer(service.settings)
    roles = set(Role) - OWN_ROLES
    served.tokens = {
        role: signer.issue(
            subject="fuzz", role=role, now=service.clock(), lifetime=timedelta(hours=9), sources=["consulates"]
        )
        for role in roles
    }
    photo, film = faces.encode(faces.portraits()["eileen_collins"]), _film()
    declared = {"size": len(film), "media_type": "video/webm", "sha256": hashlib.sha256(film).hexdigest()}
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        born = date(1950, 1, 2)
        person: UUID = add_beneficiary(unit, NewBeneficiary("FUZZ0001", "Fuzz", pension, birth_date=born))
        add_reference(unit, person, photo)
        session = open_session(unit, person, Channel.REMOTE)
        begin_upload(unit, session.id, size=len(film), sha256=str(declared["sha256"]))
        # An officer's ruling certifies without face models: determinations, a certificate, ledger entries.
        seen = open_case(unit, person, kind=CaseKind.PROOF_IN_PERSON)
        rule(unit, seen.id, officer="fuzz", decision=Decision.CONFIRM_ALIVE)
        stay = NewRecord(source="hospital", record_id="S1", event_at=unit.now - timedelta(days=9), act="hospital_stay")
        sign, _ = record(unit, person, stay)
        set_contact(unit, person, Contact(phone="+8613800138000"))
        own = {"national_id": "FUZZ0001", "birth_date": born.isoformat()}
        phone = {"device_id": "b1946ac92492d2347c6235b4d2611184"}
        code = new_code(unit, person, device=device_mark(phone["device_id"]))
        own_code = new_code(unit, person, device=device_mark(""))
        link = new_link(unit, person, timedelta(days=1))
        claim = identify(unit, national_id="FUZZ0001", card_number=None, birth_date=born)
        served.ended = {}
        for what, outcome in (("access", "certified"), ("visit", "doorstep")):
            row = open_public_session(unit, claim, born, device_id=f"{what}-{phone['device_id']}", assisted=False)
            # After the contact was stored: that ended all earlier ways in.
            row.state, row.outcome, row.decided_at = "decided", outcome, unit.now + timedelta(seconds=1)
            row.evidence_id = UUID(_film_evidence(unit, person, row.id).id)
            token = Signer(SESSION_ISSUER, active_key(unit.db, service.vault, "session", unit.now).to_jwk(), OWN_ROLES)
            served.ended[f"/v1/knock/sessions/{{session_id}}/{what}"] = (
                str(row.id),
                token.issue(
                    subject=str(row.id),
                    role=Role.PENSIONER,
                    now=unit.now,
                    lifetime=timedelta(hours=9),
                    session=row.id,
                    device=device_mark(phone["device_id"]),
                ),
            )
        served.tokens[Role.PENSIONER] = token.issue(
            subject=str(person), role=Role.PENSIONER, now=unit.now, lifetime=timedelta(hours=9), session=session.id
        )
        served.tokens[Role.SELF] = token.issue(
            subject=str(person),
            role=Role.SELF,
            now=unit.now,
            lifetime=timedelta(hours=9),
            sign_in=signed_in(unit, person=person),
            confirmed_at=unit.now,
        )
        other = signed_in(unit, person=person)
        doorstep = Doorstep(unit)
        served.tokens[Role.TABLET] = token.issue(
            subject=str(doorstep.tablet.id),
            role=Role.TABLET,
            now=unit.now,
            lifetime=timedelta(hours=9),
            sign_in=signed_in(unit, tablet=doorstep.tablet.id),
        )
        day = (unit.now + timedelta(days=5)).date().isoformat()
        visit = ask_for_visit(unit, person, on=(unit.now + timedelta(days=9)).date(), part="morning")
        assert visit.state == "asked"
        kind = CaseKind.DUPLICATE_FACE if path.endswith("/faces") else CaseKind.APPEAL
        waiting = open_case(unit, person, kind=kind)
        unit.db.flush()
        certificate = certificate_in_force(unit.db, person)
        assert certificate is not None
        # A proposal is recalled by the officer who made it, and decided on by another.
        proposer = f"{DEVELOPMENT_ISSUER}|fuzz" if path.endswith("/recall") else "idp|another"
        target = add_beneficiary(unit, NewBeneficiary("FUZZ0004", "Fuzz", pension))
        why = Why(ActionReason.OTHER, "A test.")
        proposal = propose(unit, Action.ERASE, str(target), officer=proposer, why=why)
        if path == "/v1/me/erasure/recall":
            wish_erasure(unit, person, by=f"{SESSION_ISSUER}|{person}", text="A test.")
        served.known = {
            "proposal_id": str(proposal.id),
            "beneficiary_id": str(person),
            "session_id": str(session.id),
            "determination_id": str(determinations_of(unit.db, beneficiary_id=person, limit=1)[0].id),
            "number": certificate.number,
            "case_id": str(waiting.id),
            "evidence_id": sign,
            "text": to_text(certificate.cose),
            "national_id": "FUZZ0001",
            "scheme": "employee",
            "index": 0,
            "size": 2,
            "old": 1,
            "new": 2,
            "offset": 0,
            "agent_id": str(doorstep.agent.id),
            "tablet_id": str(doorstep.tablet.id),
            "bundle_id": str(doorstep.refused),
            "hold_id": str(doorstep.hold),
            "sign_in_id": str(other),
            "sha256": hashlib.sha256(doorstep.bundle).hexdigest(),
        }
    name = str(person)
    death = {"record_id": "R1", "event_at": "2026-01-10T00:00:00Z", "adverse": "death"}
    enrolment = {
        "national_id": "FUZZ0002",
        "name": "Fuzz the Second",
        "entitlements": [{"scheme": "employee", "starts_on": "2015-01-01"}],
    }
    served.bodies = {
        ("/v1/beneficiaries", "post"): enrolment,
        ("/v1/beneficiaries/lookup", "post"): {"national_id": "FUZZ0001"},
        ("/v1/beneficiaries/resolve", "post"): {"national_id": "FUZZ0001"},
        ("/v1/standings/lookup", "post"): {"national_id": "FUZZ0001"},
        ("/v1/beneficiaries/{beneficiary_id}/records", "post"): death,
        ("/v1/beneficiaries/{beneficiary_id}/attestations", "post"): {
            "source": "consulates",
            "record_id": "A1",
            "capacity": "consulate",
            "seen_at": "2026-01-10T00:00:00Z",
            "seen_by": "K-204",
            "place": "São Paulo",
            "country": "BR",
            "document": "passport",
        },
        ("/v1/beneficiaries/{beneficiary_id}/references", "post"): photo,
        ("/v1/sessions", "post"): {"beneficiary_id": name},
        ("/v1/sessions/{session_id}/media", "post"): photo,
        ("/v1/sessions/{session_id}/upload", "post"): declared,
        ("/v1/sessions/{session_id}/upload", "put"): film,
        ("/v1/knock/sessions", "post"): {**own, **phone, "consent": True},
        ("/v1/knock/codes", "post"): {**own, **phone},
        ("/v1/knock/codes/redeem", "post"): {**own, **phone, "code": code},
        ("/v1/knock/links/redeem", "post"): {**phone, "secret": link, "birth_date": born.isoformat()},
        ("/v1/knock/sessions/{session_id}/access", "post"): phone,
        ("/v1/knock/sessions/{session_id}/visit", "post"): {"wanted_on": day, "part": "morning"},
        **doorstep.bodies,
        ("/v1/me/sessions", "post"): {},
        ("/v1/me/codes/redeem", "post"): {"code": own_code},
        ("/v1/me/visit", "post"): {"wanted_on": day, "part": "morning"},
        ("/v1/me/consent", "post"): {"given": True},
        ("/v1/me/contact", "post"): {"email": "fuzz@example.org", "language": "fr"},
        ("/v1/review-cases", "post"): {"beneficiary_id": name, "kind": "appeal"},
        ("/v1/review-cases/{case_id}/faces", "post"): {"answer": "two_people", "reason": "other", "text": "A test."},
        ("/v1/proposals", "post"): {"action": "erase", "target": name, "reason": "other", "text": "A test."},
    }
    return served


class Doorstep:
    """An agent with an enrolled tablet, an invited tablet, a sealed visit, a refused visit, and a hold.

    Attributes:
        agent: the agent.
        tablet: the enrolled tablet.
        bundle: a sealed visit that is not sent yet.
        refused: id of a refused visit.
        hold: id of a hold of the agent.
        bodies: accepted bodies by operation.
    """

    def __init__(self, unit: Unit) -> None:
        self.agent = add_agent(unit, NewAgent(badge="A-17", name="Agent Li", area="11"))
        address = unit.service.settings.public_url
        passkey, other_passkey = (Passkey(address, str(urlsplit(address).hostname)) for _ in range(2))
        self.tablet, secret = invite_tablet(unit, self.agent, officer="fuzz")
        paper = Tablet(self.tablet.id)
        enrol_tablet(unit, secret, jwk=paper.jwk, credential=passkey.create(begin_enrolment(unit, secret).options))
        paper.service_key = active_key(unit.db, unit.service.vault, Purpose.VISIT, unit.now).verification_key.to_jwk()
        refused = paper.envelope(uuid4(), 7, bytes(32), b"")
        self.tablet.state = "revoked"
        taken = take_bundle(unit, refused, sha256=hashlib.sha256(refused).digest(), sent_wall=None)
        assert taken.reason == "tablet_revoked"
        self.refused, self.tablet.state = taken.id, "active"
        self.bundle = paper.seal(uuid4(), {})
        _, invitation = invite_tablet(unit, self.agent, officer="fuzz")
        person = add_beneficiary(
            unit, NewBeneficiary("FUZZ0003", "Fuzz", (NewEntitlement("employee", date(2015, 1, 1)),))
        )
        visit = VisitRow(
            id=uuid4(),
            beneficiary_id=person,
            state="planned",
            reason="fund",
            asked_at=unit.now,
            agent_id=self.agent.id,
            planned_on=unit.now.date(),
            tries=0,
        )
        unit.db.add(visit)
        self.hold = uuid4()
        unit.db.add(
            AgentHoldRow(id=self.hold, agent_id=self.agent.id, state="open", score=3.0, signals=[], opened_at=unit.now)
        )
        unit.db.flush()
        tablet = {"tablet_id": str(self.tablet.id)}
        device = {"device_id": "b1946ac92492d2347c6235b4d2611184"}
        enrolled = other_passkey.create(begin_enrolment(unit, invitation).options)
        self.bodies: dict[tuple[str, str], Any] = {
            ("/v1/tablet/enrolment/begin", "post"): {"secret": invitation},
            ("/v1/tablet/enrolment", "post"): {
                "secret": invitation,
                "key": Tablet(uuid4()).jwk,
                "credential": enrolled,
            },
            ("/v1/tablet/sign-in/begin", "post"): tablet,
            ("/v1/tablet/sign-in", "post"): {
                **tablet,
                **device,
                "credential": passkey.get(begin_sign_in(unit, self.tablet.id)),
            },
            ("/v1/tablet/bundles/{sha256}", "put"): self.bundle,
            ("/v1/door", "post"): {"secret": door_secret(unit, visit)},
            ("/v1/agents", "post"): {"badge": "B-2", "name": "Agent Wu", "area": "12"},
            ("/v1/agents/{agent_id}", "patch"): {"capacity": 8, "base": {"latitude": 39.91, "longitude": 116.4}},
            ("/v1/agents/{agent_id}/state", "post"): {"state": "away"},
            ("/v1/agents/holds/{hold_id}", "post"): {"decision": "released"},
        }


def _film_evidence(unit: Unit, person: UUID, session: UUID) -> Capture:
    """Store what a film of the living person gives: the face models are not part of this test."""
    fact = Capture(
        id=str(unit.service.new_id()),
        source="certify",
        event_at=unit.now,
        recorded_at=unit.now,
        session_id=str(session),
        channel=Channel.REMOTE,
        acquired=Check.PASS,
        llr=9.0,
        embedders=2,
        liveness=Check.PASS,
        filmed=True,
    )
    assert add_evidence(unit.db, person, fact, external_id=f"session:{session}")
    return fact


def _operations() -> list[tuple[str, str]]:
    return [(path, method) for path, operations in DESCRIPTION["paths"].items() for method in operations]


# No strategy uses the random module: the connection pool draws its jitter in another thread, and Hypothesis notices.
@pytest.mark.filterwarnings("ignore:Do not use the .random. module:hypothesis.errors.HypothesisDeprecationWarning")
@pytest.mark.parametrize(("path", "method"), _operations(), ids=lambda value: value)
def test_every_route_answers_as_documented(served: Served, path: str, method: str) -> None:
    role = _role_of(method, path)
    headers = {"Authorization": f"Bearer {served.tokens[role]}"} if role else {}
    answers: Counter[int] = Counter()
    numbers = itertools.count()
    known = {name: value for name, value in served.known.items() if path not in served.ended or name != "session_id"}

    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=served.schema[path][method].as_strategy())
    def fuzz(case: Any) -> None:
        # Every second request names existing data, to get further than 404; every fourth also has a valid body.
        number = next(numbers)
        extra = dict(headers)
        if path in served.ended:
            case.path_parameters["session_id"], token = served.ended[path]
            extra |= {"Authorization": f"Bearer {token}", DEVICE_HEADER: "b1946ac92492d2347c6235b4d2611184"}
        if number % 2 == 0:
            for part in (case.path_parameters, case.query, case.body):
                if isinstance(part, MutableMapping):
                    part.update({name: value for name, value in known.items() if name in part})
        if number % 4 == 0 and (path, method) in served.bodies:
            case.body = served.bodies[path, method]
            extra["Idempotency-Key"] = f"fuzz-{number:08}"  # Schemathesis may have used its own key before
        answers[case.call_and_validate(headers=extra, checks=_CHECKS).status_code] += 1

    fuzz()
    # A route that refused everything would not be tested. So each route must accept at least one request.
    assert any(200 <= status < 300 for status in answers), dict(answers)


def test_every_parameter_of_a_path_has_a_value_that_exists(served: Served) -> None:
    named = {name for path, _ in _operations() for name in re.findall(r"{(\w+)}", path)}
    assert named <= served.known.keys()
    assert served.bodies.keys() <= set(_operations())


_ROLES: tuple[tuple[str, Role | None], ...] = (
    (r"^\S+ (/v1/knock/|/v1/door$|/v1/tablet/(enrolment|sign-|bundles))", None),
    (r"/(keys|checkpoint|health|ready|verify)$", None),
    (r"^\S+ /v1/tablet/", Role.TABLET),
    (r"^\S+ /v1/me", Role.SELF),
    (r"/(media|upload)$", Role.PENSIONER),
    (r"^\S+ /v1/standings", Role.PAYER),
    (r"^\S+ /v1/agents/holds/", Role.SUPERVISOR),
    (r"/ledger/|/access-journal$", Role.AUDITOR),
    (r"/metrics$", Role.OPERATOR),
    (r"/(resolve|attestations)$", Role.REGISTRY),
    (r"^POST /v1/beneficiaries$", Role.ENROLLER),
    (r"", Role.OFFICER),
)
"""A role that may call an operation, by the first pattern that fits method and path; None if the route is public."""


def _role_of(method: str, path: str) -> Role | None:
    return next(role for pattern, role in _ROLES if re.search(pattern, f"{method.upper()} {path}"))
