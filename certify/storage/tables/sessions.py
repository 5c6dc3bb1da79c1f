"""Tables of capture sessions: media, uploads, perceptual hashes."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from certify.domain.states import Possession, SessionProfile, SessionState
from certify.storage.tables.base import Base, one_of


class BlobRow(Base):
    """Sealed media. ``sha256`` and ``size`` are of the clear bytes."""

    __tablename__ = "blobs"
    __table_args__ = (Index(None, "delete_after"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    media_type: Mapped[str]
    sealed: Mapped[bytes]
    sha256: Mapped[str] = mapped_column(index=True)
    size: Mapped[int]
    delete_after: Mapped[datetime | None]


class SessionRow(Base):
    """One attempt to prove life."""

    __tablename__ = "capture_sessions"
    __table_args__ = (
        one_of("state", SessionState),
        one_of("profile", SessionProfile),
        one_of("possession", Possession),
        Index(None, "state", "submitted_at"),
        Index(None, "media_sha256"),
        Index(None, "device", "created_at"),
        Index(None, "stranger", "created_at"),
        Index(None, "asked", "created_at"),
        Index("ix_capture_sessions_named_id", "named_id", postgresql_where=text("named_id is not null")),
        # Of unrecognised callers who sent nothing (certify/storage/public_sessions.py).
        Index(
            "ix_capture_sessions_nothing_came",
            "created_at",
            postgresql_where=text("knocked and state = 'expired' and submitted_at is null"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    channel: Mapped[str]
    state: Mapped[str]
    nonce: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    blob_id: Mapped[UUID | None] = mapped_column(ForeignKey("blobs.id"))
    media_sha256: Mapped[str | None]
    outcome: Mapped[str | None]
    guidance: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    # Raw values of the measurement and comparison, for replay. They have kilobytes, so they are read only when needed.
    report: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    evidence_id: Mapped[UUID | None] = mapped_column(unique=True)
    certificate_number: Mapped[str | None]
    determination_ids: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    # How much was asked (profile) and the challenge plan (models.liveness.plan). The reasons, under "because", are not
    # shown. Sessions from the time before challenges have neither.
    profile: Mapped[str | None]
    plan: Mapped[dict[str, Any] | None]
    device: Mapped[bytes | None]  # keyed hash of the key that the phone proved, else of the identifier that it sends
    device_proved: Mapped[bool] = mapped_column(server_default=text("false"))
    assisted: Mapped[bool] = mapped_column(server_default=text("false"))  # a helper is present, as the person says
    # Where the media came from, as far as known: live or upload, the camera's description of itself, arrival of frames.
    source: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    # Decoy sessions (certify/capture/decoys.py): keyed hash of an id and birth date that the fund does not know; None
    # in the sessions of people.
    decoy: Mapped[bytes | None] = mapped_column("stranger")
    # Of a decoy session whose id and birth date do belong to a person, of whom no photo can be compared: a visit that
    # is wished for there is theirs. No answer depends on it.
    named_id: Mapped[UUID | None] = mapped_column(ForeignKey("beneficiaries.id"))
    # Opened by a caller who gave only an id and a birth date, and must not learn whether that person exists.
    public_entry: Mapped[bool] = mapped_column("knocked", server_default=text("false"))
    # Of sessions with a public entry: keyed hash of the id and birth date that were entered, known or not.
    asked: Mapped[bytes | None]
    # Wording of the consent that the caller stated. It becomes a consent when the person is recognised.
    consent_version: Mapped[str | None]
    attempts_left: Mapped[int | None]  # before a visit is offered; None unless this session failed
    # When the person was filmed, if that was before the session was submitted: a visit without a network is sent later.
    filmed_at: Mapped[datetime | None]
    # Whether it was opened with something that only the person has; None in sessions from before the question.
    possession: Mapped[str | None]
    # Opened by an officer for a person at the counter.
    at_counter: Mapped[bool] = mapped_column(server_default=text("false"))


class VideoHashRow(Base):
    """Perceptual hashes of some frames of a session's video, to recognise it later (models.liveness.video_hash)."""

    __tablename__ = "session_prints"
    __table_args__ = (Index(None, "bands", postgresql_using="gin"),)

    session_id: Mapped[UUID] = mapped_column(ForeignKey("capture_sessions.id"), primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    bands: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    frames: Mapped[bytes]


class FacePrintRow(Base):
    """The faces and the movement of a session's media or of a reference, sealed, to recognise a copy of it."""

    __tablename__ = "face_prints"

    id: Mapped[UUID] = mapped_column(primary_key=True)  # of the session or reference
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    sealed: Mapped[bytes]
    created_at: Mapped[datetime]


class UploadRow(Base):
    """The upload of a session's video in chunks. The first ``received`` bytes are stored, without gaps."""

    __tablename__ = "uploads"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("capture_sessions.id"), primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    size: Mapped[int]
    sha256: Mapped[str]  # of the whole, as declared
    received: Mapped[int]
    created_at: Mapped[datetime]


class ChunkRow(Base):
    """One sealed chunk of an upload. Its bytes are deleted when the upload is complete; the hash detects repeats."""

    __tablename__ = "upload_chunks"

    session_id: Mapped[UUID] = mapped_column(ForeignKey("uploads.session_id", ondelete="CASCADE"), primary_key=True)
    start: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int]
    sha256: Mapped[str]
    sealed: Mapped[bytes | None]
