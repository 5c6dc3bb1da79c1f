"""The evidence that counts on a date: sorted into kinds, without facts that were taken back or lie in the future."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from certify.domain.evidence import (
    AdverseRecord,
    Attestation,
    Capture,
    Evidence,
    Finding,
    OfficerRuling,
    Ruling,
    SignOfLife,
    Void,
)
from certify.domain.policy import Policy
from certify.domain.reasons import Code, Reason, reason
from certify.domain.schedule import local_date


class CurrentFacts:
    """The evidence of one decision, sorted into kinds.

    Attributes:
        captures: captures that were not taken back.
        signs: signs of life that were not taken back.
        attestations: attestations that were not taken back.
        confirmed: rulings that confirm life and were not taken back.
        adverse: adverse records that were neither taken back nor dismissed, and report no event that an officer has
            ruled on.
        decided: adverse records that report an event again on which an officer has ruled.
        findings: what officers found about pensions of this scheme, and was not taken back.
        found_wrong: adverse records that change nothing, as officers found.
        stops: stop rulings that were neither taken back nor dismissed.
        reasons: reasons for what was left out.
    """

    def __init__(self, evidence: Iterable[Evidence], policy: Policy, as_of: date) -> None:
        zone = policy.timezone
        # A set drops duplicates; sorting by id and content makes the rest independent of arrival.
        everything = sorted(set(evidence), key=lambda fact: (fact.id, repr(fact)))
        self.reasons: list[Reason] = []
        current = []
        for fact in everything:
            # Supporting facts wait for their day. Facts against the person take effect at once: a death dated
            # "today, 23:59" by a source in another zone must not be overlooked.
            against = isinstance(fact, AdverseRecord) or (
                isinstance(fact, OfficerRuling) and fact.ruling is Ruling.STOP
            )
            if (day := local_date(fact.event_at, zone)) > as_of and not against:
                self.reasons.append(reason(Code.FUTURE_DATED, fact.id, date=day))
            else:
                current.append(fact)
        self.adverse = self._standing_adverse(current)
        stops = [f for f in current if isinstance(f, OfficerRuling) and f.ruling is Ruling.STOP]
        self.stops = [stop for stop in stops if not self._taken_back(stop, current)]
        self.captures = [f for f in current if isinstance(f, Capture) and not self._taken_back(f, current)]
        self.signs = [f for f in current if isinstance(f, SignOfLife) and not self._taken_back(f, current)]
        self.attestations = [f for f in current if isinstance(f, Attestation) and not self._taken_back(f, current)]
        self.confirmed: list[OfficerRuling] = [
            f
            for f in current
            if isinstance(f, OfficerRuling) and f.ruling is Ruling.CONFIRM_ALIVE and not self._taken_back(f, current)
        ]
        copies = [record for record in self.adverse if self._is_decided(record, policy)]
        self.decided = copies
        self.adverse = [record for record in self.adverse if record not in copies]
        self.findings = [
            f
            for f in current
            if isinstance(f, Finding) and f.scheme == policy.scheme and not self._taken_back(f, current)
        ]
        self.found_wrong = [record for record in self.adverse if self._is_found_wrong(record, policy)]
        self.adverse = [record for record in self.adverse if record not in self.found_wrong]

    def _standing_adverse(self, facts: list[Evidence]) -> list[AdverseRecord]:
        standing = []
        for fact in facts:
            if not isinstance(fact, AdverseRecord):
                continue
            if self._taken_back(fact, facts):
                self.reasons.append(reason(Code.ADVERSE_VOIDED, fact.id, kind=fact.kind, source=fact.source))
            else:
                standing.append(fact)
        return standing

    def _is_decided(self, record: AdverseRecord, policy: Policy) -> bool:
        """Tell whether a record reports an event again that an officer found to be wrong.

        The kind must be the same, the dates within ``same_event_days`` of each other, and the officer's ruling not
        earlier than the reported day: who was seen alive on a day can still have died after it.
        """
        day = local_date(record.event_at, policy.timezone)
        return any(
            kind == record.kind
            and abs((day - local_date(moment, policy.timezone)).days) <= policy.same_event_days
            and day <= local_date(ruling.event_at, policy.timezone)
            for ruling in self.confirmed
            for kind, moment in ruling.refuted_events
        )

    def _is_found_wrong(self, record: AdverseRecord, policy: Policy) -> bool:
        """Tell whether officers found that a record, or the event that it reports again, changes nothing.

        A record that can stop the payment is not answered so: only a confirmation of life refutes a death.
        """
        rule = policy.adverse.get(record.kind)
        if rule is not None and (rule.can_stop or rule.refuted_by_life):
            return False
        day = local_date(record.event_at, policy.timezone)
        for finding in self.findings:
            if finding.holds or finding.about != record.kind:
                continue
            seen = [other for other in self.adverse if other.id in finding.rests_on and other.kind == record.kind]
            apart = [abs((day - local_date(other.event_at, policy.timezone)).days) for other in seen]
            if record.id in finding.rests_on or any(days <= policy.same_event_days for days in apart):
                return True
        return False

    def _taken_back(self, fact: Evidence, facts: list[Evidence]) -> bool:
        taken = False
        for other in facts:
            if isinstance(other, Void) and other.target == fact.id:
                if _may_void(other, fact):
                    taken = True
                else:
                    self.reasons.append(reason(Code.VOID_NOT_ENTITLED, other.id, fact.id))
            elif (
                isinstance(other, OfficerRuling)
                and other.ruling is Ruling.CONFIRM_ALIVE
                and fact.id in other.dismisses
                and _dismissible(fact)
                # A confirmation that was itself taken back dismisses nothing. Voids cannot be taken back.
                and not any(isinstance(v, Void) and v.target == other.id and _may_void(v, other) for v in facts)
            ):
                taken = True
        return taken


def _may_void(void: Void, fact: Evidence) -> bool:
    """Tell whether a void is valid: from an officer, from the fact's own source, or from the person.

    A person takes back what others say of their life: signs of life and attestations.
    """
    deniable = isinstance(fact, SignOfLife | Attestation)
    return void.by_officer or void.source == fact.source or (void.by_person and deniable)


def _dismissible(fact: Evidence) -> bool:
    """Tell whether a confirmation can dismiss the fact: only facts against the person, never supporting facts."""
    return isinstance(fact, AdverseRecord) or (isinstance(fact, OfficerRuling) and fact.ruling is Ruling.STOP)
