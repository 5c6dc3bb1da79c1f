"""Was this video sent before, by anybody? Somebody else's, or last year's, certifies nobody.

Photos are not held to it: they never prove life, and an honest person may send the same one twice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from certify.capture.analysis import Look
from certify.domain.evidence import Check
from certify.service import Unit
from certify.storage.tables.sessions import SessionRow
from certify.storage.video_hashes import similar_video_hashes, store_video_hash
from models.liveness.video_hash import Prints, likeness


def check_seen_before(unit: Unit, row: SessionRow, seen: Look) -> tuple[Look, dict[str, Any] | None]:
    """Compare a video with those of all other sessions, and keep its prints for the next ones.

    Returns what was seen, failed when it was seen before, and the finding for the report; None for photos.
    """
    if seen.prints is None:
        return seen, None
    prints = seen.prints
    finding: dict[str, Any] = {"state": Check.PASS.value}
    for session, frames in similar_video_hashes(unit.db, row.id, prints.bands()):
        found = likeness(Prints.from_bytes(frames), prints)
        if found.same:
            finding = {
                "state": Check.FAIL.value,
                "session": str(session),
                "frames": found.known,
                "changed": round(found.changed, 4),
            }
            seen = replace(seen, liveness=Check.FAIL, guidance=("record_anew",))
            break
    kept = prints.kept()
    store_video_hash(unit.db, row.id, row.beneficiary_id, kept.bands(), kept.to_bytes())
    return seen, finding
