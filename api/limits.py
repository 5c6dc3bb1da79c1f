"""Rate limits per caller, in this process's memory; behind several processes each counts for itself."""

from __future__ import annotations

import math
import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

NETWORK, DEVICE, PERSON = "300/hour", "30/hour", "20/hour"
"""Attempts to come in. A village, a nursing home or an agent's day may share one network; one person never needs
twenty. Five codes are open at once at most (certify/people/access.py), so an hour of guesses hits one in 10,000
hours."""


TABLETS = "6000/hour"
"""From one network: an office in which forty agents send a hundred visits each at the end of a day, some twice."""


class RateLimiter:
    """Allows a number of requests per caller and time, such as "300/minute"; "none" allows all."""

    def __init__(self, rule: str) -> None:
        self._rule = None if rule == "none" else parse(rule)
        self._counter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def hit(self, key: str) -> int:
        """Count a request; return 0 when it is allowed, else the seconds to wait."""
        if self._rule is None or self._counter.hit(self._rule, key):
            return 0
        reset = self._counter.get_window_stats(self._rule, key).reset_time
        return max(1, math.ceil(reset - time.time()))


class DoorLimits:
    """How often one may try to come in: by network, by device, and by the person asked for, be there such or not."""

    def __init__(self, *, unlimited: bool) -> None:
        rules = ("none",) * 3 if unlimited else (NETWORK, DEVICE, PERSON)
        self._network, self._device, self._person = (RateLimiter(rule) for rule in rules)

    def hit(self, *, network: str, device: str | None, person: bytes | None) -> int:
        """Count an attempt; return 0 when it is allowed, else the seconds to wait."""
        waits = [self._network.hit(network)]
        if device is not None:
            waits.append(self._device.hit(device))
        if person is not None:
            waits.append(self._person.hit(person.hex()))
        return max(waits)
