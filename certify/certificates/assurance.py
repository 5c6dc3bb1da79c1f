"""Assurances in words: what was assessed and what was not, for payers who do not know the codes."""

from __future__ import annotations

from certify.certificates.payload import Certificate, Method

_WHOLE = {
    "records": "Records of signs of life were compared. Neither face nor liveness was assessed.",
    "attested": "A named institution attests that it saw the person. Neither face nor liveness was assessed by a "
    "machine for this.",
    "officer": "An officer confirmed it. Neither face nor liveness was assessed by a machine for this.",
}
"""Assurances of one word."""

# The words of the other assurances, in the order in which certify.domain.proofs joins them.
_FACE, _LIVENESS, _POSSESSION, _ATTESTED, _DATA = "face", "liveness", "possession", "attested", "data"
_WORDS = {
    _FACE: "The face matched the enrolled photo.",
    _LIVENESS: "Liveness was assessed too: a living person was before the camera.",
    _POSSESSION: "The person's known telephone, a code or a link was used.",
    _ATTESTED: "An agent saw the person.",
    _DATA: "Records of acts that need the living body were compared.",
}
_NO_LIVENESS = "Liveness was not assessed: that a picture was shown to the camera is not ruled out."


def assessed(assurance: str) -> str:
    """Return what was assessed and what was not; an assurance unknown to this release is returned as signed."""
    parts = assurance.split("+")
    if assurance in _WHOLE:
        return _WHOLE[assurance]
    if not set(parts) <= set(_WORDS):
        return f"Assurance: {assurance}"
    said = [_WORDS[part] for part in parts]
    if _FACE in parts and _LIVENESS not in parts:
        said.insert(parts.index(_FACE) + 1, _NO_LIVENESS)
    return " ".join(said)


def only_a_face(certificate: Certificate) -> bool:
    """Tell whether nothing but a matching face stands behind a certificate: no life, no agent, no records.

    Releases before possession was asked for signed such certificates for still photos.
    """
    if certificate.method is not Method.REMOTE_FACE:
        return False
    return {_LIVENESS, _ATTESTED, _DATA}.isdisjoint(certificate.assurance.split("+"))
