"""What a capture is worth by its reference: a template of another system never decides alone, a drifted face never."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from certify.domain.channels import Channel
from certify.domain.codec import determination_to_json, evidence_from_json, evidence_to_json
from certify.domain.decide import Entitlement, decide
from certify.domain.determination import Standing
from certify.domain.evidence import Capture, Check, Evidence, SignOfLife
from certify.domain.policy import PolicyInvalid, parse_policy
from certify.domain.proofs import judge_capture, proof_with_records
from certify.domain.reasons import Code
from certify.domain.states import Challenge, FaceZone, Possession
from certify.policies import load_policies
from tests.certify.domain import strategies as some
from tests.certify.domain.examples import capture

EMPLOYEE = some.SHIPPED["employee"]
NOON = datetime(2026, 6, 1, 4, tzinfo=UTC)
FILM = replace(
    capture(NOON, llr=4.0, fact_id="c1"),
    session_id="s1",
    embedders=1,
    zone=FaceZone.MATCH,
    possession=Possession.SHOWN,
    foreign=True,
    reference_on=date(2019, 5, 1),
)
VISIT = replace(FILM, channel=Channel.DOORSTEP, possession=Possession.NOT_ASKED)
STAY = SignOfLife(id="s", source="hospital", event_at=NOON - timedelta(days=20), recorded_at=NOON, act="hospital_stay")
PENSION = Entitlement("e", "employee", date(2015, 1, 1), date(1950, 1, 1), last_proof_on=date(2025, 5, 1))
TODAY = date(2026, 6, 1)


def codes(*evidence: Evidence) -> set[Code]:
    return {why.code for why in decide(PENSION, EMPLOYEE, evidence, TODAY).reasons}


def test_attack_a_template_of_another_system_decides_nothing_alone() -> None:
    """However high the ratio is, with life and with possession."""
    best = replace(FILM, llr=300.0)
    judged = judge_capture(best, EMPLOYEE)
    assert judged.state is Check.NOT_ASSESSED
    assert {why.code for why in judged.reasons} == {
        Code.REFERENCE_ALONE,
        Code.REFERENCE_FOREIGN,
        Code.FACE_FOR_OFFICER,
    }
    decided = decide(PENSION, EMPLOYEE, [best], TODAY)
    assert decided.standing is not Standing.CERTIFIED
    assert decided.method is not Channel.REMOTE
    assert Code.REFERENCE_ALONE in codes(best)


def test_with_a_second_proof_it_proves_and_the_determination_says_on_what() -> None:
    decided = decide(PENSION, EMPLOYEE, [FILM, STAY], TODAY)
    assert (decided.standing, decided.method) == (Standing.CERTIFIED, Channel.REMOTE)
    assert decided.assurance == "face+liveness+possession+data"
    # Neither half proves more than its own day.
    assert decided.proven_on == date(2026, 5, 12)
    said = {why.code: why for why in decided.reasons}
    assert {Code.PROVEN_TEMPLATE_DATA, Code.REFERENCE_FOREIGN, Code.REFERENCE_USED} <= said.keys()
    assert "never decides alone" in said[Code.REFERENCE_FOREIGN].text
    age = "The face is nearest to a reference of 2019-05-01. Its age in full years: 7."
    assert said[Code.REFERENCE_USED].text == age


@pytest.mark.parametrize(
    "changed",
    [
        replace(FILM, possession=Possession.MISSING),
        replace(FILM, possession=Possession.NOT_ASKED),
        replace(FILM, liveness=Check.NOT_ASSESSED),
        replace(FILM, liveness=Check.FAIL),
        replace(FILM, filmed=False, liveness=Check.NOT_ASSESSED),
        replace(FILM, eyes=Check.FAIL),
        replace(FILM, zone=FaceZone.NEAR),
        replace(FILM, zone=FaceZone.APART),
        replace(FILM, zone=None, llr=None),
        replace(FILM, acquired=Check.FAIL),
        replace(FILM, drifted=True),
        replace(FILM, challenge=Challenge.NONE),
        replace(FILM, challenge=Challenge.ONE_MOVEMENT),
    ],
)
def test_attack_records_complete_only_a_film_with_life_and_possession_that_matches(changed: Capture) -> None:
    assert proof_with_records(changed, EMPLOYEE, [STAY]) is None
    assert decide(PENSION, EMPLOYEE, [changed, STAY], TODAY).method is not Channel.REMOTE


def test_a_fund_that_asks_for_more_asks_it_of_templates_too() -> None:
    rule = replace(EMPLOYEE.capture[Channel.REMOTE], min_llr=5.0)
    strict = replace(EMPLOYEE, capture={**EMPLOYEE.capture, Channel.REMOTE: rule})
    assert proof_with_records(FILM, strict, [STAY]) is None


def test_in_a_visit_the_agent_is_the_second_proof() -> None:
    decided = decide(PENSION, EMPLOYEE, [VISIT], TODAY)
    assert (decided.standing, decided.method) == (Standing.CERTIFIED, Channel.DOORSTEP)
    assert Code.REFERENCE_FOREIGN in {why.code for why in decided.reasons}
    for other in (replace(VISIT, zone=FaceZone.NEAR), replace(VISIT, zone=None, llr=None)):
        assert judge_capture(other, EMPLOYEE).state is not Check.PASS


def test_where_the_network_is_missing_the_reason_says_so_and_an_officer_is_asked() -> None:
    judged = judge_capture(replace(FILM, zone=None, llr=None, embedders=0), EMPLOYEE)
    assert [why.code for why in judged.reasons] == [Code.REFERENCE_NOT_COMPARABLE, Code.FACE_FOR_OFFICER]
    assert "not installed. A visit or an officer can confirm" in judged.reasons[0].text


@pytest.mark.parametrize(
    "changed",
    [FILM, replace(FILM, zone=FaceZone.APART), replace(FILM, zone=None, llr=None), replace(FILM, drifted=True)],
)
def test_a_stranger_asks_no_officer_and_neither_does_a_film_without_life(changed: Capture) -> None:
    for one in (replace(changed, public_entry=True), replace(changed, liveness=Check.NOT_ASSESSED)):
        assert Code.FACE_FOR_OFFICER not in {why.code for why in judge_capture(one, EMPLOYEE).reasons}


def test_attack_a_drifted_face_never_proves() -> None:
    own = replace(FILM, foreign=False, embedders=2, drifted=True)
    for channel in (Channel.REMOTE, Channel.DOORSTEP):
        judged = judge_capture(replace(own, channel=channel), EMPLOYEE)
        assert (judged.state, judged.reasons[0].code) == (Check.FAIL, Code.FACE_DRIFTED)
    assert judge_capture(replace(own, drifted=False), EMPLOYEE).state is Check.PASS


def test_the_age_of_the_reference_is_said_and_earlier_captures_say_none() -> None:
    own = replace(FILM, foreign=False, embedders=2)
    assert Code.REFERENCE_USED in codes(own)
    assert Code.REFERENCE_USED not in codes(replace(own, reference_on=None))
    # A clock that is wrong gives no negative age.
    late = decide(PENSION, EMPLOYEE, [replace(own, reference_on=date(2030, 1, 1))], TODAY)
    assert "in full years: 0" in next(why for why in late.reasons if why.code is Code.REFERENCE_USED).text
    assert determination_to_json(late)["reasons"]


def test_facts_survive_storage_and_earlier_ones_are_read() -> None:
    stored = evidence_to_json(FILM)
    assert evidence_from_json(stored) == FILM
    for later in ("foreign", "drifted", "reference_on"):
        stored.pop(later)
    earlier = evidence_from_json(stored)
    assert isinstance(earlier, Capture)
    assert (earlier.foreign, earlier.drifted, earlier.reference_on) == (False, False, None)


def test_policies_of_earlier_releases_refresh_nothing() -> None:
    document = dict(load_policies()["employee"].document)
    assert parse_policy(document).references.refresh_after_days == 300
    without = {name: value for name, value in document.items() if name != "references"}
    assert parse_policy(without).references.refresh_after_days == 0
    for wrong in ({"keep": 9}, {"refresh_after_days": -1}, {"kept": 1}):
        with pytest.raises(PolicyInvalid):
            parse_policy({**document, "references": wrong})
