"""Records that lost a death, or paused a living person, in runs of ugly files."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from certify.domain.evidence import AdverseRecord
from certify.own.page import own_page
from certify.registry.runs.questions import answer
from certify.storage.facts import evidence_of
from certify.storage.tables.runs import LinkQuestionRow, RunRow

from .conftest import Fund

pytestmark = pytest.mark.integration


def _asked(fund: Fund, row: RunRow) -> dict[str, str]:
    with fund.service.reading() as unit:
        found = unit.db.scalars(select(LinkQuestionRow).where(LinkQuestionRow.run_id == row.id)).all()
    names = {person: name for name, person in fund.people.items()}
    return {question.external_id: names[question.beneficiary_id] for question in found}


def test_attack_wrong_ids_and_stand_ins_lose_no_death_and_pause_no_one_else(fund: Fund) -> None:
    row = fund.run(
        fund.feed("deaths", limits={"most_bad_share": 1.0}),
        fund.row("Alan Turing", "typo", "2026-02-01", id="ID999994"),
        fund.row("Ada Lovelace", "stand-in", "2026-02-01", id="123456789"),
        *(
            fund.row("A stranger", f"other-{n}", "2026-02-01", id="123456789", name=f"Person {n}", born=f"193{n}-01-02")
            for n in range(4)
        ),
        *(
            fund.row("A stranger", f"shared-{n}", "2026-02-01", id="99000111", name=f"Human {n}", born=f"192{n}-01-02")
            for n in range(4)
        ),
        fund.row("Grace Hopper", "shared-5", "2026-02-01", id="99000111"),
        fund.row("Emmy Noether", "living", "NULL"),
    )
    asked = _asked(fund, row)
    assert asked["typo"] == "Alan Turing"
    paused = {name for name in fund.people if fund.standing(name).standing == "paused"}
    assert paused | set(asked.values()) == {"Alan Turing", "Ada Lovelace", "Grace Hopper"}
    assert row.counts["reasons"] == {"event_date_missing": 1}
    assert row.shape["shared_ids"] == 10


def test_a_month_that_an_officer_confirms_stays_a_month_and_the_person_reads_it(fund: Fund) -> None:
    row = fund.run(fund.feed("deaths"), fund.row("Grace Hopper", "1", "2026-02", name="Gracy Hopper"))
    with fund.service.unit() as unit:
        question = unit.db.scalars(select(LinkQuestionRow).where(LinkQuestionRow.run_id == row.id)).one()
        answer(unit, question.id, officer="officer", same=True)
    with fund.service.reading() as unit:
        (fact,) = evidence_of(unit.db, fund.people["Grace Hopper"])
        page = own_page(unit, fund.people["Grace Hopper"])
        other = own_page(unit, fund.people["Ada Lovelace"])
    assert isinstance(fact, AdverseRecord)
    assert (fact.event_from, fact.event_at.date()) == (date(2026, 2, 1), date(2026, 2, 28))
    assert (page.headline, page.death_report) == ("paused", (date(2026, 2, 1), date(2026, 2, 28)))
    assert other.death_report is None


def test_a_death_in_this_month_that_comes_every_week_is_known(fund: Fund) -> None:
    feed = fund.feed("deaths", content="full")
    fund.run(feed, fund.row("Grace Hopper", "1", "2026"), fund.row("Alan Turing", "2", "2026-02-03"))
    again = fund.run(feed, fund.row("Alan Turing", "2", "2026-02-03"), fund.row("Grace Hopper", "1", "2026-02"))
    assert again.counts["outcomes"] == {"known": 1, "changed": 1}, "a month is more than a year, so it is a correction"
    elsewhere = fund.row("Alan Turing", "2", "2026-02-03", place="110102")  # another file than the first
    last = fund.run(feed, fund.row("Grace Hopper", "1", "2026"), elsewhere)
    assert last.counts["outcomes"] == {"known": 2}
