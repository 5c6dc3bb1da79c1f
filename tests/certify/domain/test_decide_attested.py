"""Decisions on attestations, that a reader can check by hand, each on a shipped policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from certify.domain.channels import Channel
from certify.domain.decide import Entitlement, Standing, decide
from certify.domain.evidence import (
    Attestation,
)
from certify.domain.reasons import Code
from tests.certify.domain.examples import BORN, adverse, at, codes, decided, pension, void
from tests.certify.domain.strategies import SHIPPED


def attestation(channel: Channel, when: datetime, country: str = "CN") -> Attestation:
    return Attestation(
        id=f"attested by {channel}",
        source="s",
        event_at=when,
        recorded_at=when,
        institution="an-institution",
        principal="p",
        channel=channel,
        seen_by="K-204",
        place="somewhere",
        country=country,
        document="passport",
    )


@pytest.mark.parametrize(
    ("channel", "country", "until"),
    [
        (Channel.CONSULATE, "BR", date(2027, 2, 1)),
        (Channel.NOTARY, "BR", date(2027, 2, 1)),
        (Channel.BANK, "CN", date(2027, 2, 1)),
        (Channel.BANK, "BR", None),
        (Channel.DOCTOR, "CN", date(2026, 8, 1)),
    ],
)
def test_an_attestation_proves_life_as_its_policy_says(channel: Channel, country: str, until: date | None) -> None:
    pension = Entitlement("p", "employee", date(2015, 1, 1), BORN, None)
    found = decide(pension, SHIPPED["employee"], [attestation(channel, at(2026, 2, 1), country)], date(2026, 3, 1))
    assert found.valid_until == until
    codes = {reason.code for reason in found.reasons}
    if until is None:
        assert Code.ATTESTATION_NOT_ACCEPTED in codes
    else:
        assert (found.standing, found.method, found.assurance) == (Standing.CERTIFIED, channel, "attested")
        assert codes & {Code.PROVEN_CONSULATE, Code.PROVEN_ATTESTED}


def test_a_doctor_s_later_word_does_not_shorten_what_a_consul_attested() -> None:
    pension = Entitlement("p", "employee", date(2015, 1, 1), BORN, None)
    consul, doctor = attestation(Channel.CONSULATE, at(2026, 1, 1), "BR"), attestation(Channel.DOCTOR, at(2026, 2, 1))
    found = decide(pension, SHIPPED["employee"], [consul, doctor], date(2026, 3, 1))
    assert (found.method, found.valid_until) == (Channel.CONSULATE, date(2027, 1, 1))


def test_for_those_who_moved_abroad_a_bank_at_home_is_no_way_and_a_consulate_is() -> None:
    pension = Entitlement("p", "resident", date(2015, 1, 1), BORN, None)
    moved = adverse("residence_abroad", at(2026, 1, 1))
    for channel, standing in ((Channel.BANK, Standing.OVERDUE), (Channel.CONSULATE, Standing.CERTIFIED)):
        found = decide(pension, SHIPPED["resident"], [moved, attestation(channel, at(2026, 2, 1))], date(2026, 3, 1))
        assert found.standing is standing


def test_the_person_takes_back_what_an_institution_says_and_no_other_source_does() -> None:
    seen = attestation(Channel.NOTARY, at(2026, 2, 1))
    day = date(2026, 3, 1)
    assert decided(pension(), [seen], day).standing is Standing.CERTIFIED
    denied = replace(void(seen, at(2026, 2, 20), "person"), by_person=True)
    assert decided(pension(), [seen, denied], day).standing is not Standing.CERTIFIED
    other = decided(pension(), [seen, void(seen, at(2026, 2, 20), "hospital")], day)
    assert other.standing is Standing.CERTIFIED
    assert Code.VOID_NOT_ENTITLED in codes(other)
