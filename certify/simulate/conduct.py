"""What people, relatives, agents and officers do when they are asked, under any rules. Each act is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from certify.domain.channels import Channel
from certify.domain.evidence import Capture, Check, Ruling
from certify.domain.policy import Policy
from certify.domain.proofs import EARLIER_MIN_LLR
from certify.domain.states import FaceZone
from certify.simulate.assumptions import Assumptions, at_age
from certify.simulate.chance import Chance
from certify.simulate.lives import NEVER, Life
from certify.simulate.tally import Tally

_CLEARLY_ABOVE = 1.0
"""How far the log10 likelihood ratio of a right face lies above the policy's threshold; any positive number does."""


class Days:
    """Noon of each day of a simulation in the time zone of the scheme, computed once."""

    def __init__(self, first: int, last: int, zone: str) -> None:
        self._first = first
        noon = datetime.fromordinal(first).replace(hour=12, tzinfo=ZoneInfo(zone))
        self._noons: Sequence[datetime] = [noon + timedelta(days=number) for number in range(last - first + 1)]

    def noon(self, day: int) -> datetime:
        """Return noon of a day."""
        return self._noons[day - self._first]


class Conduct:
    """The conduct of one person, and of the people around them, under one regime.

    Attributes:
        life: what happens to the person under every regime.
        tally: where acts are counted.
        death_seen: day on which an agent at the door learned of the death; NEVER before that.
    """

    def __init__(self, life: Life, given: Assumptions, policy: Policy, days: Days, tally: Tally) -> None:
        self.life = life
        self.tally = tally
        self.death_seen = NEVER
        self._chance: Chance = life.chance
        self._given = given
        self._policy = policy
        self._days = days
        self._turns: Counter[str] = Counter()

    def _happens(self, share: float, matter: str) -> bool:
        turn = self._turns[matter]
        self._turns[matter] += 1
        return self._chance.happens(share, matter, turn)

    def wait(self, median: float, matter: str) -> int:
        """Return how many days something takes."""
        turn = self._turns[matter]
        self._turns[matter] += 1
        return self._chance.days(median, self._given.waiting.spread, matter, turn)

    def reminded(self, day: int) -> bool:
        """Send a reminder; tell whether the person, or a relative in their name, is going to act on it."""
        self.tally.reminders += 1
        given = self._given
        if not self.life.alive(day):
            return self.life.hidden and self._happens(given.fraud.answers, "relative_answers")
        return self._happens(
            given.people.answers if self.life.reachable else given.people.unreachable_answers, "answer"
        )

    def has_phone(self, day: int) -> bool:
        """Tell whether a remote session is possible; relatives who hide a death have a phone."""
        return self.life.phone or not self.life.alive(day)

    def selfie(self, day: int) -> Capture:
        """Make one remote capture session, by the living person or by a relative in the name of the dead person."""
        self.tally.sessions += 1
        number = self.tally.sessions
        given, fraud = self._given, self._given.fraud
        acquired, liveness, filmed = Check.PASS, Check.PASS, True
        if self.life.alive(day):
            if self._happens(at_age(given.remote.fails, self.life.age), "selfie_fails"):
                acquired = Check.FAIL
        elif self._chance.happens(fraud.sends_old_photo, "sends_old_photo") and number == 1:
            # The old photo is sent once. If the policy certifies no still photo, the relative films it next time.
            filmed, liveness = False, Check.NOT_ASSESSED
            if not self._happens(fraud.old_photo_passes, "old_photo"):
                acquired = Check.FAIL
        elif not self._happens(fraud.replay_passes, "replay"):
            liveness = Check.FAIL
        return self._capture(Channel.REMOTE, f"selfie-{number}", day, acquired, liveness, filmed=filmed)

    def tries_again(self) -> bool:
        """Tell whether a person whose attempt failed tries again."""
        return self._happens(self._given.remote.tries_again, "tries_again")

    def visited(self, day: int) -> Capture | None:
        """Send an agent to the door; return the capture of the person, or None if there was no capture.

        Relatives who hide a death do not open the door. The agent learns of most other deaths (``death_seen``).
        """
        self.tally.visits += 1
        visits = self._given.visits
        if self.life.alive(day):
            if self._happens(visits.succeeds, "visit"):
                return self._capture(
                    Channel.DOORSTEP, f"visit-{self.tally.visits}", day, Check.PASS, Check.PASS, filmed=True
                )
        elif not self.life.hidden and self._happens(visits.finds_death, "visit_finds_death"):
            self.death_seen = min(self.death_seen, day)
        return None

    def at_counter(self, day: int) -> bool:
        """Appear at a counter; tell whether the clerk accepts the visitor as the living person."""
        self.tally.trips += 1
        return self.life.alive(day) or self._happens(self._given.fraud.impostor_at_counter, "impostor")

    def officer_looks(self, day: int, *, earlier: int) -> Ruling | None:
        """Let an officer look at a case, first by phone, then at the door; return the ruling, or None if undecided."""
        self.tally.looks += 1
        if earlier:
            self.tally.visits += 1
        officer = self._given.officer
        if self.life.alive(day):
            reaches = officer.reaches if self.life.reachable else officer.reaches_unreachable
            if self._happens(reaches, "officer_reaches"):
                return Ruling.CONFIRM_ALIVE
        elif self.life.hidden and self._happens(self._given.fraud.deceives_officer, "deceives_officer"):
            return Ruling.CONFIRM_ALIVE
        elif self._happens(officer.finds_death, "officer_finds_death"):
            return Ruling.STOP
        return Ruling.STOP if earlier + 1 >= officer.looks else None

    def _capture(
        self, channel: Channel, name: str, day: int, acquired: Check, liveness: Check, *, filmed: bool
    ) -> Capture:
        rule = self._policy.capture.get(channel)
        threshold, embedders = (rule.min_llr or EARLIER_MIN_LLR, rule.embedders) if rule else (0.0, 0)
        return Capture(
            id=name,
            source="certify",
            event_at=self._days.noon(day),
            recorded_at=self._days.noon(day),
            session_id=name,
            channel=channel,
            acquired=acquired,
            llr=threshold + _CLEARLY_ABOVE,
            embedders=embedders,
            liveness=liveness,
            filmed=filmed,
            zone=FaceZone.MATCH,
        )
