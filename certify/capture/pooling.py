"""Pool two captures of one person whose faces nearly match: the templates of both are averaged.

Only captures of callers who were recognised are pooled (a sign-in, an officer or an agent). What a stranger sent may
show another person, and an answer that depends on it would tell them how near they came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from certify.capture.analysis import Analysis, analyse, compare, in_zone
from certify.domain.channels import Channel
from certify.domain.evidence import Capture, Check
from certify.domain.policy import ZoneRule
from certify.domain.states import FaceZone
from certify.service import Unit
from certify.storage.facts import evidence_by_ids
from certify.storage.media import read_media
from certify.storage.sessions import decided_sessions_of
from certify.storage.tables.sessions import SessionRow

if TYPE_CHECKING:  # the HTTP process never loads the face models; only workers do
    from models.face.matcher import Comparison, Templates
    from models.pipeline import FaceEngine

POOLED_WITHIN = timedelta(days=1)
"""The capture that was asked for follows the first within minutes; a day allows for a better light the next morning."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier capture whose face was near, with its media.

    Attributes:
        session_id: its session.
        fact: the capture as evidence.
        data: its media, in clear.
        plan: what was asked, as stored with the session.
        source: where the media came from, as stored with the session.
    """

    session_id: UUID
    fact: Capture
    data: bytes
    plan: Mapping[str, Any] | None
    source: Mapping[str, Any] | None


def earlier_capture(unit: Unit, row: SessionRow) -> Earlier | None:
    """Return the capture just before this one, if the policies asked for one more after it and its media are there.

    Args:
        unit: the transaction to read in.
        row: the session that is evaluated.
    """
    channel = Channel(row.channel)
    rules = [document.policy.capture.get(channel) for document in unit.service.policies.values()]
    if row.public_entry or any(rule is not None and rule.near is not ZoneRule.ASK for rule in rules):
        return None
    since = unit.now - POOLED_WITHIN
    before = decided_sessions_of(unit.db, row.beneficiary_id, channels=(channel,), since=since, limit=5)
    last = next((one for one in before if not one.public_entry), None)
    if last is None or last.evidence_id is None or last.blob_id is None:
        return None
    facts = evidence_by_ids(unit.db, [str(last.evidence_id)])
    fact = next((fact for fact in facts if isinstance(fact, Capture)), None)
    # A capture that was pooled already and is still near waits for an officer.
    if fact is None or fact.zone is not FaceZone.NEAR or fact.pooled_with or Check.FAIL in (fact.liveness, fact.eyes):
        return None
    data = read_media(unit.db, unit.sealer(row.beneficiary_id), last.blob_id)
    return Earlier(last.id, fact, data, last.plan, last.source)


def pool(
    engine: FaceEngine, analysis: Analysis, earlier: Earlier, references: Sequence[Templates]
) -> Comparison | None:
    """Compare the faces of two captures together.

    Each capture must be near by itself, and both must show the same person: otherwise a picture of the person in one of
    them could carry the face of somebody else in the other. The earlier one must have shown life if this one did.

    Args:
        engine: the face models.
        analysis: of the capture that is evaluated; its own comparison is near.
        earlier: the capture before it.
        references: one for each sitting.

    Returns:
        The comparison of the averaged faces, or None if the captures cannot be pooled.
    """
    if analysis.liveness is Check.PASS and earlier.fact.liveness is not Check.PASS:
        return None
    before = analyse(engine, earlier.data, earlier.plan, earlier.source).probes
    same = compare(engine, analysis.probes, before[:1])
    if not in_zone(same, FaceZone.MATCH):
        return None
    return compare(engine, (*before, *analysis.probes), references)
