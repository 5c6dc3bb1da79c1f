"""Measure sealed visits at the service: seconds from the first bundle received to the last determination.

python -m bench.doorstep --visits 200 --workers 2

Each visit has three photos of 1280 pixels, as the tablet takes them. The workers are those of production, one process
each; their start and the loading of models count. The visits show two faces only, so the agent can be held during the
measurement (certify/doorstep/watch.py): then some outcomes are "review".
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import cv2
import numpy as np
from rich.console import Console
from sqlalchemy import select

from certify.config import Settings
from certify.doorstep.agents import NewAgent, add_agent
from certify.doorstep.clock import sign_time
from certify.doorstep.receive import take_bundle
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiary,
)
from certify.people.references import add_reference, measure_reference
from certify.queue import DatabaseQueue
from certify.service import Service, build_service
from certify.storage.migrate import upgrade_embedded
from certify.storage.signing import Purpose, active_key
from certify.storage.tables.doorstep import BundleRow, TabletRow
from certify.storage.tables.sessions import SessionRow
from fixtures import faces, phone
from fixtures.tablet import Tablet
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir

LONG_SIDE, QUALITY, PHOTOS = 1280, 82, 3
"""As in api/web/tablet/js/photo.js."""


def main() -> None:
    """Enrol people, seal a visit to each, send all of them, run the workers, and print the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="certify-bench-") as folder:
        settings = Settings(data_dir=Path(folder), log_level="ERROR")
        service = build_service(settings, queue=DatabaseQueue())
        upgrade_embedded(service.settings)
        bundles = seal_visits(service, asked.visits, asked.seed)
        size = sum(map(len, bundles)) / len(bundles)
        console.print(f"{len(bundles)} visits sealed, {size / 1e3:.0f} kB each on average")
        start = perf_counter()
        for data in bundles:
            with service.unit() as unit:
                take_bundle(unit, data, sha256=hashlib.sha256(data).digest(), sent_wall=unit.now)
        taken = perf_counter() - start
        environment = {**os.environ, "CERTIFY_DATA_DIR": folder, "CERTIFY_LOG_LEVEL": "ERROR"}
        command = [sys.executable, "-m", "certify", "worker", "--until-idle"]
        workers = [subprocess.Popen(command, env=environment) for _ in range(asked.workers)]
        assert [worker.wait() for worker in workers] == [0] * asked.workers
        whole = perf_counter() - start
        with service.reading() as unit:
            query = select(BundleRow.state, BundleRow.reason, SessionRow.outcome).outerjoin(
                SessionRow, SessionRow.id == BundleRow.session_id
            )
            came = Counter(tuple(found) for found in unit.db.execute(query))
        console.print(f"taken in {taken:.1f} s; all decided after {whole:.1f} s with {asked.workers} workers")
        console.print(dict(came))
        service.database.close()


def seal_visits(service: Service, visits: int, seed: int) -> list[bytes]:
    """Enrol people with one photo each, and seal a visit to each with three other photos.

    Args:
        service: the service.
        visits: number of people.
        seed: determines the noise of the photos.

    Returns:
        The bundles.
    """
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    chance = np.random.default_rng(seed)
    portraits = list(faces.portraits().values())
    with service.unit() as unit:
        agent = add_agent(unit, NewAgent(badge="A-1", name="Agent", area=""))
        tablet = Tablet(uuid4())
        unit.db.add(
            TabletRow(
                id=tablet.id,
                agent_id=agent.id,
                state="active",
                invited_by="bench",
                invited_at=unit.now,
                invite_expires_at=unit.now,
                public_jwk=tablet.jwk,
            )
        )
        tablet.service_key = active_key(unit.db, service.vault, Purpose.VISIT, unit.now).verification_key.to_jwk()
    with service.unit() as unit:
        tablet.anchor, tablet.anchored = sign_time(unit, tablet.id), unit.now
    sealed = []
    for number in range(visits):
        portrait = portraits[number % len(portraits)]
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        with service.unit() as unit:
            person = add_beneficiary(unit, NewBeneficiary(f"BENCH{number:06}", "Maria Silva", pension))
            reference = add_reference(unit, person, faces.encode(portrait))
        assert measure_reference(service, engine, reference).state == "active"
        now = datetime.now(UTC)
        entries = {
            "result": "face",
            "who": {"beneficiary": str(person), "how": "card"},
            "clocks": tablet.clocks(max(now - timedelta(seconds=1), tablet.anchored or now), now),
            "statement": "2026-11",
            "consent": True,
        }
        photos = [("photo", photo(portrait, chance)) for _ in range(PHOTOS)]
        sealed.append(tablet.seal(uuid4(), entries, photos))
    return sealed


def photo(portrait: faces.Picture, chance: np.random.Generator) -> bytes:
    """Make a photo of a portrait with the size, noise and coding of a tablet's photos, as JPEG."""
    still = phone.upright(portrait)[:, :, ::-1]
    scale = LONG_SIDE / max(still.shape[:2])
    large = cv2.resize(np.ascontiguousarray(still), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    noisy = np.clip(large + chance.normal(0, 4, large.shape), 0, 255).astype(np.uint8)
    done, data = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert done
    return data.tobytes()


if __name__ == "__main__":
    main()
