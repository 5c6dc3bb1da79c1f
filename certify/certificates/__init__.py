"""The certificate: what it states, how it is signed, shown and verified, and the hashes of the ledger. Pure.

`merkle`, `note`, `checkpoint` and `fonts` are used as modules of this package; so is `signing` for its `verify`,
whose name here belongs to the module of `verify_any`.
"""

from certify.certificates.errors import (
    BadSignature,
    CertificateError,
    CertificateMalformed,
    Expired,
    KeyNotInUse,
    NotACertificate,
    NotYetValid,
    UnknownKey,
    UnsupportedVersion,
)
from certify.certificates.file import from_file, to_file
from certify.certificates.keys import Algorithm, SigningKey, VerificationKey
from certify.certificates.keyset import KeySet, TrustedKey
from certify.certificates.number import RANDOM_BYTES, new_number, parse_number
from certify.certificates.payload import Certificate, CertifiedEntitlement, Method, StatusReference
from certify.certificates.qr import from_text, qr_png, qr_svg, read_qr, to_text
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
    "Expired",
    "KeyNotInUse",
    "KeySet",
    "Method",
    "NotACertificate",
    "NotYetValid",
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
