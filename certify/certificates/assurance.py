"""Assurances in words: what was assessed and what was not, for payers who do not know the codes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from certify.certificates.payload import Certificate, Method

ENGLISH: Mapping[str, str] = MappingProxyType(
    {
        "records": "Records of signs of life were compared. Neither face nor liveness was assessed.",
        "attested": "A named institution attests that it saw the person. Neither face nor liveness was assessed by a "
        "machine for this.",
        "officer": "An officer confirmed it. Neither face nor liveness was assessed by a machine for this.",
        "face": "The face matched the enrolled photo.",
        "liveness": "Liveness was assessed too: a living person was before the camera.",
        "possession": "The person's known telephone, a code or a link was used.",
        "agent": "An agent saw the person.",
        "acts": "Records of acts that need the living body were compared.",
        "no_liveness": "Liveness was not assessed: that a picture was shown to the camera is not ruled out.",
        "unknown": "Assurance: {assurance}",
    }
)
"""The sentences by name; other languages have the same names (certify/texts)."""

_WHOLE = ("records", "attested", "officer")
"""Assurances of one word."""

# The words of the other assurances, in the order in which certify.domain.proofs joins them, with their sentences.
_FACE, _LIVENESS, _POSSESSION, _ATTESTED, _DATA = "face", "liveness", "possession", "attested", "data"
_SENTENCES = {
    _FACE: "face",
    _LIVENESS: "liveness",
    _POSSESSION: "possession",
    _ATTESTED: "agent",
    _DATA: "acts",
}


def assessed(assurance: str, words: Mapping[str, str] = ENGLISH) -> str:
    """Return what was assessed and what was not; an assurance unknown to this release is returned as signed.

    Args:
        assurance: the code that was signed.
        words: the sentences, with the names of ``ENGLISH``.
    """
    parts = assurance.split("+")
    if assurance in _WHOLE:
        return words[assurance]
    if not set(parts) <= set(_SENTENCES):
        return words["unknown"].format(assurance=assurance)
    said = [words[_SENTENCES[part]] for part in parts]
    if _FACE in parts and _LIVENESS not in parts:
        said.insert(parts.index(_FACE) + 1, words["no_liveness"])
    return " ".join(said)


def only_a_face(certificate: Certificate) -> bool:
    """Tell whether nothing but a matching face stands behind a certificate: no life, no agent, no records.

    Releases before possession was asked for signed such certificates for still photos.
    """
    if certificate.method is not Method.REMOTE_FACE:
        return False
    return {_LIVENESS, _ATTESTED, _DATA}.isdisjoint(certificate.assurance.split("+"))
