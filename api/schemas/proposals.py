"""Bodies about proposals: actions that one officer proposes and another carries out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.base import Code, In, Out
from certify.domain.four_eyes import Action, ActionReason
from certify.domain.states import ProposalState

Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


class WhyIn(In):
    """Why an officer proposes an action: a code for counting, and a text for the second officer."""

    reason: ActionReason = Field(examples=["issued_in_error"])
    text: Why = Field(examples=["The photo of 3 March shows the daughter; see letter of 9 March."])


class FindingIn(In):
    """The details of a finding about a pension, for `condition_met`, `part_payable` and `record_changes_nothing`."""

    about: Code = Field(examples=["study"], description="Name of the condition in the policy, or kind of the record")
    scheme: Code = Field(examples=["orphan"])
    since: date | None = None
    until: date | None = Field(default=None, description="Last day, or the day of the next review")


class ProposalIn(WhyIn):
    """A proposal."""

    finding: FindingIn | None = Field(
        default=None, description="With an action that records a finding, whose target is the person"
    )

    action: Action = Field(examples=["revoke"])
    target: Code = Field(
        examples=["PL-2026-7KQ4-M9XD-2B8C"],
        description="Id of the case, person, reference or sealed visit, or number of the certificate",
    )


class ProposalOut(Out):
    """A proposal and what became of it. Officers are shown as issuer and subject."""

    id: UUID
    action: Action
    target: str
    beneficiary_id: UUID | None = Field(description="None for a visit of which no one knows whose it is")
    reason: str
    text: str | None = Field(description="None once the person is erased")
    state: ProposalState
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime = Field(description="Until when a second officer can decide")
    decided_by: str | None
    decided_at: datetime | None
    due_at: datetime | None = Field(description="When a waiting erasure is carried out; it can be recalled until then")
    ended_by: str | None
    ended_at: datetime | None


class ProposalPage(Out):
    """Proposals, oldest first."""

    items: list[ProposalOut]
    next: UUID | None = Field(description="Send it as 'after' for the next page")


class OwnErasureIn(In):
    """A person's wish to be erased, with what they want to say about it."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00]*$")] = ""


class OwnErasureOut(Out):
    """The state of a person's own erasure."""

    state: ProposalState
    asked_at: datetime
    due_at: datetime | None = Field(description="When the data are erased; the wish can be recalled until then")
