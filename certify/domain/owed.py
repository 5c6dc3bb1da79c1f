"""Until which day a pension is owed that stops. What was paid for later days was overpaid."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from certify.domain.evidence import AdverseRecord
from certify.domain.facts import CurrentFacts
from certify.domain.policy import OwedUntil, Policy
from certify.domain.reasons import Code, Reason, reason
from certify.domain.schedule import add_days, local_date


def owed_until(facts: CurrentFacts, policy: Policy, ended_on: date | None = None) -> Reason | None:
    """Return until which day a stopped pension is owed, as a reason with that day and the reports it rests on.

    If the reports differ in the day, the latest counts, in favour of the estate. A report "in March" gives way to one
    of a day in March. The day is an answer to a question of the payer: this service claims nothing back and sends no
    bill. What was paid too much, certify/domain/overpaid.py shows.

    Args:
        facts: the evidence that counts.
        policy: the rules; a kind of record without ``owed_until`` says nothing.
        ended_on: the last day of the entitlement by age or award, if it has passed. An earlier death ends it earlier.

    Returns:
        The reason; None if no report of such a kind stands, as when an officer stopped the payment for something else.
    """
    told = [record for record in facts.adverse if not _known_better(record, facts, policy)]
    ends = {record.id: end for record in told if (end := _end(record, policy)) is not None}
    last = max(ends.values(), default=None)
    if ended_on is not None and (last is None or ended_on < last):
        return reason(Code.OWED_UNTIL, date=ended_on)
    if last is None:
        return None
    of_last = sorted(one for one, end in ends.items() if end == last)
    # Where the day of the death is not known, the last possible one counts. How early it may have been is said too.
    spans = [record for record in facts.adverse if record.id in of_last and record.event_from is not None]
    params = {"date": last} | ({"first": min(r.event_from for r in spans if r.event_from)} if spans else {})
    return reason(Code.OWED_UNTIL, *of_last, **params)


def _known_better(record: AdverseRecord, facts: CurrentFacts, policy: Policy) -> bool:
    """Return whether another report names a day within the time that this one leaves open."""
    since, last = record.event_from, local_date(record.event_at, policy.timezone)
    return since is not None and any(
        other.event_from is None
        and _end(other, policy)
        and since <= local_date(other.event_at, policy.timezone) <= last
        for other in facts.adverse
    )


def _end(record: AdverseRecord, policy: Policy) -> date | None:
    rule = policy.adverse.get(record.kind)
    if rule is None or rule.owed_until is None:
        return None
    day = local_date(record.event_at, policy.timezone)
    if rule.owed_until is OwedUntil.DAY:
        return day
    if rule.owed_until is OwedUntil.PREVIOUS_MONTH:
        return add_days(day.replace(day=1), -1)
    return day.replace(day=monthrange(day.year, day.month)[1])
