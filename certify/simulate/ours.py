"""Our regime: one person over the years, event by event, with every standing from ``certify.domain.decide``.

This file decides nothing about the rules. It records what registries, phones, agents and officers report, calls
``decide`` again after each record and on the day of ``next_change``, and carries out the next step. While the next step
is NOTHING, new signs of life wait for the next call: supporting evidence never lowers a standing (a property of
``decide``), so every day has the standing that a call on that day would give.
"""

from __future__ import annotations

import heapq
from datetime import date
from enum import IntEnum

from certify.domain.channels import Channel
from certify.domain.decide import Determination, Entitlement, NextStep, Standing, decide
from certify.domain.evidence import (
    AdverseRecord,
    Evidence,
    OfficerRuling,
    Ruling,
    SignOfLife,
)
from certify.domain.passage import next_change
from certify.domain.policy import Policy
from certify.domain.reasons import Code
from certify.domain.terms import Terms
from certify.simulate.assumptions import Assumptions
from certify.simulate.conduct import Conduct, Days
from certify.simulate.facts import reports, sign
from certify.simulate.lives import NEVER, Life
from certify.simulate.tally import Tally

_ACTS_NOW = (NextStep.RENEW, NextStep.CERTIFY, NextStep.RETRY, NextStep.DOORSTEP, NextStep.OTHER_PATH)
"""Steps that ask something of the person."""


class _Event(IntEnum):
    """What happens on a day; events of one day happen in this order."""

    RECORD = 0  # a record of a registry arrives
    LOOK = 1  # a day on which the standing may change by itself
    REMIND = 2
    ATTEMPT = 3
    VISIT = 4
    OFFICER = 5
    AUDIT = 6
    APPEAL = 7


def play_ours(life: Life, policy: Policy, given: Assumptions, days: Days) -> Tally:
    """Simulate one person under our rules.

    Args:
        life: what happens to the person.
        policy: the rules of the scheme.
        given: the assumptions.
        days: noon of each day.

    Returns:
        The counts.
    """
    return Play(life, policy, given, days).run()


class Play:
    """The simulation of one person under our rules."""

    def __init__(self, life: Life, policy: Policy, given: Assumptions, days: Days) -> None:
        self.tally = Tally()
        self.conduct = Conduct(life, given, policy, days, self.tally)
        self._life, self._policy, self._given, self._days = life, policy, given, days
        self._entitlement = Entitlement(
            id="pension",
            scheme=policy.scheme,
            # Long before the last proof, so that the first due date depends on that proof.
            starts_on=date.fromordinal(life.start - 3 * 366),
            birth_date=date.fromordinal(life.born),
            last_proof_on=date.fromordinal(life.last_proof),
            # Medical reviews are not played: they are no proof of life.
            terms=Terms(permanent=True),
        )
        self._events: list[tuple[int, _Event, int, Evidence | None]] = []
        self._pushed = 0
        self._facts: list[Evidence] = []
        self._signs: list[tuple[int, SignOfLife]] = []
        self._unread = 0  # index of the first act not yet read from the feeds
        self._latest: Determination | None = None
        self._next_look = NEVER
        self._due_reminded = date.min
        self._visit_booked = self._attempt_planned = self._case_open = self._appealed = False
        self._failed_visits = self._looks = 0
        self._stopped_since = NEVER

    def run(self) -> Tally:
        """Simulate to the end and return the counts."""
        life = self._life
        self.tally.lived(life.start, life.end, life.dies)
        # The fund starts with the last proof only. Signs of life are read from the next call on.
        self._look(life.start, read=False)
        for day, fact in reports(life, self._days):
            self._push(day, _Event.RECORD, fact)
        while self._events:
            day, event, _, news = heapq.heappop(self._events)
            if day > life.end or (self._stopped_since != NEVER and not life.alive(day)):
                break  # the payment of a dead person has stopped: no later event is counted
            self._handle(day, event, news)
        if life.dies != NEVER:
            self.tally.died(life.dies, self._stopped_since, life.end)
        self._count_without(life.end + 1)
        return self.tally

    def _handle(self, day: int, event: _Event, news: Evidence | None) -> None:
        if event is _Event.RECORD and news is not None:
            self._facts.append(news)
            self._look(day)
        elif event is _Event.LOOK:
            if day == self._next_look:
                self._look(day)
        elif event is _Event.REMIND:
            self._remind(day)
        elif event is _Event.ATTEMPT:
            self._attempt(day)
        elif event is _Event.VISIT:
            self._visit(day)
        elif event is _Event.OFFICER:
            self._officer(day)
        elif event is _Event.AUDIT:
            self._audit(day)
        else:
            self._appeal(day)

    def _push(self, day: int, event: _Event, fact: Evidence | None = None) -> None:
        self._pushed += 1
        heapq.heappush(self._events, (day, event, self._pushed, fact))

    def _read_signs(self, day: int) -> None:
        acts = self._life.acts
        while self._unread < len(acts) and acts[self._unread].recorded <= day:
            self._signs.append((acts[self._unread].day, sign(self._life, self._unread, self._days)))
            self._unread += 1

    # The standing

    def _look(self, day: int, *, read: bool = True) -> Determination:
        """Decide on a day and plan the events that result."""
        if read:
            self._read_signs(day)
        before = self._latest
        evidence = [*self._facts, *(fact for _, fact in self._signs)]
        now = decide(self._entitlement, self._policy, evidence, date.fromordinal(day))
        self._latest = now
        if now.proven_on is not None and before is not None and now.proven_on != before.proven_on:
            self._proven(day, now.proven_on.toordinal(), silently=now.method is Channel.DATA)
        self._count_change(day, before, now)
        self._follow(day, now)
        return now

    def _proven(self, day: int, proven: int, *, silently: bool) -> None:
        # Signs before the proven day can only prove earlier days, and in the simulation no sign is taken back.
        self._signs = [(acted, fact) for acted, fact in self._signs if acted >= proven]
        self.tally.proven(silently=silently, alive=self._life.alive(proven))
        self._failed_visits = 0
        if silently and self._life.chance.happens(self._given.audit.share, "audit", self.tally.silent):
            self._push(day + self.conduct.wait(self._given.visits.median_days, "audit_wait"), _Event.AUDIT)

    def _count_change(self, day: int, before: Determination | None, now: Determination) -> None:
        was = before.standing if before else Standing.CERTIFIED
        alive = self._life.alive(day)
        if now.standing is Standing.PAUSED and was is not Standing.PAUSED and alive:
            self.tally.paused += 1
        if now.standing is Standing.STOPPED and was is not Standing.STOPPED:
            self._stopped_since = day
            self.tally.stopped += alive
        if was is Standing.STOPPED and now.standing is not Standing.STOPPED:
            # The person is alive: the simulation ends when the payment of a dead person has stopped.
            self._count_without(day)
            self._stopped_since = NEVER

    def _count_without(self, day: int) -> None:
        """Count the days lived without pension up to a day: that on which a stop is lifted, or the end."""
        self.tally.days_without += max(0, min(day, self._life.dies) - self._stopped_since)

    def _follow(self, day: int, now: Determination) -> None:
        change = next_change(self._entitlement, self._policy, now)
        self._next_look = change.toordinal() if change else NEVER
        if now.next_step is not NextStep.NOTHING and self._unread < len(self._life.acts):
            self._next_look = min(self._next_look, max(day + 1, self._life.acts[self._unread].recorded))
        if self._next_look != NEVER:
            self._push(self._next_look, _Event.LOOK)
        if now.standing is Standing.STOPPED:
            if self._life.alive(day) and not self._appealed:
                self._appealed = True
                wait = self.conduct.wait(self._given.people.notices_median_days, "notices")
                self._push(
                    day + wait + self.conduct.wait(self._given.officer.fast_lane_days, "fast_lane"), _Event.APPEAL
                )
            return
        if now.review and not self._case_open:
            self._case_open, self._looks = True, 0
            self._push(day + self.conduct.wait(self._given.officer.median_days, "officer"), _Event.OFFICER)
        if now.next_step not in _ACTS_NOW:
            return
        due = now.timetable.due_on
        if due != self._due_reminded:
            self._due_reminded = due
            for offset in self._given.reminders.days_from_due:
                if (when := due.toordinal() + offset) >= day:
                    self._push(when, _Event.REMIND)
        if any(reason.code is Code.TOO_MANY_ATTEMPTS for reason in now.reasons):
            self._book_visit(day)

    # What the service and people do

    def _remind(self, day: int) -> None:
        now = self._look(day)
        offset = day - now.timetable.due_on.toordinal()
        if now.next_step not in _ACTS_NOW or offset not in self._given.reminders.days_from_due:
            return  # proven meanwhile, with another due date; or an officer has the case
        if not self.conduct.reminded(day):
            return
        if Channel.REMOTE in now.channels and self.conduct.has_phone(day) and now.next_step is not NextStep.DOORSTEP:
            self._plan_attempt(day + self.conduct.wait(self._given.people.acts_median_days, "acts"))
        else:
            self._book_visit(day)

    def _plan_attempt(self, day: int) -> None:
        if not self._attempt_planned:
            self._attempt_planned = True
            self._push(day, _Event.ATTEMPT)

    def _attempt(self, day: int) -> None:
        self._attempt_planned = False
        if not self._life.alive(day) and not self._life.hidden:
            return
        if self._look(day).next_step not in (NextStep.RENEW, NextStep.CERTIFY, NextStep.RETRY):
            return
        self._facts.append(self.conduct.selfie(day))
        if self._look(day).next_step in (NextStep.RENEW, NextStep.RETRY) and self.conduct.tries_again():
            self._plan_attempt(day + 1)

    def _book_visit(self, day: int) -> None:
        if not self._visit_booked and self._failed_visits < self._given.visits.visits:
            self._visit_booked = True
            self._push(day + self.conduct.wait(self._given.visits.median_days, "visit"), _Event.VISIT)

    def _visit(self, day: int) -> None:
        self._visit_booked = False
        if self._look(day).next_step not in _ACTS_NOW:
            return
        capture = self.conduct.visited(day)
        if capture is not None:
            self._facts.append(capture)
            self._look(day)
        elif self.conduct.death_seen == day:
            # The agent only reports the death; an officer rules on it.
            self.tally.looks += 1
            self._push(day + 1, _Event.RECORD, self._ruling(day + 1, Ruling.STOP))
        else:
            self._failed_visits += 1
            self._book_visit(day)

    def _officer(self, day: int) -> None:
        if not self._look(day).review:
            self._case_open = False  # the cause has gone
            return
        ruling = self.conduct.officer_looks(day, earlier=self._looks)
        self._looks += 1
        if ruling is None:
            self._push(day + round(self._given.officer.again_days), _Event.OFFICER)
            return
        self._case_open = False
        self._facts.append(self._ruling(day, ruling))
        self._look(day)

    def _audit(self, day: int) -> None:
        self._look(day)
        self.tally.visits += 1
        if not self._life.alive(day):
            self._facts.append(self._ruling(day, Ruling.STOP))
            self._look(day)

    def _appeal(self, day: int) -> None:
        self._appealed = False
        if self._look(day).standing is Standing.STOPPED:
            self.tally.looks += 1
            self._facts.append(self._ruling(day, Ruling.CONFIRM_ALIVE))
            self._look(day)

    def _ruling(self, day: int, ruling: Ruling) -> OfficerRuling:
        self._pushed += 1
        noon = self._days.noon(day)
        dismissed: tuple[str, ...] = ()
        if ruling is Ruling.CONFIRM_ALIVE:
            # As in certify.decision.review: an officer who saw the person dismisses what that shows to be wrong.
            dismissed = tuple(fact.id for fact in self._facts if self._refuted(fact))
        return OfficerRuling(
            id=f"ruling-{self._pushed}",
            source="officer",
            event_at=noon,
            recorded_at=noon,
            ruling=ruling,
            dismisses=dismissed,
        )

    def _refuted(self, fact: Evidence) -> bool:
        if isinstance(fact, AdverseRecord):
            rule = self._policy.adverse.get(fact.kind)
            return rule is not None and rule.refuted_by_life
        return isinstance(fact, OfficerRuling) and fact.ruling is Ruling.STOP
