"""Collect what a person sees on their own page: their standing in one word, pensions, visit, appeal, and history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from certify.decision.appeal import Appeal, last_appeal
from certify.decision.proposals import rules_of
from certify.domain.channels import Channel
from certify.domain.decide import NextStep, Standing
from certify.domain.facts import CurrentFacts
from certify.domain.four_eyes import Action
from certify.domain.limits import DEATHS
from certify.domain.schedule import local_date
from certify.domain.states import CertificateState, ReferenceState
from certify.doorstep.visits import ShownVisit, shown_visit
from certify.people.consent import consent_of
from certify.people.contact import contact_change_of
from certify.people.sittings import day_of
from certify.service import Unit
from certify.storage.certificates import certificates_of
from certify.storage.facts import evidence_of
from certify.storage.people import entitlements_of, get_beneficiary, references_of
from certify.storage.proposals import open_proposal_of
from certify.storage.sessions import decided_sessions_of
from certify.storage.tables.decisions import CertificateRow
from certify.storage.tables.people import EntitlementRow
from certify.storage.tables.proposals import ProposalRow
from certify.storage.tables.sessions import SessionRow
from certify.storage.visits import visit_of

_YEARS_SHOWN = timedelta(days=5 * 366)
_MOST_SESSIONS = 100


class Headline(StrEnum):
    """The standing of a person over all their pensions, worst first. The app has one page for each."""

    STOPPED = "stopped"
    PAUSED = "paused"
    OVERDUE = "overdue"
    GRACE = "grace"
    DUE = "due"
    RENEW = "renew"  # proven, and the next proof may be given now
    CERTIFIED = "certified"
    UNKNOWN = "unknown"  # not determined yet


_HALTED = frozenset({Headline.STOPPED, Headline.PAUSED})


@dataclass(frozen=True, slots=True)
class OwnPage:
    """A person's own page.

    Attributes:
        name: of the person.
        headline: the standing over all pensions.
        pensions: each with its own standing.
        valid_until: the first day on which the proof of a pension expires; None when a pension has no valid proof.
        due_on: the first day by which a proof is due.
        certificate: number of the certificate in force.
        can_film: whether a photo is enrolled, so that a capture can be compared.
        reference_on: day of the newest picture that a capture is compared with; None if there is none yet.
        consent: to face recognition; None when this service never asked.
        visit: the visit that was requested or is planned.
        appeal: the newest appeal.
        contact_change: when another telephone or e-mail will be used that was asked for and can be undone until then.
        erasure: the erasure that is proposed or waits.
        erasure_wait_hours: how long an erasure that an officer agreed to waits.
        death_report: the first and the last day on which a registry says that the person died, while that pauses or
            stops a pension; both are the same if the day is known, and the first is 1 January 1900 if no date is.
    """

    name: str | None
    headline: Headline
    pensions: Sequence[EntitlementRow]
    valid_until: date | None
    due_on: date | None
    certificate: str | None
    can_film: bool
    reference_on: date | None
    consent: bool | None
    visit: ShownVisit | None
    appeal: Appeal | None
    contact_change: datetime | None
    erasure: ProposalRow | None
    erasure_wait_hours: int
    death_report: tuple[date, date] | None


def own_page(unit: Unit, beneficiary_id: UUID) -> OwnPage:
    """Return a person's own page.

    Args:
        unit: the transaction to read in.
        beneficiary_id: id of the person.

    Returns:
        The page.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
    """
    person = get_beneficiary(unit.db, beneficiary_id)
    references = references_of(unit.db, beneficiary_id)
    pensions = entitlements_of(unit.db, beneficiary_id)
    in_force = [
        c
        for c in certificates_of(unit.db, beneficiary_id)
        if c.state == CertificateState.VALID and c.expires_at > unit.now
    ]
    visit = visit_of(unit.db, beneficiary_id)
    change = contact_change_of(unit, beneficiary_id) if person.erased_at is None else None
    until = [pension.valid_until for pension in pensions if pension.valid_until]
    headline = headline_of(pensions)
    return OwnPage(
        name=person.name,
        headline=headline,
        pensions=pensions,
        valid_until=min(until) if until and len(until) == len(pensions) else None,
        due_on=min((pension.due_on for pension in pensions if pension.due_on), default=None),
        certificate=in_force[0].number if in_force else None,
        can_film=any(reference.state != ReferenceState.REFUSED for reference in references),
        reference_on=max((day_of(one) for one in references if one.state == ReferenceState.ACTIVE), default=None),
        consent=consent_of(unit, beneficiary_id),
        visit=shown_visit(unit, visit) if visit else None,
        appeal=last_appeal(unit, beneficiary_id),
        contact_change=change.at if change else None,
        erasure=open_proposal_of(unit.db, Action.ERASE, str(beneficiary_id)),
        erasure_wait_hours=max(rule.erasure_wait_hours for rule in rules_of(unit, beneficiary_id)),
        death_report=_death_report(unit, beneficiary_id, pensions) if headline in _HALTED else None,
    )


def _death_report(unit: Unit, beneficiary_id: UUID, pensions: Sequence[EntitlementRow]) -> tuple[date, date] | None:
    """Return when the person died, as the first report says that stands; so they see what they object to."""
    policy = unit.service.policy(pensions[0].scheme).policy
    facts = CurrentFacts(evidence_of(unit.db, beneficiary_id), policy, unit.now.date())
    reports = [record for record in facts.adverse if record.kind in DEATHS]
    if not reports:
        return None
    first = min(reports, key=lambda record: (record.recorded_at, record.id))
    last = local_date(first.event_at, policy.timezone)
    return first.event_from or last, last


def headline_of(pensions: Sequence[EntitlementRow]) -> Headline:
    """Reduce the standings of all pensions to the one word that a person needs first."""
    standings = [Standing[pension.standing.upper()] for pension in pensions if pension.standing]
    if not standings or len(standings) < len(pensions):
        return Headline.UNKNOWN
    worst = min(standings)
    if worst is not Standing.CERTIFIED:
        return Headline(worst.name.lower())
    renewable = any(pension.next_step in (NextStep.RENEW, NextStep.DOORSTEP) for pension in pensions)
    return Headline.RENEW if renewable else Headline.CERTIFIED


@dataclass(frozen=True, slots=True)
class History:
    """A person's attempts by phone or visit, and their certificates, newest first."""

    sessions: Sequence[SessionRow]
    certificates: Sequence[CertificateRow]


def history_of(unit: Unit, beneficiary_id: UUID) -> History:
    """Return the person's attempts and certificates of the last five years, at most 100 attempts.

    Args:
        unit: the transaction to read in.
        beneficiary_id: id of the person.

    Returns:
        The history.

    Raises:
        NotFound: no such person (``beneficiary_not_found``).
    """
    get_beneficiary(unit.db, beneficiary_id)
    since = unit.now - _YEARS_SHOWN
    sessions = decided_sessions_of(
        unit.db, beneficiary_id, channels=(Channel.REMOTE, Channel.DOORSTEP), since=since, limit=_MOST_SESSIONS
    )
    certificates = [row for row in certificates_of(unit.db, beneficiary_id) if row.issued_at >= since]
    return History(sessions, sorted(certificates, key=lambda row: row.issued_at, reverse=True))
