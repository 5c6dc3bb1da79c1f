"""Record what officers found about a pension: a condition is met, a part is payable, or a record changes nothing.

A finding is proposed like any other action, with a text for the second officer. Its details stand in the first line of
that text, which is sealed, so that no ledger and no list names a person's prison or studies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from certify.decision.determine import determine
from certify.decision.facts import record_fact
from certify.domain.error_codes import ErrorCode
from certify.domain.evidence import AdverseRecord, Finding
from certify.domain.facts import CurrentFacts
from certify.domain.four_eyes import Action
from certify.domain.policy import Policy
from certify.domain.schedule import local_date
from certify.domain.sources import FUND, officer_source
from certify.errors import Conflict, Invalid
from certify.service import Unit
from certify.storage.facts import evidence_of
from certify.storage.people import entitlements_of, get_beneficiary

FINDINGS = frozenset({Action.CONDITION_MET, Action.PART_PAYABLE, Action.RECORD_CHANGES_NOTHING})
"""Actions that record a finding. Their target is the person."""

_HEAD = re.compile(
    r"finding: (?P<about>[a-z][a-z_]{0,39}) of (?P<scheme>[a-z][a-z0-9_]{0,39})"
    r"(?: from (?P<since>\d{4}-\d{2}-\d{2}))?(?: until (?P<until>\d{4}-\d{2}-\d{2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Found:
    """The details of a finding.

    Attributes:
        about: name of the condition, or kind of the records.
        scheme: the scheme of the pension.
        since: the first day on which it holds, if that matters.
        until: the last day, or the day of the next review.
    """

    about: str
    scheme: str
    since: date | None = None
    until: date | None = None

    def head(self) -> str:
        """Return the details as the first line of a proposal's text."""
        since = f" from {self.since}" if self.since else ""
        until = f" until {self.until}" if self.until else ""
        return f"finding: {self.about} of {self.scheme}{since}{until}"


def with_details(found: Found, text: str) -> str:
    """Return the text of a proposal with the details of its finding in the first line."""
    return f"{found.head()}\n{text.strip()}"


def read_details(text: str) -> Found:
    """Read the details of a finding from the text of a proposal.

    Raises:
        Invalid: the first line names none (``finding_invalid``).
    """
    match = _HEAD.fullmatch(text.partition("\n")[0].strip())
    if match is None:
        raise _invalid("The text of this proposal does not begin with a finding.")
    try:
        days = [date.fromisoformat(match[name]) if match[name] else None for name in ("since", "until")]
    except ValueError as error:
        raise _invalid("A day of the finding is not in the calendar.") from error
    return Found(match["about"], match["scheme"], *days)


def require_possible(unit: Unit, beneficiary_id: UUID, action: Action, found: Found) -> None:
    """Check that the policy of the scheme knows the finding, and that its days are possible.

    Args:
        unit: the transaction to read in.
        beneficiary_id: the person.
        action: one of ``FINDINGS``.
        found: the details.

    Raises:
        Invalid: the person has no such pension, its policy does not know the condition, or a day is missing or
            impossible (``finding_invalid``).
        Conflict: there is no record of this kind to look at (``nothing_to_find``).
    """
    if found.scheme not in {row.scheme for row in entitlements_of(unit.db, beneficiary_id)}:
        raise _invalid(f"The person has no pension of the scheme '{found.scheme}'.")
    policy = unit.service.policy(found.scheme).policy
    known = {
        Action.CONDITION_MET: policy.entitlement.conditions,
        Action.PART_PAYABLE: frozenset(policy.entitlement.part_while),
        Action.RECORD_CHANGES_NOTHING: frozenset(policy.adverse),
    }[action]
    if found.about not in known:
        raise _invalid(f"The scheme '{found.scheme}' knows here: {', '.join(sorted(known)) or 'nothing'}.")
    if action is Action.CONDITION_MET and found.until is None:
        raise _invalid("The finding needs the day until which it holds, or of the next review.")
    if action is Action.PART_PAYABLE and found.since is None:
        raise _invalid("The finding needs the day from which only a part is payable.")
    if found.since and found.until and found.until < found.since:
        raise _invalid("The finding ends before it begins.")
    if action is Action.RECORD_CHANGES_NOTHING:
        rule = policy.adverse[found.about]
        if rule.can_stop or rule.refuted_by_life:
            raise _invalid("Such a record is refuted by the person alone: rule 'confirm_alive' on the case.")
        if not _records(unit, beneficiary_id, policy, found.about):
            raise Conflict(
                f"No record of kind '{found.about}' stands about this person.", code=ErrorCode.NOTHING_TO_FIND
            )


def record_finding(
    unit: Unit, beneficiary_id: UUID, action: Action, found: Found, *, officer: str, proposal: UUID
) -> None:
    """Store a finding with the records that stand now, and determine the person again.

    Args:
        unit: the transaction that holds the lock of the person.
        beneficiary_id: the person.
        action: one of ``FINDINGS``.
        found: the details, as both officers saw them.
        officer: who carries it out.
        proposal: id of the proposal, which numbers the fact.

    Raises:
        Invalid: as ``require_possible``.
        Conflict: as ``require_possible``.
    """
    get_beneficiary(unit.db, beneficiary_id, lock=True)
    require_possible(unit, beneficiary_id, action, found)
    policy = unit.service.policy(found.scheme).policy
    fact = Finding(
        id=str(unit.service.new_id()),
        source=officer_source(officer),
        event_at=unit.now,
        recorded_at=unit.now,
        institution=FUND,
        principal=unit.actor,
        scheme=found.scheme,
        about=found.about,
        holds=action is not Action.RECORD_CHANGES_NOTHING,
        since=found.since,
        until=found.until,
        rests_on=tuple(sorted(record.id for record in _records(unit, beneficiary_id, policy, found.about))),
    )
    record_fact(unit, beneficiary_id, fact, external_id=f"finding:{proposal}")
    determine(unit, beneficiary_id)


def _records(unit: Unit, beneficiary_id: UUID, policy: Policy, kind: str) -> list[AdverseRecord]:
    today = local_date(unit.now, policy.timezone)
    facts = CurrentFacts(evidence_of(unit.db, beneficiary_id), policy, today)
    return [record for record in facts.adverse if record.kind == kind]


def _invalid(message: str) -> Invalid:
    return Invalid(
        message,
        hint="Write 'finding: study of orphan from 2026-10-01 until 2027-09-30', with names that the policy has.",
        code=ErrorCode.FINDING_INVALID,
    )
