"""A small fund and the files that registries send it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from certify.decision.determine import determine_many
from certify.people.enrol import (
    NewBeneficiary,
    NewEntitlement,
    add_beneficiaries,
)
from certify.registry.feeds.description import Feed, parse_feed
from certify.registry.runs.carry_out import Machine, carry_out
from certify.registry.runs.importing import import_file
from certify.service import Service
from certify.storage.people import entitlements_of
from certify.storage.tables.people import EntitlementRow
from certify.storage.tables.runs import RunRow
from tests.conftest import Clock

NAMES = ("Maria Silva", "João Souza", "Ana Pereira", "Grace Hopper", "Alan Turing", "Ada Lovelace", "Emmy Noether")
COLUMNS = ("nr", "id", "name", "born", "sex", "place", "when", "op", "of", "what")


@dataclass
class Fund:
    """A fund with some people, and a folder for files."""

    service: Service
    folder: Path
    people: dict[str, UUID]
    files: int = 0

    def feed(self, kind: str, **changes: object) -> Feed:
        described: dict[str, object] = {
            "name": kind.replace("_", "-"),
            "source": f"{kind.replace('_', '-')}-registry",
            "kind": kind,
            "fresh_days": 1000,
            "file": {"format": "csv"},
            "columns": {
                "record_id": "nr",
                "national_id": "id",
                "name": "name",
                "birth_date": "born",
                "sex": "sex",
                "region": "place",
                "event_date": "when",
                "operation": "op",
                "target": "of",
            },
            "operations": {"notify": ["", "N"], "correct": ["C"], "void": ["V"]},
            "evidence": {"weight": 1.0, "justification": "a register of the state"},
        }
        if kind == "life_events":
            described["acts"] = {"stay": "hospital_stay", "bus": "transport_card"}
            described["columns"] = {**described["columns"], "act": "what"}  # type: ignore[dict-item]
        return parse_feed({**described, **changes})

    def file(self, *rows: Mapping[str, str]) -> Path:
        self.files += 1
        path = self.folder / f"file{self.files}.csv"
        with path.open("w", newline="") as out:
            writer = csv.DictWriter(out, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        return path

    def row(self, who: str, nr: str, when: str, **changes: str) -> dict[str, str]:
        """A record about a person, as a registry that makes no mistakes would send it."""
        number = NAMES.index(who) if who in NAMES else 99
        row = {"nr": nr, "id": f"ID{number:06d}", "name": who, "born": f"19{40 + number % 50}-05-17", "sex": "F",
               "place": "110101", "when": when}  # fmt: skip
        return row | changes

    def run(self, feed: Feed, *rows: Mapping[str, str], machine: Machine | None = None) -> RunRow:
        found = import_file(self.service, feed, self.file(*rows), quarantine=self.folder / "bad.csv")
        assert found.state == "ready", found
        return carry_out(self.service, found.run_id, machine=machine or Machine(workers=1))

    def standing(self, name: str) -> EntitlementRow:
        with self.service.reading() as unit:
            return entitlements_of(unit.db, self.people[name])[0]


@pytest.fixture
def fund(service: Service, clock: Clock, tmp_path: Path) -> Fund:
    people = [
        NewBeneficiary(
            f"ID{number:06d}",
            name,
            (NewEntitlement("employee", date(2015, 1, 1), date(2025, 6, 1)),),
            birth_date=date(1940 + number, 5, 17),
            region="110101",
            sex="F",
        )
        for number, name in enumerate(NAMES)
    ]
    with service.unit() as unit:
        found = [person for person in add_beneficiaries(unit, people) if isinstance(person, UUID)]
        determine_many(unit, found)
    clock.advance(timedelta(minutes=1))
    folder = tmp_path / "files"
    folder.mkdir()
    return Fund(service, folder, dict(zip(NAMES, found, strict=True)))
