"""Corrections as registries make them: nothing is lost, no one is paused twice, and no question is asked again."""

from __future__ import annotations

import pytest

from certify.registry.runs.questions import answer
from certify.storage.facts import evidence_of
from certify.storage.questions import open_questions_of
from certify.storage.runs import outcomes_of_run
from certify.storage.tables.runs import RunRow

from .conftest import Fund

pytestmark = pytest.mark.integration


def _outcomes(fund: Fund, row: RunRow) -> dict[str, tuple[str, str | None]]:
    with fund.service.reading() as unit:
        return {kept.number: (kept.outcome, kept.reason) for kept in outcomes_of_run(unit.db, row.id)}


def _open(fund: Fund, name: str) -> int:
    with fund.service.reading() as unit:
        return len(open_questions_of(unit.db, fund.people[name]))


@pytest.mark.parametrize("content", ["full", "delta"])
@pytest.mark.parametrize("answered", [None, False, True])
def test_attack_a_doubtful_record_that_comes_again_blocks_nothing(
    fund: Fund, content: str, answered: bool | None
) -> None:
    deaths = fund.feed("deaths", content=content)
    doubtful = fund.row("Alan Turing", "q1", "2026-02-20", name="Someone Unknown", born="")
    second = fund.row("Ada Lovelace", "q2", "2026-02-21")
    fund.run(deaths, doubtful, second)
    assert _open(fund, "Alan Turing") == 1
    if answered is not None:
        with fund.service.unit() as unit:
            (question,) = open_questions_of(unit.db, fund.people["Alan Turing"])
            answer(unit, question.id, officer="o1", same=answered)
    again = fund.run(deaths, doubtful, second, fund.row("Emmy Noether", "q3", "2026-02-22"))
    assert again.state == "done"
    assert fund.standing("Emmy Noether").standing == "paused"
    assert _open(fund, "Alan Turing") == (1 if answered is None else 0)
    assert fund.standing("Alan Turing").standing == ("paused" if answered else "certified")
    ended = _outcomes(fund, again)
    assert ended["q1"] == (("known", "known") if answered else ("asked", "asked_before"))
    assert ended["q2"] == ("known", "known")
    assert ended["q3"] == ("linked", "id")


def test_attack_what_an_officer_called_somebody_else_is_not_linked_later(fund: Fund) -> None:
    deaths = fund.feed("deaths", content="full")
    fund.run(deaths, fund.row("Alan Turing", "q1", "2026-02-20", name="Someone Unknown", born=""))
    with fund.service.unit() as unit:
        (question,) = open_questions_of(unit.db, fund.people["Alan Turing"])
        answer(unit, question.id, officer="o1", same=False)
    row = fund.run(deaths, fund.row("Alan Turing", "q1", "2026-02-20"))
    assert _outcomes(fund, row)["q1"] == ("unlinked", "ruled_out")
    assert fund.standing("Alan Turing").standing == "certified"


def test_attack_a_true_death_under_the_number_of_a_void_one_pauses(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-01"))
    fund.run(deaths, {"nr": "8", "op": "V", "of": "7"})
    assert fund.standing("Alan Turing").standing == "certified"
    stale = fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-01"), fund.row("Ada Lovelace", "9", "2026-02-01"))
    assert _outcomes(fund, stale)["7"] == ("known", "taken_back"), "an old file that overlaps"
    assert fund.standing("Alan Turing").standing == "certified"
    fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-25"))
    assert fund.standing("Alan Turing").standing == "paused"
    fund.run(deaths, {"nr": "10", "op": "V", "of": "7"})
    assert fund.standing("Alan Turing").standing == "certified"


def test_attack_a_number_of_a_stranger_that_was_voided_is_used_again(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    fund.run(deaths, fund.row("A Stranger", "7", "2026-02-01"))
    fund.run(deaths, {"nr": "8", "op": "V", "of": "7"})
    fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-25"))
    assert fund.standing("Alan Turing").standing == "paused"


def test_attack_an_early_void_takes_back_one_report_and_not_the_next(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    fund.run(deaths, {"nr": "8", "op": "V", "of": "7"})
    fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-01"))
    assert fund.standing("Alan Turing").standing == "certified"
    fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-25"))
    assert fund.standing("Alan Turing").standing == "paused"


@pytest.mark.parametrize("together", [False, True])
def test_attack_a_correction_before_its_record_leaves_one_fact(fund: Fund, together: bool) -> None:
    deaths = fund.feed("deaths")
    correction = fund.row("Ada Lovelace", "12", "2026-02-05", op="C", of="11")
    late = fund.row("Alan Turing", "11", "2026-02-01", op="N")
    for rows in [[correction, late]] if together else [[correction], [late]]:
        fund.run(deaths, *rows)
    assert fund.standing("Ada Lovelace").standing == "paused"
    assert fund.standing("Alan Turing").standing == "certified"


def test_attack_a_void_of_a_corrected_number_reaches_the_correction(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    fund.run(deaths, fund.row("Alan Turing", "11", "2026-02-01"))
    fund.run(deaths, fund.row("Alan Turing", "12", "2026-02-03", op="C", of="11"))
    fund.run(deaths, fund.row("Alan Turing", "13", "2026-02-04", op="C", of="12"))
    assert fund.standing("Alan Turing").standing == "paused"
    fund.run(deaths, {"nr": "14", "op": "V", "of": "11"})
    assert fund.standing("Alan Turing").standing == "certified"


def test_attack_one_death_registered_twice_pauses_once(fund: Fund) -> None:
    row = fund.run(
        fund.feed("deaths"), fund.row("Alan Turing", "h1", "2026-02-01"), fund.row("Alan Turing", "h2", "2026-02-02")
    )
    pension = fund.standing("Alan Turing")
    assert (pension.standing, pension.payment) == ("paused", "continue")
    assert _open(fund, "Alan Turing") == 0
    assert row.counts["applied"]["questions"] == 0
    assert row.counts["outcomes"] == {"linked": 2}
    fund.run(fund.feed("deaths"), {"nr": "h3", "op": "V", "of": "h2"})
    assert fund.standing("Alan Turing").standing == "paused", "the other registration stands"


def test_attack_a_death_at_home_and_the_same_abroad_are_two_sources(fund: Fund) -> None:
    fund.run(fund.feed("deaths"), fund.row("Alan Turing", "a1", "2026-02-01"))
    abroad = fund.feed("deaths", name="consulates", source="hospitals", adverse="death_abroad")
    fund.run(abroad, fund.row("Alan Turing", "b1", "2026-02-01"))
    assert fund.standing("Alan Turing").payment == "stop"


def test_every_record_of_a_file_is_accounted_for(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    fund.run(deaths, fund.row("Maria Silva", "1", "2026-02-01"))
    row = fund.run(
        deaths,
        fund.row("Maria Silva", "1", "2026-02-01"),
        fund.row("Alan Turing", "2", "2026-02-01"),
        fund.row("Ada Lovelace", "3", "2026-02-01", name="", born=""),
        fund.row("A Stranger", "4", "2026-02-01"),
        fund.row("Emmy Noether", "5", "2026-02-01", name="Somebody Else", born="1971-11-30"),
        {"nr": "6", "op": "V", "of": "77"},
    )
    ended = _outcomes(fund, row)
    assert ended == {
        "1": ("known", "known"),
        "2": ("linked", "id"),
        "3": ("asked", "id_alone"),
        "4": ("unlinked", None),
        "5": ("unlinked", "id_conflict"),
        "6": ("taken_back", "waits"),
    }
    assert row.counts["outcomes"] == {"asked": 1, "known": 1, "linked": 1, "taken_back": 1, "unlinked": 2}
    with fund.service.reading() as unit:
        assert [kept.number for kept in outcomes_of_run(unit.db, row.id, "asked")] == ["3"]
        assert not evidence_of(unit.db, fund.people["Emmy Noether"])
