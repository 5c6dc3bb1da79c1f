"""Hypothesis strategies for decisions: policies, evidence with unique ids, and whole cases.

Dates lie close to ``as_of``, and sources, kinds and acts are few, so that facts interact often. Leaf strategies are
made once: a new one for every fact would cost more than the decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone

from hypothesis import strategies as st

from certify.domain.channels import CHANNELS, Channel
from certify.domain.decide import Determination, Entitlement, decide
from certify.domain.evidence import (
    AdverseRecord,
    Attestation,
    Capture,
    Check,
    Evidence,
    OfficerRuling,
    Ruling,
    SignOfLife,
    Void,
)
from certify.domain.policy import AgeBand, ChallengeRule, LivenessRule, Policy, SignRule, SilentRule, ZoneRule
from certify.domain.proofs import EARLIER_MIN_LLR
from certify.domain.schedule import add_days
from certify.domain.states import Challenge, FaceZone, Possession
from certify.policies import load_policies

SHIPPED = {name: document.policy for name, document in load_policies().items()}
WITHOUT_AGE = sorted(name for name, policy in SHIPPED.items() if policy.entitlement.ends_at is None)
"""Schemes whose pension an old person can have: an orphan's has ended."""
KINDS = (*sorted({kind for policy in SHIPPED.values() for kind in policy.adverse}), "gossip")
ACTS = (*sorted({act for policy in SHIPPED.values() for act in policy.signs}), "whistling")
OPEN_CHANNELS = (Channel.REMOTE, Channel.DOORSTEP, Channel.DATA, Channel.CONSULATE, Channel.DOCTOR, Channel.OFFICER)

_PAST = [-1461, -731, -730, -426, -366, -365, -305, -275, -31, -30, -2, -1, 0]  # around terms, windows and graces
_DAYS = st.one_of(st.sampled_from([*_PAST, 1, 2]), st.integers(-1500, 3))
_PAST_DAYS = st.one_of(st.sampled_from(_PAST), st.integers(-1500, 0))
_TIMES = st.sampled_from([time(0), time(15, 59, 59), time(16), time(23, 30)])  # 16:00 UTC is midnight in Shanghai
_SOURCES = st.sampled_from(["civil registry", "hospital", "police", "officer 7"])
_INSTITUTIONS = st.sampled_from([None, "ministry", "city hospital"])
_PRINCIPALS = st.sampled_from([None, "feed:deaths", "https://id.example|7"])
_ATTESTING = st.sampled_from([channel for channel, rule in CHANNELS.items() if rule.attested])
_COUNTRIES = st.sampled_from(["CN", "BR"])
_CHANNELS = st.sampled_from(Channel)
_CHECKS = st.sampled_from(Check)
_POSSESSIONS = st.sampled_from(Possession)
_ZONES_OF_FACES = st.sampled_from([None, *FaceZone])
_PROVING_ZONES = st.sampled_from([None, FaceZone.MATCH])
_SELDOM = st.sampled_from([False, False, False, True])
_REFERENCE_DAYS = st.sampled_from([None, date(2001, 2, 3), date.max])
_RULINGS = st.sampled_from(Ruling)
_NEAR = [EARLIER_MIN_LLR + d for d in (-0.001, 0, 0.001)]
_LLRS = st.one_of(st.none(), st.sampled_from([-9.0, 0.0, *_NEAR, 12.0, float("nan"), float("inf")]), st.floats())
_GUIDANCE = st.sampled_from([(), ("too_dark",), ("too_small", "too_dark")])
_KINDS = st.one_of(st.just("death"), st.sampled_from(KINDS))  # most rules are about death
_ACTS = st.sampled_from(ACTS)
_EMBEDDERS = st.integers(0, 3)
_MATCHING = st.floats(12.0, 300.0)  # the parser lets no threshold exceed 12
_EDGE_MOMENTS = st.one_of(
    st.sampled_from([datetime.min, datetime.max, datetime(2024, 2, 29)]),  # noqa: DTZ001, DTZ901 - the zone follows
    st.datetimes(),
)
_EDGE_DAYS = st.one_of(st.dates(), st.sampled_from([date.min, date.max]))
_AS_OF = st.one_of(st.just(date(2024, 2, 29)), st.dates(date(2019, 1, 1), date(2032, 12, 31)))
_ZONES = st.sampled_from(["UTC", "Asia/Shanghai", "America/Los_Angeles", "Pacific/Kiritimati"])
_SIGN_RULES = st.dictionaries(
    _ACTS, st.tuples(st.integers(0, 30), st.booleans(), st.integers(1, 4)), min_size=0, max_size=6
)


@dataclass(frozen=True)
class Case:
    """Everything one decision depends on."""

    entitlement: Entitlement
    policy: Policy
    evidence: tuple[Evidence, ...]
    as_of: date

    @property
    def names(self) -> list[str]:
        return [fact.id for fact in self.evidence]

    def decide(self, *more: Evidence) -> Determination:
        return self.decide_on((*self.evidence, *more))

    def decide_on(self, evidence: Iterable[Evidence]) -> Determination:
        return decide(self.entitlement, self.policy, evidence, self.as_of)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Return a shipped scheme, changed half of the time within what the parser accepts."""
    policy = SHIPPED[draw(st.sampled_from(sorted(SHIPPED)))]
    if draw(st.booleans()):
        return policy
    liveness = draw(st.sampled_from(LivenessRule))
    kept = draw(st.sampled_from([(), (Channel.REMOTE,), (Channel.DOORSTEP,), (Channel.REMOTE, Channel.DOORSTEP)]))
    accepted = [draw(st.frozensets(st.sampled_from(OPEN_CHANNELS))) for _ in range(draw(st.integers(0, 2)))]
    months = draw(st.integers(1, 36))
    asked = {
        "liveness": liveness,
        "months_without_possession": draw(st.none() | st.integers(1, months)),
        "photo_sign_days": draw(st.sampled_from([0, 1, 90, 366])),
        "photo_sign_weight": draw(st.sampled_from([0.1, 0.5, 2.0])),
        "min_llr": draw(st.sampled_from([None, 2.55])),
        "near": draw(st.sampled_from(ZoneRule)),
        "apart": draw(st.sampled_from([ZoneRule.RETRY, ZoneRule.OFFICER])),
        "challenge": draw(st.sampled_from(ChallengeRule)),
    }
    return replace(
        policy,
        capture={channel: replace(policy.capture[channel], **asked) for channel in kept},
        timezone=draw(_ZONES),
        validity_months=months,
        window_days=draw(st.integers(0, 366)),
        grace_days=draw(st.integers(0, 366)),
        stop_sources=draw(st.integers(2, 3)),
        life_resumes_payment=draw(st.booleans()),
        min_age=draw(st.one_of(st.none(), st.integers(0, 130))),
        bands=(policy.bands[0], *(AgeBand(60 + 20 * n, channels) for n, channels in enumerate(accepted))),
        signs=draw(sign_rules()),
        silent=draw(silent_rules()),
    )


@st.composite
def sign_rules(draw: st.DrawFn) -> dict[str, SignRule]:
    rules = draw(_SIGN_RULES)
    return {act: SignRule(tenths / 10, body, count, "test") for act, (tenths, body, count) in rules.items()}


@st.composite
def silent_rules(draw: st.DrawFn) -> SilentRule:
    return SilentRule(draw(st.integers(1, 40)) / 10, draw(st.integers(1, 3)))


@st.composite
def moments(draw: st.DrawFn, as_of: date | None) -> datetime:
    """Return an instant from four years before ``as_of`` to shortly after; without it, anywhere in the calendar."""
    if as_of is None:
        minutes = draw(st.integers(-14 * 60, 14 * 60))
        return draw(_EDGE_MOMENTS).replace(tzinfo=timezone(timedelta(minutes=minutes)))
    return datetime.combine(add_days(as_of, draw(_DAYS)), draw(_TIMES), tzinfo=UTC)


@st.composite
def captures(draw: st.DrawFn, as_of: date | None, fact_id: str = "new") -> Capture:
    moment = draw(moments(as_of))
    return Capture(
        id=fact_id,
        source="certify",
        event_at=moment,
        recorded_at=moment,
        session_id=f"session of {fact_id}",
        channel=draw(_CHANNELS),
        acquired=draw(_CHECKS),
        llr=draw(_LLRS),
        embedders=draw(_EMBEDDERS),
        liveness=draw(_CHECKS),
        filmed=draw(st.booleans()),
        guidance=draw(_GUIDANCE),
        possession=draw(_POSSESSIONS),
        eyes=draw(_CHECKS),
        zone=draw(_ZONES_OF_FACES),
        public_entry=draw(st.booleans()),
        pooled_with=draw(st.sampled_from(["", "the capture before"])),
        challenge=draw(st.sampled_from(Challenge)),
        foreign=draw(_SELDOM),
        drifted=draw(_SELDOM),
        reference_on=draw(_REFERENCE_DAYS),
    )


@st.composite
def passing_captures(draw: st.DrawFn, case: Case, fact_id: str = "new") -> Capture:
    """Return a capture that proves life by the thresholds of the case's policy, if the policy has any channel."""
    channel = draw(st.sampled_from(sorted(case.policy.capture) or [Channel.REMOTE]))
    return replace(
        draw(captures(case.as_of, fact_id)),
        channel=channel,
        acquired=Check.PASS,
        zone=draw(_PROVING_ZONES),
        llr=draw(_MATCHING),
        embedders=3,
        liveness=Check.PASS,
        eyes=draw(st.sampled_from([Check.PASS, Check.NOT_ASSESSED])),
        challenge=draw(st.sampled_from([Challenge.FULL, Challenge.UNRECORDED])),
        foreign=False,
        drifted=False,
    )


@st.composite
def signs(draw: st.DrawFn, as_of: date | None, fact_id: str = "new") -> SignOfLife:
    moment = draw(moments(as_of))
    return SignOfLife(
        id=fact_id,
        source=draw(_SOURCES),
        event_at=moment,
        recorded_at=moment,
        act=draw(_ACTS),
        trust=draw(st.sampled_from([1.0, 0.7, 0.1])),
    )


@st.composite
def adverse(draw: st.DrawFn, as_of: date | None, fact_id: str = "new") -> AdverseRecord:
    moment = draw(moments(as_of))
    return AdverseRecord(
        id=fact_id,
        source=draw(_SOURCES),
        event_at=moment,
        recorded_at=moment,
        institution=draw(_INSTITUTIONS),
        principal=draw(_PRINCIPALS),
        kind=draw(_KINDS),
    )


@st.composite
def attestations(draw: st.DrawFn, as_of: date | None, fact_id: str = "new") -> Attestation:
    moment = draw(moments(as_of))
    return Attestation(
        id=fact_id,
        source=draw(_SOURCES),
        event_at=moment,
        recorded_at=moment,
        institution=draw(_INSTITUTIONS),
        principal=draw(_PRINCIPALS),
        channel=draw(_ATTESTING),
        seen_by="K-204",
        place="São Paulo",
        country=draw(_COUNTRIES),
        document="passport",
    )


@st.composite
def voids(draw: st.DrawFn, as_of: date | None, targets: Sequence[str], fact_id: str = "void") -> Void:
    moment = draw(moments(as_of))
    return Void(
        id=fact_id,
        source=draw(_SOURCES),
        event_at=moment,
        recorded_at=moment,
        target=draw(st.sampled_from([*targets, "nothing"])),
        by_officer=draw(st.booleans()),
        by_person=draw(st.booleans()),
    )


@st.composite
def rulings(
    draw: st.DrawFn,
    as_of: date | None,
    targets: Sequence[str],
    ruling: Ruling | None = None,
    fact_id: str = "new",
) -> OfficerRuling:
    moment = draw(moments(as_of))
    some_targets = st.lists(st.sampled_from([*targets, "nothing"]), unique=True, max_size=4)
    dismisses = draw(st.one_of(some_targets, st.just(list(targets))))
    return OfficerRuling(
        id=fact_id,
        source=draw(_SOURCES),
        event_at=moment,
        recorded_at=moment,
        ruling=ruling or draw(_RULINGS),
        dismisses=tuple(dismisses),
    )


@st.composite
def facts(draw: st.DrawFn, as_of: date | None, targets: Sequence[str], fact_id: str = "new") -> Evidence:
    """Return any piece of evidence; ``targets`` are the ids that voids and dismissals may name."""
    match draw(st.integers(0, 5)):
        case 0:
            return draw(captures(as_of, fact_id))
        case 1:
            return draw(signs(as_of, fact_id))
        case 2:
            return draw(adverse(as_of, fact_id))
        case 3:
            return draw(rulings(as_of, targets, fact_id=fact_id))
        case 4:
            return draw(attestations(as_of, fact_id))
        case _:
            return draw(voids(as_of, targets, fact_id))


@st.composite
def evidence_sets(draw: st.DrawFn, as_of: date | None, max_size: int = 7) -> tuple[Evidence, ...]:
    names = [f"e{number}" for number in range(draw(st.integers(0, max_size)))]
    return tuple(draw(facts(as_of, names, name)) for name in names)


@st.composite
def cases(draw: st.DrawFn, max_size: int = 7) -> Case:
    as_of = draw(_AS_OF)
    starts_on = add_days(as_of, draw(_DAYS))
    born = add_days(as_of, -365 * draw(st.integers(55, 105))) if draw(st.booleans()) else None
    proven = add_days(as_of, draw(_DAYS)) if draw(st.booleans()) else None
    first = add_days(as_of, draw(_DAYS)) if draw(st.booleans()) else None
    entitlement = Entitlement("pension 1", "any", starts_on, born, proven, first)
    return Case(entitlement, draw(policies()), draw(evidence_sets(as_of, max_size)), as_of)


@st.composite
def edge_cases(draw: st.DrawFn) -> Case:
    """Return cases with independent dates anywhere in the calendar."""
    born = draw(st.one_of(st.none(), _EDGE_DAYS))
    proven = draw(st.one_of(st.none(), _EDGE_DAYS))
    first = draw(st.one_of(st.none(), _EDGE_DAYS))
    entitlement = Entitlement("pension 1", "any", draw(_EDGE_DAYS), born, proven, first)
    return Case(entitlement, draw(policies()), draw(evidence_sets(None)), draw(_EDGE_DAYS))


def dated(fact: Evidence, days: int, as_of: date) -> Evidence:
    """Move a fact to noon UTC, ``days`` days from ``as_of``."""
    return replace(fact, event_at=datetime.combine(add_days(as_of, days), time(12), tzinfo=UTC))
