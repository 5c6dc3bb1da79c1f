"""The regimes to compare with: all in person, data only, face only. docs/simulation.md describes each."""

from __future__ import annotations

from certify.domain.channels import Channel
from certify.domain.evidence import Check
from certify.domain.proofs import judge_capture
from certify.simulate.lives import NEVER
from certify.simulate.tally import Tally
from certify.simulate.yearly import Round, Yearly


class InPerson(Yearly):
    """All people appear once a year: at a counter, or, if they are housebound, before an agent who visits them."""

    def grace(self) -> int:
        """Return the days to the suspension in month 13."""
        return round(self.given.in_person.grace_days)

    def proves(self, due: int) -> Round | None:
        """Appear after a reminder."""
        return self.shows_when_reminded(due, self.given.reminders.days_from_due)

    def shows(self, day: int) -> int | None:
        """Appear at a counter or before an agent; return the day on which that succeeded, if it did."""
        if not self.life.housebound:
            return day if self.conduct.at_counter(day) else None
        visit = day + self.conduct.wait(self.given.visits.median_days, "visit")
        return visit if not self.over(visit) and self.conduct.visited(visit) is not None else None


class FaceOnly(Yearly):
    """A selfie once a year, and no data. An agent comes only after failed attempts, or if there is no phone."""

    def grace(self) -> int:
        """Return the days to the suspension in month 13."""
        return round(self.given.face_only.grace_days)

    def proves(self, due: int) -> Round | None:
        """Try after a reminder."""
        return self.shows_when_reminded(due, self.given.reminders.days_from_due)

    def shows(self, day: int) -> int | None:
        """Try remotely, judged by the rule of the policy; an agent comes when the attempts are used up."""
        rule = self.policy.capture.get(Channel.REMOTE)
        if rule is not None and self.conduct.has_phone(day):
            for _ in range(rule.max_attempts):
                if self.over(day) or not (self.life.alive(day) or self.life.hidden):
                    return None
                if judge_capture(self.conduct.selfie(day), self.policy).state is Check.PASS:
                    return day
                if not self.conduct.tries_again():
                    return None
                day += 1
        visit = day + self.conduct.wait(self.given.visits.median_days, "visit")
        return visit if not self.over(visit) and self.conduct.visited(visit) is not None else None


class DataOnly(Yearly):
    """The Brazilian rule: an act within ten months, else a notice, then a block; one death record stops at once."""

    def grace(self) -> int:
        """Return the days to the block: the time of the notice."""
        return round(self.given.data_only.notice_days)

    def death_known(self) -> int:
        """Return the day of the first report of the death, from the register or the family."""
        return min(self.life.registered, self.life.family)

    def run(self) -> Tally:
        """Simulate to the end; a wrong report of death stops the payment like a right one."""
        tally = super().run()
        life = self.life
        if life.wrong_death != NEVER:
            asks = life.wrong_death + self.conduct.wait(self.given.people.notices_median_days, "notices_death")
            back = min(life.voided, asks + self.conduct.wait(self.given.data_only.appeal_days, "appeal"))
            tally.stopped += 1
            tally.days_without += min(back, life.dies, life.end + 1) - life.wrong_death
        return tally

    def proves(self, due: int) -> Round | None:
        """Compare with the data on the due date and after the notice, until the person appears."""
        by_data = self._by_data(due)
        if by_data is not None and by_data.day == due:
            return by_data
        told = [days for days in self.given.data_only.notices if by_data is None or due + days < by_data.day]
        shown = self.shows_when_reminded(due, told)
        if by_data is None or (shown is not None and shown.day < by_data.day):
            return shown
        return by_data

    def shows(self, day: int) -> int | None:
        """Appear at a counter; a representative appears for a housebound person, because no agent comes."""
        return day if self.conduct.at_counter(day) else None

    def _by_data(self, due: int) -> Round | None:
        """Return the proof by one act within the window, from the due date to the end of the notice."""
        since = due - self.given.data_only.window_days
        for act in self.life.acts:
            if act.recorded > due + self.grace():
                break
            if act.day > since and self.given.acts[act.act].counts_in_data_only:
                return Round(max(due, act.recorded), silently=True, true=self.life.alive(act.day))
        return None
