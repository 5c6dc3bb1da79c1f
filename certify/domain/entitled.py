"""What dates and officers' findings say about the entitlement itself: its end, its review, the part that is payable.

Nothing here rests on a record alone. A record asks an officer; what officers found, with its days, is a fact of its own
(:class:`~certify.domain.evidence.Finding`). A pension ends by itself only where the policy says so and two statements
agree on the day: the end that the fund wrote into its award, and the end that the date of birth gives
(docs/decisions/0043-policies-as-law-needs-them.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from certify.domain.determination import Entitlement, Standing
from certify.domain.entitlement_rules import EndRule
from certify.domain.evidence import Finding
from certify.domain.facts import CurrentFacts
from certify.domain.policy import Policy
from certify.domain.reasons import Code, Reason, reason
from certify.domain.schedule import add_days, add_months, local_date

ANNOUNCE_DAYS = 120
"""Days before the end of an award from which an officer is asked, where the policy has no rule about ends. A starting
value: the SSA tells a child about three months before (docs/sources.md), and letters take time."""


@dataclass(frozen=True, slots=True)
class Entitled:
    """What is left open by the dates of the entitlement.

    Attributes:
        limit: the best standing.
        review: whether an officer is asked.
        reasons: why.
        ended_on: the last day of the entitlement, if that has passed.
    """

    limit: Standing = Standing.CERTIFIED
    review: bool = False
    reasons: tuple[Reason, ...] = ()
    ended_on: date | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is payable from one day to another, both included; ``until`` is None while the end is not known."""

    rule: str
    fraction: Fraction
    since: date
    until: date | None

    def covers(self, day: date) -> bool:
        """Return whether the part holds on a day."""
        return self.since <= day and (self.until is None or day <= self.until)


def entitled(entitlement: Entitlement, policy: Policy, facts: CurrentFacts, as_of: date) -> Entitled:
    """Work out what the dates of an entitlement and officers' findings leave open.

    Args:
        entitlement: the pension, with its terms.
        policy: the rules of its scheme.
        facts: the evidence that counts on ``as_of``.
        as_of: the date of the decision.
    """
    end = _end(entitlement, policy, facts, as_of)
    review, why = _review(entitlement, policy, facts, as_of)
    parts, doubts = _parts(policy, facts)
    wrong = [
        reason(Code.RECORD_CHANGES_NOTHING, record.id, kind=record.kind, source=record.source)
        for record in facts.found_wrong
    ]
    return Entitled(
        end.limit,
        end.review or review or bool(doubts),
        (*end.reasons, *why, *(why for why, _ in parts), *doubts, *wrong),
        end.ended_on,
    )


def parts_payable(policy: Policy, facts: CurrentFacts) -> list[Part]:
    """Return the parts that officers found to be payable, in the order of their first day."""
    return sorted((part for _, part in _parts(policy, facts)[0]), key=lambda part: (part.since, part.rule))


def settled(policy: Policy, facts: CurrentFacts) -> frozenset[str]:
    """Return the ids of the records on which officers found that a part is payable: they ask no officer again."""
    return frozenset(
        fact
        for finding in facts.findings
        if finding.holds and finding.about in policy.entitlement.part_while
        for fact in finding.rests_on
    )


def _end(entitlement: Entitlement, policy: Policy, facts: CurrentFacts, as_of: date) -> Entitled:
    rule, award = policy.entitlement.ends_at, entitlement.terms.ends_on
    reasons: list[Reason] = []
    by_birth = rule.end(entitlement.birth_date, rule.age) if rule and entitlement.birth_date else None
    if rule is not None and by_birth is None:
        reasons.append(reason(Code.END_NOT_ASSESSED))
    days = [day for day in (by_birth, award) if day is not None]
    if not days:
        return Entitled(review=bool(reasons), reasons=tuple(reasons))
    differ = rule is not None and by_birth is not None and award is not None and _differ(rule, entitlement, award)
    if differ:
        reasons.append(reason(Code.END_DATES_DIFFER, award=award, birth=by_birth))
    end = max(days)
    stated = award is not None and by_birth is not None and not differ
    found = _found_until(rule, entitlement, facts) if rule else None
    if found is not None and found[0] > end:
        end, finding = found
        stated = True  # officers decided on this day
        reasons.append(reason(Code.CONDITION_FOUND, finding.id, about=finding.about, date=end))
    reasons.append(reason(Code.ENTITLED_UNTIL, date=end))
    if as_of > end:
        reasons.append(reason(Code.ENTITLEMENT_ENDED, date=end))
        automatic = rule is not None and rule.automatic and stated
        limit = Standing.STOPPED if automatic else Standing.PAUSED
        return Entitled(limit, not automatic, tuple(reasons), end)
    soon = as_of >= add_days(end, -(rule.announce_days if rule else ANNOUNCE_DAYS))
    if soon:
        names = ", ".join(sorted(_open_conditions(rule, entitlement, end))) if rule else ""
        proof = f"It continues with a proof of: {names}." if names else "Nothing stops by itself before that day."
        reasons.append(reason(Code.ENDS_SOON, date=end, proof=proof))
    return Entitled(review=soon or differ or (by_birth is None and rule is not None), reasons=tuple(reasons))


def _differ(rule: EndRule, entitlement: Entitlement, award: date) -> bool:
    """Tell whether the end of an award contradicts the date of birth: before the usual end, or past the last one."""
    if entitlement.birth_date is None:
        return False
    ages = [rule.age, *(one.until_age for one in rule.continues_while.values())]
    return not rule.end(entitlement.birth_date, rule.age) <= award <= rule.end(entitlement.birth_date, max(ages))


def _found_until(rule: EndRule, entitlement: Entitlement, facts: CurrentFacts) -> tuple[date, Finding] | None:
    """Return until when a condition continues that officers found, never beyond its age, with the finding."""
    if entitlement.birth_date is None:
        return None
    found = [
        (min(finding.until, rule.end(entitlement.birth_date, condition.until_age)), finding)
        for finding in facts.findings
        if finding.holds
        and finding.until is not None
        and (condition := rule.continues_while.get(finding.about)) is not None
    ]
    return max(found, key=lambda one: (one[0], one[1].id), default=None)


def _open_conditions(rule: EndRule, entitlement: Entitlement, end: date) -> list[str]:
    """Return the conditions that can carry the pension beyond its end."""
    born = entitlement.birth_date
    return [] if born is None else [n for n, one in rule.continues_while.items() if rule.end(born, one.until_age) > end]


def _review(
    entitlement: Entitlement, policy: Policy, facts: CurrentFacts, as_of: date
) -> tuple[bool, tuple[Reason, ...]]:
    rule = policy.entitlement.review_every
    if rule is None or entitlement.terms.permanent:
        return False, ()
    found = [f for f in facts.findings if f.holds and f.about == rule.about and f.until is not None]
    latest = max(found, key=lambda finding: (finding.event_at, finding.id), default=None)
    due = latest.until if latest else entitlement.terms.review_on
    if due is None and entitlement.first_due_on is None:
        due = add_months(entitlement.starts_on, rule.months)
    if due is None:
        # A pension that was taken over: its review may have been last year. No case for each of them on one day.
        return False, (reason(Code.REVIEW_NOT_KNOWN, about=rule.about),)
    named = {"about": rule.about, "date": due}
    facts_behind = (latest.id,) if latest else ()
    if as_of > due:
        return True, (reason(Code.REVIEW_LATE, *facts_behind, **named),)
    if as_of >= add_days(due, -rule.ask_days):
        return True, (reason(Code.REVIEW_DUE, *facts_behind, **named),)
    return False, (reason(Code.REVIEW_ON, *facts_behind, **named),)


def _parts(policy: Policy, facts: CurrentFacts) -> tuple[list[tuple[Reason, Part]], list[Reason]]:
    """Return the parts that are payable, each with its reason; and reasons for findings whose records are gone."""
    standing = {record.id for record in (*facts.adverse, *facts.decided)}
    parts: list[tuple[Reason, Part]] = []
    doubts: list[Reason] = []
    for finding in facts.findings:
        rule = policy.entitlement.part_while.get(finding.about)
        if rule is None or not finding.holds:
            continue
        if finding.rests_on and standing.isdisjoint(finding.rests_on):
            doubts.append(reason(Code.PART_IN_QUESTION, finding.id, rule=finding.about))
            continue
        since = finding.since or local_date(finding.event_at, policy.timezone)
        part = Part(finding.about, rule.fraction, since, finding.until)
        why = reason(
            Code.PART_PAYABLE,
            finding.id,
            *finding.rests_on,
            rule=part.rule,
            fraction=f"{part.fraction.numerator}/{part.fraction.denominator}",
            since=since,
            until=f"until {part.until}" if part.until else "no end known",
            justification=rule.justification,
        )
        parts.append((why, part))
    return parts, doubts
