"""Limit requests per caller. The counts are in this process's memory, so each of several processes counts alone.

The entrance of people who are not signed in has limits of its own, which all processes share and no setting switches
off (certify/people/door.py).
"""

from __future__ import annotations

import math
import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

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
