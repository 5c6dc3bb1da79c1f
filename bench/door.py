"""Measure whether the entrance tells a known number from an unknown one by its time, and what a limit costs.

    python -m bench.door                  # 50 requests each, of each kind, in turn

It needs no face models and no network: the application runs in this process, on a private PostgreSQL. The first table
is without the beat (the work alone), the second with it, as people meet it.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

from fastapi.testclient import TestClient

import api.routes.knock
from api.app import create_app
from certify.config import Settings
from certify.people.door import Purpose, Visitor, admit
from certify.people.enrol import NewBeneficiary, NewEntitlement, add_beneficiary
from certify.people.references import add_reference
from certify.queue import NoQueue
from certify.service import Service, build_service
from certify.storage.migrate import upgrade_embedded
from fixtures import faces

BORN = "1950-11-19"
_keys = itertools.count()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=50, help="requests for each of the two numbers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        service = build_service(Settings(data_dir=Path(folder), rate_limit="none"), queue=NoQueue())
        upgrade_embedded(service.settings)
        _enrol(service)
        beat = api.routes.knock.BEAT_S
        with TestClient(create_app(service=service), base_url="https://testserver") as client:
            for title, beat_s in (("without the beat", 0.0), (f"with the beat of {beat:g} s", beat)):
                api.routes.knock.BEAT_S = beat_s
                print(f"\n{title}: milliseconds\n\n| route | number | n | median | p95 | statuses |")
                print("|---|---|---|---|---|---|")
                for path, body in _requests().items():
                    _compare(client, path, body, options.requests)
        _measure_admission(service)
        service.database.close()


def _enrol(service: Service) -> None:
    with service.unit() as unit:
        pension = (NewEntitlement("employee", date(2015, 1, 1)),)
        new = NewBeneficiary("KNOWN0001", "A Person", pension, birth_date=date.fromisoformat(BORN))
        add_reference(unit, add_beneficiary(unit, new), faces.encode(faces.portraits()["eileen_collins"]))


def _requests() -> dict[str, Callable[[], dict[str, Any]]]:
    return {
        "sessions": lambda: {"consent": True},
        "codes": dict,
        "codes/redeem": lambda: {"code": "000000"},
    }


def _compare(client: TestClient, path: str, body: Callable[[], dict[str, Any]], requests: int) -> None:
    """Send requests for both numbers in turn, each from a device of its own, and print a row for each number."""
    times: dict[str, list[float]] = {"KNOWN0001": [], "MADE-UP-01": []}
    statuses: dict[str, set[int]] = {number: set() for number in times}
    for turn in range(requests + 3):
        for number, taken in times.items():
            device = uuid4().hex
            # Each from an address of its own: above its free number, a shared one would slow all answers down.
            address = f"2001:db8:{next(_keys):x}::1"
            transport = client._transport  # noqa: SLF001 - there is no other way to come from another address
            transport.client = (address, 50000)  # type: ignore[attr-defined]
            sent = {"national_id": number, "birth_date": BORN, "device_id": device, **body()}
            headers = {"X-Certify-Device": device, "Idempotency-Key": f"bench-{next(_keys):08}"}
            begin = time.perf_counter()
            answer = client.post(f"/v1/knock/{path}", json=sent, headers=headers)
            if turn >= 3:  # the first ones warm up
                taken.append((time.perf_counter() - begin) * 1000)
            statuses[number].add(answer.status_code)
    for number, taken in times.items():
        known = "known" if number == "KNOWN0001" else "unknown"
        p95 = statistics.quantiles(taken, n=20)[-1]
        print(
            f"| {path} | {known} | {len(taken)} | {statistics.median(taken):.1f} | {p95:.1f} | "
            f"{', '.join(map(str, sorted(statuses[number])))} |"
        )


def _measure_admission(service: Service) -> None:
    """Print what counting one attempt costs: for one network, which all requests share."""
    begin = time.perf_counter()
    times = 500
    for number in range(times):
        admit(service, Visitor("192.0.2.7", f"phone-{number}"), Purpose.SESSION, lambda _: uuid4().bytes)
    print(f"\ncounting one attempt, all from one network: {(time.perf_counter() - begin) / times * 1000:.2f} ms")


if __name__ == "__main__":
    main()
