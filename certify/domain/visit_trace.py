"""The data of an agent's visits that integrity signals compare, and the list of the signals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitTrace:
    """The data of a visit that can be compared with other visits.

    Attributes:
        visit: id of the visit.
        beneficiary: id of the person who was to be visited.
        at: when the visit began, timezone-aware. Days are counted in its zone, so all visits need the agent's own zone.
        seconds: time from its beginning to the sealing.
        method: ``face``, ``witnesses``, ``medical``, or ``none`` when no one was certified.
        latitude: degrees, WGS 84; None when the tablet did not know.
        longitude: degrees, WGS 84; None when the tablet did not know.
        accuracy_m: error of the place in metres, as the tablet states it.
        from_home_m: metres from there to the person's home; None when one of the two is not known.
        passive: passive presentation attack detection, the lowest probability of "live" of the photos, 0 to 1.
        background: 64-bit difference hashes of the surroundings of the person, one for each photo; signed or not.
        same_face: other beneficiaries among this agent's visits whose photos show the same face.
        clock_shift_s: difference between the tablet's clock and the server's.
        recheck: result of a second visit or call by another agent: True confirmed, False contradicted, None not made.
        chain: the tablet and the visit's place in its chain; None when not known. Visits were sealed in this order, and
            the times, which an agent can set, must not contradict it.
    """

    visit: str
    beneficiary: str
    at: datetime
    seconds: float
    method: str
    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float | None = None
    from_home_m: float | None = None
    passive: float | None = None
    background: tuple[int, ...] = ()
    same_face: tuple[str, ...] = ()
    clock_shift_s: float = 0.0
    recheck: bool | None = None
    chain: tuple[str, int] | None = None


class Signal(StrEnum):
    """What can be odd about visits."""

    SAME_BACKGROUND = "same_background"  # the same room behind different people who do not live together
    SAME_FACE = "same_face"  # the same face for different people
    IMPOSSIBLE_TRAVEL = "impossible_travel"  # too far from the last visit for the time between
    ELSEWHERE = "elsewhere"  # not where the person lives
    VISIT_LENGTH = "visit_length"  # too short to be real, or not over when the next one begins
    PICTURE_OF_PICTURE = "picture_of_picture"  # the photo looks like a photo of a print or a screen
    ALTERNATIVES = "alternatives"  # certified by witnesses or papers instead of the face
    CLOCK = "clock"  # the tablet's clock was moved, or visits were sealed in another order than they claim
    RECHECKS = "rechecks"  # another agent repeated the visit and contradicts it


@dataclass(frozen=True, slots=True)
class SignalHits:
    """The result of one signal: the visits that are hits, in order of time, and the number of trials."""

    hits: tuple[VisitTrace, ...]
    trials: int
