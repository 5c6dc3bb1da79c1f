"""The safety rules of the decision, each as a property over any evidence."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from certify.domain.channels import Channel
from certify.domain.codec import canonical, determination_digest, determination_to_json
from certify.domain.decide import Determination, Payment, Standing
from certify.domain.evidence import (
    AdverseRecord,
    Attestation,
    Capture,
    Check,
    Evidence,
    OfficerRuling,
    Ruling,
    SignOfLife,
    Void,
)
from certify.domain.policy import LivenessRule, Policy
from certify.domain.proofs import judge_capture
from certify.domain.schedule import add_days, local_date
from certify.domain.states import FaceZone
from tests.certify.domain import strategies as some

START = date.min


def verdict(determination: Determination) -> dict[str, object]:
    """Return everything but the reasons."""
    return {f.name: getattr(determination, f.name) for f in fields(determination) if f.name != "reasons"}


def taken_back(fact: Evidence, evidence: list[Evidence]) -> bool:
    """Tell whether a fact counts as taken back, written independently of the code."""
    if any(isinstance(v, Void) and v.target == fact.id and (v.by_officer or v.source == fact.source) for v in evidence):
        return True
    dismissible = isinstance(fact, AdverseRecord) or (isinstance(fact, OfficerRuling) and fact.ruling is Ruling.STOP)
    confirmations = [e for e in evidence if isinstance(e, OfficerRuling) and e.ruling is Ruling.CONFIRM_ALIVE]
    return dismissible and any(fact.id in c.dismisses and not taken_back(c, evidence) for c in confirmations)


def may_stop(policy: Policy, evidence: list[Evidence]) -> bool:
    standing = [fact for fact in evidence if not taken_back(fact, evidence)]
    if any(isinstance(fact, OfficerRuling) and fact.ruling is Ruling.STOP for fact in standing):
        return True
    deaths = [f for f in standing if isinstance(f, AdverseRecord) and f.kind in policy.adverse]
    return any(
        a.kind == b.kind and policy.adverse[a.kind].can_stop and independent(a, b) for a in deaths for b in deaths
    )


def independent(a: AdverseRecord, b: AdverseRecord) -> bool:
    """Tell whether two reports come from two sources, two institutions and two principals."""
    institutions = {record.institution or record.source for record in (a, b)}
    principals = {record.principal or record.source for record in (a, b)}
    return a.source != b.source and len(institutions) == len(principals) == 2


@given(st.data(), some.cases())
def test_adverse_evidence_never_raises_standing_nor_payment(data: st.DataObject, case: some.Case) -> None:
    new = data.draw(some.adverse(case.as_of) | some.rulings(case.as_of, case.names, Ruling.STOP))
    before, after = case.decide(), case.decide(new)
    assert after.standing <= before.standing
    assert (before.payment, after.payment) != (Payment.STOP, Payment.CONTINUE)


@given(st.data(), some.cases())
def test_supporting_evidence_never_lowers_anything(data: st.DataObject, case: some.Case) -> None:
    confirmed = some.rulings(case.as_of, case.names, Ruling.CONFIRM_ALIVE)
    new = data.draw(some.passing_captures(case) | some.signs(case.as_of) | some.attestations(case.as_of) | confirmed)
    before, after = case.decide(), case.decide(new)
    assert after.standing >= before.standing
    assert (after.valid_until or START) >= (before.valid_until or START)
    assert (before.payment, after.payment) != (Payment.CONTINUE, Payment.STOP)


@given(some.cases())
def test_an_earlier_proof_is_no_drawback(case: some.Case) -> None:
    """A proof from before this service, however old, is never worse than no proof."""
    without = replace(case, entitlement=replace(case.entitlement, last_proof_on=None))
    assert case.decide().standing >= without.decide().standing


@given(st.data(), some.cases())
def test_not_assessed_counts_for_no_more_than_failed(data: st.DataObject, case: some.Case) -> None:
    open_question = data.draw(st.sampled_from(["acquired", "liveness", "llr", "embedders"]))
    capture = data.draw(some.passing_captures(case))
    rule = case.policy.capture.get(capture.channel)
    other_face = replace(capture, llr=-5.0, zone=capture.zone and FaceZone.APART)
    unknown, failed = {
        "acquired": (replace(capture, acquired=Check.NOT_ASSESSED), replace(capture, acquired=Check.FAIL)),
        "liveness": (replace(capture, liveness=Check.NOT_ASSESSED), replace(capture, liveness=Check.FAIL)),
        "llr": (replace(capture, llr=None), other_face),
        "embedders": (replace(capture, embedders=1), other_face),
    }[open_question]
    # Only liveness may be not assessed, if the policy says so.
    needed = {LivenessRule.REQUIRED} | ({LivenessRule.WHEN_FILMED} if capture.filmed else set())
    assume(open_question != "liveness" or rule is None or rule.liveness in needed)
    assert verdict(case.decide(unknown)) == verdict(case.decide(failed))
    assert judge_capture(unknown, case.policy).state is not Check.PASS
    assert (case.decide(unknown).standing, case.decide(unknown).valid_until) == (
        case.decide().standing,
        case.decide().valid_until,
    )


@given(st.data(), some.cases(max_size=0))
def test_a_capture_of_which_nothing_was_assessed_proves_nothing(data: st.DataObject, case: some.Case) -> None:
    capture = data.draw(some.passing_captures(case))
    nothing = replace(capture, acquired=Check.NOT_ASSESSED, liveness=Check.NOT_ASSESSED, llr=None, embedders=0)
    assert case.decide(nothing).proven_on == case.decide().proven_on


@given(st.data(), some.cases())
def test_assurance_claims_liveness_only_where_it_was_checked(data: st.DataObject, case: some.Case) -> None:
    determination = case.decide(replace(data.draw(some.passing_captures(case)), liveness=Check.NOT_ASSESSED))
    checked = {
        local_date(f.event_at, case.policy.timezone)
        for f in case.evidence
        if isinstance(f, Capture) and f.liveness is Check.PASS
    }
    if determination.assurance == "face+liveness":
        assert determination.proven_on in checked


@given(some.cases(max_size=10))
def test_a_payment_stops_only_on_two_sources_or_an_officer(case: some.Case) -> None:
    determination = case.decide()
    # Facts against the person do not wait for their day, so they are among the known facts.
    known = [
        f
        for f in case.evidence
        if isinstance(f, AdverseRecord)
        or (isinstance(f, OfficerRuling) and f.ruling is Ruling.STOP)
        or local_date(f.event_at, case.policy.timezone) <= case.as_of
    ]
    if determination.payment is Payment.STOP:
        assert may_stop(case.policy, known)
    assert (determination.payment is Payment.STOP) == (determination.standing is Standing.STOPPED)


@given(st.data(), some.cases())
def test_one_institution_or_one_principal_alone_never_stops(data: st.DataObject, case: some.Case) -> None:
    """However many deaths one institution reports, or one caller for several institutions, the person is paid."""
    others = [f for f in case.evidence if not isinstance(f, AdverseRecord | OfficerRuling)]
    count = data.draw(st.integers(1, 5))
    drawn = [data.draw(some.adverse(case.as_of, f"r{n}")) for n in range(count)]
    alike: dict[str, Any] = data.draw(
        st.sampled_from([{"source": "police"}, {"institution": "ministry"}, {"principal": "https://id.example|7"}])
    )
    repeated = [replace(record, kind="death", **alike) for record in drawn]
    assert case.decide_on([*others, *repeated]).payment is Payment.CONTINUE


@given(st.data(), some.cases())
def test_an_impostor_changes_nothing_for_the_person(data: st.DataObject, case: some.Case) -> None:
    capture = data.draw(some.captures(case.as_of))
    assume(judge_capture(capture, case.policy).state is not Check.PASS)
    before, after = case.decide(), case.decide(capture)
    keys = ("standing", "payment", "valid_until", "proven_on", "method", "assurance", "review", "timetable", "channels")
    assert [getattr(after, key) for key in keys] == [getattr(before, key) for key in keys]


@given(st.data(), some.cases())
def test_order_and_duplicates_do_not_matter(data: st.DataObject, case: some.Case) -> None:
    # Attempts are counted, so a duplicate would show there first.
    attempts = [data.draw(some.captures(case.as_of, f"try {n}")) for n in range(data.draw(st.integers(0, 2)))]
    recent = [
        some.dated(replace(attempt, channel=Channel.REMOTE), -n, case.as_of) for n, attempt in enumerate(attempts)
    ]
    evidence = [*case.evidence, *recent]
    first, second = case.decide(*recent), case.decide_on(iter(data.draw(st.permutations([*evidence, *evidence]))))
    assert first == second
    assert determination_digest(first) == determination_digest(second)


@given(st.data(), some.cases())
def test_a_fact_that_its_source_or_an_officer_takes_back_has_no_effect(data: st.DataObject, case: some.Case) -> None:
    record = data.draw(some.facts(case.as_of, case.names))
    assume(not isinstance(record, Void))
    void = data.draw(some.voids(case.as_of, ["new"]))
    void = replace(void, target="new", source=void.source if void.by_officer else record.source)
    assume(local_date(void.event_at, case.policy.timezone) <= case.as_of)
    assert verdict(case.decide(record, void)) == verdict(case.decide())


@given(st.data(), some.cases())
def test_a_fact_that_another_source_takes_back_still_counts(data: st.DataObject, case: some.Case) -> None:
    record = data.draw(some.facts(case.as_of, case.names))
    void = replace(data.draw(some.voids(case.as_of, ["new"])), target="new", by_officer=False)
    assume(void.source != record.source)
    assume(
        not (void.by_person and isinstance(record, SignOfLife | Attestation))
    )  # the person may say "that was not me"
    assert verdict(case.decide(record, void)) == verdict(case.decide(record))


@given(st.data(), some.cases())
def test_facts_for_the_person_wait_for_their_day(data: st.DataObject, case: some.Case) -> None:
    drawn = data.draw(some.facts(case.as_of, case.names))
    assume(not isinstance(drawn, AdverseRecord))
    assume(not (isinstance(drawn, OfficerRuling) and drawn.ruling is Ruling.STOP))
    fact = some.dated(drawn, data.draw(st.integers(2, 400)), case.as_of)
    assert verdict(case.decide(fact)) == verdict(case.decide())


@given(st.data(), some.cases())
def test_facts_against_the_person_take_effect_at_once(data: st.DataObject, case: some.Case) -> None:
    stop = some.rulings(case.as_of, case.names, Ruling.STOP, "new")
    drawn = data.draw(some.adverse(case.as_of, "new") | stop)
    later = some.dated(drawn, data.draw(st.integers(0, 400)), case.as_of)
    determination = case.decide(later)
    assert determination.standing <= case.decide().standing
    if isinstance(drawn, OfficerRuling):
        assert determination.payment is Payment.STOP


@given(some.cases() | some.edge_cases())
def test_total_consistent_and_explained(case: some.Case) -> None:
    determination = case.decide()
    assert (determination.valid_until is None) == (determination.proven_on is None) == (determination.method is None)
    if determination.standing is Standing.CERTIFIED:
        assert determination.valid_until is not None
        assert determination.proven_on is not None
        assert determination.proven_on <= case.as_of <= determination.valid_until
    if determination.standing <= Standing.OVERDUE:
        assert determination.review or determination.payment is Payment.STOP
    assert all(reason.text for reason in determination.reasons)
    assert list(determination.reasons) == sorted(set(determination.reasons))
    canonical(determination_to_json(determination))


@given(st.data(), some.cases())
def test_time_alone_never_raises_standing(data: st.DataObject, case: some.Case) -> None:
    """Without new evidence a later date is never better, except when an age is reached."""
    entitlement, policy = replace(case.entitlement, birth_date=None), replace(case.policy, min_age=None)
    days = [local_date(fact.event_at, policy.timezone) for fact in case.evidence]
    days += [entitlement.last_proof_on] if entitlement.last_proof_on else []
    first = max([case.as_of, *days])
    later = add_days(first, data.draw(st.integers(0, 900)))
    early = replace(case, entitlement=entitlement, policy=policy, as_of=first)
    late = replace(early, as_of=later)
    assert late.decide().standing <= early.decide().standing
