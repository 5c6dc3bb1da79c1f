"""The certificate as a JSON file: the signed text, and the same content for people to read.

Only the member ``cose`` counts. A verifier reads the signed text and ignores the rest.
"""

from __future__ import annotations

import json

from certify.certificates.errors import CertificateMalformed, NotACertificate
from certify.certificates.payload import Certificate
from certify.certificates.qr import MAX_TEXT, from_text, to_text

FORMAT = "certify-proof-of-life-1"
MAX_FILE_CHARACTERS = 64_000


def to_file(certificate: Certificate, cose: bytes) -> str:
    """Return the JSON file of a signed certificate; the same input gives the same text."""
    document = {"format": FORMAT, "cose": to_text(cose), "shown": certificate.to_json()}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def from_file(text: str) -> bytes:
    """Return the signed bytes in a JSON certificate file, without verifying them.

    Args:
        text: the text of the file.

    Returns:
        The COSE bytes.

    Raises:
        NotACertificate: the text is not a certificate file (``not_a_certificate``).
        CertificateMalformed: the signed text in the file is damaged (``malformed``).
    """
    if len(text) > MAX_FILE_CHARACTERS:
        raise NotACertificate("too long for a certificate file")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotACertificate("not a JSON file") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise NotACertificate("a JSON file, but not a certificate")
    signed = document.get("cose")
    if not isinstance(signed, str) or len(signed) > MAX_TEXT:
        raise CertificateMalformed("the file has no signed text")
    return from_text(signed)
