"""Send a thousand malformed conversations to the live capture of a real server.

    python -m bench.fuzz_live [--conversations 1000]

The messages are correct, wrong and meaningless ones, from a seed (:func:`fixtures.phone.malformed`). The command counts
how the conversations end. It fails if the server dies, answers with an internal error (5xx), lets a client wait longer
than five seconds, or grows in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.progress import track
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect

from bench.api_latency import PORT, wait_until_ready
from bench.live_load import prepare
from certify.capture.live.recording import FRAME_HEADER
from fixtures import faces
from fixtures.phone import malformed, upright

PATIENCE_S = 5.0


def main() -> None:
    """Run all conversations and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    jpeg = faces.encode(upright(faces.portraits()["eileen_collins"], height=320, width=240), quality=60)
    with tempfile.TemporaryDirectory() as folder:
        people, token = prepare(Path(folder), 1)
        environment = {**os.environ, "CERTIFY_DATA_DIR": folder, "CERTIFY_RATE_LIMIT": "none"}
        command = [sys.executable, "-m", "certify", "serve", "--port", str(PORT)]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_ready()
            url, hello = _open(people[0], token)
            good: list[str | bytes] = [
                json.dumps({"type": "hello", **hello}),
                FRAME_HEADER.pack(1, 1) + jpeg,
                '{"type": "stop"}',
            ]
            while _talk(url, good)[0] != "1000":
                time.sleep(0.2)  # the guide is still loading its models
            ends: Counter[str] = Counter()
            slowest = 0.0
            grown = [_memory_mb(server.pid)]
            with ThreadPoolExecutor(8) as pool:
                seeds = range(options.seed, options.seed + options.conversations)
                jobs = pool.map(lambda seed: _talk(url, malformed(hello, jpeg, random.Random(seed))), seeds)  # noqa: S311
                for number, (end, seconds) in enumerate(track(jobs, "conversations", total=len(seeds))):
                    ends[end] += 1
                    slowest = max(slowest, seconds)
                    if number % 100 == 99:
                        grown.append(_memory_mb(server.pid))
            assert server.poll() is None, "the server died"
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/ready", timeout=5) as answer:
                assert answer.status == 200
        finally:
            server.terminate()
            server.wait(30)
    for end, count in ends.most_common():
        print(f"{count:6} {end}")
    print(
        f"slowest {slowest:.2f} s; "
        f"memory of the HTTP process {grown[0]:.0f} -> {grown[-1]:.0f} MB (most {max(grown):.0f})"
    )
    wrong = [end for end in ends if end.startswith(("45", "hangs")) or end == "1011"]
    if wrong or slowest > PATIENCE_S:
        raise SystemExit(f"FAILED: {wrong or 'an answer took too long'}")


def _talk(url: str, messages: list[str | bytes]) -> tuple[str, float]:
    """Run one conversation; return how it ended, and the longest wait for an answer in seconds."""
    started = time.monotonic()
    said: dict[str, Any] = {}
    try:
        with connect(url, compression=None, open_timeout=10, close_timeout=2) as socket:
            try:
                for message in messages:
                    socket.send(message)
                started = time.monotonic()
                while True:
                    said = json.loads(socket.recv(timeout=PATIENCE_S + 5))
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
                reason = said["problem"]["code"] if said.get("type") == "problem" else ""
                return f"{code} {reason}".strip(), time.monotonic() - started
    except TimeoutError:
        return "hangs", time.monotonic() - started
    except (OSError, WebSocketException) as error:
        return f"no connection: {type(error).__name__}", time.monotonic() - started


def _open(person: str, token: str) -> tuple[str, dict[str, Any]]:
    headers = {
        "Authorization": f"Bearer {token}",
        "Idempotency-Key": "bench-fuzz-live",
        "Content-Type": "application/json",
    }
    body = json.dumps({"beneficiary_id": person}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}/v1/sessions", body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own server
        opened = json.load(answer)
    session = opened["session"]
    url = f"ws://127.0.0.1:{PORT}/v1/sessions/{session['id']}/live"
    return url, {"token": opened["token"], "nonce": session["nonce"]}


def _memory_mb(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
