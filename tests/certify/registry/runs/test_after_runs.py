"""Use of runs by people, officers and auditors: receipts, audits, replay, comparison, corrections, reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from certify.audit.replay import replay
from certify.audit.sample import audit_report, record_audit
from certify.decision.determinations import all_determinations, find_determination
from certify.decision.determine import determine
from certify.decision.receipts import deny, receipts_of
from certify.decision.review import Decision, rule
from certify.domain.codec import determination_digest
from certify.domain.policy import SilentRule
from certify.domain.states import AuditOutcome
from certify.errors import Conflict, Invalid, NotFound
from certify.registry.runs.carry_out import Machine
from certify.registry.runs.compare import Change, compare_policies
from certify.registry.runs.questions import answer, explain_question
from certify.registry.runs.relink import relink
from certify.registry.runs.replay import replay_run
from certify.registry.runs.report import run_report
from certify.registry.runs.status import feed_status
from certify.storage.corrections import corrections_for
from certify.storage.passes import open_audits
from certify.storage.questions import open_questions_of
from certify.storage.reviews import open_cases_of
from certify.storage.runs import get_run
from certify.storage.tables.runs import RunRow

from .conftest import NAMES, Fund

pytestmark = pytest.mark.integration

_UNGUARDED = "set session_replication_role = replica"
"""Said by the owner of the database: the triggers that keep these tables append-only do not fire."""


def _stays(fund: Fund, *names: str, **changes: object) -> RunRow:
    rows = [fund.row(name, str(number), "2026-02-20", what="stay") for number, name in enumerate(names or NAMES)]
    return fund.run(fund.feed("life_events", **changes), *rows)


def test_a_silent_pass_has_a_receipt_with_its_evidence(fund: Fund) -> None:
    _stays(fund, "Ana Pereira")
    with fund.service.reading() as unit:
        (receipt,) = receipts_of(unit, fund.people["Ana Pereira"])
        assert not receipts_of(unit, fund.people["Maria Silva"])
    assert (receipt.scheme, receipt.proven_on, receipt.valid_until) == (
        "employee",
        date(2026, 2, 20),
        date(2027, 2, 20),
    )
    (item,) = receipt.items
    assert (item.source, item.act, item.on, item.weight) == (
        "life-events-registry",
        "hospital_stay",
        date(2026, 2, 20),
        1.0,
    )
    assert item.body_present
    assert "patient" in item.justification


def test_that_was_not_me_withdraws_the_evidence_and_opens_a_case(fund: Fund) -> None:
    before = fund.standing("Ana Pereira").valid_until
    _stays(fund, "Ana Pereira")
    person = fund.people["Ana Pereira"]
    with fund.service.unit() as unit:
        evidence = UUID(receipts_of(unit, person)[0].items[0].evidence_id)
        case = deny(unit, person, evidence)
        assert deny(unit, person, evidence).id == case.id
    after = fund.standing("Ana Pereira")
    assert (after.standing, after.valid_until) == ("certified", before)
    with fund.service.unit() as unit:
        assert [entry.kind for entry in open_cases_of(unit.db, person)] == ["not_me"]
        assert receipts_of(unit, person)[0].items[0].denied
        with pytest.raises(NotFound):  # a person can deny only their own records
            deny(unit, fund.people["Maria Silva"], evidence)
        # The case stays open until an officer closes it, even if the person is determined again.
        determine(unit, person)
        assert [entry.kind for entry in open_cases_of(unit.db, person)] == ["not_me"]


def test_a_person_cannot_deny_a_death(fund: Fund) -> None:
    fund.run(fund.feed("deaths"), fund.row("Alan Turing", "7", "2026-02-20"))
    person = fund.people["Alan Turing"]
    with fund.service.unit() as unit:
        number = unit.db.scalar(text("select id from evidence"))
        with pytest.raises(NotFound):
            deny(unit, person, number)
    assert fund.standing("Alan Turing").standing == "paused"


def test_a_silent_pass_is_a_determination_like_any_other(fund: Fund) -> None:
    _stays(fund, "Ana Pereira")
    person = fund.people["Ana Pereira"]
    pension = fund.standing("Ana Pereira")
    with fund.service.unit() as unit:
        assert pension.determination_id is not None
        found = find_determination(unit, pension.determination_id)
        assert found.verdict["method"] == "data"
        assert next(iter(all_determinations(unit, person, limit=10))).id == found.id
        assert replay(unit, found.id).identical
        # Determined one by one, the result is the same, and there is a certificate.
        one = determine(unit, person)
        assert determination_digest(one.determinations[0]) == found.digest
        assert one.certificate is not None
        assert len(receipts_of(unit, person)) == 1


def test_passes_are_drawn_and_their_checks_give_a_rate(fund: Fund) -> None:
    service = replace(fund.service, settings=fund.service.settings.model_copy(update={"audit_share": 1.0}))
    _stays(replace(fund, service=service))
    with fund.service.unit() as unit:
        drawn = open_audits(unit.db, limit=100)
        assert len(drawn) == len(NAMES)
        outcomes = [AuditOutcome.FALSE_PASS, AuditOutcome.NOT_REACHED, *[AuditOutcome.ALIVE] * (len(NAMES) - 2)]
        for row, outcome in zip(drawn, outcomes, strict=True):
            record_audit(unit, row.pass_id, outcome, officer="o1")
        with pytest.raises(Conflict):
            record_audit(unit, drawn[0].pass_id, AuditOutcome.ALIVE, officer="o1")
        record_audit(unit, drawn[1].pass_id, AuditOutcome.ALIVE, officer="o1", note="reached at the second call")
        assert [case.kind for case in open_cases_of(unit.db, drawn[0].beneficiary_id)] == ["false_pass"]
        report = audit_report(unit)
    assert (report.passes, report.drawn, report.open) == (len(NAMES), len(NAMES), 0)
    assert (report.false_passes.events, report.false_passes.trials) == (1, len(NAMES))
    assert report.false_passes.low < 1 / len(NAMES) < report.false_passes.high


def test_without_a_share_no_pass_is_drawn(fund: Fund) -> None:
    service = replace(fund.service, settings=fund.service.settings.model_copy(update={"audit_share": 0.0}))
    _stays(replace(fund, service=service))
    with fund.service.reading() as unit:
        assert not open_audits(unit.db, limit=10)
        assert audit_report(unit).false_passes.value is None


def test_a_run_replays_identically_and_tampering_shows(fund: Fund, owner: psycopg.Connection) -> None:
    row = _stays(fund)
    with fund.service.reading() as unit:
        found = replay_run(unit, row.id)
    assert found.identical, found.differences
    assert (found.passes, found.determinations) == (len(NAMES), 0)
    owner.execute(_UNGUARDED)
    owner.execute("update silent_passes set valid_until = valid_until + 30 where chunk = 0")
    with fund.service.reading() as unit:
        found = replay_run(unit, row.id)
    assert not found.identical
    assert any("signed into the ledger" in line for line in found.differences)
    assert any("silent pass" in line for line in found.differences)
    owner.execute("delete from silent_passes")
    with fund.service.reading() as unit:
        assert any("missing" in line for line in replay_run(unit, row.id).differences)


def test_silent_passes_are_append_only(fund: Fund, owner: psycopg.Connection) -> None:
    _stays(fund, "Ana Pereira")
    for statement in ("update silent_passes set chunk = 1", "delete from silent_passes", "delete from run_chunks"):
        with pytest.raises(ProgrammingError, match="permission denied"), fund.service.unit() as unit:
            unit.db.execute(text(statement))
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            owner.execute(statement)


def test_a_run_of_deaths_replays_too(fund: Fund, owner: psycopg.Connection) -> None:
    row = fund.run(fund.feed("deaths"), fund.row("Alan Turing", "7", "2026-02-20"))
    with fund.service.reading() as unit:
        found = replay_run(unit, row.id)
        assert found.identical
        assert found.determinations == 1
    owner.execute(_UNGUARDED)
    owner.execute(
        "update evidence set body = jsonb_set(body::jsonb, '{kind}', '\"prison\"')::json where kind = 'adverse'"
    )
    with fund.service.reading() as unit:
        assert not replay_run(unit, row.id).identical


def test_the_file_of_a_run_links_the_same_people_again(fund: Fund) -> None:
    row = _stays(fund)
    path = fund.folder / "file1.csv"
    assert relink(fund.service, row.id, path).identical
    with pytest.raises(Invalid):
        relink(fund.service, row.id, fund.file(fund.row("Ana Pereira", "1", "2026-02-20", what="stay")))
    with fund.service.unit() as unit:
        unit.db.execute(
            text("update beneficiaries set national_id_hash = 'x', name = 'Other' where name = 'Ana Pereira'")
        )
    again = relink(fund.service, row.id, path)
    assert (again.same, again.missing) == (len(NAMES) - 1, 1)


def test_a_new_policy_is_compared_on_all_people_before_release(fund: Fund) -> None:
    _stays(fund, "Ana Pereira", "Maria Silva")
    fund.service.clock.advance(timedelta(days=200))  # type: ignore[attr-defined]
    policy = fund.service.policy("employee").policy
    strict = replace(policy, silent=SilentRule(3.0, 2))
    changes: list[Change] = []
    found = compare_policies(fund.service, strict, start=UUID(int=0), limit=None, changed=changes.append)
    assert found.pensions == len(NAMES)
    assert (found.lost, found.gained, found.stopped) == (2, 0, 0)
    assert {change.beneficiary_id for change in changes} == {fund.people["Ana Pereira"], fund.people["Maria Silva"]}
    assert found.moves == {("certified", "overdue"): 2}
    middle = sorted(fund.people.values())[3]
    few = compare_policies(fund.service, strict, start=middle, limit=5, changed=lambda _change: None)
    assert few.pensions == 5
    around = compare_policies(fund.service, strict, start=middle, limit=None, changed=lambda _change: None)
    assert around.pensions == len(NAMES)
    same = compare_policies(fund.service, policy, start=UUID(int=0), limit=None, changed=changes.append)
    assert not same.moves
    assert fund.standing("Ana Pereira").standing == "certified"


def test_errors_of_a_registry_are_reported_to_it(fund: Fund) -> None:
    deaths = fund.feed("deaths")
    fund.run(deaths, fund.row("Alan Turing", "7", "2026-02-20"), fund.row("Ada Lovelace", "8", "2026-02-20", born=""))
    fund.run(deaths, {**fund.row("Emmy Noether", "9", "2026-02-20"), "name": "", "born": ""})
    with fund.service.unit() as unit:
        (case,) = open_cases_of(unit.db, fund.people["Alan Turing"])
        rule(unit, case.id, officer="o1", decision=Decision.CONFIRM_ALIVE)
        (question,) = open_questions_of(unit.db, fund.people["Emmy Noether"])
        answer(unit, question.id, officer="o1", same=False)
    assert fund.standing("Emmy Noether").standing == "certified"
    with fund.service.reading() as unit:
        found = list(corrections_for(unit.db, "deaths-registry"))
    assert [(entry.record_id, entry.finding) for entry in found] == [("7", "person_alive"), ("9", "not_this_person")]


def test_an_officer_can_read_why_a_link_is_doubtful(fund: Fund) -> None:
    run = fund.run(fund.feed("deaths"), {**fund.row("Emmy Noether", "9", "2026-02-20"), "name": "", "born": ""})
    with fund.service.reading() as unit:
        (question,) = open_questions_of(unit.db, fund.people["Emmy Noether"])
        terms = explain_question(get_run(unit.db, run.id), question)
    by_name = {term.term: term.agreement for term in terms}
    assert by_name["national id"] == "the same id"
    assert by_name["name"].startswith("not assessed")
    assert terms[-1].total == pytest.approx(question.weight, abs=1e-4)


def test_the_report_is_one_page_without_personal_data(fund: Fund) -> None:
    row = _stays(fund)
    with fund.service.reading() as unit:
        page = run_report(unit, row.id)
    assert page.count("<svg") == 3
    assert row.sha256 in page
    assert "<script" not in page
    assert "http" not in page
    assert not any(name in page for name in NAMES)


def test_feed_status_shows_stale_feeds_and_waiting_files(fund: Fund) -> None:
    _stays(fund)
    fund.service.clock.advance(timedelta(days=2000))  # type: ignore[attr-defined]
    with fund.service.reading() as unit:
        (found,) = feed_status(unit)
    assert (found.feed, found.files, found.records, found.fresh, found.waiting) == ("life-events", 1, 7, False, 0)


def test_two_chunks_at_a_time_give_the_same(fund: Fund) -> None:
    rows = [fund.row(name, str(number), "2026-02-20", what="stay") for number, name in enumerate(NAMES)]
    row = fund.run(fund.feed("life_events"), *rows, machine=Machine(workers=2, chunk_size=2))
    assert row.chunks is not None
    assert row.chunks > 2
    assert row.counts["applied"]["passes"] == len(NAMES)
