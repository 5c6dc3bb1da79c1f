"""Replay of a run: all its silent passes and determinations are decided again and must be the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import pyarrow as pa

from certify.decision.determine import entitlement_from_json
from certify.domain.codec import determination_digest, evidence_from_json, verdict_digest
from certify.domain.decide import Entitlement, Standing, decide
from certify.domain.evidence import Evidence
from certify.domain.policy import Policy
from certify.service import Unit
from certify.storage.bulk import facts_digest, passes_digest, passes_of_run
from certify.storage.erasure import erased_among
from certify.storage.facts import stored_policy
from certify.storage.runs import chunks_of, determinations_of_run, evidence_bodies, get_run
from certify.storage.tables.decisions import DeterminationRow

_BATCH = 5_000
_SHOWN = 20


@dataclass(slots=True)
class RunReplay:
    """The result of a replay.

    ``different`` counts all differences; ``differences`` describes the first ones. ``erased`` counts verdicts about
    people whose birth date was erased, and which therefore came out otherwise; ``unprovable`` counts chunks of early
    releases whose digest holds such a birth date.
    """

    run_id: UUID
    passes: int = 0
    determinations: int = 0
    chunks: int = 0
    erased: int = 0
    unprovable: int = 0
    different: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        """Return whether there is no difference."""
        return self.different == 0

    def differs(self, what: str) -> None:
        """Count a difference and describe it."""
        self.different += 1
        if len(self.differences) < _SHOWN:
            self.differences.append(what)


def replay_run(unit: Unit, run_id: UUID, *, progress: Callable[[int], None] = lambda _done: None) -> RunReplay:
    """Decide everything of a run again from stored evidence and stored policies, and hash its chunks again.

    Args:
        unit: the transaction.
        run_id: id of the run.
        progress: is called with the number of pensions so far.

    Returns:
        The result.

    Raises:
        NotFound: there is no such run (``run_not_found``).
    """
    get_run(unit.db, run_id)
    replay = RunReplay(run_id)
    policies: dict[str, Policy] = {}

    def policy(sha256: str) -> Policy:
        if sha256 not in policies:
            policies[sha256] = stored_policy(unit.db, sha256).policy
        return policies[sha256]

    chunks = {row.chunk: row for row in chunks_of(unit.db, run_id)}
    hashed = set()
    for table in passes_of_run(unit.db, run_id):
        chunk = chunks[table["chunk"][0].as_py()]
        hashed.add(chunk.chunk)
        erased = erased_among(unit.db, table["beneficiary_id"].to_pylist())
        if chunk.digest not in (passes_digest(table), passes_digest(table, early=True)):
            if erased:  # an early digest holds the birth dates of people who were erased since
                replay.unprovable += 1
                continue
            replay.differs(f"chunk {chunk.chunk}: its silent passes are not those that were signed into the ledger")
        for start in range(0, table.num_rows, _BATCH):
            _passes(unit, table.slice(start, _BATCH), chunk.policies, policy, replay, erased)
            progress(replay.passes + replay.determinations)
    for chunk in chunks.values():
        if chunk.chunk not in hashed and chunk.counts["passes"]:
            replay.differs(f"chunk {chunk.chunk}: its silent passes are missing")
        if chunk.facts_digest not in (None, facts_digest(unit.db, run_id, chunk.chunk)):
            replay.differs(f"chunk {chunk.chunk}: its facts are not those that were signed into the ledger")
    replay.chunks = len(chunks)
    _determinations(unit, run_id, policy, replay, progress)
    return replay


def _determinations(
    unit: Unit, run_id: UUID, policy: Callable[[str], Policy], replay: RunReplay, progress: Callable[[int], None]
) -> None:
    for rows in determinations_of_run(unit.db, run_id, batch=_BATCH):
        _verdicts(unit, rows, policy, replay)
        progress(replay.passes + replay.determinations)


def _verdicts(unit: Unit, rows: Sequence[DeterminationRow], policy: Callable[[str], Policy], replay: RunReplay) -> None:
    facts = _evidence(unit, [number for row in rows for number in row.inputs["evidence"]])
    erased = erased_among(unit.db, [str(row.beneficiary_id) for row in rows])
    for row in rows:
        known = [facts[number] for number in row.inputs["evidence"] if number in facts]
        again = decide(entitlement_from_json(row.inputs["entitlement"]), policy(row.policy_sha256), known, row.as_of)
        replay.determinations += 1
        if verdict_digest(row.verdict) != row.digest:
            replay.differs(f"determination {row.id}: the stored verdict does not fit its hash")
        if len(known) == len(row.inputs["evidence"]) and determination_digest(again) == row.digest:
            continue
        if str(row.beneficiary_id) in erased:
            replay.erased += 1
        else:
            replay.differs(f"determination {row.id} came out differently")


def _passes(
    unit: Unit,
    table: pa.Table,
    schemes: dict[str, str],
    policy: Callable[[str], Policy],
    replay: RunReplay,
    erased: set[str],
) -> None:
    rows = table.to_pylist()
    for row in rows:
        row["evidence"] = row["evidence"].strip("{}").split(",")
    facts = _evidence(unit, [number for row in rows for number in row["evidence"]])
    for row in rows:
        entitlement = Entitlement(
            row["entitlement_id"], row["scheme"], row["starts_on"], row["birth_date"], row["last_proof_on"]
        )
        known = [facts[number] for number in row["evidence"] if number in facts]
        again = decide(entitlement, policy(schemes[row["scheme"]]), known, row["as_of"])
        came = (again.standing, again.proven_on, again.valid_until)
        replay.passes += 1
        if len(known) == len(row["evidence"]) and came == (Standing.CERTIFIED, row["proven_on"], row["valid_until"]):
            continue
        if row["beneficiary_id"] in erased:
            replay.erased += 1
        else:
            replay.differs(
                f"silent pass {row['id']} came out as {again.standing.name.lower()} until {again.valid_until}"
            )


def _evidence(unit: Unit, numbers: Sequence[str]) -> dict[str, Evidence]:
    return {number: evidence_from_json(body) for number, body in evidence_bodies(unit.db, numbers)}
