"""Read link questions: whether an adverse record is about a certain person."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import String, any_, cast, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from certify.domain.error_codes import ErrorCode
from certify.domain.states import QuestionState
from certify.errors import NotFound
from certify.storage.tables.runs import LinkQuestionRow


def get_question(db: Session, question_id: UUID, *, lock: bool = False) -> LinkQuestionRow:
    """Return a link question.

    Args:
        db: the session of the transaction.
        question_id: id of the question.
        lock: lock the row until the transaction ends, and read it again if the session holds it already.

    Raises:
        NotFound: no such question (``question_not_found``).
    """
    query = select(LinkQuestionRow).where(LinkQuestionRow.id == question_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = db.scalars(query).one_or_none()
    if row is None:
        raise NotFound("There is no such question.", code=ErrorCode.QUESTION_NOT_FOUND)
    return row


def open_questions_of(db: Session, beneficiary_id: UUID) -> Sequence[LinkQuestionRow]:
    """Return the open questions about a person, oldest first."""
    query = select(LinkQuestionRow).where(
        LinkQuestionRow.beneficiary_id == beneficiary_id, LinkQuestionRow.state == QuestionState.OPEN
    )
    return db.scalars(query.order_by(LinkQuestionRow.id)).all()


def asked_before(db: Session, source: str, numbers: Sequence[str]) -> dict[str, LinkQuestionRow]:
    """Return the questions that were ever asked about these records of a source, by the number of the record."""
    named = LinkQuestionRow.external_id == any_(cast(list(numbers), ARRAY(String)))
    rows = db.scalars(select(LinkQuestionRow).where(LinkQuestionRow.source == source, named))
    return {row.external_id: row for row in rows}


def questions_about(db: Session, source: str, numbers: Sequence[str]) -> Sequence[LinkQuestionRow]:
    """Return the open questions about these records of a source, and lock them until the transaction ends."""
    # One array, because PostgreSQL takes at most 65,535 parameters.
    named = LinkQuestionRow.external_id == any_(cast(list(numbers), ARRAY(String)))
    query = select(LinkQuestionRow).where(
        LinkQuestionRow.source == source, named, LinkQuestionRow.state == QuestionState.OPEN
    )
    return db.scalars(query.with_for_update()).all()
