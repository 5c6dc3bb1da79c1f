"""Life is required: what a still photo, closed eyes and a missing possession give under the shipped policies."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from certify.domain.channels import Channel
from certify.domain.decide import Determination, Entitlement, Standing, decide
from certify.domain.evidence import Capture, Check, Evidence, SignOfLife, Void
from certify.domain.policy import PolicyInvalid, parse_policy
from certify.domain.proofs import judge_capture
from certify.domain.reasons import Code
from certify.domain.states import Possession
from certify.policies import load_policies
from tests.certify.domain import strategies as some
from tests.certify.domain.examples import capture

DAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 4, tzinfo=UTC)
PENSION = Entitlement("pension 1", "employee", date(2015, 1, 1), date(1950, 1, 1))
FILM = replace(capture(NOON, llr=300.0, fact_id="film"), session_id="s1", eyes=Check.PASS)
PHOTO = replace(FILM, id="photo", liveness=Check.NOT_ASSESSED, filmed=False)


def decided(*facts: Evidence, scheme: str = "employee", on: date = DAY) -> Determination:
    return decide(replace(PENSION, scheme=scheme), some.SHIPPED[scheme], facts, on)


def act(name: str, days_before: int, trust: float = 1.0) -> SignOfLife:
    moment = NOON - timedelta(days=days_before)
    return SignOfLife(
        id=f"{name} {days_before}", source="insurer", event_at=moment, recorded_at=moment, act=name, trust=trust
    )


def codes(determination: Determination) -> set[Code]:
    return {reason.code for reason in determination.reasons}


@pytest.mark.parametrize("scheme", some.WITHOUT_AGE)
@pytest.mark.parametrize("possession", Possession)
def test_a_photo_alone_certifies_no_one(scheme: str, possession: Possession) -> None:
    determination = decided(replace(PHOTO, possession=possession), scheme=scheme)
    assert determination.standing is not Standing.CERTIFIED
    assert determination.proven_on is None
    assert Code.LIVENESS_REQUIRED in codes(determination)


def test_three_photos_lead_to_a_visit_and_not_to_a_certificate() -> None:
    determination = decided(*(replace(PHOTO, id=f"p{n}") for n in range(3)))
    assert determination.next_step == "doorstep"


@pytest.mark.parametrize("possession", Possession)
def test_a_photo_with_an_act_of_the_body_proves_only_with_possession(possession: Possession) -> None:
    determination = decided(replace(PHOTO, possession=possession), act("medical_insurance_claim", 20))
    if possession is not Possession.SHOWN:
        assert determination.standing is not Standing.CERTIFIED
        return
    assert (determination.standing, determination.method) == (Standing.CERTIFIED, Channel.REMOTE)
    assert determination.assurance == "face+data"
    # Neither the photo nor the record shows more than its own day, and the earlier one counts.
    assert determination.proven_on == DAY - timedelta(days=20)
    (why,) = (reason for reason in determination.reasons if reason.code is Code.PROVEN_FACE_DATA)
    assert dict(why.params) == {
        "acts": "medical_insurance_claim",
        "date": "2026-05-12",
        "needed": "0.5",
        "weight": "0.5",
    }
    assert why.facts == ("medical_insurance_claim 20", "photo")


@pytest.mark.parametrize(
    "acts",
    [
        [],
        [act("medical_insurance_claim", 91)],
        [act("medical_insurance_claim", 20, trust=0.9)],  # a feed that is trusted less
        [act("transport_card", 3), act("online_login", 2), act("tax_return", 1)],  # others could do these
    ],
)
def test_a_photo_with_records_that_do_not_suffice_proves_nothing(acts: list[SignOfLife]) -> None:
    determination = decided(replace(PHOTO, possession=Possession.SHOWN), *acts)
    assert determination.standing is not Standing.CERTIFIED


def test_the_limits_of_the_days_and_the_weight_are_inside() -> None:
    weak = [act("medical_insurance_claim", 90, trust=0.5), act("medical_insurance_claim", 80, trust=0.5)]
    determination = decided(replace(PHOTO, possession=Possession.SHOWN), *weak)
    assert determination.proven_on == DAY - timedelta(days=90)


def test_an_act_after_the_photo_does_not_make_the_photo_later() -> None:
    stay = act("medical_insurance_claim", -10)
    later = decided(replace(PHOTO, possession=Possession.SHOWN), stay, on=DAY + timedelta(days=11))
    assert (later.proven_on, later.assurance) == (DAY, "face+data")


def test_that_was_not_me_takes_the_photo_down_with_the_record() -> None:
    claim = act("medical_insurance_claim", 20)
    void = Void(id="v", source="person", event_at=NOON, recorded_at=NOON, target=claim.id, by_person=True)
    determination = decided(replace(PHOTO, possession=Possession.SHOWN), claim, void)
    assert determination.standing is not Standing.CERTIFIED


@pytest.mark.parametrize("channel", [Channel.REMOTE, Channel.DOORSTEP])
@pytest.mark.parametrize("fact", [FILM, PHOTO])
def test_closed_eyes_never_certify(channel: Channel, fact: Capture) -> None:
    asleep = replace(fact, channel=channel, eyes=Check.FAIL, possession=Possession.SHOWN)
    determination = decided(asleep, act("medical_insurance_claim", 1))
    assert determination.standing is not Standing.CERTIFIED
    assert [r.code for r in judge_capture(asleep, some.SHIPPED["employee"]).reasons] == [Code.EYES_CLOSED]


@given(st.data(), some.cases())
def test_closed_eyes_raise_nothing_under_any_policy(data: st.DataObject, case: some.Case) -> None:
    asleep = replace(data.draw(some.passing_captures(case)), eyes=Check.FAIL)
    before, after = case.decide(), case.decide(asleep)
    assert (after.standing, after.valid_until) == (before.standing, before.valid_until)


@pytest.mark.parametrize(
    ("possession", "assurance", "until"),
    [
        (Possession.SHOWN, "face+liveness+possession", date(2027, 6, 1)),
        (Possession.NOT_ASKED, "face+liveness", date(2027, 6, 1)),
        (Possession.MISSING, "face+liveness", date(2026, 9, 1)),
    ],
)
def test_a_film_without_the_known_phone_code_or_link_is_valid_for_three_months(
    possession: Possession, assurance: str, until: date
) -> None:
    determination = decided(replace(FILM, possession=possession))
    assert (determination.standing, determination.assurance, determination.valid_until) == (
        Standing.CERTIFIED,
        assurance,
        until,
    )
    assert (Code.POSSESSION_MISSING in codes(determination)) is (possession is Possession.MISSING)


def test_a_proof_that_is_valid_for_less_does_not_shorten_a_longer_one() -> None:
    whole = replace(FILM, id="whole", possession=Possession.SHOWN)
    short = replace(FILM, id="short", event_at=NOON + timedelta(days=60), possession=Possession.MISSING)
    determination = decided(whole, short, on=DAY + timedelta(days=61))
    assert (determination.valid_until, determination.proven_on) == (date(2027, 6, 1), DAY)
    assert determination.assurance == "face+liveness+possession"


@given(st.data(), some.cases())
def test_possession_is_no_drawback(data: st.DataObject, case: some.Case) -> None:
    capture = data.draw(some.passing_captures(case))
    assume(capture.possession is not Possession.SHOWN)
    without, shown = case.decide(capture), case.decide(replace(capture, possession=Possession.SHOWN))
    assert shown.standing >= without.standing
    assert (shown.valid_until or date.min) >= (without.valid_until or date.min)


def test_a_visit_says_that_an_agent_saw_the_person() -> None:
    determination = decided(replace(PHOTO, channel=Channel.DOORSTEP))
    assert (determination.standing, determination.assurance) == (Standing.CERTIFIED, "face+attested")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("months_without_possession", 13),
        ("photo_sign_days", -1),
        ("photo_sign_weight", 0.0),
        ("attested", "yes"),
        ("challenge", "some"),
    ],
)
def test_senseless_values_are_refused(key: str, value: object) -> None:
    document: dict[str, Any] = {**load_policies()["employee"].document}
    document["capture"] = {"remote": {**document["capture"]["remote"], key: value}}
    with pytest.raises(PolicyInvalid, match=key):
        parse_policy(document)


def test_a_policy_from_before_asks_for_nothing_new() -> None:
    """Stored policies are replayed; what they did not say must not change their verdicts."""
    document: dict[str, Any] = {**load_policies()["employee"].document}
    new = ("months_without_possession", "photo_sign_days", "photo_sign_weight", "attested", "challenge")
    document["capture"] = {
        channel: {key: value for key, value in rule.items() if key not in new} | {"liveness": "when_filmed"}
        for channel, rule in document["capture"].items()
    }
    old = parse_policy(document)
    missing = decide(PENSION, old, [replace(PHOTO, possession=Possession.MISSING)], DAY)
    assert (missing.assurance, missing.valid_until) == ("face", date(2027, 6, 1))
    visit = decide(PENSION, old, [replace(PHOTO, channel=Channel.DOORSTEP)], DAY)
    assert visit.assurance == "face"
