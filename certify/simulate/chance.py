"""Named random numbers: the same person, matter and turn give the same number, in every regime and in any order.

So differences between two regimes are due to their rules, and chunks and processes do not change a result.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from statistics import NormalDist

_NORMAL = NormalDist()


class Chance:
    """The random numbers of one person."""

    __slots__ = ("_key",)

    def __init__(self, seed: int, person: int) -> None:
        self._key = f"{seed}/{person}/"

    def uniform(self, matter: str, turn: int = 0) -> float:
        """Return a number between 0 and 1, both excluded."""
        digest = blake2b(f"{self._key}{matter}/{turn}".encode(), digest_size=8).digest()
        # 52 bits and the half added still fit a float, so that the result is never 1.0.
        return ((int.from_bytes(digest, "big") >> 12) + 0.5) / 2.0**52

    def happens(self, share: float, matter: str, turn: int = 0) -> bool:
        """Tell whether something of this probability happens."""
        return self.uniform(matter, turn) < share

    def normal(self, matter: str, turn: int = 0) -> float:
        """Return a standard normal number."""
        return _NORMAL.inv_cdf(self.uniform(matter, turn))

    def days(self, median: float, spread: float, matter: str, turn: int = 0) -> int:
        """Return a waiting time in whole days, log-normal with this median; at least one unless the median is 0."""
        if not median:
            return 0
        return max(1, round(median * math.exp(spread * self.normal(matter, turn))))

    def gap(self, per_year: float, matter: str, turn: int = 0) -> float:
        """Return the days to the next event of a Poisson process with this rate per year."""
        return -math.log(self.uniform(matter, turn)) * 365.25 / per_year
