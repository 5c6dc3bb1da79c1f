"""No file blocks a feed or takes a death back by accident: files that come again, cut files, two runs at once."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from certify.cli import app
from certify.errors import Conflict, Invalid
from certify.registry.feeds.description import Feed
from certify.registry.feeds.file_layout import Dates
from certify.registry.runs import prepare
from certify.registry.runs.carry_out import Machine, carry_out
from certify.registry.runs.importing import Imported, decide_held, import_file
from certify.registry.runs.inbox import waiting_files
from certify.registry.runs.nightly import nightly
from certify.registry.runs.questions import answer, record_of, withdraw
from certify.storage.feed_lock import feed_locked
from certify.storage.questions import open_questions_of
from certify.storage.runs import get_run
from tests.conftest import Clock

from .conftest import NAMES, Fund
from .test_nightly import DEATHS, feeds

pytestmark = pytest.mark.integration
__all__ = ["feeds"]


def _doubtful(fund: Fund) -> dict[str, str]:
    return fund.row("Alan Turing", "q", "2026-02-20", name="", born="")


@pytest.mark.parametrize("content", ["full", "delta"])
@pytest.mark.parametrize("answered", [None, False, True])
def test_a_doubtful_record_that_comes_again_leaves_its_question_alone(
    fund: Fund, content: str, answered: bool | None
) -> None:
    deaths = fund.feed("deaths", content=content)
    fund.run(deaths, _doubtful(fund), fund.row("Ana Pereira", "1", "2026-02-01"))
    person = fund.people["Alan Turing"]
    with fund.service.unit() as unit:
        (asked,) = open_questions_of(unit.db, person)
        if answered is not None:
            answer(unit, asked.id, officer="o1", same=answered)
    row = fund.run(
        deaths,
        _doubtful(fund),
        fund.row("Ana Pereira", "1", "2026-02-01"),
        fund.row("Ada Lovelace", "2", "2026-02-22"),
    )
    assert (row.state, row.counts["applied"]["questions"]) == ("done", 0)
    assert fund.standing("Ada Lovelace").standing == "paused"
    with fund.service.reading() as unit:
        again = open_questions_of(unit.db, person)
    assert [question.id for question in again] == ([asked.id] if answered is None else [])
    assert fund.standing("Alan Turing").standing == ("paused" if answered else "certified")


def test_a_question_that_was_withdrawn_is_asked_again_when_its_record_comes_again(fund: Fund) -> None:
    deaths, person = fund.feed("deaths"), fund.people["Alan Turing"]
    fund.run(deaths, _doubtful(fund))
    with fund.service.unit() as unit:
        withdraw(unit, open_questions_of(unit.db, person))
    row = fund.run(deaths, _doubtful(fund) | {"when": "2026-02-21"})
    assert row.counts["applied"]["questions"] == 1
    with fund.service.reading() as unit:
        (again,) = open_questions_of(unit.db, person)
        assert record_of(unit, again)["national_id"] == "ID000004"


def test_a_question_whose_record_becomes_certain_needs_no_answer(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    fund.run(deaths, _doubtful(fund))
    fund.run(deaths, fund.row("Alan Turing", "q", "2026-02-20"))
    assert fund.standing("Alan Turing").standing == "paused"
    with fund.service.reading() as unit:
        assert not open_questions_of(unit.db, fund.people["Alan Turing"])


def _all(fund: Fund, *without: str) -> list[dict[str, str]]:
    return [fund.row(name, f"g{n}", "2026-02-20") for n, name in enumerate(NAMES) if name not in without]


def _paused(fund: Fund) -> int:
    return sum(fund.standing(name).standing == "paused" for name in NAMES)


def _import(fund: Fund, feed: Feed, path: Path) -> Imported:
    return import_file(fund.service, feed, path, quarantine=fund.folder / "bad.csv")


@pytest.fixture
def register(fund: Fund) -> Feed:
    return fund.feed("deaths", content="full", limits={"most_bad_share": 1.0})


def test_a_stray_quote_in_a_register_of_deaths_takes_no_death_back(fund: Fund, register: Feed) -> None:
    good = fund.file(*_all(fund))
    carry_out(fund.service, _import(fund, register, good).run_id, machine=Machine(workers=1))
    bad = fund.file(*_all(fund))
    text = bad.read_text()
    bad.write_text(text.replace("Ana Pereira", '"Ana Pereira'))
    held = _import(fund, register, bad)
    assert held.state == "held"
    assert held.departures[0]["code"] == "endings_unsure"
    assert "Line 4 " in held.departures[0]["reason"]
    assert "g2" in held.departures[0]["reason"]
    # Even an officer who lets it pass undoes nothing: the record is there, it only cannot be read.
    with fund.service.unit() as unit:
        decide_held(unit, held.run_id, officer="o1", accept=True)
    carry_out(fund.service, held.run_id, machine=Machine(workers=1))
    assert _paused(fund) == len(NAMES)


def test_a_cut_register_is_held_and_the_good_file_repairs_what_it_did(fund: Fund, register: Feed, clock: Clock) -> None:
    good = fund.file(*_all(fund))
    carry_out(fund.service, _import(fund, register, good).run_id, machine=Machine(workers=1))
    clock.advance(timedelta(minutes=1))
    cut = _import(fund, register, fund.file(*_all(fund)[:4]))
    assert (cut.state, [entry["code"] for entry in cut.departures]) == ("held", ["endings"])
    with fund.service.unit() as unit:
        decide_held(unit, cut.run_id, officer="o1", accept=True)
    row = carry_out(fund.service, cut.run_id, machine=Machine(workers=1))
    assert row.counts["ended"] == {"count": 3, "records": ["g4", "g5", "g6"]}
    assert _paused(fund) == 4
    clock.advance(timedelta(minutes=1))
    again = _import(fund, register, good)
    assert again.new
    clock.advance(timedelta(minutes=1))
    carry_out(fund.service, again.run_id, machine=Machine(workers=1))
    assert _paused(fund) == len(NAMES)
    assert not _import(fund, register, good).new


def test_one_death_that_a_register_withdraws_is_listed(fund: Fund, register: Feed) -> None:
    fund.run(register, *_all(fund))
    row = fund.run(register, *_all(fund, "Ana Pereira"))
    assert row.counts["ended"] == {"count": 1, "records": ["g2"]}
    assert _paused(fund) == len(NAMES) - 1


def test_endings_are_counted_as_the_feed_stands_when_the_file_is_run(fund: Fund, register: Feed) -> None:
    first, cut = (_import(fund, register, fund.file(*rows)) for rows in (_all(fund), _all(fund)[:3]))
    assert (first.state, cut.state) == ("ready", "ready")  # nothing stood yet
    carry_out(fund.service, first.run_id, machine=Machine(workers=1))
    row = carry_out(fund.service, cut.run_id, machine=Machine(workers=1))
    assert (row.state, row.departures[0]["code"]) == ("held", "endings")
    assert _paused(fund) == len(NAMES)


def test_a_register_that_was_overtaken_is_not_released(fund: Fund, register: Feed, clock: Clock) -> None:
    fund.run(register, *_all(fund))
    cut = _import(fund, register, fund.file(*_all(fund)[:3]))
    clock.advance(timedelta(minutes=1))
    fund.run(register, *_all(fund), fund.row("Not Enrolled", "x", "2026-02-21"))
    with pytest.raises(Conflict) as refused, fund.service.unit() as unit:
        decide_held(unit, cut.run_id, officer="o1", accept=True)
    assert refused.value.code == "run_overtaken"


def test_another_feed_of_the_same_source_ends_nothing_here(fund: Fund, register: Feed) -> None:
    fund.run(register, *_all(fund))
    abroad = fund.feed("deaths", name="deaths-abroad", adverse="death_abroad", content="full", source="consulates")
    fund.run(abroad, fund.row("Not Enrolled", "x", "2026-02-21"))
    assert _paused(fund) == len(NAMES)


def test_two_runs_of_one_feed_at_once_are_one_sentence(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    path = fund.file(fund.row("Alan Turing", "7", "2026-02-20"))
    with feed_locked(fund.service.database, deaths.name):
        with pytest.raises(Conflict, match="is going on") as busy:
            _import(fund, deaths, path)
        assert busy.value.code == "feed_busy"
        _import(fund, fund.feed("deaths", name="other"), path)  # other feeds go on
    found = _import(fund, deaths, path)
    with feed_locked(fund.service.database, deaths.name), pytest.raises(Conflict, match="is going on"):
        carry_out(fund.service, found.run_id)
    carry_out(fund.service, found.run_id, machine=Machine(workers=1))
    with feed_locked(fund.service.database, deaths.name):
        assert carry_out(fund.service, found.run_id).state == "done"  # nothing is left to do
    assert fund.standing("Alan Turing").standing == "paused"


def test_an_unreadable_file_in_an_inbox_does_not_end_the_night(fund: Fund, feeds: Path) -> None:
    inbox = feeds / "deaths" / "inbox"
    (inbox / "2026-02-09.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (inbox / "2026-02-08.csv").mkdir()
    fund.file(fund.row("Alan Turing", "1", "2026-02-01")).rename(inbox / "2026-02-10.csv")
    night = nightly(fund.service, feeds)
    assert (night.files, night.runs) == (1, 1)
    (trouble,) = night.troubles
    assert trouble.startswith("deaths, 2026-02-09.csv: ")
    assert fund.standing("Alan Turing").standing == "paused"
    assert (inbox / "2026-02-09.csv").exists()


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("ymd", ["deaths 9.2.2026.csv", "deaths 10.2.2026.csv"]),
        ("ymd", ["31-01-2026.csv", "01-02-2026.csv"]),
        ("mdy", ["01-31-2026.csv", "02-01-2026.csv"]),
        ("ymd", ["2026-2-9.csv", "20260210.csv", "2026-02-11.csv"]),
        ("ymd", ["30-JAN-2026.txt", "01-FEB-2026.txt"]),
        ("ymd", ["week 9.csv", "week 10.csv", "week 100.csv"]),
        ("ymd", ["20260209_1.csv", "20260209_2.csv", "20260209_10.csv"]),
        ("ymd", ["2026-02-09.csv", "corrections.csv"]),
    ],
)
def test_files_are_run_in_the_order_of_dates_and_not_of_text(order: str, names: list[str], tmp_path: Path) -> None:
    for name in [*reversed(names), "2026-02-12.csv.part", ".hidden.csv"]:
        (tmp_path / name).touch()
    found = waiting_files(tmp_path, Dates.model_validate({"order": order}))
    assert [path.name for path in found] == names


def test_a_second_file_of_one_name_overwrites_nothing(fund: Fund, feeds: Path) -> None:
    for number in ("1", "2"):
        fund.file(fund.row("Alan Turing", number, "2026-02-01")).rename(feeds / "deaths" / "inbox" / "day.csv")
        nightly(fund.service, feeds)
    assert sorted(path.name for path in (feeds / "deaths" / "done").iterdir()) == ["day-2.csv", "day.csv"]


def test_a_file_that_is_no_quarantine_is_never_deleted(fund: Fund) -> None:
    notes, empty = fund.folder / "notes.csv", fund.folder / "empty.csv"
    notes.write_text("my notes\n")
    empty.touch()
    deaths, path = fund.feed("deaths"), fund.file(fund.row("Alan Turing", "7", "2026-02-20"))
    link = fund.folder / "link.csv"
    link.symlink_to(notes)
    for target in (notes, empty, link, fund.folder, path):
        with pytest.raises(Conflict) as refused:
            import_file(fund.service, deaths, path, quarantine=target)
        assert refused.value.code == "quarantine_file"
    assert (notes.read_text(), link.is_symlink(), empty.exists(), path.exists()) == ("my notes\n", True, True, True)


def test_json_says_why_a_file_is_held(fund: Fund, feeds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fund.file(*_all(fund)[:3])
    path.rename(feeds / "deaths" / "inbox" / "a.csv")
    night = nightly(fund.service, feeds)
    assert night.held == 1
    (waiting,) = night.waiting
    departures: Any = waiting["departures"]
    assert (waiting["feed"], departures[0]["code"]) == ("deaths", "too_many_rows")


def test_a_check_shows_the_first_rows_with_names_and_what_no_row_has(tmp_path: Path) -> None:
    (tmp_path / "deaths.toml").write_text(DEATHS.replace("deaths-registry", "civil-registry"))
    (tmp_path / "deaths.csv").write_text("NR,Id,name,born,when,op,of\n1,77001,Ann Oak,1940-01-02,2026-11-00,,\n")
    arguments = ["feed", "check", str(tmp_path / "deaths.toml"), str(tmp_path / "deaths.csv"), "--today", "2026-11-24"]
    shown = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    assert "Ann Oak" in shown.output
    assert "No row has: operation, target" in shown.output
    assert "1 events have no day" in shown.output
    report = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)
    assert (report["partial"], report["absent"]) == (1, ["operation", "target"])


def test_a_run_that_another_process_finished_never_goes_back(fund: Fund) -> None:
    found = _import(fund, fund.feed("deaths"), fund.file(fund.row("Alan Turing", "7", "2026-02-20")))
    with fund.service.unit() as unit:
        get_run(unit.db, found.run_id, lock=True).state = "refused"
    with pytest.raises((Conflict, Invalid)):
        prepare.prepare(fund.service, found.run_id, engine="duckdb", memory="1GB", threads=1, say=lambda _: None)
    with fund.service.reading() as unit:
        assert get_run(unit.db, found.run_id).state == "refused"


def test_a_file_on_which_linking_fails_is_held_and_blocks_no_other(
    fund: Fund, monkeypatch: pytest.MonkeyPatch, feeds: Path
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("zip() argument 2 is shorter than argument 1")

    inbox = feeds / "deaths" / "inbox"
    fund.file(fund.row("Ada Lovelace", "1", "2026-02-01")).rename(inbox / "1.csv")
    with monkeypatch.context() as patched:
        patched.setattr(prepare, "link", broken)
        night = nightly(fund.service, feeds)
    assert (night.runs, night.held, night.waiting[0]["departures"][0]["code"]) == (0, 1, "failed")  # type: ignore[index]
    assert not night.troubles
    fund.file(fund.row("Alan Turing", "2", "2026-02-02")).rename(inbox / "2.csv")
    assert nightly(fund.service, feeds).runs == 1
    assert fund.standing("Alan Turing").standing == "paused"
