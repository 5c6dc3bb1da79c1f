"""Measure what ``/ready`` costs beside ``/health``: processor time of the service for each request, and latency.

    python -m bench.readiness            # 3,000 requests each, in turns of 500

The command starts its own service in a temporary folder.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.api_latency import PORT, wait_until_ready

TURNS = 6
REQUESTS = 500
PATHS = ("/health", "/ready")


def main() -> None:
    """Run the measurement and print it."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "CERTIFY_DATA_DIR": folder, "CERTIFY_WORKERS": "0", "CERTIFY_GUIDES": "0"}
        command = [sys.executable, "-m", "certify", "serve", "--port", str(PORT)]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_ready()
            times: dict[str, list[float]] = {path: [] for path in PATHS}
            spent = dict.fromkeys(PATHS, 0.0)
            for _ in range(TURNS):
                for path in PATHS:
                    before = _processor_seconds(server.pid)
                    times[path] += _ask(path)
                    spent[path] += _processor_seconds(server.pid) - before
        finally:
            server.terminate()
            server.wait(30)
    for path in PATHS:
        p = np.percentile(times[path], [50, 99]) * 1000
        each = spent[path] / len(times[path]) * 1000
        print(f"{path}: n={len(times[path])} p50={p[0]:.2f} p99={p[1]:.2f} ms; processor {each:.3f} ms a request")


def _ask(path: str) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    times = []
    for _ in range(REQUESTS):
        start = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - start)
        assert answer.status == 200
    connection.close()
    return times


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
