"""One of everything that a route reads or changes: what the fuzzing of all routes finds in the database."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from certify.capture.public_entry import open_public_session
from certify.capture.session import open_session
from certify.capture.uploads import begin_upload
from certify.certificates.qr import to_text
from certify.decision.cases import open_case
from certify.decision.record import NewRecord, record
from certify.decision.review import Decision, rule
from certify.domain.case_kinds import CaseKind
from certify.domain.channels import Channel
from certify.domain.evidence import Capture, Check
from certify.doorstep.agents import NewAgent, add_agent, door_secret
from certify.doorstep.receive import take_bundle
from certify.doorstep.tablets import begin_enrolment, begin_sign_in, enrol_tablet, invite_tablet
from certify.doorstep.visits import ask_for_visit
from certify.issuers.tokens import OWN_ROLES, SESSION_ISSUER, Role, Signer, development_signer
from certify.people.access import device_mark, identify, new_code, new_link
from certify.people.contact import Contact, set_contact
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.references import add_reference
from certify.service import Service, Unit
from certify.storage.certificates import certificate_in_force
from certify.storage.facts import add_evidence, determinations_of
from certify.storage.signing import Purpose, active_key
from certify.storage.tables.doorstep import AgentHoldRow, VisitRow
from fixtures import faces, videos
from fixtures.passkey import Passkey
from fixtures.tablet import Tablet
from tests.api.conftest import signed_in


class World:
    """Tokens for every role, and the data that exists in the database.

    Attributes:
        tokens: one token for every role.
        known: values that exist, by the name of a parameter or body field.
        ended: for routes about a session that ended in a certain way: id of that session and token of its person.
        bodies: an accepted body by operation, because bodies of random valid fields are seldom valid as a whole.
        alike: id of a case about two people with one face.
        target: id of a person whom a proposal may concern.
    """

    tokens: dict[Role, str]
    known: dict[str, Any]
    ended: dict[str, tuple[str, str]]
    bodies: dict[tuple[str, str], Any]
    alike: str
    target: str


def build_world(service: Service) -> World:
    """Store one of everything that a route reads or changes.

    Args:
        service: on an empty database.
    """
    world = World()
    signer = development_signer(service.settings)
    roles = set(Role) - OWN_ROLES
    world.tokens = {
        role: signer.issue(
            subject="fuzz", role=role, now=service.clock(), lifetime=timedelta(hours=9), sources=["consulates"]
        )
        for role in roles
    }
    photo, film = (
        faces.encode(faces.portraits()["eileen_collins"]),
        videos.encode(videos.moving(faces.portraits()["eileen_collins"], seconds=1.2, rate=10), rate=10),
    )
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
        world.ended = {}
        for what, outcome in (("access", "certified"), ("visit", "doorstep")):
            row = open_public_session(unit, claim, born, device_id=f"{what}-{phone['device_id']}", assisted=False)
            # After the contact was stored: that ended all earlier ways in.
            row.state, row.outcome, row.decided_at = "decided", outcome, unit.now + timedelta(seconds=1)
            row.evidence_id = UUID(_film_evidence(unit, person, row.id).id)
            token = Signer(SESSION_ISSUER, active_key(unit.db, service.vault, "session", unit.now).to_jwk(), OWN_ROLES)
            world.ended[f"/v1/knock/sessions/{{session_id}}/{what}"] = (
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
        world.tokens[Role.PENSIONER] = token.issue(
            subject=str(person), role=Role.PENSIONER, now=unit.now, lifetime=timedelta(hours=9), session=session.id
        )
        world.tokens[Role.SELF] = token.issue(
            subject=str(person),
            role=Role.SELF,
            now=unit.now,
            lifetime=timedelta(hours=9),
            sign_in=signed_in(unit, person=person),
            confirmed_at=unit.now,
        )
        other = signed_in(unit, person=person)
        doorstep = Doorstep(unit)
        world.tokens[Role.TABLET] = token.issue(
            subject=str(doorstep.tablet.id),
            role=Role.TABLET,
            now=unit.now,
            lifetime=timedelta(hours=9),
            sign_in=signed_in(unit, tablet=doorstep.tablet.id),
        )
        day = (unit.now + timedelta(days=5)).date().isoformat()
        visit = ask_for_visit(unit, person, on=(unit.now + timedelta(days=9)).date(), part="morning")
        assert visit.state == "asked"
        waiting = open_case(unit, person, kind=CaseKind.APPEAL)
        alike = open_case(unit, person, kind=CaseKind.DUPLICATE_FACE)
        unit.db.flush()
        certificate = certificate_in_force(unit.db, person)
        assert certificate is not None
        world.target = str(add_beneficiary(unit, NewBeneficiary("FUZZ0004", "Fuzz", pension)))
        world.alike = str(alike.id)
        world.known = {
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
    world.bodies = {
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
        ("/v1/door/reports", "post"): {**own, **phone, "secret": "0" * 64},
        ("/v1/knock/phone/sessions", "post"): {**phone, "consent": True},
        ("/v1/knock/visits", "post"): {**own, **phone, "wanted_on": day, "part": "afternoon"},
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
    return world


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
