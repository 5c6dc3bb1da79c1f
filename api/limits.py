"""Rate limits per caller, in this process's memory; behind several processes each counts for itself."""

from __future__ import annotations

import math
import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter


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
