"""Four eyes as properties: who may be the second officer, and what a copy of a decided event does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from certify.domain.codec import evidence_from_json, evidence_to_json
from certify.domain.decide import Payment, Standing
from certify.domain.evidence import AdverseRecord, OfficerRuling, Ruling, event_name
from certify.domain.four_eyes import Action, FourEyesRule, TwoOfficers, barred, needs_two_officers
from certify.domain.policy import Policy
from certify.domain.reasons import Code
from certify.domain.schedule import add_days, local_date
from tests.certify.domain import strategies as some

_WHO = st.sampled_from(["a|1", "a|2", "b|1", "operator:root", "service"])
_RULES = st.builds(FourEyesRule, needs_two=st.frozensets(st.sampled_from(TwoOfficers)))


@given(_WHO, st.one_of(st.none(), _WHO), st.one_of(st.none(), _WHO), st.one_of(st.none(), _WHO))
def test_no_one_decides_on_what_they_had_a_part_in(
    officer: str, proposed: str | None, opened: str | None, enrolled: str | None
) -> None:
    bar = barred(officer, proposed_by=proposed, opened_by=opened, enrolled_by=enrolled)
    assert (bar is not None) == (officer in {proposed, opened, enrolled})


@given(st.sampled_from(Action), st.lists(_RULES, max_size=3), _RULES, st.booleans())
def test_another_scheme_never_lowers_the_number_of_officers(
    action: Action, rules: list[FourEyesRule], more: FourEyesRule, against: bool
) -> None:
    if rules and needs_two_officers(action, rules, against_death=against):
        assert needs_two_officers(action, [*rules, more], against_death=against)
    if needs_two_officers(action, [more], against_death=False):
        assert needs_two_officers(action, [more], against_death=True)


def test_the_shipped_policies_ask_two_for_everything_but_a_plain_confirmation() -> None:
    for policy in some.SHIPPED.values():
        rules = [policy.four_eyes]
        two = {action for action in Action if needs_two_officers(action, rules, against_death=True)}
        assert two == set(Action) - {Action.NO_CHANGE, Action.WRONG_REFERENCE, Action.CONDITION_MET}
        assert not needs_two_officers(Action.CONFIRM_ALIVE, rules, against_death=False)
        assert policy.four_eyes.erasure_wait_hours == 72
    assert needs_two_officers(Action.STOP, [], against_death=False), "without a policy the shipped rule counts"


def _at(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)


@st.composite
def decided(draw: st.DrawFn, *, copied: bool = False) -> tuple[some.Case, OfficerRuling, AdverseRecord]:
    """Return a case, an officer's confirmation of life that refuted a death, and another record of a death.

    With ``copied``, the other record is always a copy of the refuted one.
    """
    case = draw(some.cases(max_size=4))
    days = draw(st.sampled_from([0, 7, 31] if copied else [-1, 0, 7, 31]))
    case = replace(case, policy=replace(case.policy, same_event_days=days, timezone="UTC"))
    ago = draw(st.integers(0, 60))
    seen = add_days(case.as_of, -ago)
    died = add_days(case.as_of, -draw(st.integers(max(0, ago - days) if copied else 0, 120)))
    first = draw(some.adverse(case.as_of, "first"))
    first = replace(first, kind="death", event_at=_at(died))
    ruling = draw(some.rulings(case.as_of, [], Ruling.CONFIRM_ALIVE, "ruling"))
    ruling = replace(ruling, event_at=_at(seen), dismisses=("first",), events=(event_name(first),))
    copy = draw(some.adverse(case.as_of, "copy"))
    later = min(days, (seen - died).days) if copied else 40
    copy = replace(copy, kind="death", event_at=_at(add_days(died, draw(st.integers(-days if copied else -40, later)))))
    return case, ruling, copy


def _is_copy(policy: Policy, ruling: OfficerRuling, record: AdverseRecord) -> bool:
    """Tell whether a record copies the refuted event, written independently of the code."""
    (_, died), day = ruling.refuted_events[0], local_date(record.event_at, policy.timezone)
    near = abs(day - local_date(died, policy.timezone)) <= timedelta(days=policy.same_event_days)
    return policy.same_event_days >= 0 and near and day <= local_date(ruling.event_at, policy.timezone)


@given(decided(copied=True))
def test_a_copy_neither_pauses_nor_stops_and_asks_an_officer(
    given_case: tuple[some.Case, OfficerRuling, AdverseRecord],
) -> None:
    case, ruling, copy = given_case
    assert _is_copy(case.policy, ruling, copy)
    before, after = case.decide(ruling), case.decide(ruling, copy)
    assert after.standing == before.standing
    assert after.payment == before.payment
    if before.standing is not Standing.STOPPED:
        assert after.review
    assert Code.ADVERSE_DECIDED in {reason.code for reason in after.reasons}


@given(decided())
def test_what_is_no_copy_counts_as_ever(given_case: tuple[some.Case, OfficerRuling, AdverseRecord]) -> None:
    case, ruling, record = given_case
    assume(not _is_copy(case.policy, ruling, record))
    after = case.decide(ruling, record)
    assert after.standing <= Standing.PAUSED
    # The case may hold another ruling and a copy of what it decided.
    assert record.id not in {
        fact for reason in after.reasons if reason.code is Code.ADVERSE_DECIDED for fact in reason.facts
    }


@given(decided(copied=True), st.integers(2, 6))
def test_many_copies_never_stop(given_case: tuple[some.Case, OfficerRuling, AdverseRecord], count: int) -> None:
    case, ruling, copy = given_case
    assert _is_copy(case.policy, ruling, copy)
    assume(case.decide(ruling).payment is Payment.CONTINUE)
    copies = []
    for number in range(count):
        name = f"other {number}"
        copies.append(replace(copy, id=name, source=name, institution=name, principal=name))
    assert case.decide(ruling, *copies).payment is Payment.CONTINUE


@given(decided())
def test_a_ruling_that_was_taken_back_refutes_nothing(
    given_case: tuple[some.Case, OfficerRuling, AdverseRecord],
) -> None:
    case, ruling, copy = given_case
    unknown = replace(ruling, events=())
    assert case.decide(unknown, copy).standing <= Standing.PAUSED


@given(decided())
def test_events_survive_storage(given_case: tuple[some.Case, OfficerRuling, AdverseRecord]) -> None:
    ruling = given_case[1]
    assert evidence_from_json(evidence_to_json(ruling)) == ruling
    early = {name: value for name, value in evidence_to_json(ruling).items() if name != "events"}
    assert evidence_from_json(early) == replace(ruling, events=())


@pytest.mark.parametrize("event", ["death", "death@yesterday", "death@2026-01-01T00:00:00"])
def test_an_event_that_cannot_be_read_is_refused(event: str) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match=r"[Ii]nvalid|time zone"):
        OfficerRuling(
            id="r",
            source="officer:o",
            event_at=now,
            recorded_at=now,
            ruling=Ruling.CONFIRM_ALIVE,
            events=(event,),
        )
