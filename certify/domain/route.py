"""The route of one agent on one day: the order of the stops, short, with mornings before afternoons.

Distances are great-circle, because the roads are not known here. Nearest neighbour gives a first order and 2-opt
removes its crossings. For the few dozen stops of a day that is close to the best order, and always the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Literal

Part = Literal["morning", "afternoon"]
Point = tuple[float, float]
"""Latitude and longitude in degrees (WGS 84)."""

MORNING: Part = "morning"
AFTERNOON: Part = "afternoon"
PARTS: tuple[Part, ...] = (MORNING, AFTERNOON)

EARTH_M = 6_371_008.8
"""Mean radius of the earth in metres (IUGG)."""

_LEAST_GAIN_M = 1e-3
"""Metres. A gain below a millimetre is rounding, and the search would never end."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A visit of the day, with the half of the day that was wished for and its place, where they are known."""

    visit: str
    part: Part | None = None
    latitude: float | None = None
    longitude: float | None = None

    @property
    def point(self) -> Point | None:
        """Return where it is; None unless both coordinates are known."""
        return point_of(self.latitude, self.longitude)


def point_of(latitude: float | None, longitude: float | None) -> Point | None:
    """Return a point; None unless both coordinates are known."""
    return None if latitude is None or longitude is None else (latitude, longitude)


def distance_m(one: Point, other: Point) -> float:
    """Return the great-circle distance in metres."""
    north, east = radians(other[0] - one[0]), radians(other[1] - one[1])
    half = sin(north / 2) ** 2 + cos(radians(one[0])) * cos(radians(other[0])) * sin(east / 2) ** 2
    return 2 * EARTH_M * asin(sqrt(min(half, 1.0)))


def route(stops: Sequence[Stop], start: Point | None = None) -> list[Stop]:
    """Order the stops of a day. The result does not depend on the order of the input.

    Wishes for the morning come before wishes for the afternoon; a stop without a wish goes where the way is shortest.
    Stops whose place is not known come last, by their id. Such a stop with a wish for the morning comes right after the
    last known one of the morning, because the wish counts more than the way.

    Args:
        stops: the stops of the day.
        start: where the day begins, if it is known.

    Returns:
        The stops in order; the way is never longer than that of ``nearest_neighbour``.
    """
    order = _without_crossings(nearest_neighbour(stops, start), start)
    unknown = sorted((stop for stop in stops if stop.point is None), key=lambda stop: stop.visit)
    early = [stop for stop in unknown if stop.part == MORNING]
    after = max((place for place, stop in enumerate(order, 1) if stop.part == MORNING), default=0)
    late = sorted((stop for stop in unknown if stop.part != MORNING), key=lambda stop: stop.part == AFTERNOON)
    return [*order[:after], *early, *order[after:], *late]


def nearest_neighbour(stops: Sequence[Stop], start: Point | None = None) -> list[Stop]:
    """Order the stops whose place is known by going to the nearest each time, mornings before afternoons.

    Without a start, the most western stop that may come first is the first.
    """
    left = {stop: stop.point for stop in sorted(stops, key=lambda stop: stop.visit) if stop.point is not None}
    here, order = start, []
    while left:
        morning = any(stop.part == MORNING for stop in left)
        open_now = {stop: point for stop, point in left.items() if not (morning and stop.part == AFTERNOON)}
        # Of equally near stops the first is taken, and they are sorted by id.
        nearest = min(
            open_now,
            key=lambda stop: distance_m(here, open_now[stop]) if here else (open_now[stop][1], open_now[stop][0]),
        )
        order.append(nearest)
        here = left.pop(nearest)
    return order


def _without_crossings(order: list[Stop], start: Point | None) -> list[Stop]:
    """Reverse parts of the order (2-opt) as long as that makes it shorter; the last stop is the end."""
    points = [point for point in (start, *(stop.point for stop in order)) if point is not None]
    first = len(points) - len(order)  # 1 when there is a start, which stays where it is
    ways = [[distance_m(a, b) for b in points] for a in points]
    parts = [None] * first + [stop.part for stop in order]
    now = list(range(len(points)))
    better = True
    while better:
        better = False
        for low in range(first, len(now) - 1):
            for high in range(low + 1, len(now)):
                if _gain(ways, now, low, high) > _LEAST_GAIN_M:
                    turned = [*now[:low], *reversed(now[low : high + 1]), *now[high + 1 :]]
                    if _in_order([parts[place] for place in turned]):
                        now, better = turned, True
    return [order[place - first] for place in now[first:]]


def _gain(ways: Sequence[Sequence[float]], now: Sequence[int], low: int, high: int) -> float:
    """Return by how many metres reversing the stops from ``low`` to ``high`` shortens the way."""
    gain = 0.0
    if low > 0:
        gain += ways[now[low - 1]][now[low]] - ways[now[low - 1]][now[high]]
    if high < len(now) - 1:
        gain += ways[now[high]][now[high + 1]] - ways[now[low]][now[high + 1]]
    return gain


def _in_order(parts: Sequence[Part | None]) -> bool:
    """Tell whether no morning comes after an afternoon."""
    afternoon = False
    for part in parts:
        if afternoon and part == MORNING:
            return False
        afternoon = afternoon or part == AFTERNOON
    return True
