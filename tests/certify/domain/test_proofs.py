"""Proofs of life: when a capture proves, and when signs of life suffice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certify.domain.channels import Channel
from certify.domain.evidence import Capture, Check, SignOfLife
from certify.domain.policy import LivenessRule, Policy, SignRule, SilentRule
from certify.domain.proofs import EARLIER_MIN_LLR, capture_proofs, judge_capture, silent_proof
from certify.domain.reasons import Code
from tests.certify.domain import strategies as some

DAY = date(2026, 6, 1)
EMPLOYEE = some.SHIPPED["employee"]
THRESHOLD = EARLIER_MIN_LLR
"""Of captures without a zone; test_face_zones.py has those with one."""
PASSING = Capture(
    id="c1",
    source="certify",
    event_at=datetime(2026, 6, 1, 4, tzinfo=UTC),
    recorded_at=datetime(2026, 6, 1, 4, tzinfo=UTC),
    session_id="s1",
    channel=Channel.REMOTE,
    acquired=Check.PASS,
    llr=THRESHOLD,
    embedders=2,
    liveness=Check.PASS,
)


def always(_channel: Channel, _day: date) -> bool:
    return True


def with_liveness(rule: LivenessRule) -> Policy:
    return replace(EMPLOYEE, capture={c: replace(r, liveness=rule) for c, r in EMPLOYEE.capture.items()})


def sign(act: str, days_ago: int, *, source: str = "registry", fact_id: str = "") -> SignOfLife:
    moment = datetime(2026, 6, 1, 4, tzinfo=UTC) - timedelta(days_ago)
    return SignOfLife(
        id=fact_id or f"{act} {days_ago} {source}", source=source, event_at=moment, recorded_at=moment, act=act
    )


def test_a_match_exactly_at_the_threshold_proves() -> None:
    judgement = judge_capture(PASSING, EMPLOYEE)
    assert (judgement.state, judgement.assurance) == (Check.PASS, "face+liveness")


@pytest.mark.parametrize(
    ("change", "state", "code"),
    [
        ({"acquired": Check.FAIL}, Check.NOT_ASSESSED, Code.FACE_NOT_ACQUIRED),
        ({"acquired": Check.NOT_ASSESSED}, Check.NOT_ASSESSED, Code.FACE_NOT_ACQUIRED),
        ({"liveness": Check.FAIL}, Check.FAIL, Code.LIVENESS_FAILED),
        ({"llr": THRESHOLD - 1e-9}, Check.FAIL, Code.FACE_DOES_NOT_MATCH),
        ({"llr": float("nan")}, Check.FAIL, Code.FACE_DOES_NOT_MATCH),
        ({"llr": float("-inf")}, Check.FAIL, Code.FACE_DOES_NOT_MATCH),
        ({"llr": None}, Check.NOT_ASSESSED, Code.FACE_NOT_COMPARED),
        ({"embedders": 1}, Check.NOT_ASSESSED, Code.FACE_NOT_COMPARED),
        ({"embedders": 0, "llr": 300.0}, Check.NOT_ASSESSED, Code.FACE_NOT_COMPARED),
        ({"channel": Channel.OFFICER}, Check.FAIL, Code.CHANNEL_NOT_ACCEPTED),
    ],
)
def test_a_capture_that_proves_nothing_gives_a_reason(change: dict[str, object], state: Check, code: Code) -> None:
    judgement = judge_capture(replace(PASSING, **change), EMPLOYEE)  # type: ignore[arg-type]
    assert judgement.state is state
    assert [reason.code for reason in judgement.reasons] == [code]
    assert judgement.assurance == ""


def test_liveness_not_assessed_is_shown_when_advisory_and_refused_when_required() -> None:
    open_question = replace(PASSING, liveness=Check.NOT_ASSESSED)
    advisory = judge_capture(open_question, with_liveness(LivenessRule.ADVISORY))
    assert (advisory.state, advisory.assurance) == (Check.PASS, "face")
    assert [reason.code for reason in advisory.reasons] == [Code.LIVENESS_NOT_ASSESSED]
    required = judge_capture(open_question, with_liveness(LivenessRule.REQUIRED))
    assert required.state is Check.NOT_ASSESSED
    assert [reason.code for reason in required.reasons] == [Code.LIVENESS_REQUIRED]


def test_a_video_must_show_life_where_a_photo_need_not() -> None:
    policy = with_liveness(LivenessRule.WHEN_FILMED)
    photo = replace(PASSING, liveness=Check.NOT_ASSESSED, filmed=False)
    video = replace(PASSING, liveness=Check.NOT_ASSESSED, filmed=True)
    assert judge_capture(photo, policy).assurance == "face"
    assert judge_capture(video, policy).state is Check.NOT_ASSESSED
    assert judge_capture(replace(video, liveness=Check.PASS), policy).assurance == "face+liveness"


@pytest.mark.parametrize("rule", LivenessRule)
def test_a_failed_liveness_check_never_proves(rule: LivenessRule) -> None:
    assert judge_capture(replace(PASSING, liveness=Check.FAIL), with_liveness(rule)).state is Check.FAIL


@given(st.data(), some.cases(max_size=0))
def test_a_likelihood_ratio_that_is_no_number_never_proves(data: st.DataObject, case: some.Case) -> None:
    capture = replace(data.draw(some.passing_captures(case)), llr=float("nan"))
    assert judge_capture(capture, case.policy).state is Check.FAIL
    assert capture_proofs([capture], case.policy, always) == []


def test_a_passing_capture_gives_no_proof_where_its_channel_is_closed() -> None:
    assert capture_proofs([PASSING], EMPLOYEE, lambda channel, _day: channel is not Channel.REMOTE) == []
    (proof,) = capture_proofs([PASSING], EMPLOYEE, always)
    assert (proof.proven_on, proof.channel) == (DAY, Channel.REMOTE)


def test_one_treatment_in_hospital_proves_life() -> None:
    proof, reasons = silent_proof([sign("hospital_stay", 10)], EMPLOYEE, always)
    assert proof is not None
    assert (proof.proven_on, proof.channel, proof.assurance, reasons) == (
        DAY - timedelta(10),
        Channel.DATA,
        "records",
        (),
    )


def test_life_is_proven_on_the_date_at_which_the_signs_suffice() -> None:
    signs = [sign("medical_insurance_claim", ago) for ago in (5, 20, 40)]
    proof, _ = silent_proof(signs, EMPLOYEE, always)
    assert proof is not None
    assert proof.proven_on == DAY - timedelta(20)
    assert proof.reasons[0].facts == tuple(sorted(s.id for s in signs[:2]))


def test_weights_of_tenths_add_up_exactly() -> None:
    signs = [sign("transport_card", n) for n in range(3)] + [sign("online_login", n) for n in range(4)]
    rules = {**EMPLOYEE.signs, "transport_card": SignRule(0.2, True, 3, "test")}
    policy = replace(EMPLOYEE, signs=rules, silent=SilentRule(0.8, 1))
    assert silent_proof(signs, policy, always)[0] is not None  # 3 x 0.2 + 2 x 0.1
    assert silent_proof(signs[:-3], policy, always)[0] is None


def test_the_same_act_reported_twice_counts_once() -> None:
    twice = [sign("medical_insurance_claim", 5, fact_id=name) for name in ("a", "b")]
    assert silent_proof(twice, EMPLOYEE, always)[0] is None


def test_signs_that_do_not_suffice_are_shown() -> None:
    proof, reasons = silent_proof([sign("transport_card", 3), sign("whistling", 2)], EMPLOYEE, always)
    assert proof is None
    assert [(r.code, dict(r.params)) for r in reasons] == [
        (Code.SIGNS_INSUFFICIENT, {"weight": "0.2", "threshold": "1"})
    ]


def test_unknown_acts_do_not_count() -> None:
    assert silent_proof([sign("whistling", 2)], EMPLOYEE, always) == (None, ())


@given(st.data(), some.cases(), some.sign_rules(), some.silent_rules())
def test_more_signs_never_prove_an_earlier_date(
    data: st.DataObject, case: some.Case, rules: dict[str, SignRule], silent: SilentRule
) -> None:
    policy = replace(case.policy, signs=rules, silent=silent)
    signs = [data.draw(some.signs(case.as_of, f"s{n}")) for n in range(data.draw(st.integers(0, 12)))]
    before, _ = silent_proof(signs, policy, always)
    after, _ = silent_proof([*signs, data.draw(some.signs(case.as_of))], policy, always)
    if before is not None:
        assert after is not None
        assert after.proven_on >= before.proven_on


@given(st.data(), some.sign_rules(), some.silent_rules())
def test_the_same_act_repeated_counts_no_more_than_its_rule_allows(
    data: st.DataObject, rules: dict[str, SignRule], silent: SilentRule
) -> None:
    policy = replace(EMPLOYEE, signs=rules, silent=silent)
    act = data.draw(st.sampled_from(some.ACTS))
    signs = [replace(data.draw(some.signs(DAY, f"s{n}")), act=act) for n in range(data.draw(st.integers(0, 12)))]
    rule = rules.get(act)
    proof, _ = silent_proof(signs, policy, always)
    if (
        rule is None
        or rule.weight * rule.max_count < silent.threshold - 1e-9
        or rule.max_count < silent.min_body_present
    ):
        assert proof is None


@given(st.data(), some.sign_rules(), some.silent_rules())
def test_acts_that_others_could_do_never_suffice_alone(
    data: st.DataObject, rules: dict[str, SignRule], silent: SilentRule
) -> None:
    absent = {act: replace(rule, body_present=False, weight=10.0) for act, rule in rules.items()}
    signs = [data.draw(some.signs(DAY, f"s{n}")) for n in range(data.draw(st.integers(0, 12)))]
    assert silent_proof(signs, replace(EMPLOYEE, signs=absent, silent=silent), always)[0] is None
