"""What is counted for one person under one regime. Whole numbers throughout, so that sums are exact in any order."""

from __future__ import annotations

from dataclasses import dataclass, fields

FOUND_WITHIN = (30, 90, 365)
"""Days within which a death counts as found."""


@dataclass(slots=True)
class Tally:
    """Counts of one person. ``…_known_N`` are deaths early enough that N days of them were simulated.

    Attributes:
        living_days: days lived.
        deaths: 0 or 1.
        dead_days_paid: days after the death on which the payment went on.
        paused: living, how often the certificate was paused.
        stopped: living, how often the payment was stopped or suspended.
        days_without: living, days without pension (paid back later).
        sessions: remote capture sessions.
        trips: journeys to a counter.
        visits: agents and officers at the door.
        reminders: letters and messages.
        looks: of an officer at a case.
        renewals: proofs of life given, by whatever way.
        silent: of these, by data alone.
        silent_dead: of these, after the death.
    """

    living_days: int = 0
    deaths: int = 0
    dead_days_paid: int = 0
    deaths_known_30: int = 0
    deaths_known_90: int = 0
    deaths_known_365: int = 0
    found_30: int = 0
    found_90: int = 0
    found_365: int = 0
    paused: int = 0
    stopped: int = 0
    days_without: int = 0
    sessions: int = 0
    trips: int = 0
    visits: int = 0
    reminders: int = 0
    looks: int = 0
    renewals: int = 0
    silent: int = 0
    silent_dead: int = 0

    def lived(self, start: int, end: int, dies: int) -> None:
        """Count the days lived from the start to the end or the death."""
        self.living_days = min(end + 1, dies) - start

    def died(self, dies: int, stopped: int, end: int) -> None:
        """Count a death. ``stopped``: when the payment stopped, perhaps before the death, perhaps after the end."""
        self.deaths = 1
        self.dead_days_paid = max(0, min(stopped, end + 1) - dies)
        for days in FOUND_WITHIN:
            if dies + days <= end:
                setattr(self, f"deaths_known_{days}", 1)
                setattr(self, f"found_{days}", int(stopped - dies <= days))

    def proven(self, *, silently: bool, alive: bool) -> None:
        """Count a proof of life."""
        self.renewals += 1
        self.silent += silently
        self.silent_dead += silently and not alive

    def counts(self) -> list[int]:
        """Return the counts in the order of ``COUNTS``."""
        return [getattr(self, name) for name in COUNTS]


COUNTS = tuple(field.name for field in fields(Tally))
