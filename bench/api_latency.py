"""Measure the latency of GET session and GET certificate at a constant rate, alone and while selfies are uploaded.

    python -m bench.api_latency            # 200 requests/s for 20 s, then the same with uploads

The load is an open loop: requests start on schedule even if earlier ones have no answer yet. The time counts from the
scheduled start, so that a stall is visible in full. The command starts its own service in a temporary folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bench.people import enrol, submit
from certify.capture.evaluate import evaluate_session
from certify.config import Settings
from certify.doorstep.traces import note_face
from certify.issuers.tokens import Role, development_signer
from certify.queue import NoQueue
from certify.service import build_service, utc_now
from certify.storage.migrate import upgrade_embedded
from fixtures import faces
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir


def _free_port() -> int:
    """Let the system choose a port: with a fixed one, two measurements at once would measure each other's servers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


PORT = _free_port()
CONNECTIONS = 16


def main() -> None:
    """Run both measurements and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200.0, help="requests per second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--uploads", type=float, default=2.0, help="uploads per second in the second measurement")
    parser.add_argument("--megapixels", type=float, default=2.0, help="size of the uploaded selfies")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        world = prepare(Path(folder), options.megapixels)
        environment = {
            **os.environ,
            "CERTIFY_DATA_DIR": folder,
            "CERTIFY_RATE_LIMIT": "none",
        }
        command = [sys.executable, "-m", "certify", "serve", "--port", str(PORT)]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_ready()
            asyncio.run(_load(world, options.rate, 3.0))
            for title, uploads in (("alone", 0.0), (f"with {options.uploads:g} uploads/s", options.uploads)):
                times, bad, sent = asyncio.run(_both(world, options, uploads))
                if bad:
                    raise SystemExit(f"GET {title}: {bad} of {len(times)} requests failed; their times say nothing")
                p = np.percentile(times, [50, 95, 99, 100]) * 1000
                print(
                    f"GET {title}: n={len(times)} p50={p[0]:.1f} p95={p[1]:.1f} p99={p[2]:.1f} "
                    f"max={p[3]:.1f} ms; uploads answered: {sent} ({len(world.photos[0]) / 1e6:.1f} MB each)"
                )
        finally:
            server.terminate()
            server.wait(30)


@dataclass(frozen=True, slots=True)
class World:
    """What the load needs: paths of sessions and certificates of certified people, photos to send, and a token."""

    paths: list[str]
    token: str
    people: list[str]
    photos: list[bytes]


def prepare(folder: Path, megapixels: float, *, people: int = 20, photos: int = 1) -> World:
    """Enrol and certify people in a data folder."""
    settings = Settings(data_dir=folder)
    service = build_service(settings, queue=NoQueue())
    upgrade_embedded(service.settings)
    engine = FaceEngine.load(PackStore(default_cache_dir()))
    portrait = faces.portraits()["eileen_collins"]
    reference = faces.encode(portrait)
    pictures = [faces.rephotograph(portrait, seed=seed, megapixels=megapixels) for seed in range(photos)]
    paths, ids = [], []
    for number in range(people):
        person = enrol(service, engine, reference, number)
        row = evaluate_session(service, engine, submit(service, person, pictures[0]), notice=note_face)
        assert row.certificate_number is not None
        ids.append(str(person))
        paths += [f"/v1/sessions/{row.id}", f"/v1/certificates/{row.certificate_number}"]
    signer = development_signer(settings)
    token = signer.issue(subject="bench", role=Role.OFFICER, now=utc_now(), lifetime=timedelta(hours=2))
    service.database.close()
    return World(paths, token, ids, pictures)


def wait_until_ready() -> None:
    """Wait until the server answers."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/ready", timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server did not start")


async def _both(world: World, options: argparse.Namespace, uploads: float) -> tuple[list[float], int, int]:
    stop = asyncio.Event()
    uploader = asyncio.create_task(_upload(world, uploads, stop))
    times, bad = await _load(world, options.rate, options.seconds)
    stop.set()
    return times, bad, await uploader


async def _load(world: World, rate: float, seconds: float) -> tuple[list[float], int]:
    """Send GETs on schedule over kept-alive connections; return seconds from scheduled start, and failures."""
    due: asyncio.Queue[tuple[float, str] | None] = asyncio.Queue()
    times: list[float] = []
    bad = 0

    async def client() -> None:
        nonlocal bad
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        while (job := await due.get()) is not None:
            start, path = job
            status, answer = await exchange(reader, writer, "GET", path, world.token, b"", {})
            if status != 200 and not bad:
                print(f"first error: {status} {answer.decode()}")
            bad += status != 200
            times.append(time.perf_counter() - start)
        writer.close()

    clients = [asyncio.create_task(client()) for _ in range(CONNECTIONS)]
    begin = time.perf_counter()
    for number in range(int(rate * seconds)):
        start = begin + number / rate
        await asyncio.sleep(max(0.0, start - time.perf_counter()))
        due.put_nowait((start, world.paths[number % len(world.paths)]))
    for _ in clients:
        due.put_nowait(None)
    await asyncio.gather(*clients)
    return times, bad


async def _upload(world: World, rate: float, stop: asyncio.Event) -> int:
    """Open sessions and send photos at a rate until told to stop; return how many were accepted."""
    sent = 0
    if not rate:
        return sent
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    while not stop.is_set():
        started = time.perf_counter()
        key = {"Idempotency-Key": f"bench-{time.time_ns()}", "Content-Type": "application/json"}
        body = json.dumps({"beneficiary_id": world.people[sent % len(world.people)]}).encode()
        status, answer = await exchange(reader, writer, "POST", "/v1/sessions", world.token, body, key)
        if status == 201:
            opened: dict[str, Any] = json.loads(answer)
            path = f"/v1/sessions/{opened['session']['id']}/media"
            key = {"Idempotency-Key": f"bench-{time.time_ns()}", "Content-Type": "image/jpeg"}
            status, _ = await exchange(reader, writer, "POST", path, opened["token"], world.photos[0], key)
        sent += status == 202
        await asyncio.sleep(max(0.0, 1 / rate - (time.perf_counter() - started)))
    writer.close()
    return sent


async def exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    method: str,
    path: str,
    token: str,
    body: bytes,
    headers: dict[str, str],
) -> tuple[int, bytes]:
    """Do one HTTP/1.1 exchange on a kept-alive connection, without the cost of a client library."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: bench",
        f"Authorization: Bearer {token}",
        f"Content-Length: {len(body)}",
    ]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return int(head[9:12]), await reader.readexactly(length)


if __name__ == "__main__":
    main()
