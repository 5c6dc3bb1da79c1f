"""Nine signals of odd visits by one agent, each as a number of hits among a number of trials.

A hit is never proof. Twins have one face, a nursing home has one hall, hills disturb GPS and clocks drift. So every
rule here accepts what honest work can explain, and :mod:`certify.domain.integrity` compares the rest with other agents.

A visit is compared with *earlier* visits only: of twins the second is a hit and the first is not, so that one
coincidence counts once. Every number below is a starting value, not measured on real visits. ``bench/integrity.py``
measures the whole on simulated agents, with seeds that nothing was tuned on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from itertools import pairwise

from certify.domain.route import distance_m
from certify.domain.visit_trace import Signal, SignalHits, VisitTrace

FACE, NOT_CERTIFIED = "face", "none"

SAME_ROOM_BITS = 8
"""Two hashes of 64 bits show one room when at most this many bits differ. Two views of one room differ in a few bits,
different rooms in about 32, similar walls in 12 to 16; the simulated rooms follow these figures."""

PLAIN_WALL_BITS = 4
"""A hash with at most this many bits set, or this many not set, shows an even wall: all such walls are alike."""

SAME_PLACE_M = 100.0
"""Metres between two places of one address, in addition to the error that GPS states: a large building is this long."""

KNOWN_WITHIN_M = 300.0
"""Metres. A place with a larger stated error does not tell one address from the next."""

HOME_DAYS = 4
"""The same room at one address on up to this many different days is a home, whose residents need a few days. An agent
who invents visits in one room is there on every working day, and exceeds this within a week."""

FASTEST_KMH = 120.0
"""Kilometres per hour in a straight line from door to door. No road allows more, so a faster journey was not made."""

TRAVEL_SLACK_M = 500.0
"""Metres that a journey may be short of, in addition to the errors that GPS states, which are often too small."""

SHORTEST_S = 60.0
"""Seconds. Greeting, consent, a photo and a signature take a practised agent two minutes; half of that is generous."""

OVERLAP_S = 30.0
"""Seconds by which the next visit may begin before this one is sealed: an agent can leave first and seal later."""

LIVE_FROM = 0.5
"""A photo with a lower probability of "live" looks more like a picture of a picture than like a person."""

AWAY_M = 1000.0
"""Metres from the person's home, in addition to the error that GPS states. A register that knows the street or the
village, but not the house, is wrong by less."""

CLOCK_TOLERANCE_S = 300.0
"""Seconds. A smaller shift of the clock has no meaning; equals ``certify.doorstep.clock.TOLERANCE_S``."""

_ALL_BITS = (1 << 64) - 1


class VisitHistory:
    """One agent's visits in order of time, with the comparisons between pairs made once.

    Time and memory grow with the square of the number of visits: 500 visits take a seventh of a second, 1,500 more than
    one second. Each rule takes the number of visits to look at, and returns the positions of the hits and the number of
    trials.
    """

    __slots__ = ("_located", "_near", "_rooms", "_same_faces", "visits")

    def __init__(self, traces: Iterable[VisitTrace]) -> None:
        self.visits = tuple(sorted(traces, key=lambda trace: (trace.at, trace.visit)))
        known = {trace.beneficiary for trace in self.visits}
        hashes = [_informative(trace.background) for trace in self.visits]
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

    def find(self, signal: Signal, among: int | None = None) -> SignalHits:
        """Return the hits of a signal among the first visits, as many as ``among`` says, or among all."""
        count = len(self.visits) if among is None else among
        hits, trials = _RULES[signal](self, count)
        return SignalHits(tuple(self.visits[place] for place in sorted(hits)), trials)

    def _places(self) -> list[tuple[float, float, float] | None]:
        """Return where each visit was. A visit without a place takes the place where the same room was seen that day.

        Otherwise one resident seen without GPS in the hall of a home would turn all other residents into hits.
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
        """Tell whether two visits may have been at one address: a couple, a home.

        An unknown place counts as the same address for one day only, because location can be turned off.
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
        """Find the same room behind people who do not live together; trials: visits that show any surroundings."""
        seen = [j for j in range(count) if _informative(self.visits[j].background)]
        return [j for j in seen if any(not self._one_address(i, j, count) for i in self._rooms[j])], len(seen)

    def same_face(self, count: int) -> tuple[list[int], int]:
        """Find one face shown for different people; trials: visits with a face."""
        faces = [j for j in range(count) if self.visits[j].method == FACE]
        return [j for j in faces if self._same_faces[j]], len(faces)

    def impossible_travel(self, count: int) -> tuple[list[int], int]:
        """Find journeys that were too fast; trials: visits with a place, after the first.

        A hit could be reached neither from the visit before nor from the one before that. So one wrong GPS reading
        gives one hit, on the way there, and no second one on the way back.
        """
        placed = [j for j in range(count) if self.visits[j].latitude is not None]
        hits = []
        for number, j in enumerate(placed[1:], 1):
            if not any(_reachable(self.visits[i], self.visits[j]) for i in placed[max(number - 2, 0) : number]):
                hits.append(j)
        return hits, max(len(placed) - 1, 0)

    def elsewhere(self, count: int) -> tuple[list[int], int]:
        """Find visits far from home; trials: places on a day, where the distance to the people's homes is known.

        A hit is the first visit far from home at a place where most were. So a person who moved to a nursing home, and
        is still registered with a daughter, does not count among neighbours; and people brought together in a hall
        count once a day.
        """
        measured = [j for j, t in enumerate(self.visits[:count]) if t.from_home_m is not None and _known_place(t)]
        groups = self._at_one_address(measured)
        return _first_of_odd_groups(groups, self._away), len(groups)

    def _away(self, j: int) -> bool:
        trace = self.visits[j]
        return (trace.from_home_m or 0.0) > AWAY_M + (trace.accuracy_m or 0.0)

    def visit_length(self, count: int) -> tuple[list[int], int]:
        """Find visits that were too short or overlap the next one; trials: visits that certified a person.

        A visit where no one is at home is short, and people at one address may be served together.
        """
        certified = [j for j in range(count) if self.visits[j].method != NOT_CERTIFIED]
        hits = [j for j in certified if self.visits[j].seconds < SHORTEST_S or self._overlaps(j, count)]
        return hits, len(certified)

    def _overlaps(self, j: int, count: int) -> bool:
        if j + 1 >= count or self._one_address(j, j + 1, count):
            return False
        return self.visits[j].seconds - _seconds(self.visits[j], self.visits[j + 1]) > OVERLAP_S

    def picture_of_picture(self, count: int) -> tuple[list[int], int]:
        """Find photos of a print or a screen; trials: visits whose photos were assessed."""
        assessed = [(j, passive) for j in range(count) if (passive := self.visits[j].passive) is not None]
        return [j for j, passive in assessed if passive < LIVE_FROM], len(assessed)

    def alternatives(self, count: int) -> tuple[list[int], int]:
        """Find attestations instead of faces; trials: addresses on a day.

        If visits were the trials, an agent who visits a nursing home would look worse with every resident. A hit is the
        first attested visit at an address where most were attested.
        """
        certified = [j for j in range(count) if self.visits[j].method != NOT_CERTIFIED]
        groups = self._at_one_address(certified)
        return _first_of_odd_groups(groups, lambda j: self.visits[j].method != FACE), len(groups)

    def _at_one_address(self, visits: Iterable[int]) -> list[list[int]]:
        """Group the visits of a day that were at one place."""
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
        """Find clocks that were moved; trials: days, because a wrong clock stays wrong until there is a network again.

        A hit is the first visit of a day whose clock is off by too much, or that was sealed before an earlier place in
        the chain.
        """
        odd = {j for j in range(count) if abs(self.visits[j].clock_shift_s) > CLOCK_TOLERANCE_S}
        chained = sorted((chain, j) for j in range(count) if (chain := self.visits[j].chain) is not None)
        for ((tablet, _), i), ((other, _), j) in pairwise(chained):
            # The times of sealing are compared: a visit may be left open while another one is made.
            back_s = self.visits[i].seconds - self.visits[j].seconds - _seconds(self.visits[i], self.visits[j])
            if tablet == other and back_s > CLOCK_TOLERANCE_S:
                odd.add(j)
        first = {self._day(j): j for j in sorted(odd, reverse=True)}
        return list(first.values()), len({self._day(j) for j in range(count)})

    def rechecks(self, count: int) -> tuple[list[int], int]:
        """Find visits that a second one contradicts; trials: visits that were made a second time."""
        made = [j for j in range(count) if self.visits[j].recheck is not None]
        return [j for j in made if self.visits[j].recheck is False], len(made)


_RULES: dict[Signal, Callable[[VisitHistory, int], tuple[list[int], int]]] = {
    Signal.SAME_BACKGROUND: VisitHistory.same_background,
    Signal.SAME_FACE: VisitHistory.same_face,
    Signal.IMPOSSIBLE_TRAVEL: VisitHistory.impossible_travel,
    Signal.ELSEWHERE: VisitHistory.elsewhere,
    Signal.VISIT_LENGTH: VisitHistory.visit_length,
    Signal.PICTURE_OF_PICTURE: VisitHistory.picture_of_picture,
    Signal.ALTERNATIVES: VisitHistory.alternatives,
    Signal.CLOCK: VisitHistory.clock,
    Signal.RECHECKS: VisitHistory.rechecks,
}


def _first_of_odd_groups(groups: Iterable[list[int]], is_odd: Callable[[int], bool]) -> list[int]:
    """Return the first odd visit of each group of which most are odd."""
    hits = []
    for group in groups:
        odd = [j for j in group if is_odd(j)]
        if 2 * len(odd) > len(group):
            hits.append(odd[0])
    return hits


def _informative(background: tuple[int, ...]) -> tuple[int, ...]:
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
    # Overlapping visits are another signal. Here the agent is assumed to have left when the next visit began.
    free_s = max(_seconds(earlier, later) - earlier.seconds, 0.0)
    return away - errors - TRAVEL_SLACK_M <= FASTEST_KMH / 3.6 * free_s


def _seconds(earlier: VisitTrace, later: VisitTrace) -> float:
    return (later.at - earlier.at).total_seconds()
