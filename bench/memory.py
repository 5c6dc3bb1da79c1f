"""Measure the memory of ``certify serve`` and its worker after 100 and 1,000 selfies over HTTP.

    python -m bench.memory --selfies 1000

The selfies are 20 different pictures, so that no cache can help, each sent in its own session. Resident memory is read
from /proc after all are decided.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.api_latency import PORT, exchange, prepare, wait_until_ready

_AHEAD = 20
"""Number of selfies that are sent before their results are awaited."""


def main() -> None:
    """Send selfies and print the memory at each mark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--selfies", type=int, default=1000)
    parser.add_argument("--megapixels", type=float, default=2.0)
    options = parser.parse_args()
    marks = sorted({min(100, options.selfies), options.selfies})
    with tempfile.TemporaryDirectory() as folder:
        # A person has a limited number of sessions a day, and one photo at a time that waits for evaluation.
        people = max(_AHEAD, options.selfies // 15 + 1)
        world = prepare(Path(folder), options.megapixels, people=people, photos=20)
        environment = {
            **os.environ,
            "CERTIFY_DATA_DIR": folder,
            "CERTIFY_RATE_LIMIT": "none",
            "CERTIFY_LOG_LEVEL": "ERROR",
        }
        command = [sys.executable, "-m", "certify", "serve", "--port", str(PORT)]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        try:
            wait_until_ready()
            start, sent = time.monotonic(), 0
            for mark in marks:
                asyncio.run(_send(world.token, world.people, world.photos, sent, mark))
                sent = mark
                for name, pid in _processes(server.pid).items():
                    print(f"after {mark:5} selfies  {name:7} {_resident(pid):7.1f} MB", flush=True)
            print(f"{sent / (time.monotonic() - start):.1f} selfies/s, one worker")
        finally:
            server.terminate()
            server.wait(30)


async def _send(token: str, people: list[str], photos: list[bytes], first: int, last: int) -> None:
    """Send selfies ``first`` to ``last`` one after the other and wait until the last is decided."""
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    json_type, jpeg = {"Content-Type": "application/json"}, {"Content-Type": "image/jpeg"}
    for number in range(first, last):
        body = json.dumps({"beneficiary_id": people[number % len(people)]}).encode()
        key = {"Idempotency-Key": f"open-{number:06}"}
        status, answer = await exchange(reader, writer, "POST", "/v1/sessions", token, body, json_type | key)
        assert status == 201, answer
        opened = json.loads(answer)
        path = f"/v1/sessions/{opened['session']['id']}"
        photo = photos[number % len(photos)]
        key = {"Idempotency-Key": f"send-{number:06}"}
        status, answer = await exchange(reader, writer, "POST", f"{path}/media", opened["token"], photo, jpeg | key)
        assert status == 202, answer
        while number % _AHEAD == _AHEAD - 1 or number == last - 1:  # do not run far ahead of the worker
            _, answer = await exchange(reader, writer, "GET", path, opened["token"], b"", {})
            if json.loads(answer)["state"] == "decided":
                break
            await asyncio.sleep(0.05)
    writer.close()


def _processes(server: int) -> dict[str, int]:
    processes = {"server": server}
    for children in Path(f"/proc/{server}/task").glob("*/children"):
        for pid in map(int, children.read_text().split()):
            if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                processes["worker"] = pid
    return processes


def _resident(pid: int) -> float:
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
