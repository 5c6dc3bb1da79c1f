"""What runs leave behind: interrupted runs that say what to do, outcomes of signs of life, files of many voids."""

from __future__ import annotations

from unittest.mock import patch
from uuid import UUID

import pytest

from certify.registry.runs import carry_out as module
from certify.registry.runs.apply import apply_chunk
from certify.registry.runs.carry_out import Machine, carry_out
from certify.registry.runs.endings import MOST_VOIDS
from certify.registry.runs.importing import decide_held, import_file
from certify.registry.runs.report import run_report
from certify.registry.runs.status import FeedStatus, feed_status
from certify.storage.runs import get_run, outcomes_of_run, unfinished_runs
from certify.storage.tables.runs import RunRow

from .conftest import NAMES, Fund

pytestmark = pytest.mark.integration


def _status(fund: Fund) -> FeedStatus:
    with fund.service.reading() as unit:
        (status,) = feed_status(unit)
    return status


def _row(fund: Fund, run_id: UUID) -> RunRow:
    with fund.service.reading() as unit:
        return get_run(unit.db, run_id)


def test_attack_a_crash_between_chunks_is_told_and_the_next_call_finishes_it(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    rows = [fund.row(name, f"d{number}", "2026-02-20") for number, name in enumerate(NAMES)]
    found = import_file(fund.service, deaths, fund.file(*rows), quarantine=fund.folder / "bad.csv")
    machine = Machine(workers=1, chunk_size=1)

    def crashes(*given: object) -> dict[str, int]:
        if given[2] == 3:
            raise MemoryError
        return apply_chunk(*given)  # type: ignore[arg-type]

    with patch.object(module, "apply_chunk", crashes), pytest.raises(MemoryError):
        carry_out(fund.service, found.run_id, machine=machine)
    assert _row(fund, found.run_id).state == "linked"
    status = _status(fund)
    assert status.interrupted == (found.run_id,)
    assert f"certify run continue {found.run_id}" in status.next_step
    with fund.service.reading() as unit:
        assert [row.id for row in unfinished_runs(unit.db, deaths.name)] == [found.run_id]
    assert carry_out(fund.service, found.run_id, machine=machine).counts["applied"]["evidence"] == len(NAMES)
    assert {fund.standing(name).standing for name in NAMES} == {"paused"}
    assert (_status(fund).interrupted, _status(fund).next_step) == ((), "")


def test_signs_of_life_that_prove_nothing_for_anybody_are_listed_by_number(fund: Fund) -> None:
    life = fund.feed("life_events")
    stranger = fund.row("Someone Else", "s1", "2026-02-20", id="ID999999", what="stay")
    first = fund.row("Alan Turing", "s2", "2026-02-20", what="stay")
    row = fund.run(life, stranger, first)
    with fund.service.reading() as unit:
        kept = {one.number: (one.outcome, one.reason) for one in outcomes_of_run(unit.db, row.id)}
        page = run_report(unit, row.id)
    assert kept == {"s1": ("unlinked", None)}
    assert row.counts["outcomes"] == {"linked": 1, "unlinked": 1}
    assert '<th scope="row">s1</th>' in page
    changed = fund.run(life, first | {"when": "2026-02-25"}, fund.row("Ada Lovelace", "s3", "2026-02-25", what="stay"))
    with fund.service.reading() as unit:
        assert [(one.number, one.outcome) for one in outcomes_of_run(unit.db, changed.id)] == [("s2", "changed")]


def _many(fund: Fund, count: int) -> list[dict[str, str]]:
    """Return records of the deaths of people of the fund, several of each."""
    return [fund.row(NAMES[number % len(NAMES)], f"d{number}", "2026-02-20") for number in range(count)]


def test_attack_a_delta_that_takes_many_deaths_back_by_name_waits_for_an_officer(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    rows = _many(fund, 300)
    fund.run(deaths, *rows)
    assert fund.standing(NAMES[0]).standing == "paused"
    voids = [row | {"nr": f"v{row['nr']}", "op": "V", "of": row["nr"]} for row in rows[: MOST_VOIDS + 1]]
    held = import_file(fund.service, deaths, fund.file(*voids), quarantine=fund.folder / "bad.csv")
    assert (held.state, [entry["code"] for entry in held.departures]) == ("held", ["voids"])
    assert "11 of 300 deaths that stand" in held.departures[0]["reason"]
    assert f"certify run show {held.run_id}" in _status(fund).next_step
    few = fund.run(deaths, *voids[:MOST_VOIDS])
    assert few.state == "done"
    with fund.service.unit() as unit:
        decide_held(unit, held.run_id, officer="o1", accept=True)
    assert carry_out(fund.service, held.run_id, machine=Machine(workers=1)).state == "done"


def test_few_voids_of_a_small_register_and_voids_of_what_never_stood_pass(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    rows = _many(fund, 3)
    fund.run(deaths, *rows)
    both = [rows[number] | {"nr": f"v{number}", "op": "V", "of": f"d{number}"} for number in (1, 2)]
    held = import_file(fund.service, deaths, fund.file(*both), quarantine=fund.folder / "bad.csv")
    assert [entry["code"] for entry in held.departures] == ["voids"]
    early = [fund.row("", f"e{number}", "2026-02-20", op="V", of=f"unknown{number}") for number in range(30)]
    one = rows[0] | {"nr": "v0", "op": "V", "of": "d0"}
    again = rows[1] | {"nr": "v1", "op": "V", "of": "d1"}
    corrected = rows[1] | {"when": "2026-02-21"}
    assert fund.run(deaths, *early, one, again, corrected).state == "done"
