"""The decision: one entitlement, one policy, all evidence, one date in; standing with reasons out.

Pure and total: every combination of well-typed inputs gives a determination. The safety rules are enforced here and
tested as properties in tests/certify/domain/test_decide_properties.py:

* adverse evidence never raises standing, supporting evidence never lowers it;
* a check that was not assessed never counts as passed;
* a payment stops only on reports of two institutions by two principals, or on an officer's ruling;
* if the policy says so, a person who was seen alive after a report of their death is paid until an officer has looked;
* the order in which evidence arrives does not matter.

The parts: :mod:`~certify.domain.facts` says which evidence counts, :mod:`~certify.domain.proofs` what proves life,
:mod:`~certify.domain.limits` what holds the standing back, :mod:`~certify.domain.next_step` what the person does next.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from certify.domain.channels import Channel
from certify.domain.determination import Determination, Entitlement, NextStep, Payment, Standing
from certify.domain.entitled import entitled
from certify.domain.evidence import Evidence
from certify.domain.facts import CurrentFacts
from certify.domain.limits import contradictions, limit_standing
from certify.domain.next_step import choose_next_step, recent_attempts
from certify.domain.owed import owed_until
from certify.domain.policy import Effect, Policy
from certify.domain.proofs import Accepts, Proof, attested_proofs, capture_proofs, silent_proof
from certify.domain.reasons import Code, Reason, reason
from certify.domain.residence import explained, explanations
from certify.domain.schedule import Phase, Timetable, add_days, add_months, age_on, local_date, timetable

__all__ = ["Determination", "Entitlement", "NextStep", "Payment", "Standing", "decide"]


def decide(entitlement: Entitlement, policy: Policy, evidence: Iterable[Evidence], as_of: date) -> Determination:
    """Decide how the person stands under one entitlement on a date.

    Supporting facts and voids dated after ``as_of`` wait for their day; adverse records do not.

    Args:
        entitlement: the pension.
        policy: the rules of its scheme.
        evidence: all facts about the person, in any order; duplicates count once.
        as_of: the date of the decision, local to the scheme.

    Returns:
        The determination with its reasons.
    """
    facts = CurrentFacts(evidence, policy, as_of)
    accepts, channels = _acceptance(entitlement, policy, facts, as_of)
    proofs, reasons = _proofs(entitlement, policy, facts, accepts, as_of)
    best = max(proofs, key=lambda proof: proof.rank, default=None)
    # A proof that is valid for less may be later than the best one: the person was seen on that later day.
    latest = max((proof.proven_on for proof in proofs), default=None)
    valid_until = best.valid_until if best else None
    # The first proof of a pension is due one validity after its start. A proof older than the start must not make it
    # due earlier: a person with an old proof would then stand worse than a person without any.
    first_due = add_months(entitlement.starts_on, policy.validity_months)
    if entitlement.first_due_on is not None:
        first_due = max(first_due, entitlement.first_due_on)
    due_on = max(valid_until, first_due) if valid_until else first_due
    table = timetable(due_on, window_days=policy.window_days, grace_days=policy.grace_days)

    standing, review, why = _by_schedule(best, valid_until, table, as_of)
    reasons += why
    limit, limit_review, why = limit_standing(entitlement, policy, facts, proofs, as_of)
    reasons += why
    dates = entitled(entitlement, policy, facts, as_of)
    reasons += dates.reasons
    why, doubtful = explanations(entitlement, policy, facts.adverse)
    reasons += why
    limit, limit_review = min(limit, dates.limit), limit_review or dates.review or doubtful
    # After an officer has stopped the payment, no further review is asked for: it would never end. An appeal opens a
    # case of its own.
    standing, review = min(standing, limit), (review or limit_review) and not facts.stops
    if latest is not None:
        reasons += contradictions(latest, policy, facts)
    if standing is Standing.STOPPED and (owed := owed_until(facts, policy, dates.ended_on)) is not None:
        reasons.append(owed)

    attempts = recent_attempts(policy, facts, latest, as_of)
    reasons += attempts.reasons
    renewable = valid_until is not None and as_of >= add_days(valid_until, -policy.window_days)
    return Determination(
        entitlement=entitlement.id,
        scheme=policy.scheme,
        policy_version=policy.version,
        as_of=as_of,
        standing=standing,
        payment=Payment.STOP if standing is Standing.STOPPED else Payment.CONTINUE,
        next_step=choose_next_step(standing, channels, attempts, renewable=renewable, review=review),
        review=review,
        proven_on=best.proven_on if best else None,
        valid_until=valid_until,
        method=best.channel if best else None,
        assurance=best.assurance if best else "",
        timetable=table,
        channels=tuple(sorted(channels)),
        reasons=tuple(sorted(set(reasons))),
    )


def _acceptance(
    entitlement: Entitlement, policy: Policy, facts: CurrentFacts, as_of: date
) -> tuple[Accepts, frozenset[Channel]]:
    """Return which channels count on which date, and which are open to the person now.

    A record that asks for another path restricts proofs dated on or after its event, not those from before it.
    """
    restrictions = [
        (local_date(record.event_at, policy.timezone), rule.paths)
        for record in facts.adverse
        if (rule := policy.adverse.get(record.kind)) is not None
        and rule.effect is Effect.OTHER_PATH
        and explained(entitlement, policy, record) is False
    ]

    def accepted(day: date) -> frozenset[Channel]:
        age = age_on(entitlement.birth_date, day) if entitlement.birth_date else None
        channels = policy.accepted(age)
        for since, paths in restrictions:
            if day >= since:
                channels &= paths
        return channels

    def accepts(channel: Channel, day: date) -> bool:
        # An officer's word always counts; and so does what was proven before this service began.
        return channel in (Channel.OFFICER, Channel.PRIOR) or channel in accepted(day)

    return accepts, accepted(as_of) | {Channel.OFFICER}


def _proofs(
    entitlement: Entitlement, policy: Policy, facts: CurrentFacts, accepts: Accepts, as_of: date
) -> tuple[list[Proof], list[Reason]]:
    proofs = capture_proofs(facts.captures, policy, accepts, facts.signs)
    silent, reasons = silent_proof(facts.signs, policy, accepts)
    if silent:
        proofs.append(silent)
    attested, refused = attested_proofs(facts.attestations, policy, accepts)
    proofs += attested
    for ruling in facts.confirmed:
        day = local_date(ruling.event_at, policy.timezone)
        why = (reason(Code.PROVEN_OFFICER, ruling.id, date=day),)
        proofs.append(Proof(day, Channel.OFFICER, "officer", why, policy.validity_months))
    more = [*facts.reasons, *reasons, *refused]
    if (prior := entitlement.last_proof_on) is not None:
        if prior <= as_of:
            why = (reason(Code.PROVEN_PRIOR, date=prior),)
            proofs.append(Proof(prior, Channel.PRIOR, "prior", why, policy.validity_months))
        else:
            more.append(reason(Code.FUTURE_DATED, date=prior))
    return proofs, more


def _by_schedule(
    best: Proof | None, valid_until: date | None, table: Timetable, as_of: date
) -> tuple[Standing, bool, list[Reason]]:
    if best is not None and valid_until is not None and as_of <= valid_until:
        return Standing.CERTIFIED, False, list(best.reasons)
    why = [reason(Code.NEVER_PROVEN) if valid_until is None else reason(Code.PROOF_EXPIRED, date=valid_until)]
    phase = table.phase(as_of)
    if phase in (Phase.EARLY, Phase.WINDOW):
        return Standing.DUE, False, why
    if phase is Phase.GRACE:
        return Standing.GRACE, False, [*why, reason(Code.IN_GRACE, date=table.grace_until)]
    return Standing.OVERDUE, True, [*why, reason(Code.OVERDUE, date=table.grace_until)]
