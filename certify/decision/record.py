"""Record what registries and officers report: adverse records, signs of life, and voids."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from certify.decision.determine import determine
from certify.domain.codec import evidence_from_json
from certify.domain.decide import Determination
from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import AdverseRecord, Evidence, SignOfLife, Void
from certify.domain.ledger_events import LedgerEvent
from certify.domain.sources import is_reserved
from certify.errors import Conflict, Gone, Invalid, NotFound
from certify.service import Unit
from certify.storage.facts import add_evidence, find_evidence
from certify.storage.people import get_beneficiary

_SOURCE = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,59}")
_RECORD_ID = re.compile(r"[A-Za-z0-9_.:\-]{1,60}")

_CLOCK_SKEW = timedelta(hours=24)
"""A source's clock and calendar may be ahead of ours by up to a day (time zones). More than that is an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecord:
    """One record of a source: exactly one of ``adverse``, ``act`` and ``voids`` is given.

    Attributes:
        source: the registry.
        record_id: the source's own number, by which a repeated record is recognised.
        event_at: when it happened.
        adverse: kind of an adverse record.
        act: what was done, for a sign of life.
        voids: number of an earlier record of the same source that is taken back.
    """

    source: str
    record_id: str
    event_at: datetime
    adverse: str | None = None
    act: str | None = None
    voids: str | None = None


def record(unit: Unit, beneficiary_id: UUID, new: NewRecord) -> tuple[str, list[Determination]]:
    """Store a record and determine the person again. A repeat of a stored record changes nothing.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.
        new: the record.

    Returns:
        The evidence id and the determinations; no determinations for a repeat.

    Raises:
        Invalid: the event lies in the future (``event_in_future``), the record is not exactly one of the three kinds
            (``record_kind_missing``), its source or number is malformed (``source_invalid``, ``record_id_invalid``),
            or the source name is reserved (``source_reserved``).
        Gone: the person was erased (``person_erased``).
        NotFound: no such person (``beneficiary_not_found``), or no such record to void (``voided_record_not_found``).
        Conflict: the number was used before, with other content or for another person (``record_changed``).
    """
    _check_words(new)
    if new.event_at > unit.now + _CLOCK_SKEW:
        raise Invalid(
            "The event lies in the future.", hint="Check the date format of the source.", code=ErrorCode.EVENT_IN_FUTURE
        )
    if is_reserved(new.source):
        raise Invalid(
            "This source name is the service's own.", hint="Use the registry's name.", code=ErrorCode.SOURCE_RESERVED
        )
    if get_beneficiary(unit.db, beneficiary_id, lock=True).erased_at is not None:
        # Otherwise the registry's number would come back after the erasure, and name the person again.
        raise Gone("The data of this person was erased.", code=ErrorCode.PERSON_ERASED)
    fact = _fact(unit, beneficiary_id, new)
    known = find_evidence(unit.db, new.source, new.record_id)
    if known is not None:
        before = evidence_from_json(known.body)
        if (
            known.beneficiary_id != beneficiary_id
            or replace(fact, id=before.id, recorded_at=before.recorded_at) != before
        ):
            raise Conflict(
                "This record number was used before, for something else.",
                hint="Void the earlier record, and send the corrected one under a new number.",
                code=ErrorCode.RECORD_CHANGED,
            )
        return str(known.id), []
    add_evidence(unit.db, beneficiary_id, fact, external_id=new.record_id)
    unit.ledger(
        LedgerEvent.EVIDENCE_RECORDED, beneficiary_id, evidence=fact.id, kind=type(fact).__name__, source=new.source
    )
    return fact.id, determine(unit, beneficiary_id).determinations


def _check_words(new: NewRecord) -> None:
    if not _SOURCE.fullmatch(new.source):
        raise Invalid(
            "The source has other characters than small letters, digits, '_', '.' and '-', or is too long.",
            hint="Use one name for one registry, such as civil-registry: two spellings would count as two sources.",
            code=ErrorCode.SOURCE_INVALID,
        )
    if not _RECORD_ID.fullmatch(new.record_id):
        raise Invalid(
            "The record number has characters that are not allowed, or more than 60.",
            hint="Letters, digits, '_', '.', ':' and '-'.",
            code=ErrorCode.RECORD_ID_INVALID,
        )


def _fact(unit: Unit, beneficiary_id: UUID, new: NewRecord) -> Evidence:
    if sum(value is not None for value in (new.adverse, new.act, new.voids)) != 1:
        raise Invalid(
            "A record is adverse, a sign of life, or a void: one of them.", code=ErrorCode.RECORD_KIND_MISSING
        )
    fact_id = str(unit.service.new_id())
    if new.adverse is not None:
        return AdverseRecord(
            id=fact_id, source=new.source, event_at=new.event_at, recorded_at=unit.now, kind=new.adverse
        )
    if new.act is not None:
        return SignOfLife(id=fact_id, source=new.source, event_at=new.event_at, recorded_at=unit.now, act=new.act)
    target = find_evidence(unit.db, new.source, new.voids or "")
    if target is None or target.beneficiary_id != beneficiary_id:
        raise NotFound(
            "The record to take back is not known from this source for this person.",
            code=ErrorCode.VOIDED_RECORD_NOT_FOUND,
        )
    return Void(id=fact_id, source=new.source, event_at=new.event_at, recorded_at=unit.now, target=str(target.id))
