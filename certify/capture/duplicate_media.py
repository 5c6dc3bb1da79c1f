"""Recognise media that were sent or enrolled before, even if they were changed: they certify no one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from certify.capture.analysis import Analysis
from certify.capture.media import is_series, unpack
from certify.domain.evidence import Check
from certify.domain.ledger_events import LedgerEvent
from certify.service import Unit
from certify.storage.duplicate_faces import people_alike
from certify.storage.face_prints import face_prints_of, store_face_print
from certify.storage.sessions import media_known
from certify.storage.tables.sessions import SessionRow
from certify.storage.video_hashes import similar_video_hashes, store_video_hash
from models.face.near_copy import COPY_FROM, FacePrint, nearest_print
from models.liveness.movement import SAME_FROM, compare_movements
from models.liveness.prints import pack_prints, unpack_prints
from models.liveness.video_hash import VideoHash, compare_hashes

COPIED_FRAMES = 2
"""Of the best frames of a film, so many must be copies of earlier faces: one frame of a person who keeps still may be
nearly equal to one of another day (docs/liveness.md)."""


def check_duplicate(
    unit: Unit, row: SessionRow, data: bytes, analysis: Analysis, *, older: Mapping[UUID, FacePrint]
) -> tuple[Analysis, dict[str, Any] | None]:
    """Compare media with those of earlier sessions and references, and store what they are recognised by.

    The same bytes are recognised from any person, and so are the pictures of a whole film. Copies that were changed
    (mirrored, cropped, turned, relit, coded again, with another background) are recognised among the media of the
    person, and of people whose face was found to be alike.

    Args:
        unit: the transaction to write in.
        row: the session that the media belong to.
        data: the media, in clear.
        analysis: what the face models found in them.
        older: faces of references from the time before they were stored; they are stored now.

    Returns:
        The analysis, with liveness ``fail`` if the media are a copy, and the finding for the report. The guidance stays
        as it is: it must not tell a stranger that media were recognised.
    """
    _store_older(unit, row.beneficiary_id, older)
    finding = _find(unit, row, data, analysis)
    _store(unit, row, analysis)
    if finding is None:
        return analysis, {"state": Check.PASS.value} if analysis.faces or analysis.video_hash else None
    unit.ledger(
        LedgerEvent.MEDIA_SENT_BEFORE, row.beneficiary_id, session=str(row.id), by=finding["by"], of=finding.get("of")
    )
    return replace(analysis, liveness=Check.FAIL), {"state": Check.FAIL.value, **finding}


def _find(unit: Unit, row: SessionRow, data: bytes, analysis: Analysis) -> dict[str, Any] | None:
    digests = [hashlib.sha256(photo).hexdigest() for photo in unpack(data)] if is_series(data) else []
    if media_known(unit.db, row.id, [row.media_sha256 or "", *digests]):
        return {"by": "bytes"}
    return _same_pictures(unit, row, analysis) or _copied_faces(unit, row, analysis)


def _same_pictures(unit: Unit, row: SessionRow, analysis: Analysis) -> dict[str, Any] | None:
    """Look for the whole pictures of a film among the films of all people."""
    if analysis.video_hash is None:
        return None
    for session, frames in similar_video_hashes(unit.db, row.id, analysis.video_hash.bands()):
        similarity = compare_hashes(VideoHash.from_bytes(frames), analysis.video_hash)
        if similarity.same:
            changed = round(similarity.changed, 4)
            return {"by": "pictures", "of": str(session), "frames": similarity.matched_count, "changed": changed}
    return None


def _copied_faces(unit: Unit, row: SessionRow, analysis: Analysis) -> dict[str, Any] | None:
    """Look for the face and its movement among the media of the person and of people who look alike."""
    if row.decoy is not None or not analysis.faces:
        return None
    needed = 1 if analysis.movement is None else min(COPIED_FRAMES, len(analysis.faces))
    for print_row in face_prints_of(unit.db, [row.beneficiary_id, *sorted(people_alike(unit.db, row.beneficiary_id))]):
        if print_row.id == row.id:
            continue
        sealer = unit.sealer(print_row.beneficiary_id)
        faces, movement = unpack_prints(sealer.open(print_row.sealed, _label(print_row.id)))
        if movement is not None and analysis.movement is not None:
            alike = compare_movements(movement, analysis.movement)
            if alike >= SAME_FROM:
                return {"by": "movement", "of": str(print_row.id), "likeness": round(alike, 4)}
        likest = sorted((nearest_print(faces, face).least for face in analysis.faces), reverse=True)
        if likest[needed - 1] >= COPY_FROM:
            return {"by": "face", "of": str(print_row.id), "likeness": round(likest[needed - 1], 4)}
    return None


def _store(unit: Unit, row: SessionRow, analysis: Analysis) -> None:
    """Store what the media are recognised by. Of strangers, who name no person, only the hash of a film is stored."""
    if analysis.video_hash is not None:
        kept = analysis.video_hash.reduced()
        store_video_hash(unit.db, row.id, row.beneficiary_id, kept.bands(), kept.to_bytes())
    if row.decoy is None and analysis.faces:
        sealed = unit.sealer(row.beneficiary_id).seal(pack_prints(analysis.faces, analysis.movement), _label(row.id))
        store_face_print(unit.db, row.id, row.beneficiary_id, sealed, at=unit.now)


def _store_older(unit: Unit, beneficiary_id: UUID, older: Mapping[UUID, FacePrint]) -> None:
    for reference_id, face in older.items():
        sealed = unit.sealer(beneficiary_id).seal(pack_prints([face], None), _label(reference_id))
        store_face_print(unit.db, reference_id, beneficiary_id, sealed, at=unit.now)
    unit.db.flush()


def _label(subject: UUID) -> str:
    """Return what the sealed faces of a session or reference are bound to."""
    return f"face_print:{subject}"
