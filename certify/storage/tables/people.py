"""Tables of beneficiaries: ids, entitlements, references and templates, access codes, consents."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from certify.domain.states import AccessKind, ConsentPurpose, FaceAnswer, Provenance, ReferenceState
from certify.storage.tables.base import Base, one_of


class BeneficiaryRow(Base):
    """A person who receives pensions. Ids are looked up by keyed hash and shown masked; the clear ids are sealed."""

    __tablename__ = "beneficiaries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    national_id_hash: Mapped[bytes] = mapped_column(unique=True)
    national_id_masked: Mapped[str]
    card_hash: Mapped[bytes | None] = mapped_column(unique=True)
    card_masked: Mapped[str | None]
    ids_sealed: Mapped[bytes | None]
    name: Mapped[str | None]
    birth_date: Mapped[date | None]
    region: Mapped[str | None]
    needs: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # accessibility needs
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
    enrolled_by: Mapped[str | None]  # the principal; None for people of early releases
    sex: Mapped[str | None]  # "M" or "F", as registries have it; used only to tell people apart
    signed_out_at: Mapped[datetime | None]  # all sign-ins were ended; no face that was recognised earlier opens a page


class DataKeyRow(Base):
    """The data key of one beneficiary, wrapped by the master key. Deleting the row makes what it sealed unreadable."""

    __tablename__ = "data_keys"

    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), primary_key=True)
    wrapped: Mapped[bytes]
    master_key_id: Mapped[str]


class EntitlementRow(Base):
    """One pension of one beneficiary, with its standing as last determined."""

    __tablename__ = "entitlements"
    __table_args__ = (
        UniqueConstraint("beneficiary_id", "scheme"),
        Index(None, "standing", "valid_until"),
        Index(None, "scheme", "next_change_on"),
        # Pensions whose person must act (certify/storage/reminders.py); most are certified and not in this index.
        Index(
            "ix_entitlements_to_remind",
            "due_on",
            "beneficiary_id",
            postgresql_where=text("payment = 'continue' and next_step in ('certify', 'retry', 'doorstep', 'renew')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"))
    scheme: Mapped[str]
    starts_on: Mapped[date]
    last_proof_on: Mapped[date | None]
    first_due_on: Mapped[date | None]  # the first proof is not due before, for a pension that ran when the fund began
    terms: Mapped[str | None]  # what the fund states of it, as canonical JSON (certify/domain/terms.py)
    standing: Mapped[str | None]
    payment: Mapped[str] = mapped_column(server_default=text("'continue'"))
    next_step: Mapped[str | None]
    valid_until: Mapped[date | None]
    due_on: Mapped[date | None]
    next_change_on: Mapped[date | None]  # the day on which the standing may change without new evidence
    determination_id: Mapped[UUID | None]  # a determination, or a silent pass of a run
    proven_on: Mapped[date | None]  # day of the best proof of life, whether or not it still counts
    stopped_on: Mapped[date | None]  # day from which the payment is, or was last, stopped
    back_pay_from: Mapped[date | None]  # the payment continues again and is owed from this day on
    mac: Mapped[bytes | None]  # over the columns that certify/storage/row_macs.py names


class ReferenceRow(Base):
    """An enrolled face. Pending until a worker has measured it."""

    __tablename__ = "face_references"
    __table_args__ = (one_of("state", ReferenceState), one_of("provenance", Provenance))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    blob_id: Mapped[UUID | None] = mapped_column(ForeignKey("blobs.id"))
    state: Mapped[str]
    media_sha256: Mapped[str] = mapped_column(index=True)
    measurement: Mapped[dict[str, Any] | None]
    guidance: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    created_at: Mapped[datetime]
    provenance: Mapped[str]
    provenance_of: Mapped[str | None]  # the document or the register that the picture came from
    added_by: Mapped[str]  # the caller who added it
    taken_on: Mapped[date | None]  # day of the picture, if it is another than the day on which the row was made
    # Rises in the order in which references became active: the search for duplicate faces reads on from a number.
    number: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    mac: Mapped[bytes | None]  # over the columns that certify/storage/row_macs.py names


class DuplicateFaceRow(Base):
    """A reference that looks like the face of another person, and what an officer answered. No names: ids only."""

    __tablename__ = "duplicate_faces"
    __table_args__ = (one_of("answer", FaceAnswer),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    reference_id: Mapped[UUID]  # the new reference; it may be deleted later
    other_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    other_reference_id: Mapped[UUID]
    llr: Mapped[float]  # log10 likelihood ratio, not clipped
    threshold: Mapped[float]  # of the search that found it
    found_at: Mapped[datetime]
    answer: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None]
    mac: Mapped[bytes | None]  # over the columns that certify/storage/row_macs.py names


class TemplateRow(Base):
    """One embedding of one reference by one model, sealed."""

    __tablename__ = "templates"

    reference_id: Mapped[UUID] = mapped_column(ForeignKey("face_references.id", ondelete="CASCADE"), primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    model_sha256: Mapped[str]
    sealed: Mapped[bytes]


class AccessCodeRow(Base):
    """A sign-in that works once: the link of a letter or the digits of a text message. Looked up by keyed hash."""

    __tablename__ = "access_codes"
    __table_args__ = (one_of("kind", AccessKind),)

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    kind: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_by: Mapped[str | None]  # mark of the device that used it, or "replaced" when a newer link ended it
    device: Mapped[str | None]  # mark of the only device that may use a code: the one that asked for it
    tries: Mapped[int] = mapped_column(server_default=text("0"))  # wrong codes entered on that device


class ConsentRow(Base):
    """A consent that was given or withdrawn. The newest for a purpose counts."""

    __tablename__ = "consents"
    __table_args__ = (one_of("purpose", ConsentPurpose), Index(None, "beneficiary_id", "purpose", "at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"))
    purpose: Mapped[str]
    given: Mapped[bool]
    text_version: Mapped[str]  # version of the wording that the person read
    assisted: Mapped[bool]  # a helper was present
    at: Mapped[datetime]
