"""Determinations of both kinds: stored whole, and silent passes, which are stored in brief and decided again.

A run that proves millions of pensions stores what it decided *from* and what came *out*; the reasons in between are
what ``decide``, which is pure, gives again at any time (docs/decisions/0014).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from certify.decision.determine import entitlement_to_json
from certify.domain.codec import determination_to_json, verdict_digest
from certify.domain.decide import Determination, Entitlement, decide
from certify.domain.error_codes import ErrorCode
from certify.errors import NotFound
from certify.service import Unit
from certify.storage.facts import determinations_of, evidence_by_ids, get_determination, stored_policy
from certify.storage.passes import chunk_of, get_pass, passes_of
from certify.storage.tables.decisions import DeterminationRow
from certify.storage.tables.runs import SilentPassRow


def find_determination(unit: Unit, determination_id: UUID) -> DeterminationRow:
    """Return a determination; a silent pass is decided again into a row that is not stored. Raises NotFound."""
    found = get_pass(unit.db, determination_id)
    return get_determination(unit.db, determination_id) if found is None else as_determination(unit, found)


def all_determinations(unit: Unit, beneficiary_id: UUID, *, limit: int) -> Sequence[DeterminationRow]:
    """Return the determinations of a person of both kinds, newest first."""
    whole = determinations_of(unit.db, beneficiary_id=beneficiary_id, limit=limit)
    brief = [as_determination(unit, found) for found in passes_of(unit.db, beneficiary_id, limit=limit)]
    return sorted([*whole, *brief], key=lambda row: (row.created_at, str(row.id)), reverse=True)[:limit]


def entitlement_of(found: SilentPassRow) -> Entitlement:
    """Return the pension as it was when it was decided."""
    return Entitlement(str(found.entitlement_id), found.scheme, found.starts_on, found.birth_date, found.last_proof_on)


def decide_again(unit: Unit, found: SilentPassRow, policy_sha256: str) -> Determination:
    """Decide a silent pass from its evidence under a stored policy. Raises NotFound when evidence is missing."""
    evidence = evidence_by_ids(unit.db, [str(fact) for fact in found.evidence])
    return decide(entitlement_of(found), stored_policy(unit.db, policy_sha256).policy, evidence, found.as_of)


def as_determination(unit: Unit, found: SilentPassRow) -> DeterminationRow:
    """Return a silent pass as the whole determination that it stands for; the row is not stored."""
    chunk = chunk_of(unit.db, found)
    if chunk is None:
        raise NotFound("The run of this determination is missing.", code=ErrorCode.RUN_NOT_FOUND)
    verdict = determination_to_json(decide_again(unit, found, chunk.policies[found.scheme]))
    return DeterminationRow(
        id=found.id,
        entitlement_id=found.entitlement_id,
        beneficiary_id=found.beneficiary_id,
        session_id=None,
        policy_sha256=chunk.policies[found.scheme],
        as_of=found.as_of,
        inputs={
            "entitlement": entitlement_to_json(entitlement_of(found)),
            "evidence": [str(fact) for fact in found.evidence],
        },
        verdict=verdict,
        digest=verdict_digest(verdict),
        created_at=chunk.done_at,
    )
