"""What is odd about the visits of one field agent: nine signals, each so many hits of so many trials.

A hit is never proof. Twins have one face, a nursing home has one hall, hills bend GPS and clocks drift; so every rule
here lets pass what honest work explains, and :mod:`certify.domain.integrity` weighs what is left against colleagues.

What is compared is compared with *earlier* visits: of twins the second is a hit and the first is not, so that one
coincidence counts once. Every number below is a starting value, not measured on real visits; how the whole does on
simulated agents is measured by ``bench/integrity.py`` on seeds that nothing was tuned on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise

from certify.domain.route import distance_m

FACE, NOBODY = "face", "none"

SAME_ROOM_BITS = 8
"""Two hashes of 64 bits show one room when at most so many bits differ. The same room seen twice differs in a few,
different rooms in about 32, similar walls in 12 to 16; the simulated rooms are made so."""

PLAIN_WALL_BITS = 4
"""A hash with at most so many bits set, or so many not set, shows an even wall: all such walls are alike."""

SAME_PLACE_M = 100.0
"""Metres between two places of one address, beyond what GPS says of its own error: the length of a large building."""

KNOWN_WITHIN_M = 300.0
"""A place known less well than so many metres does not tell one address from the next."""

HOME_DAYS = 4
"""The same room at one address on so many different days is a home, whose residents need a few days. Whoever makes
visits up in one room sits there on every working day, and is over it within a week."""

FASTEST_KMH = 120.0
"""From door to door as the crow flies: faster than any road allows, so what is above was not travelled."""

TRAVEL_SLACK_M = 500.0
"""Metres that a journey may be short of, beyond the errors that GPS states; those are often stated too small."""

SHORTEST_S = 60.0
"""Seconds. Greeting, consent, a photo and a signature take two minutes of practised hands; half of that is generous."""

OVERLAP_S = 30.0
"""Seconds by which the next visit may begin before this one is sealed: sealing can wait until the agent has left."""

LIVE_FROM = 0.5
"""A photo whose probability of "live" is lower looks more like a picture of a picture than like a person."""

AWAY_M = 1000.0
"""Metres from the person's home, beyond what GPS says of its own error: a register that knows a street or a village,
and not the house, is wrong by less."""

CLOCK_TOLERANCE_S = 300.0
"""Seconds; as ``certify.doorstep.clock.TOLERANCE_S``, below which a shift says nothing."""

_ALL_BITS = (1 << 64) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitTrace:
    """What a visit left behind that a machine can compare.

    Attributes:
        visit: id of the visit.
        beneficiary: who was to be visited.
        at: when the visit began, timezone-aware. Days are counted in its zone, so give all in the agent's own.
        seconds: from its beginning to the sealing.
        method: ``face``, ``witnesses``, ``medical``, or ``none`` when nobody was certified.
        latitude, longitude: degrees, WGS 84; None when the tablet did not know.
        accuracy_m: within so many metres, as the tablet says.
        from_home_m: metres from there to the person's home; None when one of the two is not known.
        passive: passive presentation attack detection, the lowest probability of "live" of the photos, 0 to 1.
        background: 64-bit difference hashes of what is seen around the person, one a photo; signed or not.
        same_face: other beneficiaries among this agent's visits whose photos show the same face.
        clock_shift_s: by how much the tablet's clock was off against the server's.
        recheck: a second visit or call by somebody else: True confirmed, False contradicted, None not made.
        chain: the tablet and the visit's place in its chain; None when not known. It is the order in which visits were
            sealed, which the times, that an agent can set, must not contradict.
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
    RECHECKS = "rechecks"  # somebody else looked again and found otherwise


@dataclass(frozen=True, slots=True)
class Found:
    """What one signal found: the visits that are hits, in order of time, of so many that could have been."""

    hits: tuple[VisitTrace, ...]
    trials: int


class Seen:
    """One agent's visits in order of time, with what is compared between pairs worked out once.

    Time and memory grow with the square of the number of visits: 500 take a seventh of a second, 1,500 more than one.
    """

    __slots__ = ("_located", "_near", "_rooms", "_same_faces", "visits")

    def __init__(self, traces: Iterable[VisitTrace]) -> None:
        self.visits = tuple(sorted(traces, key=lambda trace: (trace.at, trace.visit)))
        known = {trace.beneficiary for trace in self.visits}
        hashes = [_telling(trace.background) for trace in self.visits]
        self._rooms: list[list[int]] = []  # of each visit, earlier ones of other people in the same room
        self._same_faces: list[list[int]] = []  # of each, earlier ones with the same face; -1 for one not given here
        for j, later in enumerate(self.visits):
            others = [i for i in range(j) if self.visits[i].beneficiary != later.beneficiary]
            self._rooms.append([i for i in others if _same_room(hashes[i], hashes[j])])
            faces = [i for i in others if _same_face(self.visits[i], later)]
            unknown = set(later.same_face) - known
            self._same_faces.append([*faces, -1] if unknown else faces)
        self._located = self._places()
        self._near: list[list[int]] = []  # of each visit, those at the same place, itself and later ones too
        for j in range(len(self.visits)):
            self._near.append([j])
            for i in range(j):
                if self._close(i, j):
                    self._near[j].append(i)
                    self._near[i].append(j)

    def find(self, signal: Signal, among: int | None = None) -> Found:
        """Return the hits of a signal among the first so many visits, or all."""
        count = len(self.visits) if among is None else among
        hits, trials = _RULES[signal](self, count)
        return Found(tuple(self.visits[place] for place in sorted(hits)), trials)

    def _places(self) -> list[tuple[float, float, float] | None]:
        """Say where each visit was. Without a place of its own it was where the same room was seen that day.

        Otherwise one resident seen without GPS in the hall of a home would make a hit of every other one.
        """
        own = [_known_place(trace) for trace in self.visits]
        places = list(own)
        for j, earlier in enumerate(self._rooms):
            for i in earlier:
                if self._day(i) == self._day(j):
                    places[i] = places[i] or own[j]
                    places[j] = places[j] or own[i]
        return places

    def _close(self, i: int, j: int) -> bool:
        one, other = self._located[i], self._located[j]
        if one is None or other is None or abs(one[0] - other[0]) > 0.01:
            return False  # a hundredth of a degree of latitude is 1.1 km, more than any two errors allowed here
        return distance_m(one[:2], other[:2]) <= SAME_PLACE_M + one[2] + other[2]

    def _one_address(self, i: int, j: int, count: int) -> bool:
        """Tell whether two visits may well have been at one address: a couple, a home.

        A place that is not known has the benefit of the doubt for a day, and no longer: location can be turned off.
        """
        same_day = self._day(i) == self._day(j)
        if self._located[i] is None or self._located[j] is None:
            return same_day
        if i not in self._near[j]:
            return False
        return same_day or len({self._day(k) for k in self._near[j] if k < count}) <= HOME_DAYS

    def _day(self, place: int) -> date:
        return self.visits[place].at.date()

    def same_background(self, count: int) -> tuple[list[int], int]:
        """Trials: visits whose photos show something around the person."""
        seen = [j for j in range(count) if _telling(self.visits[j].background)]
        return [j for j in seen if any(not self._one_address(i, j, count) for i in self._rooms[j])], len(seen)

    def same_face(self, count: int) -> tuple[list[int], int]:
        """Trials: visits with a face."""
        faces = [j for j in range(count) if self.visits[j].method == FACE]
        return [j for j in faces if self._same_faces[j]], len(faces)

    def impossible_travel(self, count: int) -> tuple[list[int], int]:
        """Trials: visits with a place, after the first.

        A hit could be reached neither from the visit before nor from the one before that: one wild reading of GPS is
        then one hit, on the way there, and not a second on the way back.
        """
        placed = [j for j in range(count) if self.visits[j].latitude is not None]
        hits = []
        for number, j in enumerate(placed[1:], 1):
            if not any(_reachable(self.visits[i], self.visits[j]) for i in placed[max(number - 2, 0) : number]):
                hits.append(j)
        return hits, max(len(placed) - 1, 0)

    def elsewhere(self, count: int) -> tuple[list[int], int]:
        """Trials: places on a day where it is known how far the people's homes are.

        A hit is the first visit far from home where most were. So whoever moved to a nursing home and is registered
        with a daughter does not count among neighbours, and people brought together in a hall count once a day.
        """
        measured = [j for j, t in enumerate(self.visits[:count]) if t.from_home_m is not None and _known_place(t)]
        groups = self._at_one_address(measured)
        return _where_most(groups, self._away), len(groups)

    def _away(self, j: int) -> bool:
        trace = self.visits[j]
        return (trace.from_home_m or 0.0) > AWAY_M + (trace.accuracy_m or 0.0)

    def visit_length(self, count: int) -> tuple[list[int], int]:
        """Trials: visits that certified somebody.

        Nobody at the door is a short visit, and people at one address may be served together.
        """
        certified = [j for j in range(count) if self.visits[j].method != NOBODY]
        hits = [j for j in certified if self.visits[j].seconds < SHORTEST_S or self._overlaps(j, count)]
        return hits, len(certified)

    def _overlaps(self, j: int, count: int) -> bool:
        if j + 1 >= count or self._one_address(j, j + 1, count):
            return False
        return self.visits[j].seconds - _seconds(self.visits[j], self.visits[j + 1]) > OVERLAP_S

    def picture_of_picture(self, count: int) -> tuple[list[int], int]:
        """Trials: visits whose photos were assessed."""
        assessed = [(j, passive) for j in range(count) if (passive := self.visits[j].passive) is not None]
        return [j for j, passive in assessed if passive < LIVE_FROM], len(assessed)

    def alternatives(self, count: int) -> tuple[list[int], int]:
        """Trials: addresses on a day, or whoever visits a nursing home would look worse with every resident.

        A hit is the first attested visit where most were attested.
        """
        certified = [j for j in range(count) if self.visits[j].method != NOBODY]
        groups = self._at_one_address(certified)
        return _where_most(groups, lambda j: self.visits[j].method != FACE), len(groups)

    def _at_one_address(self, visits: Iterable[int]) -> list[list[int]]:
        """Put the visits of a day together that were at one place."""
        groups: list[list[int]] = []
        for j in visits:
            home = next(
                (g for g in groups if self._day(g[0]) == self._day(j) and not set(g).isdisjoint(self._near[j])), None
            )
            if home is None:
                groups.append([j])
            else:
                home.append(j)
        return groups

    def clock(self, count: int) -> tuple[list[int], int]:
        """Trials: days, because a clock that was lost is wrong until the tablet has network again.

        A hit is the first visit of a day that is off by too much, or sealed before an earlier place in the chain.
        """
        odd = {j for j in range(count) if abs(self.visits[j].clock_shift_s) > CLOCK_TOLERANCE_S}
        chained = sorted((chain, j) for j in range(count) if (chain := self.visits[j].chain) is not None)
        for ((tablet, _), i), ((other, _), j) in pairwise(chained):
            # When it was sealed, not when it began: a visit may be left open while another one is made.
            back_s = self.visits[i].seconds - self.visits[j].seconds - _seconds(self.visits[i], self.visits[j])
            if tablet == other and back_s > CLOCK_TOLERANCE_S:
                odd.add(j)
        first = {self._day(j): j for j in sorted(odd, reverse=True)}
        return list(first.values()), len({self._day(j) for j in range(count)})

    def rechecks(self, count: int) -> tuple[list[int], int]:
        """Trials: visits that were checked."""
        made = [j for j in range(count) if self.visits[j].recheck is not None]
        return [j for j in made if self.visits[j].recheck is False], len(made)


_RULES: dict[Signal, Callable[[Seen, int], tuple[list[int], int]]] = {
    Signal.SAME_BACKGROUND: Seen.same_background,
    Signal.SAME_FACE: Seen.same_face,
    Signal.IMPOSSIBLE_TRAVEL: Seen.impossible_travel,
    Signal.ELSEWHERE: Seen.elsewhere,
    Signal.VISIT_LENGTH: Seen.visit_length,
    Signal.PICTURE_OF_PICTURE: Seen.picture_of_picture,
    Signal.ALTERNATIVES: Seen.alternatives,
    Signal.CLOCK: Seen.clock,
    Signal.RECHECKS: Seen.rechecks,
}


def _where_most(groups: Iterable[list[int]], is_odd: Callable[[int], bool]) -> list[int]:
    """Return the first odd visit of each group of which most are odd."""
    hits = []
    for group in groups:
        odd = [j for j in group if is_odd(j)]
        if 2 * len(odd) > len(group):
            hits.append(odd[0])
    return hits


def _telling(background: tuple[int, ...]) -> tuple[int, ...]:
    """Return the hashes that show more than an even wall, without their sign."""
    masked = (value & _ALL_BITS for value in background)
    return tuple(value for value in masked if PLAIN_WALL_BITS < value.bit_count() < 64 - PLAIN_WALL_BITS)


def _same_room(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return any((a ^ b).bit_count() <= SAME_ROOM_BITS for a in one for b in other)


def _same_face(one: VisitTrace, other: VisitTrace) -> bool:
    return one.beneficiary in other.same_face or other.beneficiary in one.same_face


def _known_place(trace: VisitTrace) -> tuple[float, float, float] | None:
    if trace.latitude is None or trace.longitude is None or trace.accuracy_m is None:
        return None
    return (trace.latitude, trace.longitude, trace.accuracy_m) if trace.accuracy_m <= KNOWN_WITHIN_M else None


def _reachable(earlier: VisitTrace, later: VisitTrace) -> bool:
    if earlier.latitude is None or earlier.longitude is None or later.latitude is None or later.longitude is None:
        return True
    away = distance_m((earlier.latitude, earlier.longitude), (later.latitude, later.longitude))
    errors = sum(KNOWN_WITHIN_M if end.accuracy_m is None else end.accuracy_m for end in (earlier, later))
    # Visits that overlap are another signal: here the agent left when the next one began, at the latest.
    free_s = max(_seconds(earlier, later) - earlier.seconds, 0.0)
    return away - errors - TRAVEL_SLACK_M <= FASTEST_KMH / 3.6 * free_s


def _seconds(earlier: VisitTrace, later: VisitTrace) -> float:
    return (later.at - earlier.at).total_seconds()
