"""Record what registries and officers report: adverse records, signs of life, and voids."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypedDict
from uuid import UUID

from certify.decision.determine import determine
from certify.decision.facts import record_fact
from certify.domain.codec import evidence_from_json
from certify.domain.decide import Determination
from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import AdverseRecord, Evidence, SignOfLife, Void
from certify.domain.sources import FUND, is_reserved, officer_source
from certify.errors import Conflict, Gone, Invalid, NotAllowed, NotFound
from certify.service import Unit
from certify.sources import require_reportable
from certify.storage.facts import find_evidence
from certify.storage.people import get_beneficiary

_SOURCE = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,59}")
_RECORD_ID = re.compile(r"[A-Za-z0-9_.:\-]{1,60}")

_CLOCK_SKEW = timedelta(hours=24)
"""A source's clock and calendar may be ahead of ours by up to a day (time zones). More than that is an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecord:
    """One record of a source: exactly one of ``adverse``, ``act`` and ``voids`` is given.

    Attributes:
        source: the registry; None for what an officer records.
        record_id: the source's own number, by which a repeated record is recognised.
        event_at: when it happened.
        adverse: kind of an adverse record.
        act: what was done, for a sign of life.
        voids: number of an earlier record of the same source that is taken back.
        country: where the person lives now, with a report of a move; two capital letters.
    """

    source: str | None = None
    record_id: str
    event_at: datetime
    adverse: str | None = None
    act: str | None = None
    voids: str | None = None
    country: str | None = None


def record(
    unit: Unit, beneficiary_id: UUID, new: NewRecord, *, officer: str | None = None
) -> tuple[str, list[Determination]]:
    """Store a record and determine the person again. A repeat of a stored record changes nothing.

    The registry of sources says who may speak for a source, and what it may report. Everything that an officer records
    counts as one source, ``officer:NAME``, of the fund as the institution.

    Args:
        unit: the transaction to write in.
        beneficiary_id: id of the person, whose row is locked.
        new: the record.
        officer: the officer who records it; None for a registry, for whom the actor of the unit speaks.

    Returns:
        The evidence id and the determinations; no determinations for a repeat.

    Raises:
        Invalid: the event lies in the future (``event_in_future``), the record is not exactly one of the three kinds
            (``record_kind_missing``), its source or number is malformed (``source_invalid``, ``record_id_invalid``),
            the source name is reserved (``source_reserved``) or not listed (``source_unknown``), or the source may not
            report this (``source_limits``).
        NotAllowed: the caller does not speak for the source, or an officer names one (``source_not_yours``).
        Gone: the person was erased (``person_erased``).
        NotFound: no such person (``beneficiary_not_found``), or no such record to void (``voided_record_not_found``).
        Conflict: the number was used before, with other content or for another person (``record_changed``).
    """
    new = _named(new, officer)
    source = _speaker(unit, new, officer)
    if new.event_at > unit.now + _CLOCK_SKEW:
        raise Invalid(
            "The event lies in the future.", hint="Check the date format of the source.", code=ErrorCode.EVENT_IN_FUTURE
        )
    if get_beneficiary(unit.db, beneficiary_id, lock=True).erased_at is not None:
        # Otherwise the registry's number would come back after the erasure, and name the person again.
        raise Gone("The data of this person was erased.", code=ErrorCode.PERSON_ERASED)
    fact = _fact(unit, beneficiary_id, new, source)
    known = find_evidence(unit.db, source.name, new.record_id)
    if known is not None:
        before = evidence_from_json(known.body)
        if (
            known.beneficiary_id != beneficiary_id
            or replace(
                fact,
                id=before.id,
                recorded_at=before.recorded_at,
                institution=before.institution,
                principal=before.principal,
            )
            != before
        ):
            raise Conflict(
                "This record number was used before, for something else.",
                hint="Void the earlier record, and send the corrected one under a new number.",
                code=ErrorCode.RECORD_CHANGED,
            )
        return str(known.id), []
    record_fact(unit, beneficiary_id, fact, external_id=new.record_id)
    return fact.id, determine(unit, beneficiary_id).determinations


@dataclass(frozen=True, slots=True)
class _Speaker:
    """The source of a record, the institution behind it, and how reliable it is."""

    name: str
    institution: str
    weight: float


def _named(new: NewRecord, officer: str | None) -> NewRecord:
    """Check the words of a record, and complete the source of an officer's record."""
    if not _RECORD_ID.fullmatch(new.record_id):
        raise Invalid(
            "The record number has characters that are not allowed, or more than 60.",
            hint="Letters, digits, '_', '.', ':' and '-'.",
            code=ErrorCode.RECORD_ID_INVALID,
        )
    if sum(value is not None for value in (new.adverse, new.act, new.voids)) != 1:
        raise Invalid(
            "A record is adverse, a sign of life, or a void: one of them.", code=ErrorCode.RECORD_KIND_MISSING
        )
    if officer is not None:
        if new.source is not None:
            raise NotAllowed(
                "An officer records under their own name, not for a registry.",
                hint="Leave the source out.",
                code=ErrorCode.SOURCE_NOT_YOURS,
            )
        return replace(new, source=officer_source(officer))
    if new.source is None or not _SOURCE.fullmatch(new.source):
        raise Invalid(
            "The source has other characters than small letters, digits, '_', '.' and '-', or is too long.",
            hint="Use one name for one registry, such as civil-registry.",
            code=ErrorCode.SOURCE_INVALID,
        )
    if is_reserved(new.source):
        raise Invalid(
            "This source name is the service's own.", hint="Use the registry's name.", code=ErrorCode.SOURCE_RESERVED
        )
    return new


def _speaker(unit: Unit, new: NewRecord, officer: str | None) -> _Speaker:
    name = new.source or ""
    if officer is not None:
        rules = unit.service.sources.officers
        require_reportable(name, rules, adverse=new.adverse, act=new.act)
        return _Speaker(name, FUND, rules.weight)
    source = unit.service.sources.require(name, unit.actor)
    require_reportable(name, source, adverse=new.adverse, act=new.act)
    return _Speaker(name, source.institution, source.weight)


def _fact(unit: Unit, beneficiary_id: UUID, new: NewRecord, source: _Speaker) -> Evidence:
    about: _About = {
        "id": str(unit.service.new_id()),
        "source": source.name,
        "event_at": new.event_at,
        "recorded_at": unit.now,
        "institution": source.institution,
        "principal": unit.actor,
    }
    if new.adverse is not None:
        return AdverseRecord(**about, kind=new.adverse, country=new.country)
    if new.act is not None:
        return SignOfLife(**about, act=new.act, trust=source.weight)
    target = find_evidence(unit.db, source.name, new.voids or "")
    if target is None or target.beneficiary_id != beneficiary_id:
        raise NotFound(
            "The record to take back is not known from this source for this person.",
            code=ErrorCode.VOIDED_RECORD_NOT_FOUND,
        )
    return Void(**about, target=str(target.id))


class _About(TypedDict):
    id: str
    source: str
    event_at: datetime
    recorded_at: datetime
    institution: str
    principal: str
