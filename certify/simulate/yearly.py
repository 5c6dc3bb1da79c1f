"""The common part of the three other regimes: a round each year, and a suspension if it ends without proof.

A round lasts from the first reminder to the deadline. A person who proves life in it is due again a year after that
proof; otherwise the payment is suspended. A living person notices that, proves life, and is paid again with arrears.
The death of a dead person is found in this way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from certify.domain.policy import Policy
from certify.simulate.assumptions import Assumptions
from certify.simulate.conduct import Conduct, Days
from certify.simulate.lives import NEVER, Life
from certify.simulate.tally import Tally

_YEAR = 365


@dataclass(frozen=True, slots=True)
class Round:
    """A proof in a round.

    Attributes:
        day: day of the proof; it may be after the deadline.
        silently: whether it rests on data alone.
        true: whether the person was alive.
    """

    day: int
    silently: bool
    true: bool


class Yearly(ABC):
    """The simulation of one person under a regime of yearly rounds."""

    def __init__(self, life: Life, policy: Policy, given: Assumptions, days: Days) -> None:
        self.life, self.policy, self.given = life, policy, given
        self.tally = Tally()
        self.conduct = Conduct(life, given, policy, days, self.tally)
        self._known = self.death_known()

    @abstractmethod
    def grace(self) -> int:
        """Return the days from the due date to the suspension."""

    @abstractmethod
    def proves(self, due: int) -> Round | None:
        """Simulate a round; return the proof, or None."""

    @abstractmethod
    def shows(self, day: int) -> int | None:
        """Let the person, or a relative, try to prove life; return the day on which that succeeded, or None."""

    def death_known(self) -> int:
        """Return the day on which a report of the death stops the payment; here only families report."""
        return self.life.family

    def run(self) -> Tally:
        """Simulate to the end and return the counts."""
        life = self.life
        self.tally.lived(life.start, life.end, life.dies)
        stopped = self._rounds()
        if life.dies != NEVER:
            self.tally.died(life.dies, min(stopped, self._known, self.conduct.death_seen), life.end)
        return self.tally

    def over(self, day: int) -> bool:
        """Tell whether the simulation is over on a day: after the end, or when the death is known."""
        return day > self.life.end or day >= min(self._known, self.conduct.death_seen)

    def reminded(self, due: int, offsets: Iterable[int]) -> Iterable[int]:
        """Send the reminders of a round one after the other; yield the days on which a person acts on one."""
        for offset in offsets:
            day = due + offset
            if self.over(day):
                return
            if self.conduct.reminded(day):
                acts = day + self.conduct.wait(self.given.people.acts_median_days, "acts")
                # A person who dies before that day does not act; a relative who hides the death may.
                if not self.over(acts) and (self.life.alive(acts) or self.life.hidden):
                    yield acts

    def shows_when_reminded(self, due: int, offsets: Iterable[int]) -> Round | None:
        """Simulate a round of reminders until one leads to a proof."""
        for day in self.reminded(due, offsets):
            if (shown := self.shows(day)) is not None:
                return Round(shown, silently=False, true=self.life.alive(shown))
        return None

    def _rounds(self) -> int:
        """Simulate all rounds; return the day of the suspension in which the person died or was dead, or NEVER."""
        life, last = self.life, self.life.last_proof
        while True:
            due = last + _YEAR
            deadline = due + self.grace()
            proof = self.proves(due)
            if proof is not None and proof.day <= deadline:
                if self.over(proof.day):
                    return NEVER
                last = proof.day
                self.tally.proven(silently=proof.silently, alive=proof.true)
                continue
            if self.over(deadline):
                return NEVER
            if not life.alive(deadline):
                return deadline
            self.tally.stopped += 1
            back = proof.day if proof is not None else self._returns(deadline)
            self.tally.days_without += min(back, life.dies, life.end + 1) - deadline
            if back >= life.dies:
                return deadline
            if back > life.end:
                return NEVER
            self.tally.proven(silently=False, alive=True)
            last = back

    def _returns(self, suspended: int) -> int:
        """Return the day on which a suspended living person has noticed that and proven life."""
        day = suspended + self.conduct.wait(self.given.people.notices_median_days, "notices")
        while self.life.alive(day) and not self.over(day):
            if (shown := self.shows(day)) is not None:
                return shown
            day += 1
        return day
