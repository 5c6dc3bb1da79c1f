"""Record a trace of each visit, so that the visits of an agent can be compared with one another."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from certify.capture.analysis import Analysis
from certify.domain.outcome import Outcome
from certify.domain.route import distance_m, point_of
from certify.doorstep.calendar import local_day
from certify.doorstep.clock import VisitTime
from certify.doorstep.content import Entries, Place, VisitResult
from certify.doorstep.homes import home_of
from certify.errors import Gone
from certify.service import Unit
from certify.storage.bundles import bundle_of_session
from certify.storage.tables.doorstep import BundleRow, VisitTraceRow
from certify.storage.tables.sessions import SessionRow
from certify.storage.traces import newest_traces, rechecked_trace

if TYPE_CHECKING:  # the HTTP process never loads the face models; only workers do
    from models.face.matcher import Comparison, Templates
    from models.pipeline import FaceEngine

MAX_COMPARED = 400
"""Newest visits of an agent that a new face is compared with: about two months of work."""

COMPARED_FOR = timedelta(days=120)
"""Older visits are neither compared nor scored."""

_SIGN = 1 << 63


@dataclass(frozen=True, slots=True)
class PrivateTrace:
    """The part of a trace that is sealed by the person's key.

    Attributes:
        latitude: degrees (WGS 84), as the tablet reported.
        longitude: degrees (WGS 84), as the tablet reported.
        accuracy_m: accuracy of the place in metres, as the tablet reported.
        face: the template of the face that was seen, by model (base64 of 32-bit floats).
        from_home_m: metres from the person's home.
    """

    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float | None = None
    face: dict[str, str] | None = None
    from_home_m: float | None = None

    def templates(self) -> Templates | None:
        """Return the face as the comparison takes it; None when no face was seen."""
        if self.face is None:
            return None
        return {name: np.frombuffer(base64.b64decode(text), np.float32) for name, text in self.face.items()}


def note_visit(unit: Unit, row: BundleRow, entries: Entries, when: VisitTime) -> None:
    """Record the trace of a visit that was opened; ``note_face`` adds the face once it was analysed.

    Args:
        unit: the transaction.
        row: the opened bundle.
        entries: what the agent entered.
        when: when the visit was made.
    """
    if row.beneficiary_id is None:
        return
    method = (
        entries.result.value
        if entries.result in (VisitResult.FACE, VisitResult.WITNESSES, VisitResult.MEDICAL)
        else "none"
    )
    trace = VisitTraceRow(
        bundle_id=row.id,
        agent_id=row.agent_id,
        beneficiary_id=row.beneficiary_id,
        at=when.began,
        noted_at=unit.now,
        seconds=(when.sealed - when.began).total_seconds(),
        method=method,
        background=[],
        same_face=[],
        clock_shift_s=when.shift_s,
        sealed=_seal(unit, row.id, row.beneficiary_id, _where(unit, row.beneficiary_id, entries.place)),
    )
    unit.db.add(trace)
    unit.db.flush()
    died_on = entries.death.died_on if entries.death else None
    if died_on is not None and (first := rechecked_trace(unit.db, row)) is not None:
        # A death on an unknown day answers nothing: the person may have been alive at the first visit.
        _answer(unit, first, confirmed=died_on >= local_day(unit, first.at))


def note_face(
    unit: Unit, engine: FaceEngine, session: SessionRow, analysis: Analysis, comparison: Comparison | None
) -> None:
    """Add to a trace what was seen in the photos, and which other visits of the agent show the same face.

    Args:
        unit: the transaction that decides the session.
        engine: the face models.
        session: the capture session of the visit.
        analysis: what the face models found in its media.
        comparison: the comparison with the person's references; None when there was none.
    """
    row = bundle_of_session(unit.db, session.id)
    trace = None if row is None else unit.db.get(VisitTraceRow, row.id)
    if row is None or trace is None:  # not a sealed visit from a tablet
        return
    trace.passive = analysis.passive
    trace.background = [_signed(value) for value in analysis.background]
    trace.noted_at = unit.now
    if analysis.probes:
        face = analysis.probes[0]
        trace.same_face = [str(other) for other, known in _other_faces(unit, trace) if _is_same(engine, face, known)]
        private = open_trace(unit, trace)
        text = {name: base64.b64encode(vector.astype(np.float32).tobytes()).decode() for name, vector in face.items()}
        trace.sealed = _seal(unit, row.id, trace.beneficiary_id, replace(private, face=text))
    other_face = comparison is not None and comparison.llr is not None and comparison.llr < 0
    certified = session.outcome == Outcome.CERTIFIED
    if (certified or other_face) and (first := rechecked_trace(unit.db, row)) is not None:
        _answer(unit, first, confirmed=certified)
    unit.db.flush()


def open_trace(unit: Unit, trace: VisitTraceRow) -> PrivateTrace:
    """Return the sealed part of a trace; it is empty when the person was erased."""
    try:
        sealer = unit.sealer(trace.beneficiary_id)
    except Gone:
        return PrivateTrace()
    data: dict[str, Any] = json.loads(sealer.open(trace.sealed, f"trace:{trace.bundle_id}"))
    return PrivateTrace(**data)


def traces_of(unit: Unit, agent_id: UUID, *, limit: int = MAX_COMPARED) -> Sequence[VisitTraceRow]:
    """Return the newest traces of an agent, newest first, with the sealers of their people opened."""
    traces = newest_traces(unit.db, agent_id, since=unit.now - COMPARED_FOR, limit=limit)
    unit.open_sealers(list({trace.beneficiary_id for trace in traces}))
    return traces


def unsigned(value: int) -> int:
    """Return a hash of 64 bits from the signed integer that the database stores."""
    return value % (1 << 64)


def _where(unit: Unit, person: UUID, place: Place | None) -> PrivateTrace:
    """Return where the tablet was, and how far from the person's home if both places are known."""
    if place is None:
        return PrivateTrace()
    home = home_of(unit, person)
    point = None if home is None else point_of(home.latitude, home.longitude)
    away = None if point is None else distance_m(point, (place.latitude, place.longitude))
    return PrivateTrace(place.latitude, place.longitude, place.accuracy_m, from_home_m=away)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= _SIGN else value


def _other_faces(unit: Unit, trace: VisitTraceRow) -> Iterator[tuple[UUID, Templates]]:
    for other in traces_of(unit, trace.agent_id):
        if other.beneficiary_id != trace.beneficiary_id and (known := open_trace(unit, other).templates()) is not None:
            yield other.bundle_id, known


def _is_same(engine: FaceEngine, one: Templates, other: Templates) -> bool:
    return engine.compare(one, [other]).state.value == "pass"


def _seal(unit: Unit, bundle: UUID, person: UUID, private: PrivateTrace) -> bytes:
    return unit.sealer(person).seal(json.dumps(asdict(private)).encode(), f"trace:{bundle}")


def _answer(unit: Unit, first: VisitTraceRow, *, confirmed: bool) -> None:
    """Record whether the second visit confirmed the first."""
    first.recheck, first.noted_at = confirmed, unit.now
