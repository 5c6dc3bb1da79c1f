"""Bodies about certificates: showing, revoking and verifying them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.schemas.base import In, Out


class CertificateOut(Out):
    """A certificate with its present state. ``text`` is the content of its QR code."""

    number: str
    state: Literal["valid", "paused", "superseded", "revoked", "expired"]
    reason: str | None
    valid_from: datetime
    valid_until: date
    issued_at: datetime
    key_id: str
    text: str = Field(examples=["CPL1:6BF…"])
    content: dict[str, Any] = Field(description="The signed statements, with labels for people")


class VerifyIn(In):
    """The text of a certificate, as read from its QR code or copied from a mail or an answer of this service."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=20_000)] = Field(examples=["CPL1:6BF…"])


class VerifyOut(Out):
    """The issuer's present answer about a certificate, revocation included."""

    state: Literal["valid", "expired", "not_yet_valid", "paused", "superseded", "revoked"]
    accept: bool = Field(
        description="Whether the certificate proves life now. A paused one does not, but the payment continues; nor "
        "does one for which only a face was compared"
    )
    method: str = Field(examples=["remote_face"], description="How life was proven, as signed")
    assurance: str = Field(examples=["face+liveness+possession"], description="What the proof rests on, as signed")
    only_a_face: bool = Field(description="Nothing but a matching face stands behind it, perhaps of a picture")
    number: str
    lines: list[str] = Field(description="The answer in plain words")
