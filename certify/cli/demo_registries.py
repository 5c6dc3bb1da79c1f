"""``certify demo --registries``: play half a year of registry files for a synthetic nation."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from certify.audit.sample import AuditReport, audit_report
from certify.cli.output import say as print_line
from certify.cli.tables import Column, show_table
from certify.decision.determine import determine_due
from certify.decision.receipts import Receipt, receipts_of
from certify.files.people_file import import_people
from certify.registry.feeds.description import Feed, parse_feed
from certify.registry.runs.carry_out import carry_out
from certify.registry.runs.importing import import_file
from certify.registry.runs.replay import replay_run
from certify.registry.runs.report import run_report
from certify.service import Service
from certify.storage.people import count_by_standing
from certify.storage.tables.runs import RunRow
from fixtures.nation.feeds import ACTS, Faults, deaths, life_events
from fixtures.nation.people import Nation, make_nation

_SEED = 20261125
_PEOPLE = 4_000
_START = date(2026, 1, 1)
_MONTH = 30
_MONTHS = 6
_ACTS_OF_POLICIES = {"bank_in_person": "in_person_counter", "medical_claim": "medical_insurance_claim",
                     "transport": "transport_card"}  # fmt: skip


@dataclass(slots=True)
class _Line:
    """One file of a registry, and what its run did."""

    day: date
    feed: str
    rows: int
    passes: int
    one_by_one: int
    questions: int


class _Clock:
    def __init__(self, day: date) -> None:
        self.day = day

    def __call__(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 9, tzinfo=UTC)


def play_registries(service: Service, out: Path, say: Callable[[str], None]) -> Callable[[], None]:
    """Import people, and carry out six monthly files of visits and of deaths.

    Args:
        service: the service on the demo's data folder.
        out: folder for the files of the registries and the report.
        say: shows what is being done.

    Returns:
        A function that prints what happened.
    """
    clock = _Clock(_START)
    service = replace(service, clock=clock)
    out.mkdir(parents=True, exist_ok=True)
    nation = make_nation(_PEOPLE, seed=_SEED, flavour="latin", as_of=_START)
    say(f"Importing {_PEOPLE:,} people of a synthetic nation")
    import_people(service, _people_file(nation, out / "people.csv"))
    visits = _as_registries_say(life_events(nation, seed=_SEED + 1, per_year=3.0).table)
    dead = deaths(nation, seed=_SEED + 2, faults=Faults(wrong_deaths=1500.0)).table
    lines, last = [], None
    for month in range(1, _MONTHS + 1):
        clock.day = _START + timedelta(days=_MONTH * month)
        say(f"Month {month}: time passes")
        while determine_due(service):
            pass
        for feed, table in ((_VISITS, visits), (_DEATHS, dead)):
            say(f"Month {month}: what '{feed.name}' sends")
            row = _carry_out(service, feed, _month(table, clock.day), out / f"{feed.name}-{clock.day}.parquet")
            applied = row.counts["applied"]
            lines.append(_Line(clock.day, feed.name, row.shape["rows"], applied["passes"], applied["one_by_one"],
                               applied["questions"]))  # fmt: skip
            last = row if feed is _VISITS else last
    if last is None:
        raise AssertionError("there is at least one month")
    say("Playing the last run again")
    return _result(service, lines, last, out)


def _carry_out(service: Service, feed: Feed, table: pa.Table, path: Path) -> RunRow:
    pq.write_table(table, path)
    found = import_file(service, feed, path, quarantine=path.with_suffix(".quarantine.csv"))
    return carry_out(service, found.run_id)


def _people_file(nation: Nation, path: Path) -> Path:
    proven = np.random.default_rng(_SEED).integers(20, 330, len(nation))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["national_id", "name", "birth_date", "region", "sex", "scheme", "starts_on", "last_proof_on"])
        for row, days in zip(nation.table().to_pylist(), proven.tolist(), strict=True):
            last = _START - timedelta(days=days)
            person = [row["national_id"], row["name"], row["birth_date"], row["region"], row["sex"]]
            writer.writerow([*person, "employee", "2015-01-01", last])
    return path


def _as_registries_say(table: pa.Table) -> pa.Table:
    acts = [_ACTS_OF_POLICIES.get(act, act) for act in ACTS]
    index = pc.index_in(table["act"], value_set=pa.array(ACTS))
    return table.set_column(table.column_names.index("act"), "act", pa.array(acts).take(index.combine_chunks()))


def _month(table: pa.Table, day: date) -> pa.Table:
    """Return the records that a registry received in the month before a day."""
    recorded = table["recorded_on"]
    return table.filter(
        pc.and_(pc.less_equal(recorded, pa.scalar(day)), pc.greater(recorded, pa.scalar(day - timedelta(days=_MONTH))))
    )


_COLUMNS = ("record_id", "national_id", "name", "birth_date", "sex", "region", "event_date", "recorded_on", "operation",
            "target")  # fmt: skip


def _feed(name: str, source: str, kind: str, why: str, acts: tuple[str, ...] = ()) -> Feed:
    columns = {column: column for column in _COLUMNS} | ({"act": "act"} if acts else {})
    return parse_feed(
        {
            "name": name,
            "source": source,
            "kind": kind,
            "national_id_format": "eleven",
            "fresh_days": 60,
            "file": {"format": "parquet"},
            "columns": columns,
            "operations": {"notify": ["notify"], "void": ["void"]},
            "acts": {act: act for act in acts},
            "evidence": {"weight": 1.0, "justification": why},
        }
    )


_DEATHS = _feed("deaths", "civil-registry", "deaths", "registered by a civil registrar")
_VISITS = _feed(
    "visits",
    "services",
    "life_events",
    "recorded by the service at the counter",
    tuple(_ACTS_OF_POLICIES.get(act, act) for act in ACTS),
)


def _result(service: Service, lines: list[_Line], last: RunRow, out: Path) -> Callable[[], None]:
    """Replay the last run and write its report; return a function that prints the result."""
    with service.reading() as unit:
        standings = count_by_standing(unit.db)
        (out / "report.html").write_text(run_report(unit, last.id), "utf-8")
        again = replay_run(unit, last.id)
        audit = audit_report(unit)
        person = (
            unit.db.connection()
            .exec_driver_sql("select beneficiary_id from silent_passes order by id limit 1")
            .scalar_one()
        )
        receipt = receipts_of(unit, UUID(str(person)))[0]

    def show() -> None:
        _show_lines(lines)
        print_line("Standings: " + ", ".join(f"{name} {number:,}" for name, number in sorted(standings.items())))
        _show_receipt(receipt)
        _show_audit(audit)
        same = "identical" if again.identical else "DIFFERENT"
        print_line(f"Replay of the last run: {same} ({again.passes:,} passes, {again.determinations} one by one).")
        print_line(f"Report with plots: {out / 'report.html'}")

    return show


def _show_lines(lines: list[_Line]) -> None:
    show_table(
        [
            "until",
            Column("feed", whole=True),
            *(Column(title, right=True) for title in ("records", "silent passes", "one by one", "questions")),
        ],
        [
            (
                str(line.day),
                line.feed,
                *(f"{number:,}" for number in (line.rows, line.passes, line.one_by_one, line.questions)),
            )
            for line in lines
        ],
        title=f"{_PEOPLE:,} people, {_MONTHS} months of registry files",
    )


def _show_receipt(receipt: Receipt) -> None:
    item = max(receipt.items, key=lambda entry: entry.weight)
    print_line(
        f"A receipt: proven alive on {receipt.proven_on}, valid until {receipt.valid_until}; {len(receipt.items)} "
        f"record(s), such as '{item.act}' of '{item.source}' on {item.on}, weight {item.weight:g} "
        f"({item.justification})."
    )


def _show_audit(audit: AuditReport) -> None:
    print_line(f"Random audit: {audit.drawn} of {audit.passes:,} silent passes drawn.")
