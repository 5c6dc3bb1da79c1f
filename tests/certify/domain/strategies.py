"""Hypothesis strategies for decisions: policies, evidence with unique ids, and whole cases.

Dates crowd around ``as_of`` and sources, kinds and acts are few, so that what should interact does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone

from hypothesis import strategies as st

from certify.domain.decide import Determination, Entitlement, decide
from certify.domain.evidence import (
    AdverseRecord,
    Capture,
    Channel,
    Check,
    Evidence,
    OfficerRuling,
    Ruling,
    SignOfLife,
    Void,
)
from certify.domain.policy import AgeBand, LivenessRule, Policy, SignRule, SilentRule
from certify.policies import load_policies

SHIPPED = {name: document.policy for name, document in load_policies().items()}
SOURCES = ("civil registry", "hospital", "police", "officer 7")
KINDS = (*sorted({kind for policy in SHIPPED.values() for kind in policy.adverse}), "gossip")
ACTS = (*sorted({act for policy in SHIPPED.values() for act in policy.signs}), "whistling")
PAYING_CHANNELS = (Channel.REMOTE, Channel.DOORSTEP, Channel.DATA, Channel.CONSULATE, Channel.OFFICER)
TIMES = (time(0), time(15, 59, 59), time(16), time(23, 30))
"""Among them the last and first instants of a day in Shanghai, as UTC."""


@dataclass(frozen=True)
class Case:
    """Everything one decision depends on."""

    entitlement: Entitlement
    policy: Policy
    evidence: tuple[Evidence, ...]
    as_of: date

    def decide(self, *more: Evidence) -> Determination:
        return self.decide_on((*self.evidence, *more))

    def decide_on(self, evidence: Iterable[Evidence]) -> Determination:
        return decide(self.entitlement, self.policy, evidence, self.as_of)


def ids(count: int) -> list[str]:
    return [f"e{number}" for number in range(count)]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Return a shipped scheme, half of the time changed within what the parser lets through."""
    policy = draw(st.sampled_from(sorted(SHIPPED.values(), key=lambda p: p.scheme)))
    if draw(st.booleans()):
        return policy
    liveness = draw(st.sampled_from(LivenessRule))
    kept = draw(st.sets(st.sampled_from(sorted(policy.capture))))
    bands = draw(st.lists(st.frozensets(st.sampled_from(PAYING_CHANNELS)), max_size=2))
    return replace(
        policy,
        capture={channel: replace(policy.capture[channel], liveness=liveness) for channel in kept},
        timezone=draw(st.sampled_from(["UTC", "Asia/Shanghai", "America/Los_Angeles", "Pacific/Kiritimati"])),
        validity_months=draw(st.integers(1, 36)),
        window_days=draw(st.integers(0, 366)),
        grace_days=draw(st.integers(0, 366)),
        stop_sources=draw(st.integers(2, 3)),
        min_age=draw(st.none() | st.integers(0, 130)),
        bands=(policy.bands[0], *(AgeBand(60 + 20 * n, accepted) for n, accepted in enumerate(bands))),
        signs=draw(sign_rules()),
        silent=draw(silent_rules()),
    )


def sign_rules() -> st.SearchStrategy[dict[str, SignRule]]:
    weights = st.integers(0, 30).map(lambda tenths: tenths / 10)
    rules = st.builds(SignRule, weights, st.booleans(), st.integers(1, 4), st.just("as the test says"))
    return st.dictionaries(st.sampled_from(ACTS), rules)


def silent_rules() -> st.SearchStrategy[SilentRule]:
    return st.builds(SilentRule, st.integers(1, 40).map(lambda tenths: tenths / 10), st.integers(1, 3))


def instants(as_of: date) -> st.SearchStrategy[datetime]:
    """Return instants from four years before ``as_of`` to shortly after it, most of them near dates that matter."""
    days = st.sampled_from([-1461, -731, -730, -426, -366, -365, -305, -275, -31, -30, -2, -1, 0, 1, 2])
    days |= st.integers(-1500, 3)
    return st.builds(
        lambda ago, at: datetime.combine(as_of + timedelta(ago), at, tzinfo=UTC), days, st.sampled_from(TIMES)
    )


def edge_instants() -> st.SearchStrategy[datetime]:
    """Return aware instants anywhere in the calendar, its two ends and odd offsets included."""
    zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    ends = st.sampled_from([datetime.min, datetime.max, datetime(2024, 2, 29)])  # noqa: DTZ001, DTZ901 - zone follows
    return st.builds(lambda at, zone: at.replace(tzinfo=zone), ends | st.datetimes(), zones)


def llrs() -> st.SearchStrategy[float | None]:
    return st.none() | st.sampled_from([-9.0, 0.0, 3.999, 4.0, 4.001, 12.0, float("nan"), float("inf")]) | st.floats()


def captures(fact_id: str, when: st.SearchStrategy[datetime]) -> st.SearchStrategy[Capture]:
    return st.builds(
        Capture,
        id=st.just(fact_id),
        source=st.just("certify"),
        event_at=when,
        recorded_at=when,
        session_id=st.just(f"session of {fact_id}"),
        channel=st.sampled_from(Channel),
        acquired=st.sampled_from(Check),
        llr=llrs(),
        embedders=st.integers(0, 3),
        liveness=st.sampled_from(Check),
        guidance=st.lists(st.sampled_from(["too_dark", "too_small"]), unique=True).map(tuple),
    )


def signs(fact_id: str, when: st.SearchStrategy[datetime]) -> st.SearchStrategy[SignOfLife]:
    return st.builds(
        SignOfLife,
        id=st.just(fact_id),
        source=st.sampled_from(SOURCES),
        event_at=when,
        recorded_at=when,
        act=st.sampled_from(ACTS),
    )


def adverse(fact_id: str, when: st.SearchStrategy[datetime]) -> st.SearchStrategy[AdverseRecord]:
    return st.builds(
        AdverseRecord,
        id=st.just(fact_id),
        source=st.sampled_from(SOURCES),
        event_at=when,
        recorded_at=when,
        # Death is what most rules are about: half of all records.
        kind=st.just("death") | st.sampled_from(KINDS),
    )


def voids(fact_id: str, when: st.SearchStrategy[datetime], targets: Sequence[str]) -> st.SearchStrategy[Void]:
    return st.builds(
        Void,
        id=st.just(fact_id),
        source=st.sampled_from(SOURCES),
        event_at=when,
        recorded_at=when,
        target=st.sampled_from([*targets, "nothing"]),
        by_officer=st.booleans(),
    )


def rulings(
    fact_id: str, when: st.SearchStrategy[datetime], targets: Sequence[str], ruling: Ruling | None = None
) -> st.SearchStrategy[OfficerRuling]:
    return st.builds(
        OfficerRuling,
        id=st.just(fact_id),
        source=st.sampled_from(SOURCES),
        event_at=when,
        recorded_at=when,
        ruling=st.sampled_from(Ruling) if ruling is None else st.just(ruling),
        dismisses=st.lists(st.sampled_from([*targets, "nothing"]), unique=True, max_size=4).map(tuple),
    )


def facts(fact_id: str, when: st.SearchStrategy[datetime], targets: Sequence[str]) -> st.SearchStrategy[Evidence]:
    """Return any piece of evidence; ``targets`` are the ids that voids and dismissals may name."""
    return st.one_of(
        captures(fact_id, when),
        signs(fact_id, when),
        adverse(fact_id, when),
        voids(fact_id, when, targets),
        rulings(fact_id, when, targets),
    )


@st.composite
def evidence_sets(draw: st.DrawFn, when: st.SearchStrategy[datetime], max_size: int = 7) -> tuple[Evidence, ...]:
    names = ids(draw(st.integers(0, max_size)))
    return tuple(draw(facts(name, when, names)) for name in names)


def entitlements(as_of: date) -> st.SearchStrategy[Entitlement]:
    days = st.integers(-1500, 400).map(lambda ago: as_of + timedelta(ago))
    births = st.integers(55 * 365, 105 * 366).map(lambda ago: as_of - timedelta(ago))
    return st.builds(Entitlement, st.just("pension 1"), st.just("any"), days, st.none() | births, st.none() | days)


@st.composite
def cases(draw: st.DrawFn, max_size: int = 7) -> Case:
    as_of = draw(st.dates(date(2019, 1, 1), date(2032, 12, 31)) | st.just(date(2024, 2, 29)))
    evidence = draw(evidence_sets(instants(as_of), max_size))
    return Case(draw(entitlements(as_of)), draw(policies()), evidence, as_of)


@st.composite
def edge_cases(draw: st.DrawFn) -> Case:
    """Return cases with dates anywhere in the calendar and no regard to each other."""
    days = st.dates() | st.sampled_from([date.min, date.max])
    entitlement = Entitlement("pension 1", "any", draw(days), draw(st.none() | days), draw(st.none() | days))
    return Case(entitlement, draw(policies()), draw(evidence_sets(edge_instants())), draw(days))


@st.composite
def passing_captures(draw: st.DrawFn, case: Case, fact_id: str = "new") -> Capture:
    """Return a capture that proves life by the thresholds of the case's policy, if that knows any channel."""
    capture = draw(captures(fact_id, instants(case.as_of)))
    channel = draw(st.sampled_from(sorted(case.policy.capture) or [Channel.REMOTE]))
    rule = case.policy.capture.get(channel)
    return replace(
        capture,
        channel=channel,
        acquired=Check.PASS,
        llr=draw(st.floats(rule.min_llr if rule else 4.0, 300)),
        embedders=rule.embedders if rule else 2,
        liveness=Check.PASS,
    )
