"""Add up signs of life: their weights, from the latest backwards, in whole numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from heapq import heappop, heappush

from certify.domain.evidence import SignOfLife
from certify.domain.policy import Policy
from certify.domain.schedule import local_date


def sign_weight(weight: float, trust: float) -> int:
    """Return the weight of a sign of life in millionths: the policy's weight of the act times the feed's trust.

    Whole numbers make the sum independent of the order, here and in bulk (certify/registry/runs/silent.py): 0.1 + 0.2
    always reaches 0.3.
    """
    return round(weight * trust * 1_000_000)


@dataclass(frozen=True, slots=True)
class SignSum:
    """Signs of life that were added up.

    Attributes:
        day: the day at which they suffice; None if they do not.
        facts: ids of the signs that were counted.
        acts: their acts, by name.
        weight: their weight in millionths.
    """

    day: date | None
    facts: tuple[str, ...]
    acts: str
    weight: int


def add_up(
    signs: Iterable[SignOfLife], policy: Policy, counts: Callable[[date], bool], *, needed: int, min_bodies: int
) -> SignSum:
    """Add up signs from the latest backwards, until weight and number of body-present acts suffice.

    Args:
        signs: the signs of life, in any order.
        policy: the weights of the scheme.
        counts: whether signs of a day count.
        needed: the weight that suffices, in millionths.
        min_bodies: how many acts of the body suffice.

    Returns:
        The day at which they suffice, if they do, and what was counted by then.
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
    found = None
    for day, act, source, weight, fact in dated:
        if (act, source, day) in seen or not counts(day):
            continue
        seen.add((act, source, day))
        heap, rule = counted[act], policy.signs[act]
        heappush(heap, (weight, fact))
        total += weight
        bodies += rule.body_present
        if len(heap) > rule.max_count:
            total -= heappop(heap)[0]
            bodies -= rule.body_present
        if total >= needed and bodies >= min_bodies:
            found = day
            break
    facts = tuple(fact for heap in counted.values() for _, fact in heap)
    return SignSum(found, facts, ", ".join(sorted(counted)), total)


def as_text(weight: int) -> str:
    """Return a weight in millionths as people read it."""
    return f"{weight / 1_000_000:g}"
