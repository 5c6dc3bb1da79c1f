"""Kill server and worker at random moments: no accepted photo is lost, and none is decided twice."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from certify.certificates import merkle
from certify.config import Settings
from certify.issuers.tokens import Role, development_signer
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.references import add_reference, measure_reference
from certify.queue import NoQueue
from certify.service import Service, build_service, utc_now
from certify.storage.ledger import leaves, ledger_root, ledger_size
from certify.storage.migrate import upgrade_embedded
from certify.storage.tables.decisions import CertificateRow, DeterminationRow
from certify.storage.tables.sessions import SessionRow
from fixtures import faces
from models.errors import ModelsError
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir
from tests.certify.certificates.memory_nodes import MemoryNodes
from tests.photo_policies import write_photo_policies

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.enable_socket]

PEOPLE, SUBMISSIONS, KILLS, SEED = 10, 100, 10, 20261123


def test_nothing_is_lost_or_done_twice_when_processes_are_killed(tmp_path: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311 - a test needs repeatable random numbers
    settings = Settings(data_dir=tmp_path / "data")
    service = build_service(settings, queue=NoQueue())
    try:
        upgrade_embedded(service.settings)
        people = _enrol_people(service)
        token = development_signer(settings).issue(
            subject="crash-test", role=Role.OFFICER, now=utc_now(), lifetime=timedelta(hours=2)
        )
        with _running(tmp_path) as server:
            # Each is sent once: the service refuses a photo that it has seen before.
            portrait = faces.portraits()["eileen_collins"]
            photos = [faces.rephotograph(portrait, seed=seed, megapixels=0.3) for seed in range(SUBMISSIONS)]
            killer = threading.Thread(target=server.kill_at_random, args=(chance, KILLS))
            killer.start()
            with ThreadPoolExecutor(4) as pool:
                jobs = [
                    pool.submit(_submit, server, token, people[i % PEOPLE], photos[i], i) for i in range(SUBMISSIONS)
                ]
                accepted = [job.result() for job in jobs]
            killer.join()
            _wait_until_decided(service, accepted)
        assert server.kills == KILLS
        _check(service, accepted, people)
    finally:
        service.database.close()


def _enrol_people(service: Service) -> list[UUID]:
    try:
        engine = FaceEngine.load(PackStore(default_cache_dir()))
    except ModelsError as error:
        pytest.skip(f"MODELS ARE MISSING, nothing was tested: {error}")
    portrait = faces.encode(faces.portraits()["eileen_collins"])
    people = []
    for number in range(PEOPLE):
        with service.unit() as unit:
            person = NewBeneficiary(
                national_id=f"CRASH{number:04}",
                name=f"Person {number}",
                birth_date=date(1950, 1, 1),
                entitlements=(NewEntitlement("employee", date(2015, 1, 1)),),
            )
            people.append(add_beneficiary(unit, person))
            reference = add_reference(unit, people[-1], portrait)
        assert measure_reference(service, engine, reference).state == "active"
    return people


class _Server:
    """``certify serve`` as a process of its own, which is killed and started again."""

    def __init__(self, folder: Path, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.kills = 0
        self._port = port
        self._log = (folder / "serve.log").open("ab")
        self._environment = {
            **os.environ,
            "CERTIFY_DATA_DIR": str(folder / "data"),
            "CERTIFY_RATE_LIMIT": "none",
            "CERTIFY_POLICIES_DIR": str(write_photo_policies(folder / "policies")),  # this is about transactions
        }
        self._process = self._start()

    def kill_at_random(self, chance: random.Random, times: int) -> None:
        for _ in range(times):
            time.sleep(chance.uniform(0.5, 4.0))
            workers = self._workers()
            if workers and chance.random() < 0.5:
                os.kill(chance.choice(workers), signal.SIGKILL)
            else:
                self._process.kill()
                self._process.wait()
                self._process = self._start()
            self.kills += 1

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "certify", "serve", "--port", str(self._port)]
        return subprocess.Popen(command, env=self._environment, stdout=self._log, stderr=self._log)

    def _workers(self) -> list[int]:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        # Every thread of the server has a list of its own; the main thread and the keeper's thread start workers.
        pids = []
        for entry in children.parent.parent.glob("*/children"):
            pids += [int(pid) for pid in entry.read_text().split()]
        return [pid for pid in pids if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@contextmanager
def _running(folder: Path) -> Iterator[_Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = _Server(folder, port)
    try:
        yield server
    finally:
        server.stop()


def _submit(server: _Server, token: str, person: UUID, photo: bytes, number: int) -> UUID:
    """Open a session and send a photo as a phone does: repeat with the same key until an answer comes."""
    body = json.dumps({"beneficiary_id": str(person)}).encode()
    opened = _post(server, "/v1/sessions", token, f"open-{number:04}", body, "application/json")
    session = UUID(opened["session"]["id"])
    answer = _post(server, f"/v1/sessions/{session}/media", opened["token"], f"send-{number:04}", photo, "image/jpeg")
    assert answer["id"] == str(session)
    return session


def _post(server: _Server, path: str, token: str, key: str, body: bytes, media_type: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key, "Content-Type": media_type}
    deadline = time.monotonic() + 120
    while True:
        request = urllib.request.Request(server.base + path, body, headers)  # noqa: S310 - our own server
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own server
                content: dict[str, Any] = json.load(answer)
                return content
        except urllib.error.HTTPError as error:
            with error:
                try:
                    text = error.read()
                except (OSError, http.client.HTTPException):
                    continue  # killed in the middle of its answer
                # A person has one attempt at a time; the phone must wait for the result of the attempt before.
                waits = error.code == 409 and b"another_in_progress" in text
                if error.code < 500 and not waits:
                    raise AssertionError(f"{path}: {error.code} {text!r}") from None
        except (OSError, ValueError, http.client.HTTPException):
            pass  # the server was killed while answering
        assert time.monotonic() < deadline, "the server did not come back"
        time.sleep(0.2)


def _wait_until_decided(service: Service, accepted: list[UUID]) -> None:
    deadline = time.monotonic() + 180
    while True:
        with service.unit() as unit:
            query = select(func.count()).where(SessionRow.id.in_(accepted), SessionRow.state == "decided")
            decided = unit.db.scalar(query)
        if decided == len(accepted):
            return
        assert time.monotonic() < deadline, f"only {decided} of {len(accepted)} were decided"
        time.sleep(0.5)


def _check(service: Service, accepted: list[UUID], people: list[UUID]) -> None:
    assert len(set(accepted)) == SUBMISSIONS
    with service.unit() as unit:
        determined = Counter(unit.db.scalars(select(DeterminationRow.session_id)))
        assert {session: determined[session] for session in accepted} == dict.fromkeys(accepted, 1)
        in_force = unit.db.scalars(
            select(CertificateRow.beneficiary_id).where(CertificateRow.state.in_(("valid", "paused")))
        ).all()
        assert sorted(in_force) == sorted(people)
        size = ledger_size(unit.db)
        rows = leaves(unit.db, 0, size)
        assert [row.index for row in rows] == list(range(size))
        nodes = MemoryNodes()
        for row in rows:
            merkle.append(nodes, row.index, merkle.leaf_hash(row.entry))
        assert merkle.root(nodes, size) == ledger_root(unit.db, size)
        events = Counter(json.loads(row.entry)["event"] for row in rows)
        assert events["session_decided"] == SUBMISSIONS
        issued = unit.db.scalar(select(func.count()).select_from(CertificateRow))
        assert events["certificate_issued"] == issued
