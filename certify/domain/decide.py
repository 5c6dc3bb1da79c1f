"""The decision: one entitlement, one policy, all evidence, one date in; standing with reasons out.

Pure and total: every combination of well-typed inputs gives a determination. The safety rules of the house are
enforced here and tested as properties in tests/certify/domain/test_decide_properties.py:

* adverse evidence never raises standing, supporting evidence never lowers it;
* nothing that was not assessed counts as passed;
* a payment stops only on two independent sources of a kind that can stop, or on an officer's ruling;
* whoever was seen alive after what they reported is paid until an officer has looked, if the policy says so;
* the order in which evidence arrives does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum

from certify.domain.channels import CHANNELS, Channel
from certify.domain.evidence import (
    AdverseRecord,
    Capture,
    Check,
    Evidence,
    OfficerRuling,
    Ruling,
    SignOfLife,
    Void,
)
from certify.domain.policy import Effect, Policy
from certify.domain.proofs import LIVE_ASSURANCE, Accepts, Proof, capture_proofs, judge_capture, silent_proof
from certify.domain.reasons import Code, Reason, reason
from certify.domain.schedule import Phase, Timetable, add_days, add_months, age_on, local_date, timetable


class Standing(IntEnum):
    """How a person stands under one entitlement; a higher value is better for the person."""

    STOPPED = 0  # the payment stops: two sources or an officer
    PAUSED = 1  # no certificate until an officer has looked; the payment continues
    OVERDUE = 2  # past grace without proof; an officer makes contact; the payment continues
    GRACE = 3  # past the due date, within grace
    DUE = 4  # not proven at present, due date not yet passed
    CERTIFIED = 5  # proven alive today


class Payment(StrEnum):
    """What the payer may do."""

    CONTINUE = "continue"
    STOP = "stop"


class NextStep(StrEnum):
    """What happens next, from the person's side."""

    NOTHING = "nothing"
    RENEW = "renew"  # certified, and already inside the window in which the next proof may be given
    CERTIFY = "certify"
    RETRY = "retry"  # the last attempt did not succeed; try again
    OTHER_PATH = "other_path"  # by one of the channels named
    DOORSTEP = "doorstep"  # attempts used up: an agent comes
    REVIEW = "review"  # an officer looks; nothing to do
    APPEAL = "appeal"  # stopped: the fast lane for the wrongly stopped


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One pension of one beneficiary, as far as the decision needs it. Dates are local to the scheme."""

    id: str
    scheme: str
    starts_on: date
    birth_date: date | None
    last_proof_on: date | None = None


@dataclass(frozen=True, slots=True)
class Determination:
    """What ``decide`` returns.

    ``valid_until`` (inclusive) and ``proven_on`` are set when life is proven at all, even if the proof has run out or
    is held back by an adverse record; only ``standing`` says whether it counts.
    """

    entitlement: str
    scheme: str
    policy_version: str
    as_of: date
    standing: Standing
    payment: Payment
    next_step: NextStep
    review: bool
    proven_on: date | None
    valid_until: date | None
    method: Channel | None
    assurance: str
    timetable: Timetable
    channels: tuple[Channel, ...]
    reasons: tuple[Reason, ...]


def decide(entitlement: Entitlement, policy: Policy, evidence: Iterable[Evidence], as_of: date) -> Determination:
    """Decide how the person stands under one entitlement on a date.

    ``evidence`` may come in any order and may hold duplicates. Supporting facts and voids dated after ``as_of`` wait
    for their day; adverse records do not.
    """
    facts = _Facts(evidence, policy, as_of)
    accepts, channels = _acceptance(entitlement, policy, facts, as_of)
    proofs, reasons = _proofs(entitlement, policy, facts, accepts, as_of)
    best = max(proofs, key=lambda proof: proof.rank, default=None)
    valid_until = add_months(best.proven_on, policy.validity_months) if best else None
    # A pension's first proof is due a validity after its start. A proof older than the start must not make that
    # earlier: who was proven long ago would stand worse than who never was.
    first_due = add_months(entitlement.starts_on, policy.validity_months)
    due_on = max(valid_until, first_due) if valid_until else first_due
    table = timetable(due_on, window_days=policy.window_days, grace_days=policy.grace_days)

    standing, review, why = _by_schedule(best, valid_until, table, as_of)
    reasons += why
    limit, limit_review, why = _limits(entitlement, policy, facts, proofs, as_of)
    reasons += why
    # Once an officer has stopped it, asking again would never end; an appeal opens a case of its own.
    standing, review = min(standing, limit), (review or limit_review) and not facts.stops
    if best is not None:
        reasons += _contradictions(best, policy, facts)

    attempts_reasons, failed, last_failed = _attempts(policy, facts, best, as_of)
    reasons += attempts_reasons
    renewable = valid_until is not None and as_of >= add_days(valid_until, -policy.window_days)
    step = _next_step(standing, channels, renewable=renewable, review=review, last_failed=last_failed, exhausted=failed)
    return Determination(
        entitlement=entitlement.id,
        scheme=policy.scheme,
        policy_version=policy.version,
        as_of=as_of,
        standing=standing,
        payment=Payment.STOP if standing is Standing.STOPPED else Payment.CONTINUE,
        next_step=step,
        review=review,
        proven_on=best.proven_on if best else None,
        valid_until=valid_until,
        method=best.channel if best else None,
        assurance=best.assurance if best else "",
        timetable=table,
        channels=tuple(sorted(channels)),
        reasons=tuple(sorted(set(reasons))),
    )


class _Facts:
    """The evidence sorted into kinds, without what was taken back or lies in the future."""

    def __init__(self, evidence: Iterable[Evidence], policy: Policy, as_of: date) -> None:
        zone = policy.timezone
        # A set drops duplicates; sorting by id and content makes the rest independent of arrival.
        everything = sorted(set(evidence), key=lambda fact: (fact.id, repr(fact)))
        self.reasons: list[Reason] = []
        current = []
        for fact in everything:
            # What speaks for the person waits for its day. What speaks against takes effect at once: a death dated
            # "today, 23:59" by a source in another zone must not be overlooked.
            against = isinstance(fact, AdverseRecord) or (
                isinstance(fact, OfficerRuling) and fact.ruling is Ruling.STOP
            )
            if (day := local_date(fact.event_at, zone)) > as_of and not against:
                self.reasons.append(reason(Code.FUTURE_DATED, fact.id, date=day))
            else:
                current.append(fact)
        self.adverse = self._standing_adverse(current)
        stops = [f for f in current if isinstance(f, OfficerRuling) and f.ruling is Ruling.STOP]
        self.stops = [stop for stop in stops if not self._taken_back(stop, current)]
        self.captures = [f for f in current if isinstance(f, Capture) and not self._taken_back(f, current)]
        self.signs = [f for f in current if isinstance(f, SignOfLife) and not self._taken_back(f, current)]
        self.confirmed = [
            f
            for f in current
            if isinstance(f, OfficerRuling) and f.ruling is Ruling.CONFIRM_ALIVE and not self._taken_back(f, current)
        ]

    def _standing_adverse(self, facts: list[Evidence]) -> list[AdverseRecord]:
        standing = []
        for fact in facts:
            if not isinstance(fact, AdverseRecord):
                continue
            if self._taken_back(fact, facts):
                self.reasons.append(reason(Code.ADVERSE_VOIDED, fact.id, kind=fact.kind, source=fact.source))
            else:
                standing.append(fact)
        return standing

    def _taken_back(self, fact: Evidence, facts: list[Evidence]) -> bool:
        taken = False
        for other in facts:
            if isinstance(other, Void) and other.target == fact.id:
                if _may_void(other, fact):
                    taken = True
                else:
                    self.reasons.append(reason(Code.VOID_NOT_ENTITLED, other.id, fact.id))
            elif (
                isinstance(other, OfficerRuling)
                and other.ruling is Ruling.CONFIRM_ALIVE
                and fact.id in other.dismisses
                and _dismissible(fact)
                # A confirmation that was itself taken back dismisses nothing. Voids cannot be taken back.
                and not any(isinstance(v, Void) and v.target == other.id and _may_void(v, other) for v in facts)
            ):
                taken = True
        return taken


def _may_void(void: Void, fact: Evidence) -> bool:
    """Tell whether a void is valid: from an officer, from the fact's own source, or from the person about a sign."""
    return void.by_officer or void.source == fact.source or (void.by_person and isinstance(fact, SignOfLife))


def _dismissible(fact: Evidence) -> bool:
    """Tell whether a confirmation can dismiss the fact: what speaks against the person, never what supports them."""
    return isinstance(fact, AdverseRecord) or (isinstance(fact, OfficerRuling) and fact.ruling is Ruling.STOP)


def _acceptance(
    entitlement: Entitlement, policy: Policy, facts: _Facts, as_of: date
) -> tuple[Accepts, frozenset[Channel]]:
    """Return which channels count on which date, and which are open to the person now.

    A record that asks for another path restricts proofs dated on or after its event, not those from before it.
    """
    restrictions = [
        (local_date(record.event_at, policy.timezone), rule.paths)
        for record in facts.adverse
        if (rule := policy.adverse.get(record.kind)) is not None and rule.effect is Effect.OTHER_PATH
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
    entitlement: Entitlement, policy: Policy, facts: _Facts, accepts: Accepts, as_of: date
) -> tuple[list[Proof], list[Reason]]:
    proofs = capture_proofs(facts.captures, policy, accepts)
    silent, reasons = silent_proof(facts.signs, policy, accepts)
    if silent:
        proofs.append(silent)
    for ruling in facts.confirmed:
        day = local_date(ruling.event_at, policy.timezone)
        why = (reason(Code.PROVEN_OFFICER, ruling.id, date=day),)
        proofs.append(Proof(day, Channel.OFFICER, "officer", why))
    more = [*facts.reasons, *reasons]
    if (prior := entitlement.last_proof_on) is not None:
        if prior <= as_of:
            proofs.append(Proof(prior, Channel.PRIOR, "prior", (reason(Code.PROVEN_PRIOR, date=prior),)))
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


def _limits(
    entitlement: Entitlement, policy: Policy, facts: _Facts, proofs: list[Proof], as_of: date
) -> tuple[Standing, bool, list[Reason]]:
    """Return the best standing that adverse records, rulings and age leave open."""
    limit, review = Standing.CERTIFIED, False
    reasons: list[Reason] = []
    sources: dict[str, set[str]] = {}
    for record in facts.adverse:
        rule = policy.adverse.get(record.kind)
        named = {"kind": record.kind, "source": record.source}
        if rule is None:
            review = True
            reasons.append(reason(Code.ADVERSE_UNKNOWN_KIND, record.id, kind=record.kind))
        elif rule.effect is Effect.PAUSE:
            limit, review = min(limit, Standing.PAUSED), True
            reasons.append(reason(Code.ADVERSE_PAUSES, record.id, **named))
            if rule.can_stop:
                sources.setdefault(record.kind, set()).add(record.source)
        elif rule.effect is Effect.OTHER_PATH:
            paths = ", ".join(sorted(rule.paths))
            reasons.append(reason(Code.ADVERSE_OTHER_PATH, record.id, **named, paths=paths))
        elif rule.effect is Effect.REVIEW:
            review = True
            reasons.append(reason(Code.ADVERSE_REVIEW, record.id, **named))
    for kind, names in sources.items():
        if len(names) < policy.stop_sources:
            continue
        alive_on = _seen_alive_since(kind, policy, facts, proofs)
        if alive_on is None:
            limit = Standing.STOPPED
            reasons.append(reason(Code.STOPPED_BY_SOURCES, count=len(names), kind=kind))
        else:
            reasons.append(reason(Code.LIFE_RESUMES_PAYMENT, kind=kind, date=alive_on))
    if facts.stops:
        limit = Standing.STOPPED
        reasons.append(reason(Code.STOPPED_BY_OFFICER, *(stop.id for stop in facts.stops)))
    by_age, why = _age_limit(entitlement, policy, as_of)
    return min(limit, by_age), review or Code.AGE_NOT_ASSESSED in {r.code for r in why}, [*reasons, *why]


def _seen_alive_since(kind: str, policy: Policy, facts: _Facts, proofs: list[Proof]) -> date | None:
    """Return when the body was last seen alive after everything reported of a kind that life refutes, if it was.

    Seen: before a camera that checked for life, by an agent, or by a consul. Records of other services are not enough.
    """
    if not policy.life_resumes_payment or not policy.adverse[kind].refuted_by_life:
        return None
    reported = max(local_date(fact.event_at, policy.timezone) for fact in facts.adverse if fact.kind == kind)
    seen = [
        proof.proven_on
        for proof in proofs
        if proof.proven_on > reported and (CHANNELS[proof.channel].in_person or proof.assurance == LIVE_ASSURANCE)
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


def _contradictions(best: Proof, policy: Policy, facts: _Facts) -> list[Reason]:
    """Point out reports that the person's own later proof contradicts; deciding is left to an officer."""
    found = []
    for record in facts.adverse:
        rule = policy.adverse.get(record.kind)
        died = local_date(record.event_at, policy.timezone)
        if rule is not None and rule.can_stop and best.proven_on > died:
            why = reason(Code.PROOF_CONTRADICTS_DEATH, record.id, date=best.proven_on, death=died)
            found.append(why)
    return found


def _attempts(policy: Policy, facts: _Facts, best: Proof | None, as_of: date) -> tuple[list[Reason], bool, bool]:
    """Return reasons of the latest unsuccessful capture, whether attempts are used up, and whether the last failed.

    Only remote attempts after the best proof and inside the policy's attempt window count.
    """
    rule = policy.capture.get(Channel.REMOTE)
    if rule is None:
        return [], False, False
    since = add_days(as_of, -rule.attempt_window_days)
    recent = []
    for capture in facts.captures:
        day = local_date(capture.event_at, policy.timezone)
        if capture.channel is Channel.REMOTE and day >= since and (best is None or day >= best.proven_on):
            recent.append((capture.event_at, capture.id, judge_capture(capture, policy)))
    recent.sort(key=lambda entry: entry[:2])
    failed = [judgement for _, _, judgement in recent if judgement.state is not Check.PASS]
    if not failed:
        return [], False, False
    exhausted = len(failed) >= rule.max_attempts
    reasons = [reason(Code.TOO_MANY_ATTEMPTS)] if exhausted else []
    last = recent[-1][2]
    if last.state is not Check.PASS:
        reasons += last.reasons
    return reasons, exhausted, last.state is not Check.PASS


def _next_step(
    standing: Standing,
    channels: frozenset[Channel],
    *,
    renewable: bool,
    review: bool,
    last_failed: bool,
    exhausted: bool,
) -> NextStep:
    if standing is Standing.STOPPED:
        return NextStep.APPEAL
    if standing is Standing.PAUSED:
        return NextStep.REVIEW
    if standing is Standing.CERTIFIED:
        if not renewable:
            return NextStep.NOTHING
        return NextStep.DOORSTEP if exhausted and Channel.REMOTE in channels else NextStep.RENEW
    if Channel.REMOTE not in channels:
        return NextStep.OTHER_PATH
    if exhausted:
        return NextStep.DOORSTEP
    if last_failed:
        return NextStep.RETRY
    return NextStep.REVIEW if review and standing is Standing.DUE else NextStep.CERTIFY
