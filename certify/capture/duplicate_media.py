"""Detect media that were sent or enrolled before, by the same person or another: they certify no one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from certify.capture.analysis import Analysis
from certify.capture.media import is_series, unpack
from certify.domain.evidence import Check
from certify.service import Unit
from certify.storage.sessions import media_known
from certify.storage.tables.sessions import SessionRow
from certify.storage.video_hashes import similar_video_hashes, store_video_hash
from models.liveness.video_hash import VideoHash, compare_hashes


def check_duplicate(
    unit: Unit, row: SessionRow, data: bytes, analysis: Analysis
) -> tuple[Analysis, dict[str, Any] | None]:
    """Compare media with those of all other sessions and references, and keep a video's hashes for later sessions.

    The same bytes are refused, be it a photo or a video; of videos also copies that were changed a little.

    Args:
        unit: the transaction to write in.
        row: the session that the media belong to.
        data: the media, in clear.
        analysis: what the face models found in them.

    Returns:
        The analysis, with liveness ``fail`` if the media were sent or enrolled before, and the finding for the report;
        None as the finding of new photos.
    """
    digests = [hashlib.sha256(photo).hexdigest() for photo in unpack(data)] if is_series(data) else []
    if media_known(unit.db, row.id, [row.media_sha256 or "", *digests]):
        same = {"state": Check.FAIL.value, "same_bytes": True}
        return replace(analysis, liveness=Check.FAIL, guidance=("sent_before",)), same
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
