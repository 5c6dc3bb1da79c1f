"""The plan as CSV: exported without names, imported with each row carried out or quarantined; homes likewise."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from certify.approvals.erase import erase
from certify.domain.states import AgentState
from certify.doorstep.agents import set_agent_state
from certify.doorstep.homes import Home, homes_of, set_homes
from certify.doorstep.homes_file import import_homes
from certify.doorstep.plan_file import OUT, OUT_HOMES, export_plan, import_plan
from certify.doorstep.planning import plan_visits
from certify.errors import Invalid
from certify.files.row_file import FileReport, ImportSource
from certify.service import Service
from tests.certify.doorstep.plans import agent, ask, bundle, events, people, person, tomorrow, visits
from tests.conftest import Clock

pytestmark = pytest.mark.integration


def _write(path: Path, header: str, *rows: Sequence[object]) -> ImportSource:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", "utf-8")
    return ImportSource(path=path)


def _quarantined(found: FileReport) -> list[tuple[int, str]]:
    assert found.quarantine_path is not None
    with found.quarantine_path.open(newline="", encoding="utf-8-sig") as file:
        return [(int(row["quarantine_line"]), row["quarantine_code"]) for row in csv.DictReader(file)]


def _rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(data.decode("utf-8-sig").splitlines()))


def test_an_export_has_no_names_unless_they_are_asked_for(service: Service) -> None:
    agent(service)
    ana = person(service, "PLAN0001", name="=Ana Unmistakable", region="-11")
    bob = person(service, "PLAN0002", name="Bob Plain")
    gone = person(service, "PLAN0003")
    with service.unit() as unit:
        set_homes(unit, {ana: Home("1 Road\nTown", "ring, twice")})
    ask(service, [ana, bob, gone], part="morning", wanted_on=tomorrow(service))
    with service.unit() as unit:
        erase(unit, gone)
        plan_visits(unit, tomorrow(service), 1)
    with service.unit() as unit:
        plain = export_plan(unit)
        full = _rows(export_plan(unit, with_homes=True))
        asked = _rows(export_plan(unit, states=["asked"]))
        early = _rows(export_plan(unit, last_day=tomorrow(service) - timedelta(days=1)))
        late = _rows(export_plan(unit, first_day=tomorrow(service) + timedelta(days=1)))
    assert tuple(_rows(plain)[0]) == OUT
    planned, waiting = _rows(plain)
    assert (planned["badge"], planned["place"], planned["part"]) == ("A-1", "1", "morning")
    assert (planned["planned_on"], planned["wanted_on"]) == (str(tomorrow(service)),) * 2
    assert (waiting["badge"], waiting["planned_on"], waiting["area"]) == ("", "", "'-11")
    assert planned["national_id_masked"].endswith("0002")
    for word in (b"Unmistakable", b"PLAN0001", b"Road"):
        assert word not in plain
    assert tuple(full[0]) == (*OUT, *OUT_HOMES)
    assert [(row["name"], row["address"], row["directions"]) for row in full] == [
        ("Bob Plain", "", ""),
        ("'=Ana Unmistakable", "1 Road, Town", "ring, twice"),
    ]
    assert [row["visit"] for row in asked] == [waiting["visit"]]
    assert early == late == asked
    assert events(service).count("homes_exported") == 1


def test_an_export_is_filled_in_and_imported(service: Service, tmp_path: Path) -> None:
    agent(service)
    ids = ask(service, people(service, 3))
    path, day = tmp_path / "plan.csv", tomorrow(service)
    with service.unit() as unit:
        rows = _rows(export_plan(unit, with_homes=True))
    rows[0] |= {"badge": "A-1", "planned_on": str(day), "place": "5"}
    rows[1] |= {"badge": "A-1", "planned_on": str(day)}
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, (*OUT, *OUT_HOMES))
        writer.writeheader()
        writer.writerows(rows)
    assert import_plan(service, ImportSource(path=path)) == FileReport(3, 2, 1, 0, None)
    found = visits(service)
    assert [found[UUID(row["visit"])].place for row in rows] == [5, 6, None]
    assert {row.state for row in found.values()} == {"asked", "planned"}
    assert import_plan(service, ImportSource(path=path)) == FileReport(3, 0, 3, 0, None), "nothing changes twice"
    assert set(found) == set(ids)
    assert not (tmp_path / "plan.quarantine.csv").exists()


def test_a_person_named_by_number_gets_a_visit_if_none_is_open(service: Service, tmp_path: Path) -> None:
    ours = agent(service)
    ana, bob = person(service, "PLAN0001"), person(service, "PLAN0002", card="CARD0002")
    (known,) = ask(service, [bob], "audit")
    day = tomorrow(service)
    source = _write(
        tmp_path / "plan.csv",
        "national_id,card_number,badge,planned_on",
        ("plan-0001", "", "A-1", day),
        ("", "CARD 0002", "A-1", day),
    )
    assert import_plan(service, source).done == 2
    rows = {row.beneficiary_id: row for row in visits(service).values()}
    assert {(row.agent_id, row.planned_on) for row in rows.values()} == {(ours, day)}
    assert (rows[ana].reason, rows[ana].place) == ("fund", 1)
    assert (rows[bob].id, rows[bob].reason, rows[bob].place) == (known, "audit", 2)


def test_bad_rows_are_quarantined_with_the_reason(service: Service, tmp_path: Path) -> None:
    first = agent(service, "A-1", capacity=2)
    away = agent(service, "A-2")
    who = people(service, 8)
    with service.unit() as unit:
        set_agent_state(unit, away, AgentState.AWAY)
    (over,) = ask(service, who[:1], state="made")
    (again,) = ask(service, who[1:2], "recheck", rechecks=bundle(service, who[1], first))
    (plain,) = ask(service, who[2:3])
    day, past, far = tomorrow(service), date(2020, 1, 1), date(2040, 1, 1)
    source = _write(
        tmp_path / "plan.csv",
        "visit,national_id,badge,planned_on,place",
        (plain, "", "A-1", day, ""),  # good
        (plain, "", "A-1", day, ""),
        (over, "", "A-1", day, ""),
        (again, "", "A-1", day, ""),
        (uuid4(), "", "A-1", day, ""),
        ("no id", "", "A-1", day, ""),
        (plain, "PLAN00004", "A-1", day, ""),
        ("", "", "A-1", day, ""),
        ("", "NOBODY01", "A-1", day, ""),
        ("", "?", "A-1", day, ""),
        ("", "PLAN00003", "A-9", day, ""),
        ("", "PLAN00003", "A-2", day, ""),
        ("", "PLAN00003", "", day, ""),
        ("", "PLAN00003", "A-1", "", ""),
        ("", "PLAN00003", "A-1", past, ""),
        ("", "PLAN00003", "A-1", far, ""),
        ("", "PLAN00003", "A-1", "soon", ""),
        ("", "PLAN00003", "A-1", day, "0"),
        ("", "PLAN00003", "A-1", day, "one"),
        ("", "PLAN00003", "A-1", day, "9" * 30),
        ("", "PLAN00003", "A-1"),
        ("", "PLAN00003", "A-1", day, "3"),  # good
        ("", "PLAN00004", "A-1", day, ""),
    )
    found = import_plan(service, source)
    assert (found.rows, found.done, found.unchanged, found.quarantined) == (23, 2, 0, 21)
    assert _quarantined(found) == [
        (3, "duplicate_row"),
        (4, "visit_over"),
        (5, "recheck_same_agent"),
        (6, "visit_not_found"),
        (7, "visit_not_found"),
        (8, "contradiction"),
        (9, "person_missing"),
        (10, "beneficiary_not_found"),
        (11, "national_id_invalid"),
        (12, "agent_not_found"),
        (13, "agent_not_active"),
        (14, "agent_not_found"),
        (15, "planned_on_invalid"),
        (16, "planned_on_invalid"),
        (17, "planned_on_invalid"),
        (18, "planned_on_invalid"),
        (19, "place_invalid"),
        (20, "place_invalid"),
        (21, "place_invalid"),
        (22, "row_unreadable"),
        (24, "agent_full"),
    ]
    assert {row.beneficiary_id for row in visits(service).values()} == {*who[:4]}, "a refused row changes nothing"


def test_moving_visits_makes_room(service: Service, tmp_path: Path) -> None:
    agent(service, "A-1", capacity=1)
    agent(service, "A-2", capacity=1)
    one, two = ask(service, people(service, 2))
    day = tomorrow(service)
    header = "visit,badge,planned_on"
    import_plan(service, _write(tmp_path / "plan.csv", header, (one, "A-1", day)))
    found = import_plan(service, _write(tmp_path / "plan.csv", header, (one, "A-2", day), (two, "A-1", day)))
    assert (found.done, found.quarantined) == (2, 0)
    assert len({row.agent_id for row in visits(service).values()}) == 2


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("badge,planned_on", "column_missing"),
        ("visit,badge", "column_missing"),
        ("visit,badge,planned_on,x", "column_unknown"),
    ],
)
def test_files_that_cannot_be_used_are_refused(service: Service, tmp_path: Path, header: str, code: str) -> None:
    with pytest.raises(Invalid) as error:
        import_plan(service, _write(tmp_path / "plan.csv", header))
    assert error.value.code == code
    source = _write(tmp_path / "plan.csv", "visit,badge,planned_on")
    with pytest.raises(Invalid) as error:
        import_plan(service, ImportSource(path=source.path, quarantine=source.path))
    assert error.value.code == "quarantine_path"


def test_homes_are_imported(service: Service, tmp_path: Path, clock: Clock) -> None:
    ana, bob, eve = (
        person(service, "PLAN0001"),
        person(service, "PLAN0002", card="CARD0002"),
        person(service, "PLAN0003"),
    )
    with service.unit() as unit:
        set_homes(unit, {bob: Home("old", "old way", 1.0, 2.0)})
        erase(unit, eve)
    source = _write(
        tmp_path / "homes.csv",
        "national_id,card_number,address,directions,latitude,longitude",
        ("PLAN0001", "", '"1 Road, Town"', "blue door", "-23.5", "-46.6"),
        ("", "CARD0002", "2 Road", "", "", ""),
        ("PLAN0001", "", "again", "", "", ""),
        ("PLAN0003", "", "erased", "", "", ""),
        ("", "", "whose", "", "", ""),
        ("PLAN0002", "", "", "", "", ""),
    )
    found = import_homes(service, source)
    assert (found.rows, found.done, found.quarantined) == (6, 2, 4)
    assert _quarantined(found) == [
        (4, "duplicate_row"),
        (5, "beneficiary_not_found"),
        (6, "person_missing"),
        (7, "duplicate_row"),
    ]
    with service.reading() as unit:
        assert homes_of(unit, [ana, bob, eve]) == {
            ana: Home("1 Road, Town", "blue door", -23.5, -46.6),
            bob: Home("2 Road"),
        }
    header = "national_id,address,latitude,longitude"
    wrong = _write(tmp_path / "homes.csv", header, ("PLAN0001", "x", "north", "1"), ("PLAN0002", "", "", ""))
    assert _quarantined(import_homes(service, wrong)) == [(2, "home_invalid"), (3, "home_invalid")]
