"""People whom records certify hear of it, once for each year, and not through the run itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from certify.messages.tell import tell_news
from certify.people.contact import Contact, set_contact
from tests.certify.messages.people import PHONE, messages, with_ways
from tests.certify.registry.runs.conftest import Fund
from tests.conftest import Clock

pytestmark = pytest.mark.integration


def test_a_silent_pass_gives_one_receipt_a_year(fund: Fund, clock: Clock) -> None:
    fund = replace(fund, service=with_ways(fund.service, "sms"))
    with fund.service.unit() as unit:
        for person in fund.people.values():
            set_contact(unit, person, Contact(phone=PHONE))
    tell_news(fund.service)
    feed = fund.feed("life_events")
    for number, days in enumerate((3, 2), 1):
        when = (clock.now - timedelta(days=days)).date().isoformat()
        fund.run(feed, fund.row("Maria Silva", f"r{number}", when, what="stay"))
        assert tell_news(fund.service) == ({"certified_silently": 1} if number == 1 else {})
        clock.advance(timedelta(days=1))
    clock.advance(timedelta(days=366))
    when = (clock.now - timedelta(days=1)).date().isoformat()
    fund.run(feed, fund.row("Maria Silva", "r3", when, what="stay"))
    assert tell_news(fund.service) == {"certified_silently": 1}
    assert {row.beneficiary_id for row in messages(fund.service)} == {fund.people["Maria Silva"]}


def test_a_death_in_a_file_is_told_after_the_run(fund: Fund, clock: Clock) -> None:
    fund = replace(fund, service=with_ways(fund.service, "sms", "letter"))
    tell_news(fund.service)
    fund.run(fund.feed("deaths"), fund.row("Ana Pereira", "d1", (clock.now - timedelta(days=9)).date().isoformat()))
    assert messages(fund.service) == []
    assert tell_news(fund.service) == {"death_reported": 1}
