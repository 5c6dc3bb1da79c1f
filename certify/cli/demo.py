"""``certify demo``: the whole story on two real faces, in a data folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from rich.markup import escape
from rich.panel import Panel
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from certify.capture.evaluate import evaluate_session
from certify.capture.session import open_session, submit_media
from certify.certificates.file import to_file
from certify.certificates.qr import qr_png, to_text
from certify.certificates.signing import verify
from certify.certificates.verify import verify_any
from certify.cli.output import console, errors, load_engine, pack_store
from certify.config import Settings
from certify.decision.determine import determine
from certify.decision.issue import key_set
from certify.decision.record import NewRecord, record
from certify.domain.channels import Channel
from certify.domain.states import ReferenceState
from certify.doorstep.traces import note_face
from certify.errors import Conflict, Unavailable
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.references import add_reference, measure_reference
from certify.queue import NoQueue
from certify.service import Service, build_service
from certify.storage.certificates import certificates_of
from certify.storage.facts import determinations_of
from certify.storage.people import entitlements_of
from certify.storage.reviews import open_cases_of
from fixtures import faces
from models.errors import ImageRefused
from models.guidance import sentence

if TYPE_CHECKING:
    from models.pipeline import FaceEngine

Say = Callable[[str], None]

_MARKER = ".certify-demo"
"""A file in the demo's folder: only a folder that has it is ever emptied."""

_SEED = 20261123


def register(root: typer.Typer) -> None:
    """Add ``certify demo`` to the command."""
    root.command("demo")(demo)


def demo(
    folder: Annotated[Path, typer.Option(help="Folder of the demo; emptied when a demo lies there.")] = Path(
        "var/demo"
    ),
    registries: Annotated[
        bool, typer.Option("--registries", help="Play half a year of registry files for a synthetic nation instead.")
    ] = False,
) -> None:
    """Enrol two people from public-domain portraits and play what happens to their selfies.

    With --registries: import a synthetic nation, and let what registries send about it prove most people alive, pause
    the dead, and take back what was wrong. Everything is real: PostgreSQL, face models, signatures. Nothing leaves this
    machine except the download of the models, the first time.
    """
    if registries:
        _play_registries(folder)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=errors) as progress:
        step = progress.add_task("Preparing the face models (downloaded the first time)")

        def say(text: str) -> None:
            progress.update(step, description=text)

        _prepare_models(say)
        from certify.storage.migrate import upgrade  # noqa: PLC0415 - slow to load

        say("Starting PostgreSQL and migrating")
        _empty(folder)
        settings = Settings(data_dir=folder, database_url=None, issuer_name="Demo Pension Fund")
        service = build_service(settings, queue=NoQueue())
        try:
            upgrade(service.database)
            say("Loading the face models")
            play = _Play(service, load_engine(settings), folder / "out", say)
            play.run()
            say("Done")
        finally:
            service.database.close()
    play.show(folder)


def _play_registries(folder: Path) -> None:
    from certify.cli.demo_registries import play_registries  # noqa: PLC0415 - loads the linking
    from certify.storage.migrate import upgrade  # noqa: PLC0415 - slow to load

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=errors) as progress:
        step = progress.add_task("Starting PostgreSQL and migrating")
        _empty(folder)
        settings = Settings(data_dir=folder, database_url=None, issuer_name="Demo Pension Fund")
        service = build_service(settings, queue=NoQueue())
        try:
            upgrade(service.database)
            play_registries(service, folder / "out", lambda text: progress.update(step, description=text))
        finally:
            service.database.close()


@dataclass(slots=True)
class _Scene:
    """One line of the table: what was tried, what came of it, and why."""

    title: str
    outcome: str
    until: str = ""
    why: list[str] = field(default_factory=list)


class _Play:
    """The scenes of the demo, one after the other."""

    def __init__(self, service: Service, engine: FaceEngine, out: Path, say: Say) -> None:
        self._service = service
        self._engine = engine
        self._out = out
        self._say = say
        self._scenes: list[_Scene] = []
        self._offline: tuple[str, ...] = ()
        out.mkdir(parents=True)

    def run(self) -> None:
        """Play all scenes."""
        portraits = faces.portraits()
        collins, hopper = portraits["eileen_collins"], portraits["grace_hopper"]
        # Dates of birth are invented, so that both are of pension age.
        eileen = self._enrol("Eileen Collins", "DEMO0001", date(1956, 11, 19), ("employee", "personal_pension"), 340)
        self._reference(eileen, faces.encode(collins))
        grace = self._enrol("Grace Hopper", "DEMO0002", date(1946, 12, 9), ("resident",), 380)
        self._reference(grace, faces.encode(hopper))

        self._selfie(eileen, "Eileen: a genuine selfie", faces.rephotograph(collins, seed=_SEED))
        self._write_certificate(eileen)
        self._selfie(eileen, "Eileen's account: somebody else's face", faces.rephotograph(hopper, seed=_SEED + 1))
        self._selfie(eileen, "Eileen: no face in the picture", faces.no_face(seed=_SEED))
        self._selfie(eileen, "Eileen: two faces, the third failed attempt", faces.two_faces(collins, hopper))
        self._selfie(eileen, "Eileen: a fourth attempt", faces.rephotograph(collins, seed=_SEED + 4))

        self._selfie(grace, "Grace: far too dark", faces.far_too_dark(hopper))
        self._selfie(grace, "Grace: a tiny picture", faces.tiny(hopper))
        self._registry(grace, "residence_abroad", "household-register", "H-77", "Registry: Grace lives abroad")
        self._selfie(
            grace, "Grace: a genuine selfie, scheme needs residency", faces.rephotograph(hopper, seed=_SEED + 2)
        )
        self._void(grace, "household-register", "H-77", "Registry takes it back: a mistake")
        self._registry(grace, "death", "death-register", "D-1", "Death feed lists Grace")
        self._selfie(grace, "Grace: a genuine selfie all the same", faces.rephotograph(hopper, seed=_SEED + 3))
        self._verify_offline()

    def show(self, folder: Path) -> None:
        """Print the table, the files and how to go on."""
        table = Table(title="What happened", show_lines=True, expand=True)
        table.add_column("tried", ratio=3)
        table.add_column("outcome", ratio=2)
        table.add_column("why, and what to do", ratio=6)
        for scene in self._scenes:
            colour = {"certified": "green", "review": "yellow", "paused": "yellow"}.get(
                scene.outcome.split()[0], "cyan"
            )
            outcome = f"[bold {colour}]{escape(scene.outcome)}[/]"
            if scene.until:
                outcome += f"\nuntil [bold]{scene.until}[/]"
            table.add_row(scene.title, outcome, escape("\n".join(scene.why)))
        console.print(table)
        console.print(Panel(escape("\n".join(self._offline)), title="The certificate, verified offline", expand=False))
        certificate, keys = self._out / "certificate.json", self._out / "keys.json"
        names = ", ".join(path.name for path in sorted(self._out.iterdir()) if path.suffix != ".jpg")
        console.print(f"Written to {self._out}: {names}, and the photos tried.", soft_wrap=True)
        console.print("\nVerify it yourself:", soft_wrap=True)
        for form in (certificate, self._out / "certificate-qr.png"):
            console.print(f"  .venv/bin/certify verify {form} --keys {keys}", soft_wrap=True, highlight=False)
        console.print("Start the service on this data:", soft_wrap=True)
        console.print(f"  CERTIFY_DATA_DIR={folder} .venv/bin/certify serve", soft_wrap=True, highlight=False)
        console.print(
            f"  CERTIFY_DATA_DIR={folder} .venv/bin/certify token --role officer", soft_wrap=True, highlight=False
        )

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
        row = measure_reference(self._service, self._engine, reference_id)
        if row.state != ReferenceState.ACTIVE:
            raise Unavailable("The portrait could not be enrolled.", hint="Run 'certify models check'.")

    def _selfie(self, person: UUID, title: str, photo: bytes) -> None:
        self._say(title)
        (self._out / f"photo-{len(self._scenes) + 1:02}.jpg").write_bytes(photo)
        try:
            with self._service.unit() as unit:
                session = open_session(unit, person, Channel.REMOTE)
            with self._service.unit() as unit:
                submit_media(unit, session.id, photo)
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
        scene = _Scene(title, words.get(row.outcome or "", row.outcome or ""))
        comparison = (row.report or {}).get("comparison")
        if comparison and comparison["llr"] is not None:
            scene.why.append(f"log10 likelihood ratio {comparison['llr']:+.1f}.")
        scene.why += [f"→ {sentence(code)}" for code in row.guidance[:2]]
        if row.outcome == "certified":
            scene.until = max(str(verdict["valid_until"]) for verdict in verdicts)
            scene.why += [reason["text"] for reason in verdicts[0]["reasons"]]
        elif row.outcome != "retry" or not row.guidance:
            scene.why += [reason["text"] for reason in verdicts[0]["reasons"] if reason["code"] not in _ASIDES]
        self._add(scene)

    def _add(self, scene: _Scene) -> None:
        scene.why = list(dict.fromkeys(scene.why))
        self._scenes.append(scene)

    def _registry(self, person: UUID, kind: str, source: str, number: str, title: str) -> None:
        self._say(title)
        with self._service.unit() as unit:
            event = unit.now - timedelta(days=10)
            record(unit, person, NewRecord(source=source, record_id=number, event_at=event, adverse=kind))
        self._add(self._standing(person, title))

    def _void(self, person: UUID, source: str, number: str, title: str) -> None:
        self._say(title)
        with self._service.unit() as unit:
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
        from certify.certificates.pdf import certificate_pdf  # noqa: PLC0415 - slow to load

        self._say("Writing the certificate as file, PDF and QR code")
        with self._service.unit() as unit:
            row = certificates_of(unit.db, person)[0]
            keys = key_set(unit)
            certificate = verify(row.cose, keys, now=unit.now).certificate
        titles = {name: document.policy.title for name, document in self._service.policies.items()}
        pdf = certificate_pdf(certificate, row.cose, created_at=row.issued_at, scheme_names=titles)
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


def _prepare_models(say: Say) -> None:
    results = pack_store().prepare(progress=lambda name, text: say(f"Face models: {name} {text}"))
    missing = [result for result in results if result.error]
    for result in missing:
        errors.print(f"[bold yellow]![/] {result.name}: {escape(result.error or '')}", soft_wrap=True)


def _empty(folder: Path) -> None:
    """Make the demo's folder empty. Raises Unavailable for a folder that holds something else."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARKER).exists():
            raise Unavailable(f"{folder} holds something that is not a demo.", hint="Choose another --folder.")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARKER).touch()
