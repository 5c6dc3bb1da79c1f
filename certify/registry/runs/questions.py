"""Link questions: doubtful links of adverse records, which an officer answers with "same person" or "different"."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from certify.decision.cases import ensure_case
from certify.decision.determine import determine
from certify.decision.facts import record_fact
from certify.domain.case_kinds import CaseKind
from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import AdverseRecord
from certify.domain.ledger_events import LedgerEvent
from certify.domain.states import CaseState, QuestionState
from certify.errors import Conflict
from certify.registry.feeds.source import principal_of
from certify.registry.linking import Model, Term, explain
from certify.registry.linking.agreement import comparisons
from certify.registry.linking.link import prior_of
from certify.registry.normalise.ids import HOLDS_BIRTH_DATE
from certify.registry.runs.importing import feed_of
from certify.service import Unit
from certify.storage.people import get_beneficiary
from certify.storage.questions import asked_before, get_question, open_questions_of
from certify.storage.reviews import open_case_of
from certify.storage.runs import get_run
from certify.storage.tables.runs import LinkQuestionRow, RunRow


def ask(unit: Unit, run: RunRow, questions: Sequence[Mapping[str, Any]]) -> int:
    """Store questions, and open a case for each person who has none.

    A record that was asked about before asks nothing new, whether its question is open or answered: registries send the
    same record again and again. Only if the registry had taken it back, its question is opened again.

    Args:
        unit: the transaction; the caller has locked the people.
        run: the run of the questions.
        questions: rows of the table of facts.

    Returns:
        The number of new questions.
    """
    before = asked_before(unit.db, run.source, [question["external_id"] for question in questions])
    settled = {number for number, row in before.items() if row.state != QuestionState.WITHDRAWN}
    new = [question for question in questions if question["external_id"] not in settled]
    unit.open_sealers([UUID(question["person"]) for question in new])
    for question in new:
        person = UUID(question["person"])
        row = before.get(question["external_id"]) or LinkQuestionRow(id=UUID(question["id"]), source=run.source)
        row.run_id, row.beneficiary_id, row.external_id = run.id, person, question["external_id"]
        row.adverse, row.event_on = question["what"], question["event_on"]
        row.stage, row.reason = question["stage"], question["reason"]
        row.weight, row.levels = question["weight"], question["levels"]
        row.record_sealed = unit.sealer(person).seal(question["record"].encode(), _label(row.id))
        row.state, row.answered_by, row.answered_at = QuestionState.OPEN, None, None
        unit.db.add(row)
        ensure_case(unit, person, CaseKind.LINK)
        unit.db.flush()
    return len(new)


def answer(unit: Unit, question_id: UUID, *, officer: str, same: bool) -> LinkQuestionRow:
    """Settle a question. With "same" the record becomes evidence against the person, who is determined again.

    The case closes with its last question.

    Args:
        unit: the transaction.
        question_id: id of the question.
        officer: who answers.
        same: whether the record is about this person.

    Returns:
        The question.

    Raises:
        NotFound: there is no such question (``question_not_found``).
        Conflict: the question is settled already (``question_answered``).
    """
    get_beneficiary(unit.db, get_question(unit.db, question_id).beneficiary_id, lock=True)
    row = get_question(unit.db, question_id, lock=True)
    if row.state != QuestionState.OPEN:
        raise Conflict(f"This question is settled already: {row.state}.", code=ErrorCode.QUESTION_ANSWERED)
    row.state, row.answered_by, row.answered_at = (
        QuestionState.SAME if same else QuestionState.DIFFERENT,
        officer,
        unit.now,
    )
    unit.ledger(LedgerEvent.LINK_ANSWERED, row.beneficiary_id, question=str(row.id), answer=row.state, officer=officer)
    if same:
        source = unit.service.sources.sources.get(row.source)
        since = record_of(unit, row).get("event_from")
        fact = AdverseRecord(
            id=str(unit.service.new_id()),
            source=row.source,
            event_at=datetime.combine(row.event_on, time(12), UTC),
            recorded_at=unit.now,
            institution=source.institution if source else row.source,
            principal=principal_of(get_run(unit.db, row.run_id).feed),
            kind=row.adverse,
            event_from=date.fromisoformat(since) if since else None,
        )
        record_fact(unit, row.beneficiary_id, fact, external_id=row.external_id)
    _close_case(unit, row.beneficiary_id, officer, row.state)
    determine(unit, row.beneficiary_id)
    return row


def withdraw(unit: Unit, questions: Sequence[LinkQuestionRow]) -> None:
    """Close questions about records that their source took back."""
    for row in questions:
        row.state, row.answered_at = QuestionState.WITHDRAWN, unit.now
        _close_case(unit, row.beneficiary_id, "service", "withdrawn")


def record_of(unit: Unit, row: LinkQuestionRow) -> dict[str, Any]:
    """Return the record of the registry, in its own words."""
    plain = unit.sealer(row.beneficiary_id).open(row.record_sealed, _label(row.id))
    record: dict[str, Any] = json.loads(plain)
    return record


def explain_question(run: RunRow, row: LinkQuestionRow) -> list[Term]:
    """Return the waterfall of a doubtful link, with the model that its run used."""
    given = run.parameters or {}
    compared = comparisons(0, id_checked=True, id_holds_birth=feed_of(run).national_id_format in HOLDS_BIRTH_DATE)
    model = Model.restored(given["linking"]["model"], compared, prior_of(run.counts["linking"]["people"]))
    link: dict[str, Any] = {"stage": row.stage, "reason": row.reason}
    link |= {f"g_{name}": int(level) for name, level in zip(given["levels"], row.levels.split(","), strict=True)}
    # The part of the weight that the levels do not explain is the rarity of the values.
    link["rarity"] = row.weight - explain(link, model).terms[-1].total
    return list(explain(link, model).terms)


def _close_case(unit: Unit, beneficiary_id: UUID, by: str, resolution: str) -> None:
    unit.db.flush()
    if open_questions_of(unit.db, beneficiary_id):
        return
    case = open_case_of(unit.db, beneficiary_id, CaseKind.LINK)
    if case is not None:
        case.state, case.closed_at, case.closed_by, case.resolution = CaseState.CLOSED, unit.now, by, resolution
        unit.ledger(LedgerEvent.REVIEW_CLOSED, beneficiary_id, case=str(case.id), resolution=resolution)
    unit.db.flush()


def _label(question_id: UUID) -> str:
    return f"link:{question_id}"
