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
from models.liveness.video_hash import VideoHash, compare_hashes


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
    if analysis.video_hash is None:
        return analysis, None
    video_hash = analysis.video_hash
    finding: dict[str, Any] = {"state": Check.PASS.value}
    for session, frames in similar_video_hashes(unit.db, row.id, video_hash.bands()):
        similarity = compare_hashes(VideoHash.from_bytes(frames), video_hash)
        if similarity.same:
            finding = {
                "state": Check.FAIL.value,
                "session": str(session),
                "frames": similarity.matched_count,
                "changed": round(similarity.changed, 4),
            }
            analysis = replace(analysis, liveness=Check.FAIL, guidance=("record_anew",))
            break
    kept = video_hash.reduced()
    store_video_hash(unit.db, row.id, row.beneficiary_id, kept.bands(), kept.to_bytes())
    return analysis, finding
