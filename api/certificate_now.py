"""Issue a person's certificate on request, and check that a stored certificate carries a genuine signature."""

from __future__ import annotations

import hashlib
from threading import Lock
from uuid import UUID

from cachetools import LRUCache

from api import views
from api.schemas.certificates import CertificateOut
from certify.certificates.signing import verify
from certify.decision.determine import determine
from certify.decision.issue import key_set
from certify.domain.error_codes import ErrorCode
from certify.errors import Conflict
from certify.service import Unit
from certify.storage.certificates import get_certificate
from certify.storage.tables.decisions import CertificateRow


def certificate_now(unit: Unit, beneficiary_id: UUID) -> CertificateOut:
    """Return a person's certificate, and issue it first if there is none yet.

    Raises:
        NotFound: no such beneficiary (``beneficiary_not_found``).
        Conflict: the person is not certified at present (``not_certified``).
        BadSignature: the stored certificate was altered (``bad_signature``).
    """
    determined = determine(unit, beneficiary_id)
    if determined.certificate is None or determined.certificate.state != "valid":
        raise Conflict(
            "This person is not certified at present.",
            hint="Their standing says what is missing.",
            code=ErrorCode.NOT_CERTIFIED,
        )
    row = get_certificate(unit.db, determined.certificate.number)
    require_genuine(unit, row)
    return views.certificate(row, unit.now)


_genuine: LRUCache[bytes, None] = LRUCache(maxsize=4096)
"""Hashes of signed bytes that this process verified. Signed bytes never change, so their signature is checked and the
keys are read only once.

The cache holds only hashes and no content of certificates: the name of a person who was erased, perhaps by another
process, must not stay in memory here.
"""


def known_genuine(row: CertificateRow) -> bool:
    """Tell whether this process has verified the stored bytes before."""
    return _fingerprint(row) in _genuine


def require_genuine(unit: Unit, row: CertificateRow) -> None:
    """Verify the stored bytes with the service's keys.

    Raises:
        BadSignature: the bytes were altered (``bad_signature``).
    """
    verify(row.cose, key_set(unit), now=unit.now)
    with _lock:
        _genuine[_fingerprint(row)] = None


_lock = Lock()


def _fingerprint(row: CertificateRow) -> bytes:
    return hashlib.sha256(row.cose).digest()
