"""The best standing that adverse records, an officer's rulings and the person's age leave open."""

from __future__ import annotations

from datetime import date

from certify.domain.channels import CHANNELS
from certify.domain.determination import Entitlement, Standing
from certify.domain.entitled import settled
from certify.domain.evidence import AdverseRecord
from certify.domain.facts import CurrentFacts
from certify.domain.independence import independent_reports
from certify.domain.policy import Effect, Policy
from certify.domain.proofs import Proof
from certify.domain.reasons import Code, Reason, reason
from certify.domain.residence import explained
from certify.domain.schedule import age_on, local_date

DEATHS = frozenset({"death", "death_abroad"})
"""Kinds that report the same event, so that two of them from two institutions are two reports of it."""
_DEATHS_APART = 366
"""Days within which two reports can mean one death: some registries give the day of the registration, up to a year
later. Reports decades apart are known from numbers that were given out twice and from children of the same name."""


def limit_standing(
    entitlement: Entitlement, policy: Policy, facts: CurrentFacts, proofs: list[Proof], as_of: date
) -> tuple[Standing, bool, list[Reason]]:
    """Work out the best standing that adverse records, rulings and age leave open.

    Args:
        entitlement: the pension.
        policy: the rules of its scheme.
        facts: the evidence that counts on ``as_of``.
        proofs: the proofs of life among it; a later one can contradict a reported death.
        as_of: the date of the decision.

    Returns:
        The limit, whether an officer must look, and the reasons.
    """
    limit, review = Standing.CERTIFIED, False
    reasons: list[Reason] = []
    reports: dict[str, list[AdverseRecord]] = {}
    for record in _unsettled(entitlement, policy, facts):
        rule = policy.adverse.get(record.kind)
        named: dict[str, object] = {"kind": record.kind, "source": record.source, **_span(record, policy)}
        if rule is None:
            review = True
            reasons.append(reason(Code.ADVERSE_UNKNOWN_KIND, record.id, kind=record.kind))
        elif rule.effect is Effect.PAUSE:
            limit, review = min(limit, Standing.PAUSED), True
            reasons.append(reason(Code.ADVERSE_PAUSES, record.id, **named))
            if rule.can_stop:
                reports.setdefault(_event(record.kind), []).append(record)
        elif rule.effect is Effect.OTHER_PATH:
            paths = ", ".join(sorted(rule.paths))
            reasons.append(reason(Code.ADVERSE_OTHER_PATH, record.id, **named, paths=paths))
        elif rule.effect is Effect.REVIEW:
            review = True
            reasons.append(reason(Code.ADVERSE_REVIEW, record.id, **named))
    for record in facts.decided:
        review = True
        reasons.append(reason(Code.ADVERSE_DECIDED, record.id, kind=record.kind, source=record.source))
    for kind, records in reports.items():
        count = max(independent_reports(group) for group in _of_one_event(records, policy))
        if count < policy.stop_sources:
            continue
        alive_on = _seen_alive_since(records, policy, proofs)
        if alive_on is None:
            limit = Standing.STOPPED
            reasons.append(reason(Code.STOPPED_BY_SOURCES, count=count, kind=kind))
        else:
            reasons.append(reason(Code.LIFE_RESUMES_PAYMENT, kind=kind, date=alive_on))
    if facts.stops:
        limit = Standing.STOPPED
        reasons.append(reason(Code.STOPPED_BY_OFFICER, *(stop.id for stop in facts.stops)))
    by_age, why = _age_limit(entitlement, policy, as_of)
    return min(limit, by_age), review or Code.AGE_NOT_ASSESSED in {r.code for r in why}, [*reasons, *why]


def _unsettled(entitlement: Entitlement, policy: Policy, facts: CurrentFacts) -> list[AdverseRecord]:
    """Return the adverse records that neither a finding of officers (entitled.py) nor a second residence explains."""
    known = settled(policy, facts)
    return [
        record
        for record in facts.adverse
        if explained(entitlement, policy, record) is False
        and (record.id not in known or (rule := policy.adverse.get(record.kind)) is None or rule.can_stop)
    ]


def contradictions(latest: date, policy: Policy, facts: CurrentFacts) -> list[Reason]:
    """Point out reports that the person's latest proof contradicts; deciding is left to an officer."""
    reasons = []
    for record in facts.adverse:
        rule = policy.adverse.get(record.kind)
        died = local_date(record.event_at, policy.timezone)
        if rule is not None and rule.can_stop and latest > died:
            span = _span(record, policy)
            why = reason(Code.PROOF_CONTRADICTS_DEATH, record.id, date=latest, death=died, **span)
            reasons.append(why)
    return reasons


def _span(record: AdverseRecord, policy: Policy) -> dict[str, date]:
    """Return the first and the last possible day of an event whose day is not known; nothing for all others.

    So the reasons of determinations about other records, and of earlier releases, stay as they are.
    """
    if record.event_from is None:
        return {}
    return {"first": record.event_from, "last": local_date(record.event_at, policy.timezone)}


def _event(kind: str) -> str:
    """Return the event that a kind reports: a death is one death, wherever it was registered."""
    return "death" if kind in DEATHS else kind


def _of_one_event(records: list[AdverseRecord], policy: Policy) -> list[list[AdverseRecord]]:
    """Return the groups of reports that can mean one event.

    A person dies once. Reports of deaths years apart contradict each other: at least one means somebody else, which an
    officer must find out. So each pauses, and they do not count together.
    """
    days = [local_date(record.event_at, policy.timezone) for record in records]
    if records[0].kind not in DEATHS:
        return [records]
    return [
        [record for record, day in zip(records, days, strict=True) if 0 <= (day - first).days <= _DEATHS_APART]
        for first in days
    ]


def _seen_alive_since(records: list[AdverseRecord], policy: Policy, proofs: list[Proof]) -> date | None:
    """Return when the body was last seen alive after all these reports, if life refutes their kinds, or None.

    Seen: before a camera that checked for life, by an agent, or by an institution that attests it. Records of other
    services are not enough.
    """
    refuted = all(policy.adverse[record.kind].refuted_by_life for record in records)
    if not policy.life_resumes_payment or not refuted:
        return None
    reported = max(local_date(record.event_at, policy.timezone) for record in records)
    seen = [
        proof.proven_on
        for proof in proofs
        if proof.proven_on > reported and (CHANNELS[proof.channel].in_person or proof.saw_life)
    ]
    return max(seen, default=None)


def _age_limit(entitlement: Entitlement, policy: Policy, as_of: date) -> tuple[Standing, list[Reason]]:
    """Return the best standing that the minimum age leaves open; an age not assessed never counts as reached."""
    if policy.min_age is None:
        return Standing.CERTIFIED, []
    if entitlement.birth_date is None:
        return Standing.DUE, [reason(Code.AGE_NOT_ASSESSED)]
    if age_on(entitlement.birth_date, as_of) < policy.min_age:
        return Standing.DUE, [reason(Code.BELOW_MINIMUM_AGE, age=policy.min_age)]
    return Standing.CERTIFIED, []
