"""Replay a determination: the same evidence under the same policy must give the same verdict, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from certify.capture.analysis import analyse, compare, source_from
from certify.capture.contradictions import contradictions_in
from certify.decision.determinations import find_determination
from certify.decision.determine import entitlement_from_json
from certify.domain.codec import determination_digest, determination_to_json, verdict_digest
from certify.domain.decide import decide
from certify.domain.evidence import Capture, Check
from certify.people.foreign import open_foreign
from certify.people.sittings import by_sitting
from certify.people.templates import open_references
from certify.service import Unit
from certify.storage.facts import evidence_by_ids, stored_parameters, stored_policy
from certify.storage.imports import get_first
from certify.storage.media import read_media
from certify.storage.people import get_beneficiary
from certify.storage.sessions import get_session
from certify.storage.tables.sessions import SessionRow
from models.calibrate import parse_calibration
from models.liveness.checks import CheckResult
from models.liveness.contradictions import RULES
from models.liveness.fusion import judge, parse_fusion
from models.liveness.hand_motion import NAME as MOTION
from models.liveness.source import NAME as SOURCE
from models.liveness.source import check_source
from models.states import State

if TYPE_CHECKING:
    from models.pipeline import FaceEngine


@dataclass(frozen=True, slots=True)
class Replay:
    """The result of a replay.

    Attributes:
        determination_id: of the stored determination.
        recorded: the stored verdict.
        replayed: the verdict that was decided now.
        differences: one sentence for each difference.
        checked: what was compared.
        not_checked: what could not be compared any more, and why: the media are past their retention, or the models
            are of another release.
    """

    determination_id: UUID
    recorded: dict[str, Any]
    replayed: dict[str, Any]
    differences: tuple[str, ...]
    checked: tuple[str, ...]
    not_checked: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """Return whether all results are the same as the stored ones."""
        return not self.differences


def replay(unit: Unit, determination_id: UUID, *, engine: FaceEngine | None = None) -> Replay:
    """Decide a stored determination again from what is stored.

    The decision is always repeated from evidence and policy, and each capture's likelihood ratio from its raw scores.

    Args:
        unit: the transaction to read in.
        determination_id: of a determination or a silent pass.
        engine: the face models. If given, the raw scores are computed again from the media that are still stored.

    Returns:
        What was compared, and what differs.

    Raises:
        NotFound: no such determination (``determination_not_found``), or something it rests on is missing
            (``policy_missing``, ``evidence_missing``, ``parameters_missing``).
    """
    row = find_determination(unit, determination_id)
    policy = stored_policy(unit.db, row.policy_sha256)
    evidence = evidence_by_ids(unit.db, row.inputs["evidence"])
    again = decide(entitlement_from_json(row.inputs["entitlement"]), policy.policy, evidence, row.as_of)
    notes = _Notes()
    notes.checked.append(
        f"decision from {len(evidence)} facts under policy {policy.policy.scheme} {policy.policy.version}"
    )
    if get_beneficiary(unit.db, row.beneficiary_id).erased_at is not None:
        notes.not_checked.append("what rests on the birth date and the sessions: the data of this person was erased")
        if determination_digest(again) != row.digest:
            notes.not_checked.append("the verdict: it cannot be decided again without the birth date")
    elif determination_digest(again) != row.digest:
        notes.differences.append("The decision came out differently.")
    whole = get_first(unit.db, row.id) is None  # one in brief has no stored verdict, and was compared above
    if whole and verdict_digest(row.verdict) != row.digest:
        notes.differences.append("The stored verdict is not the one that was decided: it does not fit its hash.")
    for fact in evidence:
        if isinstance(fact, Capture):
            session = get_session(unit.db, UUID(fact.session_id))
            report = session.report or {}
            if report.get("liveness") is not None:
                _replay_liveness(unit, fact, report, notes)
                _replay_camera(session, report["liveness"], notes)
            comparison = report.get("comparison")
            if comparison is not None:
                _replay_calibration(unit, fact, comparison, notes)
                if engine is not None:
                    _replay_image(unit, session, comparison, engine, notes)
    return Replay(
        determination_id=row.id,
        recorded=row.verdict,
        replayed=determination_to_json(again),
        differences=tuple(notes.differences),
        checked=tuple(notes.checked),
        not_checked=tuple(notes.not_checked),
    )


@dataclass(frozen=True, slots=True)
class _Notes:
    checked: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)


def _replay_calibration(unit: Unit, fact: Capture, comparison: dict[str, Any], notes: _Notes) -> None:
    """Calibrate the stored scores with the calibration of that day, not with the present one."""
    calibration = parse_calibration(stored_parameters(unit.db, comparison["calibration_sha256"]))
    llr = calibration.log10_lr(comparison["scores"]).llr
    notes.checked.append(
        f"likelihood ratio of session {fact.session_id} from {len(comparison['scores'])} raw scores, "
        f"calibration {calibration.id}"
    )
    if llr != fact.llr:
        notes.differences.append(
            f"The likelihood ratio of session {fact.session_id} came out as {llr}, not {fact.llr}."
        )


def _replay_liveness(unit: Unit, fact: Capture, report: dict[str, Any], notes: _Notes) -> None:
    """Judge the stored measures and checks with the fitted numbers of that day."""
    stored = report["liveness"]
    fusion = parse_fusion(stored_parameters(unit.db, stored["parameters_sha256"]))
    checks = [
        CheckResult(check["name"], State(check["state"]), check["values"], check["reason"])
        for check in stored["checks"]
    ]
    again = judge(fusion, stored["measures"], checks)
    notes.checked.append(
        f"liveness of session {fact.session_id} from {len(stored['measures'])} measures and {len(checks)} checks"
    )
    if (again.state.value, list(again.reasons)) != (stored["state"], stored["reasons"]) or again.llr != stored["llr"]:
        notes.differences.append(
            f"The liveness of session {fact.session_id} came out as {again.state.value}, not {stored['state']}."
        )
    seen_before = (report.get("seen_before") or {}).get("state")
    expected = Check.FAIL if seen_before == Check.FAIL else Check(again.state.value)
    if fact.liveness is not expected:
        notes.differences.append(
            f"Session {fact.session_id} has liveness {fact.liveness.value} on record, not {expected.value}."
        )


def _replay_camera(session: SessionRow, stored: dict[str, Any], notes: _Notes) -> None:
    """Look again for contradictions in what the phone said about its camera."""
    by_name = {check["name"]: check for check in stored["checks"]}
    found = by_name.get(SOURCE)
    what = f"what the phone said about its camera in session {session.id}"
    if found is None or "rules" not in found["values"]:
        return
    if found["values"]["rules"] != RULES:
        notes.not_checked.append(f"{what}: the list of contradictions is of another release")
        return
    if session.source is None:
        notes.not_checked.append(f"{what}: it was deleted")
        return
    moved = by_name.get(MOTION, {}).get("reason", "")
    width, height = (int(found["values"][side]) for side in ("width", "height"))
    again = check_source(source_from(session.source), width, height, moved).to_json()
    codes = contradictions_in([again])
    notes.checked.append(f"{what}: " + (f"it contradicts: {', '.join(codes)}" if codes else "no contradiction"))
    if again != found:
        notes.differences.append(f"The contradictions of the camera in session {session.id} came out differently.")


def _replay_image(
    unit: Unit, session: SessionRow, comparison: dict[str, Any], engine: FaceEngine, notes: _Notes
) -> None:
    """Analyse the stored photo or video again, and compare it with the references of that day."""
    what = f"raw scores of session {session.id}"
    foreign = bool(comparison.get("foreign"))
    network = engine.foreign if foreign else None
    loaded = (network.models if network else {}) if foreign else engine.models
    other = [name for name, sha256 in comparison["models"].items() if loaded.get(name) != sha256]
    if other:
        notes.not_checked.append(f"{what}: the models {', '.join(other)} are of another release")
        return
    if session.blob_id is None:
        notes.not_checked.append(f"{what}: the image was deleted when its retention time ended")
        return
    sealer = unit.sealer(session.beneficiary_id)
    if network is not None:
        known = open_foreign(unit.db, sealer, session.beneficiary_id)
    else:
        known = open_references(unit.db, sealer, session.beneficiary_id, engine.models)
    wanted = [UUID(reference_id) for reference_id in comparison["reference_ids"]]
    # Releases that averaged scores compared each reference apart.
    by_scores = "sittings" not in comparison
    sittings = [[one] for one in wanted] if by_scores else [[UUID(i) for i in each] for each in comparison["sittings"]]
    pooled = get_session(unit.db, UUID(comparison["pooled_with"])) if comparison.get("pooled_with") else None
    if any(reference_id not in known for reference_id in wanted):
        notes.not_checked.append(f"{what}: a reference it was compared with is not active any more")
        return
    if pooled is not None and pooled.blob_id is None:
        notes.not_checked.append(f"{what}: the image that it was pooled with was deleted when its retention time ended")
        return
    analysed = [
        analyse(engine, read_media(unit.db, sealer, one.blob_id), one.plan, one.source)
        for one in ([pooled] if pooled else []) + [session]
    ]
    if network is not None:
        again = network.compare(analysed[-1].aligned, by_sitting(known, sittings))
    else:
        probes = [probe for one in analysed for probe in one.probes]
        if comparison.get("mirrored"):
            probes += engine.mirrors(analysed[-1].aligned)
        again = compare(engine, probes, by_sitting(known, sittings), by_scores=by_scores)
    notes.checked.append(f"{what} from the stored media")
    scores = dict(again.scores) if again else {}
    # Other processors may round differently in the last digits of a float32.
    if scores.keys() != comparison["scores"].keys() or any(
        abs(scores[name] - value) > 1e-4 for name, value in comparison["scores"].items()
    ):
        notes.differences.append(f"The {what} came out as {scores}.")
