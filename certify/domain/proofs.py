"""Proofs of life from evidence: which facts prove that the person lived, on which date, by which channel."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date

from certify.domain.channels import CHANNELS, Channel
from certify.domain.evidence import Attestation, Capture, Check, SignOfLife
from certify.domain.policy import CaptureRule, ChallengeRule, LivenessRule, Policy, ZoneRule
from certify.domain.reasons import Code, Reason, reason
from certify.domain.reference import about_reference, can_be_completed, unproven_by_reference
from certify.domain.schedule import add_days, add_months, local_date
from certify.domain.sign_sums import add_up, as_text, sign_weight
from certify.domain.states import Challenge, FaceZone, Possession

FACE, LIVENESS, POSSESSION, ATTESTED, DATA = "face", "liveness", "possession", "attested", "data"
"""The words of an assurance, joined by ``+`` in this order. Proofs without a capture have a word of their own."""

LIVE_ASSURANCE = f"{FACE}+{LIVENESS}"
"""Assurance of a capture in which a living person was seen."""

ATTESTED_ASSURANCE = ATTESTED
"""Assurance of a proof that rests on the word of an institution that saw the person."""

EARLIER_MIN_LLR = 2.55
"""The operating point of the releases whose captures have no zone (docs/matching.md, "Earlier releases"). It judges
them under a policy that leaves the threshold to the calibration."""

RECORDS_ASSURANCE = "records"
"""Assurance of a proof that rests on signs of life in registries alone."""

ALONE = {Challenge.ONE_MOVEMENT: Code.ONE_MOVEMENT_ALONE, Challenge.MOVEMENTS: Code.MOVEMENTS_ALONE}
"""What a film can show that proves no life alone, and the reason. The person did all that could be asked, so records
complete it, or a visit; another film would not help (docs/decisions/0042)."""

Accepts = Callable[[Channel, date], bool]
"""Tells whether a channel is accepted for a proof of that date."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof of life on a date.

    Attributes:
        proven_on: the date on which life is proven.
        channel: how it was proven.
        assurance: what it rests on, in the words of the certificate.
        reasons: why it counts.
        months: how long it is valid.
        strength: its rank among proofs of one day; None for the rank of its channel.
    """

    proven_on: date
    channel: Channel
    assurance: str
    reasons: tuple[Reason, ...]
    months: int
    strength: int | None = None

    @property
    def valid_until(self) -> date:
        """Return the last day on which the proof is valid."""
        return add_months(self.proven_on, self.months)

    @property
    def saw_life(self) -> bool:
        """Tell whether a living person was seen before a camera."""
        return LIVENESS in self.assurance.split("+")

    @property
    def rank(self) -> tuple[date, date, int, str, tuple[Reason, ...]]:
        """Return the sort key: the proof that is valid longest, the later one, then the one nearest to the body."""
        strength = CHANNELS[self.channel].rank if self.strength is None else self.strength
        return self.valid_until, self.proven_on, strength, self.assurance, self.reasons


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
    if Check.FAIL in (capture.liveness, capture.eyes):
        failed = Code.LIVENESS_FAILED if capture.liveness is Check.FAIL else Code.EYES_CLOSED
        return CaptureJudgement(Check.FAIL, (reason(failed, fact),))
    if (by_reference := unproven_by_reference(capture)) is not None:
        return CaptureJudgement(*by_reference)
    if (unproven := _judge_face(capture, rule)) is not None:
        return unproven
    unanswered = _unanswered(capture, rule)
    if capture.liveness is Check.NOT_ASSESSED or unanswered is not None:
        required = (
            capture.filmed if rule.liveness is LivenessRule.WHEN_FILMED else rule.liveness is LivenessRule.REQUIRED
        )
        if required:
            return CaptureJudgement(Check.NOT_ASSESSED, (reason(unanswered or Code.LIVENESS_REQUIRED, fact),))
        return CaptureJudgement(
            Check.PASS, (reason(Code.LIVENESS_NOT_ASSESSED, fact),), _assurance(FACE, capture, rule)
        )
    return CaptureJudgement(Check.PASS, (), _assurance(LIVE_ASSURANCE, capture, rule))


def _unanswered(capture: Capture, rule: CaptureRule) -> Code | None:
    """Return why a film that shows a living face proves no life all the same; None if it does, or is no such film.

    The plan decides, the film never does: a recording of a living person shows life as well as the person does.
    Captures of earlier releases count as they did then; their films had followed prompts too.
    """
    if capture.liveness is not Check.PASS or rule.challenge is ChallengeRule.NONE:
        return None
    if capture.challenge is Challenge.NONE:
        return Code.FILM_UNPROMPTED
    return ALONE.get(capture.challenge) if rule.challenge is ChallengeRule.COMPLETED else None


def _judge_face(capture: Capture, rule: CaptureRule) -> CaptureJudgement | None:
    """Judge the comparison of the face; None if it is a match."""
    fact, enough = capture.id, capture.foreign or capture.embedders >= rule.embedders
    if capture.llr is None:
        return CaptureJudgement(Check.NOT_ASSESSED, (reason(Code.FACE_NOT_COMPARED, fact),))
    least = EARLIER_MIN_LLR if rule.min_llr is None and capture.zone is None else rule.min_llr
    # In this form a NaN fails: only a number at or above the threshold matches.
    if (capture.zone in (None, FaceZone.MATCH)) and (capture.llr >= (-math.inf if least is None else least)):
        return None if enough else CaptureJudgement(Check.NOT_ASSESSED, (reason(Code.FACE_NOT_COMPARED, fact),))
    # What a stranger sent with the number of the person asks no officer, and gets no second capture.
    follows = {FaceZone.NEAR: rule.near, FaceZone.APART: rule.apart}
    then = ZoneRule.RETRY if capture.zone is None or capture.public_entry else follows.get(capture.zone)
    if then is ZoneRule.ASK and not capture.pooled_with:
        return CaptureJudgement(Check.NOT_ASSESSED, (reason(Code.FACE_NEARLY_MATCHES, fact),))
    both = (fact, capture.pooled_with) if capture.pooled_with else (fact,)
    officer = (reason(Code.FACE_FOR_OFFICER, *both),) if then in (ZoneRule.ASK, ZoneRule.OFFICER) else ()
    return CaptureJudgement(Check.FAIL, (reason(Code.FACE_DOES_NOT_MATCH, fact), *officer))


def capture_proofs(
    captures: Iterable[Capture], policy: Policy, accepts: Accepts, signs: Collection[SignOfLife] = ()
) -> list[Proof]:
    """Return a proof for every capture that passes in a channel accepted on its date.

    Args:
        captures: the captures that count, in any order.
        policy: the rules of the scheme.
        accepts: whether a channel is accepted on a date.
        signs: the signs of life that count; with them, a capture that is not enough alone may prove too.

    Returns:
        The proofs.
    """
    proofs = []
    for capture in captures:
        day = local_date(capture.event_at, policy.timezone)
        if not accepts(capture.channel, day):
            continue
        judgement = judge_capture(capture, policy)
        if judgement.state is Check.PASS:
            months, short = _months(capture, policy)
            proven = reason(CHANNELS[capture.channel].reason, capture.id, date=day)
            why = (proven, *judgement.reasons, *short, *about_reference(capture, policy.timezone))
            proofs.append(Proof(day, capture.channel, judgement.assurance, why, months))
        elif (proof := proof_with_records(capture, policy, signs)) is not None and accepts(
            capture.channel, proof.proven_on
        ):
            proofs.append(proof)
    return proofs


def proof_with_records(capture: Capture, policy: Policy, signs: Iterable[SignOfLife]) -> Proof | None:
    """Return the proof that a capture which is not enough alone gives together with acts that need the body, or None.

    It is a still photo, or a film that shows movements without light where light is needed, or a film that matches
    only a template of another system. It must match, and its session must have been opened with the person's own phone,
    a code or a link.
    The acts lie at most ``photo_sign_days`` before it, or after it. Neither half proves more than its own day: life is
    proven on the day of the capture or, if that is earlier, on the day at which the acts suffice, from the latest
    backwards. More acts only move that day later.

    Args:
        capture: the capture.
        policy: the rules of the scheme.
        signs: the signs of life that count, in any order.

    Returns:
        The proof with the weights in its reason.
    """
    rule = policy.capture.get(capture.channel)
    if rule is None or not rule.photo_sign_days or capture.possession is not Possession.SHOWN:
        return None
    completed = can_be_completed(capture, rule) and _unanswered(capture, rule) is None
    missing = ALONE.get(capture.challenge) if capture.filmed else Code.LIVENESS_REQUIRED
    if capture.filmed and capture.challenge is Challenge.UNLIT and rule.challenge is ChallengeRule.COMPLETED:
        missing = Code.LIVENESS_REQUIRED  # a brighter room than was good for the light; all else showed life
    if not completed and [why.code for why in judge_capture(capture, policy).reasons] != [missing]:
        return None
    taken = local_date(capture.event_at, policy.timezone)
    since = add_days(taken, -rule.photo_sign_days)
    bodily = (
        sign
        for sign in signs
        if (act := policy.signs.get(sign.act)) is not None
        and act.body_present
        and local_date(sign.event_at, policy.timezone) >= since
    )
    needed = sign_weight(rule.photo_sign_weight, 1)
    added = add_up(bodily, policy, lambda _: True, needed=needed, min_bodies=1)
    if added.day is None:
        return None
    day = min(taken, added.day)
    why = reason(
        _completed_by_data(capture, foreign=completed),
        capture.id,
        *added.facts,
        date=day,
        acts=added.acts,
        weight=as_text(added.weight),
        needed=as_text(needed),
    )
    seen = _assurance(LIVE_ASSURANCE, capture, rule) if capture.filmed else FACE
    why_all = (why, *about_reference(capture, policy.timezone))
    return Proof(day, capture.channel, f"{seen}+{DATA}", why_all, policy.validity_months)


def _completed_by_data(capture: Capture, *, foreign: bool) -> Code:
    if foreign:
        return Code.PROVEN_TEMPLATE_DATA
    return Code.PROVEN_MOVEMENT_DATA if capture.filmed else Code.PROVEN_FACE_DATA


def _assurance(seen: str, capture: Capture, rule: CaptureRule) -> str:
    words = [seen]
    if rule.months_without_possession is not None and capture.possession is Possession.SHOWN:
        words.append(POSSESSION)
    if rule.attested:
        words.append(ATTESTED)
    return "+".join(words)


def _months(capture: Capture, policy: Policy) -> tuple[int, tuple[Reason, ...]]:
    """Return for how many months a capture that passed is valid, with the reason if that is shorter."""
    short = policy.capture[capture.channel].months_without_possession
    if short is None or capture.possession is not Possession.MISSING:
        return policy.validity_months, ()
    return short, (reason(Code.POSSESSION_MISSING, capture.id, months=short),)


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
        there = policy.entitlement.abroad.get(fact.country)
        if there is not None and fact.channel.value not in there.accepts:
            needs = ", ".join(sorted(there.accepts))
            refused.append(reason(Code.ATTESTATION_NOT_OF_COUNTRY, fact.id, **said, needs=needs))
            continue
        limits = [rule.validity_months, policy.validity_months, *([there.validity_months] if there else [])]
        months = min(limits)
        proven = reason(
            CHANNELS[fact.channel].reason, fact.id, **said, date=day, place=fact.place, document=fact.document
        )
        proofs.append(Proof(day, fact.channel, ATTESTED_ASSURANCE, (proven,), months, rule.rank))
    return proofs, refused


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
    needed = sign_weight(policy.silent.threshold, 1)
    added = add_up(
        signs,
        policy,
        lambda day: accepts(Channel.DATA, day),
        needed=needed,
        min_bodies=policy.silent.min_body_present,
    )
    if added.day is not None:
        why = (reason(Code.PROVEN_DATA, *added.facts, date=added.day, acts=added.acts),)
        return Proof(added.day, Channel.DATA, RECORDS_ASSURANCE, why, policy.validity_months), ()
    if not added.facts:
        return None, ()
    threshold = f"{policy.silent.threshold:g}"
    return None, (reason(Code.SIGNS_INSUFFICIENT, *added.facts, weight=as_text(added.weight), threshold=threshold),)
