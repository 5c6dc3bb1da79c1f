"""Assurances in words: what was assessed and what was not, for payers who do not know the codes."""

from __future__ import annotations

# The keys are the assurances that certify.domain.proofs gives.
_WORDS = {
    "face": "The face matched the enrolled photo. Liveness was not assessed: that a picture was shown to the camera "
    "is not ruled out.",
    "face+liveness": "The face matched the enrolled photo. Liveness was assessed too: a living person was before the "
    "camera.",
    "records": "Records of signs of life were compared. Neither face nor liveness was assessed.",
    "attested": "A named institution attests that it saw the person. Neither face nor liveness was assessed by a "
    "machine for this.",
    "officer": "An officer confirmed it. Neither face nor liveness was assessed by a machine for this.",
}


def assessed(assurance: str) -> str:
    """Return what was assessed and what was not; an assurance unknown to this release is returned as signed."""
    return _WORDS.get(assurance, f"Assurance: {assurance}")
