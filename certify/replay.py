"""Replaying a determination: the same evidence under the same policy must give the same verdict, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from certify.capture import compare
from certify.determine import entitlement_from_json
from certify.domain.codec import determination_digest, determination_to_json
from certify.domain.decide import decide
from certify.domain.evidence import Capture
from certify.enrol import measure, open_references
from certify.service import Unit
from certify.storage.facts import evidence_by_ids, get_determination, stored_policy
from certify.storage.media import read_media
from certify.storage.sessions import get_session
from models.calibrate import log10_lr

if TYPE_CHECKING:
    from models.pipeline import FaceEngine


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay found. ``differences`` lists in plain words whatever is not the same; empty means identical."""

    determination_id: UUID
    recorded: dict[str, Any]
    replayed: dict[str, Any]
    differences: tuple[str, ...]
    checked: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether everything checked came out the same."""
        return not self.differences


def replay(unit: Unit, determination_id: UUID, *, engine: FaceEngine | None = None) -> Replay:
    """Decide a stored determination again from what is stored.

    Always: the decision from evidence and policy, and each capture's likelihood ratio from its raw scores. With an
    ``engine``: also the raw scores from the media, where those are still kept. Raises NotFound.
    """
    row = get_determination(unit.db, determination_id)
    policy = stored_policy(unit.db, row.policy_sha256)
    evidence = evidence_by_ids(unit.db, row.inputs["evidence"])
    again = decide(entitlement_from_json(row.inputs["entitlement"]), policy.policy, evidence, row.as_of)
    checked = [f"decision from {len(evidence)} facts under policy {policy.policy.scheme} {policy.policy.version}"]
    differences = []
    if determination_digest(again) != row.digest:
        differences.append("The decision came out differently.")
    for fact in evidence:
        if isinstance(fact, Capture):
            _replay_scores(unit, fact, engine, checked, differences)
    return Replay(row.id, row.verdict, determination_to_json(again), tuple(differences), tuple(checked))


def _replay_scores(
    unit: Unit, fact: Capture, engine: FaceEngine | None, checked: list[str], differences: list[str]
) -> None:
    session = get_session(unit.db, UUID(fact.session_id))
    comparison = (session.report or {}).get("comparison")
    if comparison is None:
        return
    calibrated = log10_lr(comparison["scores"])
    checked.append(f"likelihood ratio of session {fact.session_id} from {len(comparison['scores'])} raw scores")
    if calibrated.calibration_id != comparison["calibration_id"]:
        differences.append(
            f"Session {fact.session_id} was calibrated by another release ({comparison['calibration_id']})."
        )
    elif calibrated.llr != fact.llr:
        differences.append(
            f"The likelihood ratio of session {fact.session_id} came out as {calibrated.llr}, not {fact.llr}."
        )
    if engine is None or session.blob_id is None:
        return
    data = read_media(unit.db, unit.service.vault.sealer(unit.db, session.beneficiary_id), session.blob_id)
    again = compare(engine, measure(engine, data)[0], open_references(unit, session.beneficiary_id, engine.models))
    checked.append(f"raw scores of session {fact.session_id} from the stored image")
    scores = dict(again.scores) if again else {}
    # Other processors may round differently in the last digits of a float32.
    if scores.keys() != comparison["scores"].keys() or any(
        abs(scores[name] - value) > 1e-4 for name, value in comparison["scores"].items()
    ):
        differences.append(f"The raw scores of session {fact.session_id} came out as {scores}.")
