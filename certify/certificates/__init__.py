"""Certificates: their content, signature, QR code, PDF and verification; and the hashes and notes of the ledger.

The room is pure: no database, no settings, no clock. Callers take the names below from the package. The modules
`merkle`, `note`, `checkpoint` and `fonts` are used as modules. So is `signing` for its `verify`, because `verify` in
this package is the module of `verify_any`.
"""

from certify.certificates.errors import (
    BadSignature,
    CertificateError,
    CertificateMalformed,
    KeyNotInUse,
    NotACertificate,
    UnknownKey,
    UnsupportedVersion,
)
from certify.certificates.file import from_file, to_file
from certify.certificates.keys import Algorithm, SigningKey, VerificationKey
from certify.certificates.keyset import KeySet, TrustedKey
from certify.certificates.number import RANDOM_BYTES, new_number, parse_number
from certify.certificates.payload import Certificate, CertifiedEntitlement, Method, StatusReference
from certify.certificates.picture import read_qr
from certify.certificates.qr import from_text, qr_png, qr_svg, to_text
from certify.certificates.signing import State, VerifiedCertificate, sign, state_at
from certify.certificates.verify import VerificationReport, verify_any

__all__ = [
    "RANDOM_BYTES",
    "Algorithm",
    "BadSignature",
    "Certificate",
    "CertificateError",
    "CertificateMalformed",
    "CertifiedEntitlement",
    "KeyNotInUse",
    "KeySet",
    "Method",
    "NotACertificate",
    "SigningKey",
    "State",
    "StatusReference",
    "TrustedKey",
    "UnknownKey",
    "UnsupportedVersion",
    "VerificationKey",
    "VerificationReport",
    "VerifiedCertificate",
    "from_file",
    "from_text",
    "new_number",
    "parse_number",
    "qr_png",
    "qr_svg",
    "read_qr",
    "sign",
    "state_at",
    "to_file",
    "to_text",
    "verify_any",
]
