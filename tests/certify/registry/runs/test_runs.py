"""Whole runs on PostgreSQL: from a file to standings, after interruptions, and with voids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from certify.decision.record import NewRecord, record
from certify.domain.evidence import AdverseRecord, SignOfLife, Void
from certify.errors import Conflict, Invalid, Unavailable
from certify.registry.runs import apply
from certify.registry.runs.carry_out import Machine, carry_out
from certify.registry.runs.importing import decide_held, import_file, staging_folder
from certify.registry.runs.questions import answer, record_of
from certify.storage import bulk
from certify.storage.facts import evidence_of
from certify.storage.questions import open_questions_of
from certify.storage.reviews import open_cases_of
from certify.storage.tables.decisions import EvidenceRow
from certify.storage.tables.runs import RunChunkRow, SilentPassRow

from .conftest import NAMES, Fund

pytestmark = pytest.mark.integration


def _facts(fund: Fund, name: str) -> Sequence[Any]:
    with fund.service.reading() as unit:
        return evidence_of(unit.db, fund.people[name])


def test_a_hospital_stay_extends_silently(fund: Fund) -> None:
    row = fund.run(fund.feed("life_events"), fund.row("Ana Pereira", "1", "2026-02-20", what="stay"))
    assert row.state == "done"
    assert row.counts["applied"] == {"evidence": 1, "people": 1, "passes": 1, "one_by_one": 0, "questions": 0}
    pension = fund.standing("Ana Pereira")
    assert (pension.standing, pension.valid_until, pension.proven_on) == (
        "certified",
        date(2027, 2, 20),
        date(2026, 2, 20),
    )
    (fact,) = _facts(fund, "Ana Pereira")
    assert isinstance(fact, SignOfLife)
    with fund.service.reading() as unit:
        found = unit.db.scalars(select(SilentPassRow)).one()
        stored = unit.db.scalars(select(EvidenceRow)).one()
    assert found.id == pension.determination_id
    assert [str(number) for number in found.evidence] == [fact.id]
    assert (stored.run_id, stored.link_stage) == (row.id, "id")
    assert (fact.institution, fact.principal) == ("life-events-registry", "feed:life-events")
    assert (stored.institution, stored.principal) == (fact.institution, fact.principal)
    assert stored.link_weight is not None
    assert stored.link_weight > 10


def test_acts_that_others_could_do_prove_nothing(fund: Fund) -> None:
    fund.run(fund.feed("life_events"), fund.row("Ana Pereira", "1", "2026-02-20", what="bus"))
    assert fund.standing("Ana Pereira").valid_until == date(2026, 6, 1)
    assert len(_facts(fund, "Ana Pereira")) == 1


def test_a_feed_of_an_unlisted_source_is_neither_imported_nor_carried_out(fund: Fund) -> None:
    row = fund.row("Alan Turing", "7", "2026-02-20")
    with pytest.raises(Invalid) as refused:
        fund.run(fund.feed("deaths", source="invented"), row)
    assert refused.value.code == "source_unknown"
    found = import_file(fund.service, fund.feed("deaths"), fund.file(row), quarantine=fund.folder / "bad.csv")
    unlisted = {name: source for name, source in fund.service.sources.sources.items() if name != "deaths-registry"}
    without = replace(fund.service, sources=fund.service.sources.model_copy(update={"sources": unlisted}))
    with pytest.raises(Invalid) as refused:
        carry_out(without, found.run_id, machine=Machine(workers=1))
    assert refused.value.code == "source_unknown"
    assert fund.standing("Alan Turing").standing == "certified"


def test_one_death_pauses_and_its_void_undoes_it(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    before = fund.standing("Alan Turing")
    fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-20"), fund.row("Maria Silva", "8", "2026-02-21"))
    assert fund.standing("Alan Turing").standing == "paused"
    assert fund.standing("Alan Turing").payment == "continue"
    fund.run(deaths, {"nr": "9", "op": "V", "of": "7", "when": ""})
    after = fund.standing("Alan Turing")
    assert (after.standing, after.valid_until) == (before.standing, before.valid_until)
    assert Counter(map(type, _facts(fund, "Alan Turing"))) == {AdverseRecord: 1, Void: 1}
    assert fund.standing("Maria Silva").standing == "paused"


def test_notify_and_void_in_one_file_leave_nothing(fund: Fund) -> None:
    fund.run(fund.feed("deaths"), fund.row("Alan Turing", "7", "2026-02-20"), {"nr": "8", "op": "V", "of": "7"})
    assert fund.standing("Alan Turing").standing == "certified"
    assert len(_facts(fund, "Alan Turing")) == 2


def test_a_void_may_come_before_its_record(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    fund.run(deaths, {"nr": "8", "op": "V", "of": "7"})
    fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-20"))
    assert fund.standing("Alan Turing").standing == "certified"


def test_a_correction_moves_the_death_to_the_right_person(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-20"))
    fund.run(deaths, fund.row("Ada Lovelace", "7", "2026-02-20", op="C"))
    assert fund.standing("Alan Turing").standing == "certified"
    assert fund.standing("Ada Lovelace").standing == "paused"
    # A second correction of the same number, back to the first person; then the record is voided.
    fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-19", op="C"))
    assert fund.standing("Alan Turing").standing == "paused"
    assert fund.standing("Ada Lovelace").standing == "certified"
    fund.run(deaths, {"nr": "7", "op": "V", "of": "7"})
    assert {name: fund.standing(name).standing for name in NAMES} == dict.fromkeys(NAMES, "certified")


def test_two_sources_stop_and_a_void_resumes_with_back_pay(fund: Fund) -> None:
    fund.run(fund.feed("deaths"), fund.row("Alan Turing", "7", "2026-02-20"))
    other = fund.feed("deaths", name="hospital-deaths", source="hospitals")
    fund.run(other, fund.row("Alan Turing", "X1", "2026-02-20"))
    stopped = fund.standing("Alan Turing")
    assert (stopped.standing, stopped.payment, stopped.stopped_on) == ("stopped", "stop", date(2026, 3, 2))
    fund.run(other, {"nr": "X2", "op": "V", "of": "X1"})
    resumed = fund.standing("Alan Turing")
    assert (resumed.standing, resumed.payment, resumed.back_pay_from) == ("paused", "continue", date(2026, 3, 2))


def test_the_same_file_and_the_same_records_change_nothing(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    first = fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-20"))
    path = fund.folder / "file1.csv"
    again = import_file(fund.service, deaths, path, quarantine=fund.folder / "bad.csv")
    assert (again.run_id, again.new, again.state) == (first.id, False, "done")
    before = fund.standing("Alan Turing").determination_id
    longer = fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-20"), fund.row("Maria Silva", "8", "2026-02-20"))
    assert longer.counts["notes"] == {"known": 1}
    assert fund.standing("Alan Turing").determination_id == before
    changed = fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-11"))
    assert changed.counts["notes"] == {"changed": 1}
    assert len(_facts(fund, "Alan Turing")) == 1


def test_records_entered_by_hand_are_known(fund: Fund) -> None:
    with fund.service.unit() as unit:
        day = unit.now.replace(day=1, hour=12)
        record(
            unit,
            fund.people["Alan Turing"],
            NewRecord(source="deaths-registry", record_id="7", event_at=day, adverse="death"),
        )
    row = fund.run(fund.feed("deaths"), fund.row("Alan Turing", "7", "2026-03-01"))
    assert row.counts["notes"] == {"known": 1}


def test_an_id_that_name_and_birth_date_contradict_affects_no_one(fund: Fund) -> None:
    wrong = fund.row("Somebody Else", "7", "2026-02-20", id="ID000004", born="1971-11-30", sex="M")
    row = fund.run(fund.feed("deaths"), wrong)
    assert row.counts["notes"]["id_conflict"] == 1
    assert fund.standing("Alan Turing").standing == "certified"
    assert not _facts(fund, "Alan Turing")


def test_a_doubtful_death_is_a_question_for_an_officer(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    doubtful = fund.row("Alan Turing", "7", "2026-02-20", name="", born="")
    row = fund.run(deaths, doubtful)
    assert row.counts["applied"]["questions"] == 1
    assert fund.standing("Alan Turing").standing == "certified"
    person = fund.people["Alan Turing"]
    with fund.service.unit() as unit:
        (question,) = open_questions_of(unit.db, person)
        assert [case.kind for case in open_cases_of(unit.db, person)] == ["link"]
        assert record_of(unit, question)["national_id"] == "ID000004"
        answer(unit, question.id, officer="o1", same=True)
    assert fund.standing("Alan Turing").standing == "paused"
    with fund.service.reading() as unit:
        assert [case.kind for case in open_cases_of(unit.db, person)] == ["adverse_record"]
    with pytest.raises(Conflict), fund.service.unit() as unit:
        answer(unit, question.id, officer="o1", same=False)


def test_a_question_is_withdrawn_when_its_record_is_voided(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-20", name="", born=""))
    fund.run(deaths, {"nr": "8", "op": "V", "of": "7"})
    with fund.service.reading() as unit:
        assert not open_questions_of(unit.db, fund.people["Alan Turing"])
        assert not open_cases_of(unit.db, fund.people["Alan Turing"])


def test_a_record_that_a_full_feed_no_longer_has_has_ended(fund: Fund) -> None:
    prison = fund.feed("prison", content="full", limits={"least_rows_ratio": 0.0})
    fund.run(prison, fund.row("Alan Turing", "1", "2026-01-10"), fund.row("Ada Lovelace", "2", "2026-01-11"))
    fund.run(prison, fund.row("Ada Lovelace", "2", "2026-01-11"))
    assert Counter(map(type, _facts(fund, "Alan Turing"))) == {AdverseRecord: 1, Void: 1}
    assert Counter(map(type, _facts(fund, "Ada Lovelace"))) == {AdverseRecord: 1}
    # In prison again under the same number: this is a new fact.
    fund.run(prison, fund.row("Alan Turing", "1", "2026-02-10"), fund.row("Ada Lovelace", "2", "2026-01-11"))
    assert Counter(map(type, _facts(fund, "Alan Turing"))) == {AdverseRecord: 2, Void: 1}


def test_an_unusual_file_waits_for_an_officer(fund: Fund) -> None:
    deaths = fund.feed("deaths", limits={"most_rows": 1})
    path = fund.file(fund.row("Alan Turing", "7", "2026-02-20"), fund.row("Ada Lovelace", "8", "2026-02-20"))
    found = import_file(fund.service, deaths, path, quarantine=fund.folder / "bad.csv")
    assert found.state == "held"
    with pytest.raises(Conflict) as held:
        carry_out(fund.service, found.run_id)
    assert held.value.code == "run_held"
    assert fund.standing("Alan Turing").standing == "certified"
    with fund.service.unit() as unit:
        decide_held(unit, found.run_id, officer="o1", accept=True)
    assert carry_out(fund.service, found.run_id).state == "done"
    assert fund.standing("Alan Turing").standing == "paused"


def test_a_refused_file_never_runs_and_leaves_nothing_behind(fund: Fund) -> None:
    deaths = fund.feed("deaths", limits={"most_rows": 1})
    path = fund.file(fund.row("Alan Turing", "7", "2026-02-20"), fund.row("Ada Lovelace", "8", "2026-02-20"))
    found = import_file(fund.service, deaths, path, quarantine=fund.folder / "bad.csv")
    with fund.service.unit() as unit:
        decide_held(unit, found.run_id, officer="o1", accept=False)
    assert not staging_folder(fund.service, found.run_id).exists()
    with pytest.raises(Conflict):
        carry_out(fund.service, found.run_id)


def _stop_after(monkeypatch: pytest.MonkeyPatch, chunks: int) -> None:
    """Fail in the middle of the chunk after the first ones, when its evidence is stored already."""
    done = 0
    real = bulk.insert_evidence

    def dying(*args: Any) -> None:
        nonlocal done
        real(*args)
        done += 1
        if done > chunks:
            raise KeyboardInterrupt

    monkeypatch.setattr(apply, "insert_evidence", dying)


def test_an_interrupted_run_continues_and_does_nothing_twice(fund: Fund, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = fund.feed("life_events")
    rows = [fund.row(name, str(number), "2026-02-20", what="stay") for number, name in enumerate(NAMES)]
    found = import_file(fund.service, feed, fund.file(*rows), quarantine=fund.folder / "bad.csv")
    machine = Machine(workers=1, chunk_size=1)
    with monkeypatch.context() as patch:
        _stop_after(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            carry_out(fund.service, found.run_id, machine=machine)
    with fund.service.reading() as unit:
        before = unit.db.scalar(select(func.count()).select_from(RunChunkRow))
        evidence = unit.db.scalar(select(func.count()).select_from(EvidenceRow))
    assert before == 2
    assert evidence is not None
    assert evidence < len(NAMES)
    row = carry_out(fund.service, found.run_id, machine=machine)
    assert row.counts["applied"]["evidence"] == len(NAMES)
    for name in NAMES:
        assert len(_facts(fund, name)) == 1
        assert fund.standing(name).valid_until == date(2027, 2, 20)
    with fund.service.reading() as unit:
        assert unit.db.scalar(select(func.count()).select_from(SilentPassRow)) == len(NAMES)


def test_working_files_are_sealed_and_deleted_when_the_run_is_done(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    found = import_file(
        fund.service, deaths, fund.file(fund.row("Alan Turing", "7", "2026-02-20")), quarantine=fund.folder / "bad.csv"
    )
    folder = staging_folder(fund.service, found.run_id)
    contents = b"".join(path.read_bytes() for path in folder.iterdir())
    assert contents
    assert b"Turing" not in contents
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    carry_out(fund.service, found.run_id)
    assert not folder.exists()


def test_a_run_whose_files_are_on_another_machine_is_refused(fund: Fund) -> None:
    found = import_file(
        fund.service,
        fund.feed("deaths"),
        fund.file(fund.row("Alan Turing", "7", "2026-02-20")),
        quarantine=fund.folder / "bad.csv",
    )
    for path in staging_folder(fund.service, found.run_id).iterdir():
        path.unlink()
    with pytest.raises(Unavailable) as missing:
        carry_out(fund.service, found.run_id)
    assert missing.value.code == "run_elsewhere"


def test_bad_rows_are_quarantined_and_good_ones_are_used(fund: Fund, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    path = fund.file(
        fund.row("Alan Turing", "7", "2026-02-20"),
        fund.row("Ada Lovelace", "8", "2026-02-30"),
        fund.row("Maria Silva", "9", "2031-01-01"),
    )
    feed = fund.feed("deaths", limits={"most_bad_share": 1.0})
    found = import_file(fund.service, feed, path, quarantine=bad)
    assert found.reasons == {"event_date_unreadable": 1, "event_in_future": 1}
    carry_out(fund.service, found.run_id)
    assert fund.standing("Alan Turing").standing == "paused"
    assert fund.standing("Ada Lovelace").standing == "certified"
    assert bad.read_text().count("\n") == 3


def test_a_file_may_take_back_more_records_than_a_statement_has_parameters(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-20", name="", born=""))
    voids = [{"nr": f"v{number}", "op": "V", "of": f"{number}"} for number in range(7, 66_007)]
    assert fund.run(deaths, *voids).state == "done"
    with fund.service.reading() as unit:
        assert not open_questions_of(unit.db, fund.people["Alan Turing"])
