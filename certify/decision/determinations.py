"""Read determinations of all kinds: those stored whole, and those stored in brief, which are decided again when read.

A run that proves millions of pensions (silent passes), and an import that brings them (first determinations), store
the inputs and results of their decisions, not the reasons. Because
``decide`` is pure, it gives the same reasons again at any time (docs/decisions/0014, 0044).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from certify.decision.determine import entitlement_from_json, entitlement_to_json
from certify.domain.channels import Channel
from certify.domain.codec import determination_to_json, verdict_digest
from certify.domain.decide import Determination, Entitlement, decide
from certify.domain.error_codes import ErrorCode
from certify.domain.proofs import RECORDS_ASSURANCE
from certify.domain.told import NOTHING_TOLD, Told, told
from certify.errors import NotFound
from certify.service import Unit
from certify.storage.facts import determinations_of, evidence_by_ids, get_determination, stored_policy
from certify.storage.imports import firsts_of, get_first, import_chunk
from certify.storage.passes import chunk_of, get_pass, passes_of
from certify.storage.tables.decisions import DeterminationRow
from certify.storage.tables.imports import FirstDeterminationRow
from certify.storage.tables.runs import SilentPassRow


def find_determination(unit: Unit, determination_id: UUID) -> DeterminationRow:
    """Return a determination. One that is stored in brief is decided again, into a row that is not stored.

    Args:
        unit: the transaction to read in.
        determination_id: of a determination, a silent pass or a first determination.

    Returns:
        The determination.

    Raises:
        NotFound: no such determination (``determination_not_found``), or a part of a silent pass is missing
            (``run_not_found``, ``evidence_missing``, ``policy_missing``).
    """
    silent = get_pass(unit.db, determination_id)
    if silent is not None:
        return as_determination(unit, silent)
    first = get_first(unit.db, determination_id)
    return get_determination(unit.db, determination_id) if first is None else first_as_determination(unit, first)


@dataclass(frozen=True, slots=True)
class ProofBehind:
    """The proof behind a standing: how life was proven, what the proof rests on, and the date of the determination.

    ``entitlement`` is what the determination says about the entitlement itself; nothing for a silent pass.
    """

    method: str | None
    assurance: str
    decided_on: date
    entitlement: Told = NOTHING_TOLD


def proof_behind(unit: Unit, determination_id: UUID) -> ProofBehind:
    """Return the proof behind a determination. A silent pass is not decided again for it, because payers ask often.

    Args:
        unit: the transaction to read in.
        determination_id: of a determination, a silent pass or a first determination.

    Returns:
        The proof.

    Raises:
        NotFound: no such determination (``determination_not_found``).
    """
    silent = get_pass(unit.db, determination_id)
    if silent is not None:
        return ProofBehind(Channel.DATA.value, RECORDS_ASSURANCE, silent.as_of)
    row = find_determination(unit, determination_id)
    return ProofBehind(row.verdict["method"], row.verdict["assurance"], row.as_of, told(row.verdict))


def all_determinations(unit: Unit, beneficiary_id: UUID, *, limit: int) -> Sequence[DeterminationRow]:
    """Return the determinations of a person of all kinds, newest first.

    Args:
        unit: the transaction to read in.
        beneficiary_id: id of the person.
        limit: at most so many.

    Returns:
        The determinations; those that are stored in brief are not stored rows.

    Raises:
        NotFound: a part of a silent pass is missing (``run_not_found``, ``evidence_missing``, ``policy_missing``).
    """
    whole = determinations_of(unit.db, beneficiary_id=beneficiary_id, limit=limit)
    brief = [as_determination(unit, silent) for silent in passes_of(unit.db, beneficiary_id, limit=limit)]
    brief += [first_as_determination(unit, first) for first in firsts_of(unit.db, beneficiary_id)]
    return sorted([*whole, *brief], key=lambda row: (row.created_at, str(row.id)), reverse=True)[:limit]


def entitlement_of(silent: SilentPassRow) -> Entitlement:
    """Return the pension of a silent pass as it was when it was decided."""
    return Entitlement(
        str(silent.entitlement_id), silent.scheme, silent.starts_on, silent.birth_date, silent.last_proof_on
    )


def decide_again(unit: Unit, silent: SilentPassRow, policy_sha256: str) -> Determination:
    """Decide a silent pass from its evidence under a stored policy.

    Args:
        unit: the transaction to read in.
        silent: the silent pass.
        policy_sha256: hexadecimal digest of the policy document.

    Returns:
        The determination.

    Raises:
        NotFound: the evidence or the policy is missing (``evidence_missing``, ``policy_missing``).
    """
    evidence = evidence_by_ids(unit.db, [str(fact) for fact in silent.evidence])
    return decide(entitlement_of(silent), stored_policy(unit.db, policy_sha256).policy, evidence, silent.as_of)


def as_determination(unit: Unit, silent: SilentPassRow) -> DeterminationRow:
    """Return a silent pass as a whole determination.

    Args:
        unit: the transaction to read in.
        silent: the silent pass.

    Returns:
        The determination; the row is not stored.

    Raises:
        NotFound: the run, the evidence or the policy is missing (``run_not_found``, ``evidence_missing``,
            ``policy_missing``).
    """
    chunk = chunk_of(unit.db, silent)
    if chunk is None:
        raise NotFound("The run of this determination is missing.", code=ErrorCode.RUN_NOT_FOUND)
    verdict = determination_to_json(decide_again(unit, silent, chunk.policies[silent.scheme]))
    return DeterminationRow(
        id=silent.id,
        entitlement_id=silent.entitlement_id,
        beneficiary_id=silent.beneficiary_id,
        session_id=None,
        policy_sha256=chunk.policies[silent.scheme],
        as_of=silent.as_of,
        inputs={
            "entitlement": entitlement_to_json(entitlement_of(silent)),
            "evidence": [str(fact) for fact in silent.evidence],
        },
        verdict=verdict,
        digest=verdict_digest(verdict),
        created_at=chunk.done_at,
    )


def first_as_determination(unit: Unit, first: FirstDeterminationRow) -> DeterminationRow:
    """Return what an import determined of a pension as a whole determination.

    The verdict is decided again. The digest is the stored one, so a verdict that comes out otherwise does not fit it.

    Args:
        unit: the transaction to read in.
        first: the first determination.

    Returns:
        The determination; the row is not stored.

    Raises:
        NotFound: the chunk of the import or the policy is missing (``import_missing``, ``policy_missing``).
    """
    chunk = import_chunk(unit.db, first.chunk_id)
    if chunk is None:
        raise NotFound("The import of this determination is missing.", code=ErrorCode.IMPORT_MISSING)
    entitlement = entitlement_from_json(first.entitlement)
    policy_sha256 = chunk.policies[entitlement.scheme]
    again = decide(entitlement, stored_policy(unit.db, policy_sha256).policy, (), first.as_of)
    return DeterminationRow(
        id=first.id,
        entitlement_id=first.entitlement_id,
        beneficiary_id=first.beneficiary_id,
        session_id=None,
        policy_sha256=policy_sha256,
        as_of=first.as_of,
        inputs={"entitlement": first.entitlement, "evidence": []},
        verdict=determination_to_json(again),
        digest=bytes.fromhex(first.digest),
        created_at=chunk.done_at,
    )
