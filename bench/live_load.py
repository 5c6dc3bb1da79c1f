"""Run ten live captures at the same time, and measure the delay of guidance and the cost of a frame.

    python -m bench.live_load [--people 10] [--rate 6] [--guides 1]

The command starts its own service (HTTP process, guides, one worker, database) in a temporary folder. It sends frames
of 640 x 480 through real WebSockets. The frames were drawn beforehand: a public portrait that waits, and then moves as
the plan of a recording asks. A live capture asks for something that no one knows beforehand, so each is recorded twice.
Service and load run on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from bench.api_latency import PORT, wait_until_ready
from bench.people import enrol
from certify.config import Settings
from certify.issuers.tokens import Role, development_signer
from certify.queue import NoQueue
from certify.service import build_service, utc_now
from certify.storage.migrate import upgrade_embedded
from fixtures import faces
from fixtures.phone import Film, Reel, Stage, film, upright
from models.face.detect import Detector
from models.face.landmarks import FaceMesh
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network


@dataclass(frozen=True, slots=True)
class Opened:
    """A session and the frames for it."""

    session: str
    hello: dict[str, Any]
    reel: Reel


def main() -> None:
    """Run the load and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--rate", type=float, default=6.0, help="frames per second of each")
    parser.add_argument("--guides", type=int, default=1, help="guide processes")
    parser.add_argument("--quality", type=int, default=70, help="of the JPEG frames")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        people, token = prepare(Path(folder), options.people)
        environment = {**os.environ, "CERTIFY_DATA_DIR": folder, "CERTIFY_RATE_LIMIT": "none"}
        command = [sys.executable, "-m", "certify", "serve", "--port", str(PORT), "--guides", str(options.guides)]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_ready()
            stage = _stage(options.rate, options.quality)
            opened = [_open(stage, person, token, n) for n, person in enumerate(track(people, "sessions"))]
            before = _seconds(server.pid)
            films = asyncio.run(_all(opened))
            after = _seconds(server.pid)
        finally:
            server.terminate()
            server.wait(30)
    _report(films, {name: after[name] - before.get(name, 0.0) for name in after})


def _stage(rate: float, quality: int) -> Stage:
    store = PackStore(default_cache_dir())
    still = upright(faces.portraits()["eileen_collins"])
    seen = FaceMesh.load(store).tracker().step(still, Detector(load_network(store, "yunet")).detect(still))
    assert seen is not None
    return Stage(still, seen.points, rate=rate, quality=quality)


def _open(stage: Stage, person: str, token: str, seed: int) -> Opened:
    """Open a session, and draw a person who moves as its recording would be asked to."""
    body = json.dumps({"beneficiary_id": person}).encode()
    headers = {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": f"bench-live-{seed:04}",
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}/v1/sessions", body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own server
        opened = json.load(answer)
    session = opened["session"]
    hello = {"token": opened["token"], "nonce": session["nonce"]}
    return Opened(session["id"], hello, stage.reel(session["plan"], seed=seed))


def prepare(folder: Path, count: int) -> tuple[list[str], str]:
    """Enrol people in a data folder; return their ids, and a token of an officer."""
    settings = Settings(data_dir=folder)
    service = build_service(settings, queue=NoQueue())
    upgrade_embedded(service.settings)
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    reference = faces.encode(faces.portraits()["eileen_collins"])
    people = [str(enrol(service, engine, reference, number)) for number in range(count)]
    signer = development_signer(settings)
    token = signer.issue(subject="bench", role=Role.OFFICER, now=utc_now(), lifetime=timedelta(hours=2))
    service.database.close()
    return people, token


async def _all(opened: list[Opened]) -> list[Film]:
    """Film all people, each starting a little after the one before."""

    async def one(number: int, entry: Opened) -> Film:
        await asyncio.sleep(number * 0.13)
        return await film(
            f"ws://127.0.0.1:{PORT}/v1/sessions/{entry.session}/live", entry.hello, entry.reel, wait_for_result=True
        )

    return await asyncio.gather(*(one(number, entry) for number, entry in enumerate(opened)))


def _seconds(server: int) -> dict[str, float]:
    """Return the processor seconds so far: of the HTTP process, and of its children by their command (Linux)."""
    found = {"http": _used(server)}
    for entry in Path(f"/proc/{server}/task").glob("*/children"):
        for child in map(int, entry.read_text().split()):
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            name = next((word.decode() for word in (b"guide", b"worker") if word in words), "database")
            found[name] = found.get(name, 0.0) + _used(child)
    return found


def _used(process: int) -> float:
    # User and system time are the 14th and 15th field (proc_pid_stat(5)); the name before them may contain spaces.
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _report(films: list[Film], used: dict[str, float]) -> None:
    frames = sum(found.sent for found in films)
    delays = np.array([delay for found in films for delay in found.delays_s]) * 1000
    p = np.percentile(delays, [50, 95, 99, 100])
    problems = [problem["problem"]["code"] for found in films if (problem := found.last("problem"))]
    done = sum(found.last("submitted") is not None for found in films)
    results = [result["session"]["outcome"] for found in films if (result := found.last("result"))]
    print(f"{len(films)} people, {frames} frames sent, {len(delays)} hints; handed in: {done}; problems: {problems}")
    print(f"guidance after p50={p[0]:.0f} p95={p[1]:.0f} p99={p[2]:.0f} max={p[3]:.0f} ms")
    print("processor per frame: " + ", ".join(f"{name} {1000 * used[name] / frames:.1f} ms" for name in sorted(used)))
    print(f"results: {results}")


if __name__ == "__main__":
    main()
