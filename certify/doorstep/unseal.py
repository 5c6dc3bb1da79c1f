"""Decrypt what a tablet sealed, with the service's key that the envelope names."""

from __future__ import annotations

from certify.domain.error_codes import ErrorCode
from certify.doorstep.bundle import Bundle
from certify.doorstep.content import Content
from certify.errors import Invalid
from certify.service import Unit
from certify.storage.signing import visit_key


def unseal(unit: Unit, data: bytes) -> Content:
    """Return the content of a bundle.

    Args:
        unit: the transaction.
        data: the bundle as the tablet sent it.

    Returns:
        The checked content.

    Raises:
        Invalid: the bundle is malformed, cannot be decrypted or is incomplete (``bundle_malformed``,
            ``bundle_unreadable``, ``visit_incomplete``), or names a key that is not ours (``key_unknown``).
    """
    bundle = Bundle.parse(data)
    key = visit_key(unit.db, unit.service.vault, bundle.header.key)
    if key is None:
        raise Invalid("The bundle was sealed to a key that is not ours.", code=ErrorCode.KEY_UNKNOWN)
    return Content.parse(bundle.open(key))
