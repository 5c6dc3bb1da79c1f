"""Detect videos that were sent before, by the same person or another: such a video certifies no one.

Photos are not checked: they never prove life, and an honest person may send the same one twice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from certify.capture.analysis import Analysis
from certify.domain.evidence import Check
from certify.service import Unit
from certify.storage.tables.sessions import SessionRow
from certify.storage.video_hashes import similar_video_hashes, store_video_hash
from models.liveness.video_hash import Prints, likeness


def check_duplicate(unit: Unit, row: SessionRow, analysis: Analysis) -> tuple[Analysis, dict[str, Any] | None]:
    """Compare a video with those of all other sessions, and keep its perceptual hashes for later sessions.

    Args:
        unit: the transaction to write in.
        row: the session that the video belongs to.
        analysis: what the face models found in it.

    Returns:
        The analysis, with liveness ``fail`` if the video was sent before, and the finding for the report; None as the
        finding of photos.
    """
    if analysis.prints is None:
        return analysis, None
    prints = analysis.prints
    finding: dict[str, Any] = {"state": Check.PASS.value}
    for session, frames in similar_video_hashes(unit.db, row.id, prints.bands()):
        similarity = likeness(Prints.from_bytes(frames), prints)
        if similarity.same:
            finding = {
                "state": Check.FAIL.value,
                "session": str(session),
                "frames": similarity.known,
                "changed": round(similarity.changed, 4),
            }
            analysis = replace(analysis, liveness=Check.FAIL, guidance=("record_anew",))
            break
    kept = prints.kept()
    store_video_hash(unit.db, row.id, row.beneficiary_id, kept.bands(), kept.to_bytes())
    return analysis, finding
