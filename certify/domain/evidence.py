"""What we know about a beneficiary: immutable, typed facts with a source, an event time and a recorded time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from certify.domain.channels import Channel


class Check(StrEnum):
    """The three states of every check. What was not assessed never counts as passed."""

    PASS = "pass"  # noqa: S105 - a state, not a password
    FAIL = "fail"
    NOT_ASSESSED = "not_assessed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every piece of evidence has.

    ``event_at`` is when the fact happened in the world, ``recorded_at`` when the service learned of it; both are
    timezone-aware. ``source`` names who said so: independence of sources is judged by this name.
    """

    id: str
    source: str
    event_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture(Fact):
    """One capture session: a face compared with the references, and whatever liveness checks were made.

    ``llr`` is the calibrated log10 likelihood ratio "same person : different persons", ``None`` when no comparison
    could be made. ``embedders`` counts the face models that took part. ``filmed`` tells a video, which can show life,
    from a still photo, which cannot. ``guidance`` holds machine codes of what the person can do better.
    """

    session_id: str
    channel: Channel
    acquired: Check
    llr: float | None
    embedders: int
    liveness: Check
    filmed: bool = False
    guidance: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOfLife(Fact):
    """A record that the person was alive on a date. ``act`` names what was done; the policy grades it.

    ``trust`` is how much the feed's word is worth, from 0 to 1; it scales the policy's weight of the act.
    """

    act: str
    trust: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AdverseRecord(Fact):
    """A record that speaks against the entitlement: death, prison, residence abroad, duplicate benefit and so on."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Void(Fact):
    """Takes back another fact. Valid when it comes from the fact's own source, or from an officer.

    ``by_person``: the person says "that was not me". It takes back a sign of life, and nothing else.
    """

    target: str
    by_officer: bool = False
    by_person: bool = False


class Ruling(StrEnum):
    """What an officer can rule."""

    CONFIRM_ALIVE = "confirm_alive"  # the officer saw or spoke to the person: a proof of life
    STOP = "stop"  # the payment stops


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficerRuling(Fact):
    """An officer's decision on a review case.

    ``dismisses`` lists the adverse records and earlier stop rulings that the officer found to be wrong; it has effect
    only with ``CONFIRM_ALIVE``.
    """

    ruling: Ruling
    dismisses: tuple[str, ...] = ()


Evidence = Capture | SignOfLife | AdverseRecord | Void | OfficerRuling
