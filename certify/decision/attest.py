"""Record the attestation of an institution that one of its people saw the person alive."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from certify.decision.determine import determine
from certify.decision.facts import record_fact
from certify.domain.channels import CHANNELS, Channel
from certify.domain.codec import evidence_from_json
from certify.domain.decide import Determination
from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import Attestation
from certify.domain.states import AuditCause
from certify.errors import Conflict, Gone, Invalid, NotAllowed
from certify.service import Unit
from certify.storage.facts import find_evidence
from certify.storage.passes import draw_audit
from certify.storage.people import get_beneficiary

_CLOCK_SKEW = timedelta(minutes=5)
"""The clock of an institution may be ahead of ours by so much. The person is seen now, so no calendar is involved."""

_NUMBER = re.compile(r"[A-Za-z0-9_.:\-]{1,60}")
_WORDS = re.compile(r"[^\x00-\x1f\x7f<>]{1,120}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_DOCUMENT = re.compile(r"[a-z][a-z_]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttestation:
    """One attestation.

    Attributes:
        source: the source that attests, as the registry of sources names it.
        record_id: the source's own number, by which a repeated attestation is recognised.
        seen_at: when the person was seen.
        channel: in which capacity the source attests; the registry of sources must grant it.
        seen_by: the institution's own mark of the person who saw them.
        place: where they were seen.
        country: the country of the place, two capital letters (ISO 3166-1).
        document: kind of the document that was checked, such as ``passport``; never its number.
    """

    source: str
    record_id: str
    seen_at: datetime
    channel: Channel
    seen_by: str
    place: str
    country: str
    document: str


def attest(unit: Unit, beneficiary_id: UUID, new: NewAttestation) -> tuple[str, list[Determination]]:
    """Store an attestation and determine the person again. A repeat of a stored attestation changes nothing.

    The policy of each scheme says whether it proves life there, how strongly and for how long.

    Args:
        unit: the transaction to write in; its actor speaks for the source.
        beneficiary_id: id of the person, whose row is locked.
        new: the attestation.

    Returns:
        The evidence id and the determinations; no determinations for a repeat.

    Raises:
        Invalid: the source is not listed (``source_unknown``), a detail is malformed (``attestation_invalid``), or the
            person was seen in the future (``event_in_future``).
        NotAllowed: the caller does not speak for the source, or the source may not attest in this capacity
            (``source_not_yours``).
        NotFound: no such person (``beneficiary_not_found``).
        Gone: the person was erased (``person_erased``).
        Conflict: the number was used before, with other content or for another person (``record_changed``).
    """
    source = unit.service.sources.require(new.source, unit.actor)
    if new.channel.value not in source.attests:
        raise NotAllowed(
            f"The source '{new.source}' may not attest as '{new.channel}'.",
            hint=f"It attests as: {', '.join(sorted(source.attests)) or 'nothing'}.",
            code=ErrorCode.SOURCE_NOT_YOURS,
        )
    _check(new)
    if new.seen_at > unit.now + _CLOCK_SKEW:
        raise Invalid(
            "The person was seen in the future.",
            hint="Check the clock and its time zone.",
            code=ErrorCode.EVENT_IN_FUTURE,
        )
    if get_beneficiary(unit.db, beneficiary_id, lock=True).erased_at is not None:
        raise Gone("The data of this person was erased.", code=ErrorCode.PERSON_ERASED)
    fact = Attestation(
        id=str(unit.service.new_id()),
        source=new.source,
        event_at=new.seen_at,
        recorded_at=unit.now,
        institution=source.institution,
        principal=unit.actor,
        channel=new.channel,
        seen_by=new.seen_by,
        place=new.place,
        country=new.country,
        document=new.document,
    )
    known = find_evidence(unit.db, new.source, new.record_id)
    if known is not None:
        before = evidence_from_json(known.body)
        same = replace(fact, id=before.id, recorded_at=before.recorded_at, principal=before.principal)
        if known.beneficiary_id != beneficiary_id or same != before:
            raise Conflict(
                "This number was used before, for something else.",
                hint="Void the earlier record, and send the corrected one under a new number.",
                code=ErrorCode.RECORD_CHANGED,
            )
        return str(known.id), []
    record_fact(unit, beneficiary_id, fact, external_id=new.record_id)
    determinations = determine(unit, beneficiary_id).determinations
    _draw_for_audit(unit, beneficiary_id, fact, determinations)
    return fact.id, determinations


def _draw_for_audit(
    unit: Unit, beneficiary_id: UUID, fact: Attestation, determinations: Sequence[Determination]
) -> None:
    """Draw a share of the certifications by each institution for the random audit; it cannot know which."""
    code = CHANNELS[fact.channel].reason
    proves = any(why.code is code and fact.id in why.facts for one in determinations for why in one.reasons)
    share = unit.service.settings.audit_share_attestations
    if proves and int.from_bytes(unit.service.random_bytes(4)) < share * 2**32:
        draw_audit(
            unit.db,
            UUID(fact.id),
            beneficiary_id,
            drawn_at=unit.now,
            cause=AuditCause.ATTESTATION,
            institution=fact.institution,
        )


def _check(new: NewAttestation) -> None:
    for name, value, form in (
        ("record_id", new.record_id, _NUMBER),
        ("seen_by", new.seen_by, _NUMBER),
        ("place", new.place, _WORDS),
        ("country", new.country, _COUNTRY),
        ("document", new.document, _DOCUMENT),
    ):
        if not form.fullmatch(value):
            raise Invalid(
                f"'{name}' is not possible: {value!r}.",
                hint="The country has two capital letters, numbers have no spaces, and a document is a word such as "
                "passport.",
                code=ErrorCode.ATTESTATION_INVALID,
            )
