"""Limit requests per caller. The counts are in this process's memory, so each of several processes counts alone."""

from __future__ import annotations

import math
import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

NETWORK, DEVICE, PERSON = "300/hour", "30/hour", "20/hour"
"""Sign-in attempts per network, per device, and per person asked for. A village, a nursing home or an agent's day may
share one network; no person needs twenty attempts in an hour. At most five codes are open at once
(certify/people/access.py), so one of 10,000 hours of guesses hits a code."""


TABLETS = "6000/hour"
"""Requests of tablets per network: forty agents in one office send a hundred visits each at the end of a day, some
twice."""


class RateLimiter:
    """Limit of requests per caller and time, such as "300/minute"; "none" allows all."""

    def __init__(self, rule: str) -> None:
        self._rule = None if rule == "none" else parse(rule)
        self._counter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def hit(self, key: str) -> int:
        """Count a request, and return the seconds to wait; 0 if it is allowed."""
        if self._rule is None or self._counter.hit(self._rule, key):
            return 0
        reset = self._counter.get_window_stats(self._rule, key).reset_time
        return max(1, math.ceil(reset - time.time()))


class SignInLimits:
    """Limits of sign-in attempts: by network, by device, and by the number given, whether or not it exists."""

    def __init__(self, *, unlimited: bool) -> None:
        rules = ("none",) * 3 if unlimited else (NETWORK, DEVICE, PERSON)
        self._network, self._device, self._person = (RateLimiter(rule) for rule in rules)

    def hit(self, *, network: str, device: str | None, person: bytes | None) -> int:
        """Count an attempt by all its keys, and return the seconds to wait; 0 if it is allowed.

        Args:
            network: address that the caller comes from.
            device: id that the page chose for its device; None if the request names none.
            person: keyed mark of the number that was given; None if the request names no person.
        """
        waits = [self._network.hit(network)]
        if device is not None:
            waits.append(self._device.hit(device))
        if person is not None:
            waits.append(self._person.hit(person.hex()))
        return max(waits)
