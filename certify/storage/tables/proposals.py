"""Tables of four eyes: what officers proposed and decided, and the rulings that were drawn for the audit."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from certify.domain.four_eyes import Action
from certify.domain.states import ProposalState, RulingAuditOutcome
from certify.storage.tables.base import Base, one_of


class ProposalRow(Base):
    """An action that one officer proposed, and what became of it. Officers are principals: issuer and subject."""

    __tablename__ = "proposals"
    __table_args__ = (
        one_of("action", Action),
        one_of("state", ProposalState),
        # Two open proposals of one action would let two officers carry it out twice.
        Index(
            "uq_proposals_open",
            "action",
            "target",
            unique=True,
            postgresql_where=text("state in ('proposed', 'waiting')"),
        ),
        Index(None, "state", "proposed_at"),
        Index(None, "beneficiary_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    action: Mapped[str]
    target: Mapped[str]  # id of the case, person, reference or sealed visit, or number of the certificate
    beneficiary_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("beneficiaries.id")
    )  # none: no one knows whose visit
    reason: Mapped[str]  # one of certify.domain.four_eyes.ActionReason
    text_sealed: Mapped[bytes | None]  # sealed with the person's data key; deleted when the person is erased
    text_plain: Mapped[str | None]  # for a visit of which no one knows whose it is
    state: Mapped[str]
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_by: Mapped[str | None]  # the second officer; the first one for an action that needs one officer only
    decided_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]  # when a waiting erasure is carried out
    ended_by: Mapped[str | None]  # who recalled it while it was waiting
    ended_at: Mapped[datetime | None]
    mac: Mapped[bytes | None]  # over the columns that certify/storage/row_macs.py names


class RulingAuditRow(Base):
    """A ruling that was drawn for the audit, to be checked by a person who had no part in it."""

    __tablename__ = "ruling_audits"
    __table_args__ = (one_of("outcome", RulingAuditOutcome), Index(None, "drawn_at"))

    proposal_id: Mapped[UUID] = mapped_column(ForeignKey("proposals.id"), primary_key=True)
    beneficiary_id: Mapped[UUID] = mapped_column(ForeignKey("beneficiaries.id"), index=True)
    drawn_at: Mapped[datetime]
    outcome: Mapped[str | None]
    checked_by: Mapped[str | None]
    checked_at: Mapped[datetime | None]
