"""Read from a stored verdict what it says about the entitlement itself, for payers, officers and the person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from certify.domain.reasons import Code


@dataclass(frozen=True, slots=True)
class ToldPart:
    """A part that officers found to be payable, with the ids of the finding and of the records behind it."""

    rule: str
    fraction: str
    since: date
    until: date | None
    justification: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What a determination says about the entitlement itself.

    Attributes:
        owed_until: the last day that is owed, when the payment is stopped.
        entitled_until: the last day of the pension by award, age or finding.
        review_on: the day of the next review.
        parts: the parts that are payable, in the order of their first day.
    """

    owed_until: date | None = None
    entitled_until: date | None = None
    review_on: date | None = None
    parts: tuple[ToldPart, ...] = ()


NOTHING_TOLD = Told()
_REVIEWS = (Code.REVIEW_ON, Code.REVIEW_DUE, Code.REVIEW_LATE)


def told(verdict: Mapping[str, Any]) -> Told:
    """Return what a stored verdict says about the entitlement itself.

    Args:
        verdict: as ``determination_to_json`` returned it.
    """
    reasons = verdict["reasons"]

    def day(*codes: Code) -> date | None:
        days = [why["params"]["date"] for why in reasons if why["code"] in codes]
        return date.fromisoformat(days[0]) if days else None

    parts = [_part(why) for why in reasons if why["code"] == Code.PART_PAYABLE]
    return Told(
        day(Code.OWED_UNTIL),
        day(Code.ENTITLED_UNTIL),
        day(*_REVIEWS),
        tuple(sorted(parts, key=lambda part: (part.since, part.rule))),
    )


def _part(why: Mapping[str, Any]) -> ToldPart:
    said = why["params"]
    until = said["until"].removeprefix("until ")
    return ToldPart(
        said["rule"],
        said["fraction"],
        date.fromisoformat(said["since"]),
        None if until == said["until"] else date.fromisoformat(until),
        said["justification"],
        tuple(why["facts"]),
    )
