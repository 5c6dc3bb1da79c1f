"""Opening what a tablet sealed: with the key of the service that its envelope names."""

from __future__ import annotations

from certify.domain.error_codes import ErrorCode
from certify.doorstep.bundle import Bundle
from certify.doorstep.content import Content
from certify.errors import Invalid
from certify.service import Unit
from certify.storage.signing import visit_key


def unseal(unit: Unit, data: bytes) -> Content:
    """Return what a bundle holds. Raises Invalid (``key_unknown``, or as Bundle and Content do)."""
    bundle = Bundle.parse(data)
    key = visit_key(unit.db, unit.service.vault, bundle.header.key)
    if key is None:
        raise Invalid("The bundle was sealed to a key that is not ours.", code=ErrorCode.KEY_UNKNOWN)
    return Content.parse(bundle.open(key))
