"""Noting what each visit looked like, for the comparison of an agent's visits with one another."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
from sqlalchemy import select

from certify.capture.analysis import Analysis
from certify.domain.outcome import Outcome
from certify.domain.route import distance_m, point_of
from certify.doorstep.calendar import day_there
from certify.doorstep.clock import Judged
from certify.doorstep.content import Entries, Place, Result
from certify.doorstep.homes import home_of
from certify.errors import Gone
from certify.service import Unit
from certify.storage.tables.doorstep import BundleRow, VisitRow, VisitTraceRow
from certify.storage.tables.sessions import SessionRow

if TYPE_CHECKING:  # the HTTP process never loads the face models; only workers do
    from models.pipeline import FaceEngine
    from models.results import Comparison, Templates

COMPARED = 400
"""Newest visits of an agent with which a new face is compared: about two months of work."""
LOOKED_AT = timedelta(days=120)
_SIGN = 1 << 63


@dataclass(frozen=True, slots=True)
class Private:
    """What of a trace is sealed by the person's key: where it was, how far from home, and the face."""

    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float | None = None
    face: dict[str, str] | None = None
    from_home_m: float | None = None

    def templates(self) -> Templates | None:
        """Return the face as the comparison takes it."""
        if self.face is None:
            return None
        return {name: np.frombuffer(base64.b64decode(text), np.float32) for name, text in self.face.items()}


def note_other(unit: Unit, row: BundleRow, entries: Entries, when: Judged) -> None:
    """Note a visit that was opened; if there is a face, ``note_face`` adds it once it was looked at."""
    if row.beneficiary_id is None:
        return
    method = entries.result.value if entries.result in (Result.FACE, Result.WITNESSES, Result.MEDICAL) else "none"
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
    if died_on is not None and (first := _checked_by(unit, row)) is not None:
        # Dead since when nobody knows answers nothing: the person may have lived when they were visited first.
        _answer(unit, first, confirmed=died_on >= day_there(unit, first.at))


def note_face(
    unit: Unit, engine: FaceEngine, session: SessionRow, analysis: Analysis, comparison: Comparison | None
) -> None:
    """Note what was seen of a visit, and of which other visits of the same agent it is the face."""
    query = select(BundleRow).where(BundleRow.session_id == session.id)
    row = unit.db.scalars(query).one_or_none()
    trace = None if row is None else unit.db.get(VisitTraceRow, row.id)
    if row is None or trace is None:  # a visit that came by the API, without a tablet
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
    if (certified or other_face) and (first := _checked_by(unit, row)) is not None:
        _answer(unit, first, confirmed=certified)
    unit.db.flush()


def open_trace(unit: Unit, trace: VisitTraceRow) -> Private:
    """Return what is sealed of a trace; nothing of somebody who was erased."""
    try:
        sealer = unit.sealer(trace.beneficiary_id)
    except Gone:
        return Private()
    data: dict[str, Any] = json.loads(sealer.open(trace.sealed, f"trace:{trace.bundle_id}"))
    return Private(**data)


def traces_of(unit: Unit, agent_id: UUID, *, limit: int = COMPARED) -> Sequence[VisitTraceRow]:
    """Return the newest traces of an agent, newest first."""
    query = select(VisitTraceRow).where(VisitTraceRow.agent_id == agent_id, VisitTraceRow.at > unit.now - LOOKED_AT)
    found = unit.db.scalars(query.order_by(VisitTraceRow.at.desc()).limit(limit)).all()
    unit.open_sealers(list({trace.beneficiary_id for trace in found}))
    return found


def unsigned(value: int) -> int:
    """Undo how a hash of 64 bits is stored: the database's whole numbers have a sign."""
    return value % (1 << 64)


def _where(unit: Unit, person: UUID, place: Place | None) -> Private:
    """Return where the tablet was, and how far that is from the person's home where both are known."""
    if place is None:
        return Private()
    home = home_of(unit, person)
    point = None if home is None else point_of(home.latitude, home.longitude)
    away = None if point is None else distance_m(point, (place.latitude, place.longitude))
    return Private(place.latitude, place.longitude, place.accuracy_m, from_home_m=away)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= _SIGN else value


def _other_faces(unit: Unit, trace: VisitTraceRow) -> Iterator[tuple[UUID, Templates]]:
    for other in traces_of(unit, trace.agent_id):
        if other.beneficiary_id != trace.beneficiary_id and (known := open_trace(unit, other).templates()) is not None:
            yield other.bundle_id, known


def _is_same(engine: FaceEngine, one: Templates, other: Templates) -> bool:
    return engine.compare(one, [other]).state.value == "pass"


def _seal(unit: Unit, bundle: UUID, person: UUID, private: Private) -> bytes:
    return unit.sealer(person).seal(json.dumps(asdict(private)).encode(), f"trace:{bundle}")


def _checked_by(unit: Unit, row: BundleRow) -> VisitTraceRow | None:
    """Return the first visit, of another agent, if this one was made to check it."""
    query = select(VisitTraceRow).join(VisitRow, VisitRow.rechecks == VisitTraceRow.bundle_id)
    return unit.db.scalars(
        query.where(VisitRow.bundle_id == row.id, VisitTraceRow.agent_id != row.agent_id)
    ).one_or_none()


def _answer(unit: Unit, first: VisitTraceRow, *, confirmed: bool) -> None:
    first.recheck, first.noted_at = confirmed, unit.now
