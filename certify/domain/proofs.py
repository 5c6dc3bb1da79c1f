"""Proofs of life from evidence: which facts prove that the person lived, on which date, by which channel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from heapq import heappop, heappush

from certify.domain.channels import CHANNELS, Channel
from certify.domain.evidence import Attestation, Capture, Check, SignOfLife
from certify.domain.policy import LivenessRule, Policy
from certify.domain.reasons import Code, Reason, reason
from certify.domain.schedule import add_months, local_date

LIVE_ASSURANCE = "face+liveness"
"""Assurance of a capture in which a living person was seen."""

ATTESTED_ASSURANCE = "attested"
"""Assurance of a proof that rests on the word of an institution that saw the person."""

RECORDS_ASSURANCE = "records"
"""Assurance of a proof that rests on signs of life in registries alone."""

Accepts = Callable[[Channel, date], bool]
"""Tells whether a channel is accepted for a proof of that date."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof of life on a date.

    Attributes:
        proven_on: the date.
        channel: how life was proven.
        assurance: what the proof rests on, in the words of the certificate.
        reasons: why it counts.
        validity_months: how long it counts; None for as long as the policy says for all proofs.
        strength: its rank among proofs of one day; None for the rank of its channel.
    """

    proven_on: date
    channel: Channel
    assurance: str
    reasons: tuple[Reason, ...]
    validity_months: int | None = None
    strength: int | None = None

    @property
    def rank(self) -> tuple[date, int, str, tuple[Reason, ...]]:
        """Return the sort key: a later proof is better, then the one whose channel is nearer to the body."""
        strength = CHANNELS[self.channel].rank if self.strength is None else self.strength
        return self.proven_on, strength, self.assurance, self.reasons

    def valid_until(self, policy: Policy) -> date:
        """Return the last day on which the proof counts."""
        return add_months(self.proven_on, self.validity_months or policy.validity_months)


@dataclass(frozen=True, slots=True)
class CaptureJudgement:
    """One capture under one policy: PASS proves life; FAIL and NOT_ASSESSED never do."""

    state: Check
    reasons: tuple[Reason, ...]
    assurance: str = ""


def judge_capture(capture: Capture, policy: Policy) -> CaptureJudgement:
    """Judge one capture by the policy's thresholds alone, without other evidence about the person."""
    rule = policy.capture.get(capture.channel)
    fact = capture.id
    if rule is None:
        return CaptureJudgement(Check.FAIL, (reason(Code.CHANNEL_NOT_ACCEPTED, fact),))
    if capture.acquired is not Check.PASS:
        return CaptureJudgement(Check.NOT_ASSESSED, (reason(Code.FACE_NOT_ACQUIRED, fact),))
    if capture.liveness is Check.FAIL:
        return CaptureJudgement(Check.FAIL, (reason(Code.LIVENESS_FAILED, fact),))
    # In this form a NaN fails: only a number at or above the threshold matches.
    if capture.llr is not None and not capture.llr >= rule.min_llr:
        return CaptureJudgement(Check.FAIL, (reason(Code.FACE_DOES_NOT_MATCH, fact),))
    if capture.llr is None or capture.embedders < rule.embedders:
        return CaptureJudgement(Check.NOT_ASSESSED, (reason(Code.FACE_NOT_COMPARED, fact),))
    if capture.liveness is Check.NOT_ASSESSED:
        required = (
            capture.filmed if rule.liveness is LivenessRule.WHEN_FILMED else rule.liveness is LivenessRule.REQUIRED
        )
        if required:
            return CaptureJudgement(Check.NOT_ASSESSED, (reason(Code.LIVENESS_REQUIRED, fact),))
        return CaptureJudgement(Check.PASS, (reason(Code.LIVENESS_NOT_ASSESSED, fact),), "face")
    return CaptureJudgement(Check.PASS, (), LIVE_ASSURANCE)


def capture_proofs(captures: Iterable[Capture], policy: Policy, accepts: Accepts) -> list[Proof]:
    """Return a proof for every capture that passes in a channel accepted on its date."""
    proofs = []
    for capture in captures:
        day = local_date(capture.event_at, policy.timezone)
        judgement = judge_capture(capture, policy)
        if judgement.state is Check.PASS and accepts(capture.channel, day):
            proven = reason(CHANNELS[capture.channel].reason, capture.id, date=day)
            proofs.append(Proof(day, capture.channel, judgement.assurance, (proven, *judgement.reasons)))
    return proofs


def attested_proofs(
    attestations: Iterable[Attestation], policy: Policy, accepts: Accepts
) -> tuple[list[Proof], list[Reason]]:
    """Return a proof for every attestation that the policy accepts, and a reason for each that it does not.

    Args:
        attestations: the attestations that were not taken back.
        policy: the rules of the scheme.
        accepts: whether a channel is accepted on a date.

    Returns:
        The proofs and the reasons.
    """
    proofs: list[Proof] = []
    refused: list[Reason] = []
    for fact in attestations:
        day, rule = local_date(fact.event_at, policy.timezone), policy.attestation.get(fact.channel)
        said = {"institution": fact.institution or fact.source, "channel": fact.channel, "country": fact.country}
        if rule is None or not rule.covers(fact.country) or not accepts(fact.channel, day):
            refused.append(reason(Code.ATTESTATION_NOT_ACCEPTED, fact.id, **said))
            continue
        months = min(rule.validity_months, policy.validity_months)
        proven = reason(
            CHANNELS[fact.channel].reason, fact.id, **said, date=day, place=fact.place, document=fact.document
        )
        proofs.append(Proof(day, fact.channel, ATTESTED_ASSURANCE, (proven,), months, rule.rank))
    return proofs, refused


def sign_weight(weight: float, trust: float) -> int:
    """Return the weight of a sign of life in millionths: the policy's weight of the act times the feed's trust.

    Whole numbers make the sum independent of the order, here and in bulk (certify/registry/runs/silent.py): 0.1 + 0.2
    always reaches 0.3.
    """
    return round(weight * trust * 1_000_000)


def silent_proof(
    signs: Iterable[SignOfLife], policy: Policy, accepts: Accepts
) -> tuple[Proof | None, tuple[Reason, ...]]:
    """Return the proof that signs of life alone give, or the reason why they do not suffice.

    A sign dated d proves life on every day up to d. So signs are added up from the latest backwards, and life is
    proven on the date at which weight and number of body-present acts first suffice. More signs only move that
    date later. The same act from the same source on the same day counts once. Each act counts at most ``max_count``
    times, with its heaviest signs.

    Args:
        signs: the signs of life that count, in any order.
        policy: the rules of the scheme.
        accepts: whether the data channel is accepted on a date.

    Returns:
        The proof, or None; and the reasons when there are signs that do not suffice.
    """
    seen: set[tuple[str, str, date]] = set()
    counted: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    total, bodies = 0, 0
    dated = sorted(
        (
            (local_date(s.event_at, policy.timezone), s.act, s.source, sign_weight(rule.weight, s.trust), s.id)
            for s in signs
            if (rule := policy.signs.get(s.act)) is not None
        ),
        reverse=True,
    )
    needed = sign_weight(policy.silent.threshold, 1)
    for day, act, source, weight, fact in dated:
        if (act, source, day) in seen or not accepts(Channel.DATA, day):
            continue
        seen.add((act, source, day))
        heap, rule = counted[act], policy.signs[act]
        heappush(heap, (weight, fact))
        total += weight
        bodies += rule.body_present
        if len(heap) > rule.max_count:
            total -= heappop(heap)[0]
            bodies -= rule.body_present
        if total >= needed and bodies >= policy.silent.min_body_present:
            facts = [fact for heap in counted.values() for _, fact in heap]
            names = ", ".join(sorted(counted))
            return Proof(
                day, Channel.DATA, RECORDS_ASSURANCE, (reason(Code.PROVEN_DATA, *facts, date=day, acts=names),)
            ), ()
    facts = [fact for heap in counted.values() for _, fact in heap]
    if not facts:
        return None, ()
    threshold = f"{policy.silent.threshold:g}"
    return None, (reason(Code.SIGNS_INSUFFICIENT, *facts, weight=f"{total / 1_000_000:g}", threshold=threshold),)
