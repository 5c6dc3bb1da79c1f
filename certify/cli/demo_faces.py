"""The scenes of ``certify demo``: what photos, records, a forged film and a visit do for two people."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING
from uuid import UUID

from certify.capture.evaluate import evaluate_session
from certify.capture.session import open_session, submit_media
from certify.certificates.file import to_file
from certify.certificates.qr import qr_png, to_text
from certify.certificates.signing import verify
from certify.certificates.verify import verify_any
from certify.cli.output import Ink, say
from certify.cli.service import operator
from certify.cli.tables import show_table
from certify.decision.determine import determine
from certify.decision.duplicate_faces import DuplicateSearch
from certify.decision.issue import key_set
from certify.decision.record import NewRecord, record
from certify.domain.channels import Channel
from certify.domain.states import ReferenceState
from certify.doorstep.traces import note_face
from certify.errors import Conflict, Unavailable
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.references import add_reference, measure_reference
from certify.registry.feeds.source import principal_of
from certify.service import Service
from certify.storage.certificates import certificates_of
from certify.storage.facts import determinations_of
from certify.storage.people import entitlements_of
from certify.storage.reviews import open_cases_of
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from fixtures.faces import Picture
from models.errors import ImageRefused
from models.guidance import sentence

if TYPE_CHECKING:
    from models.pipeline import FaceEngine

Say = Callable[[str], None]

_SEED = 20261123
_YOURS, _YOUR_BIRTH = "DEMO0003", "1950-01-01"
"""Number and birth date under which a visitor enrols their own face."""


@dataclass(slots=True)
class _Scene:
    """One line of the table: what was tried, the outcome, and the reason."""

    title: str
    outcome: str
    until: str = ""
    why: list[str] = field(default_factory=list)


class Play:
    """The scenes of the demo, one after the other.

    Args:
        service: the service on the demo's data folder.
        engine: the face models.
        out: folder for photos and certificate; made here.
        say: shows what is being done.
    """

    def __init__(self, service: Service, engine: FaceEngine, out: Path, say: Say) -> None:
        self._service = service
        self._engine = engine
        self._out = out
        self._say = say
        self._scenes: list[_Scene] = []
        self._offline: tuple[str, ...] = ()
        out.mkdir(parents=True)

    def run(self) -> None:
        """Play all scenes.

        Raises:
            Unavailable: a portrait could not be enrolled (``unavailable``).
        """
        portraits = faces.portraits()
        collins, hopper = portraits["eileen_collins"], portraits["grace_hopper"]
        # Dates of birth are invented, so that both are of pension age.
        eileen = self._enrol("Eileen Collins", "DEMO0001", date(1956, 11, 19), ("employee", "personal_pension"), 340)
        self._reference(eileen, faces.encode(collins))
        grace = self._enrol("Grace Hopper", "DEMO0002", date(1946, 12, 9), ("resident",), 380)
        self._reference(grace, faces.encode(hopper))

        # Her letter's link is what only she has; a photo proves nothing without it, and little with it.
        self._selfie(eileen, "Eileen: a photo alone", faces.rephotograph(collins, seed=_SEED), link=True)
        self._sign(eileen, "hospital_stay", "hospital", "K-1", "The same photo, and a hospital stay in the register")
        self._write_certificate(eileen)
        self._selfie(eileen, "Eileen's account: somebody else's face", faces.rephotograph(hopper, seed=_SEED + 1))
        self._selfie(eileen, "Eileen: no face in the picture", faces.no_face(seed=_SEED))
        self._selfie(eileen, "Eileen: two faces, the third failed attempt", faces.two_faces(collins, hopper))
        self._selfie(eileen, "Eileen: a fourth attempt", faces.rephotograph(collins, seed=_SEED + 4))

        self._selfie(grace, "Grace: far too dark", faces.far_too_dark(hopper))
        self._selfie(grace, "Grace: a tiny picture", faces.tiny(hopper))
        self._film(grace, "Grace: a film of her portrait, animated to follow every prompt", hopper)
        self._registry(grace, "residence_abroad", "household-register", "H-77", "Registry: Grace lives abroad")
        self._selfie(grace, "Grace: a photo, scheme needs residency", faces.rephotograph(hopper, seed=_SEED + 2))
        self._void(grace, "household-register", "H-77", "Registry takes it back: a mistake")
        self._visit(grace, "An agent visits Grace", faces.rephotograph(hopper, seed=_SEED + 5))
        self._registry(grace, "death", "civil-registry", "D-1", "Death feed lists Grace")
        self._visit(grace, "The agent visits Grace again", faces.rephotograph(hopper, seed=_SEED + 3))
        self._verify_offline()

    def show(self, folder: Path) -> None:
        """Print what happened, the files and how to go on.

        Args:
            folder: data folder of the demo.
        """
        rows = []
        for scene in self._scenes:
            colour = {"certified": "green", "review": "yellow", "paused": "yellow"}.get(
                scene.outcome.split()[0], "cyan"
            )
            outcome = [Ink(scene.outcome, f"bold {colour}")]
            outcome += [Ink(f"until {scene.until}", "")] if scene.until else []
            rows.append((scene.title, outcome, scene.why))
        show_table(["tried", "outcome", "why, and what to do"], rows, title="What happened", ruled=True)
        say("")
        say(Ink("The certificate, verified offline", "bold"))
        for line in self._offline:
            say(f"  {line}")
        certificate, keys = self._out / "certificate.json", self._out / "keys.json"
        names = ", ".join(path.name for path in sorted(self._out.iterdir()) if not path.name.startswith("tried-"))
        say("")
        say(f"Written to {self._out}: {names}, and the photos and the film tried.")
        say("")
        program = quote(sys.argv[0]) if Path(sys.argv[0]).name == "certify" else "certify"
        say("Verify it yourself:")
        for form in (certificate, self._out / "certificate-qr.png"):
            say(f"  {program} verify {quote(str(form))} --keys {quote(str(keys))}")
        say("Start the service on this data:")
        here = f"CERTIFY_DATA_DIR={quote(str(folder))} {program}"
        for words in ("serve", "token --role officer"):
            say(f"  {here} {words}")
        say("Try your own face, which no picture and no animation replaces. Enrol a photo of yours:")
        say(f"  {here} enrol --national-id {_YOURS} --name You --birth-date {_YOUR_BIRTH} YOUR-PHOTO.jpg")
        say("Then start the service as above, open http://localhost:8080 on this machine, choose the camera, and enter")
        say(f"{_YOURS} and {_YOUR_BIRTH}. Nothing leaves this machine.")

    def _enrol(self, name: str, national_id: str, born: date, schemes: tuple[str, ...], days: int) -> UUID:
        self._say(f"Enrolling {name}")
        with self._service.unit() as unit:
            began = date(2020, 1, 1)
            last = unit.now.date() - timedelta(days=days)
            pensions = tuple(NewEntitlement(scheme, began, last) for scheme in schemes)
            person = NewBeneficiary(national_id=national_id, name=name, birth_date=born, entitlements=pensions)
            beneficiary_id = add_beneficiary(unit, person)
            determine(unit, beneficiary_id)
            return beneficiary_id

    def _reference(self, person: UUID, image: bytes) -> None:
        with self._service.unit() as unit:
            reference_id = add_reference(unit, person, image)
        row = measure_reference(
            self._service, self._engine, reference_id, search=DuplicateSearch(self._service, self._engine)
        )
        if row.state != ReferenceState.ACTIVE:
            raise Unavailable("The portrait could not be enrolled.", hint="Run 'certify models check'.")

    def _selfie(self, person: UUID, title: str, photo: bytes, *, link: bool = False) -> None:
        self._attempt(person, title, lambda _: photo, Channel.REMOTE, "jpg", link=link)

    def _film(self, person: UUID, title: str, portrait: Picture) -> None:
        from certify.cli.demo_film import animated_portrait

        def draw(session: SessionRow) -> bytes:
            self._say(f"{title}: drawing it")
            return animated_portrait(portrait, session.plan or {}, seed=_SEED)

        self._attempt(person, title, draw, Channel.REMOTE, "webm")

    def _visit(self, person: UUID, title: str, photo: bytes) -> None:
        self._attempt(person, title, lambda _: photo, Channel.DOORSTEP, "jpg")

    def _attempt(
        self,
        person: UUID,
        title: str,
        media: Callable[[SessionRow], bytes],
        channel: Channel,
        ending: str,
        *,
        link: bool = False,
    ) -> None:
        """Open a session, send what it is given, and note the outcome.

        Args:
            person: id of the person.
            title: what is tried.
            media: returns the photo or film for the session.
            channel: remote, or an agent's visit.
            ending: of the file that keeps the media.
            link: whether the session is opened with the link of a letter.
        """
        self._say(title)
        try:
            with self._service.unit() as unit:
                session = open_session(unit, person, channel, confirmed=link)
            data = media(session)
            (self._out / f"tried-{len(self._scenes) + 1:02}.{ending}").write_bytes(data)
            with self._service.unit() as unit:
                submit_media(unit, session.id, data)
        except Conflict as refused:
            self._scenes.append(_Scene(title, "no more photos for now", why=[refused.message]))
            return
        except ImageRefused as refused:
            self._scenes.append(_Scene(title, "photo refused, may retry", why=[sentence(refused.code)]))
            return
        row = evaluate_session(self._service, self._engine, session.id, notice=note_face)
        with self._service.unit() as unit:
            verdicts = [d.verdict for d in determinations_of(unit.db, session_id=session.id)]
        words = {
            "retry": "not certified, may retry",
            "other_path": "another path asked for",
            "doorstep": "not certified, a visit is asked for",
        }
        said = words.get(row.outcome or "", row.outcome or "")
        if row.outcome == "retry" and row.attempts_left == 0:
            said = "not certified, the last attempt for now"
        scene = _Scene(title, said)
        comparison = (row.report or {}).get("comparison")
        if comparison and comparison["llr"] is not None:
            scene.why.append(f"log10 likelihood ratio {comparison['llr']:+.1f}.")
        scene.why += [f"→ {sentence(code)}" for code in row.guidance[:2]]
        if row.outcome == "certified":
            scene.until = max(str(verdict["valid_until"]) for verdict in verdicts)
            scene.why += [reason["text"] for reason in verdicts[0]["reasons"]]
            scene.why.append(f"Assurance: {verdicts[0]['assurance']}.")
        elif row.outcome != "retry" or not row.guidance:
            scene.why += [reason["text"] for reason in verdicts[0]["reasons"] if reason["code"] not in _ASIDES]
        self._add(scene)

    def _add(self, scene: _Scene) -> None:
        scene.why = list(dict.fromkeys(scene.why))
        self._scenes.append(scene)

    def _registry(self, person: UUID, kind: str, source: str, number: str, title: str) -> None:
        self._say(title)
        with self._service.unit(principal_of(source)) as unit:  # each registry delivers by its own feed
            event = unit.now - timedelta(days=10)
            record(unit, person, NewRecord(source=source, record_id=number, event_at=event, adverse=kind))
        self._add(self._standing(person, title))

    def _sign(self, person: UUID, act: str, source: str, number: str, title: str) -> None:
        self._say(title)
        with self._service.unit(operator()) as unit:
            event = unit.now - timedelta(days=10)
            record(unit, person, NewRecord(source=source, record_id=number, event_at=event, act=act))
        self._add(self._standing(person, title))

    def _void(self, person: UUID, source: str, number: str, title: str) -> None:
        self._say(title)
        with self._service.unit(principal_of(source)) as unit:
            void = NewRecord(source=source, record_id=f"{number}-void", event_at=unit.now, voids=number)
            record(unit, person, void)
        self._add(self._standing(person, title))

    def _standing(self, person: UUID, title: str) -> _Scene:
        with self._service.unit() as unit:
            entitlement = entitlements_of(unit.db, person)[0]
            verdict = determinations_of(unit.db, beneficiary_id=person, limit=1)[0].verdict
            certificates = certificates_of(unit.db, person)
            cases = open_cases_of(unit.db, person)
        scene = _Scene(title, str(entitlement.standing))
        if entitlement.valid_until is not None:
            scene.until = str(entitlement.valid_until)
        scene.why = [reason["text"] for reason in verdict["reasons"] if reason["code"] not in _ASIDES]
        scene.why += [f"Certificate {row.number} is {row.state}." for row in certificates[:1]]
        scene.why += [f"Review case opened: {case.kind}." for case in cases]
        scene.why.append(f"Payment: {entitlement.payment}.")
        return scene

    def _write_certificate(self, person: UUID) -> None:
        from certify.certificates.pdf import certificate_pdf
        from certify.texts.sheet import sheet_words

        self._say("Writing the certificate as file, PDF and QR code")
        with self._service.unit() as unit:
            row = certificates_of(unit.db, person)[0]
            keys = key_set(unit)
            certificate = verify(row.cose, keys, now=unit.now).certificate
        titles = {name: document.policy.title for name, document in self._service.policies.items()}
        pdf = certificate_pdf(certificate, row.cose, words=sheet_words("en", titles), created_at=row.issued_at)
        (self._out / "certificate.json").write_text(to_file(certificate, row.cose), "utf-8")
        (self._out / "certificate.pdf").write_bytes(pdf)
        (self._out / "certificate-qr.png").write_bytes(qr_png(to_text(row.cose)))
        (self._out / "keys.json").write_text(keys.to_json(), "utf-8")

    def _verify_offline(self) -> None:
        """Read the QR code back from its picture, with nothing but the public keys."""
        self._say("Verifying the QR code offline")
        with self._service.unit() as unit:
            keys, now = key_set(unit), unit.now
        report = verify_any((self._out / "certificate-qr.png").read_bytes(), keys, now)
        self._offline = report.lines


_ASIDES = frozenset({"proven_prior", "adverse_voided", "liveness_not_assessed"})
"""Reasons that are true but not what the scene is about."""
