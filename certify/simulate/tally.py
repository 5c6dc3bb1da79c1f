"""Counts of one person under one regime. All are whole numbers, so that sums are exact in any order."""

from __future__ import annotations

from dataclasses import dataclass, fields

FOUND_WITHIN = (30, 90, 365)
"""Days within which a death counts as found."""


@dataclass(slots=True)
class Tally:
    """Counts of one person.

    Attributes:
        living_days: days lived.
        deaths: 0 or 1.
        dead_days_paid: days after the death on which the payment went on.
        deaths_known_30: deaths with at least 30 simulated days after them; the same for 90 and 365.
        deaths_known_90: see ``deaths_known_30``.
        deaths_known_365: see ``deaths_known_30``.
        found_30: of these, deaths that were found within 30 days; the same for 90 and 365.
        found_90: see ``found_30``.
        found_365: see ``found_30``.
        paused: how often the certificate of the living person was paused.
        stopped: how often the payment of the living person was stopped or suspended.
        days_without: days of the living person without pension (paid back later).
        sessions: remote capture sessions.
        trips: journeys to a counter.
        visits: visits of agents and officers.
        reminders: letters and messages.
        looks: looks of an officer at a case.
        renewals: proofs of life, by any channel.
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
        """Count a death.

        Args:
            dies: day of the death.
            stopped: day on which the payment stopped; it may be before the death or after the end.
            end: last day of the simulation.
        """
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
