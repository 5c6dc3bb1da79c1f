"""Build the answers of a person's own pages. What an answer must not show is left out here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from api.schemas.own_pages import (
    AppealOut,
    ContactOut,
    DeathReportOut,
    HistoryOut,
    OwnAttemptOut,
    OwnCertificateOut,
    OwnPageOut,
    PensionOut,
    SignInList,
    SignInOut,
    VisitOut,
)
from api.schemas.proposals import OwnErasureOut
from api.views import certificate_state
from certify.decision.appeal import Appeal
from certify.decision.determinations import proof_behind
from certify.decision.payable import share_on
from certify.domain.schedule import latest_date, local_date
from certify.domain.states import ProposalState
from certify.domain.told import NOTHING_TOLD
from certify.doorstep.visits import LATEST, SOONEST, ShownVisit
from certify.own.page import History, OwnPage
from certify.people.contact import Contact, ContactChange
from certify.service import Unit
from certify.storage.tables.door import SignInRow
from certify.storage.tables.people import EntitlementRow
from certify.storage.tables.proposals import ProposalRow

_STANDING = ("scheme", "standing", "payment", "next_step", "valid_until", "due_on", "back_pay_from")


def own_page(unit: Unit, page: OwnPage, me: str) -> OwnPageOut:
    """Show a person the state of their pensions and what is open.

    Args:
        unit: the transaction to read in.
        page: what is shown.
        me: the person as a principal. What officers propose is shown when a second one has agreed.
    """
    ending = page.erasure
    if ending is not None and ending.state == ProposalState.PROPOSED and ending.proposed_by != me:
        ending = None
    today = latest_date(unit.now)
    return OwnPageOut(
        name=page.name,
        headline=page.headline.value,
        pensions=[_pension(unit, row) for row in page.pensions],
        valid_until=page.valid_until,
        due_on=page.due_on,
        certificate=page.certificate,
        can_film=page.can_film,
        reference_on=page.reference_on,
        consent=page.consent,
        visit=visit(page.visit) if page.visit else None,
        appeal=appeal(page.appeal) if page.appeal else None,
        contact_change=page.contact_change,
        erasure=erasure(ending) if ending else None,
        erasure_wait_hours=page.erasure_wait_hours,
        death_report=DeathReportOut(first=page.death_report[0], last=page.death_report[1])
        if page.death_report
        else None,
        earliest_visit=today + SOONEST,
        latest_visit=today + LATEST,
    )


def _pension(unit: Unit, row: EntitlementRow) -> PensionOut:
    policy = unit.service.policy(row.scheme).policy
    said = NOTHING_TOLD if row.determination_id is None else proof_behind(unit, row.determination_id).entitlement
    share = share_on(said.parts, local_date(unit.now, policy.timezone))
    return PensionOut.model_validate(
        {
            **{name: getattr(row, name) for name in _STANDING},
            "title": policy.title,
            "entitled_until": said.entitled_until,
            "review_on": said.review_on,
            "part": str(share) if share < 1 else None,
        }
    )


def erasure(row: ProposalRow) -> OwnErasureOut:
    """Show a person the erasure of their data that is proposed, waits, or was recalled."""
    return OwnErasureOut.model_validate({"state": row.state, "asked_at": row.proposed_at, "due_at": row.due_at})


def visit(shown: ShownVisit) -> VisitOut:
    """Show a visit that was asked for or is planned."""
    return VisitOut.model_validate(shown, from_attributes=True)


def appeal(shown: Appeal) -> AppealOut:
    """Show an appeal and the time by which it is answered."""
    return AppealOut.model_validate(shown, from_attributes=True)


def history(shown: History, now: datetime) -> HistoryOut:
    """Show a person their attempts and certificates."""
    attempts = [OwnAttemptOut.model_validate(row, from_attributes=True) for row in shown.sessions]
    certificates = [
        OwnCertificateOut.model_validate(
            {
                "number": row.number,
                "state": certificate_state(row, now),
                "valid_from": row.valid_from,
                "valid_until": row.valid_until,
            }
        )
        for row in shown.certificates
    ]
    return HistoryOut(attempts=attempts, certificates=certificates)


def contact(shown: Contact, change: ContactChange | None) -> ContactOut:
    """Show how the fund reaches a person, and the change that waits for its day."""
    return ContactOut.model_validate({**asdict(shown), "change": asdict(change) if change else None})


def sign_ins(rows: Sequence[SignInRow], mine: UUID | None) -> SignInList:
    """Show where a person is signed in.

    Args:
        rows: their live sign-ins.
        mine: the sign-in that asks; None when it is not one of them.
    """
    return SignInList(
        items=[
            SignInOut.model_validate(
                {
                    "id": row.id,
                    "way": row.way,
                    "created_at": row.created_at,
                    "expires_at": row.expires_at,
                    "this": row.id == mine,
                }
            )
            for row in rows
        ]
    )
