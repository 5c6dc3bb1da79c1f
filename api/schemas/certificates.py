"""Bodies about certificates: show, revoke, verify."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.schemas.base import Code, In, Out


class CertificateOut(Out):
    """A certificate with its present state. ``text`` is what the QR code holds."""

    number: str
    state: Literal["valid", "paused", "superseded", "revoked", "expired"]
    reason: str | None
    valid_from: datetime
    valid_until: date
    issued_at: datetime
    key_id: str
    text: str = Field(examples=["CPL1:6BF…"])
    content: dict[str, Any] = Field(description="What the signed bytes state, with labels for people")


class RevokeIn(In):
    """Why a certificate is revoked."""

    reason: Code = Field(examples=["issued_in_error"])


class VerifyIn(In):
    """A certificate as read from its QR code."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=4096)] = Field(examples=["CPL1:6BF…"])


class VerifyOut(Out):
    """What the issuer says of a certificate now, revocation included."""

    state: Literal["valid", "expired", "not_yet_valid", "paused", "superseded", "revoked"]
    accept: bool = Field(description="Whether it proves life now. A paused one does not, but payment goes on")
    number: str
    lines: list[str] = Field(description="The same in plain words")
