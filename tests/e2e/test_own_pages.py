"""What a person changes on their own pages: a record that was not them, a visit, contact data and consent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Playwright, expect

from certify.decision.record import NewRecord, record
from fixtures import faces
from tests.e2e.browser import opened, shoot, sign_in
from tests.e2e.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.slow]


def test_a_record_can_be_denied(house: House, playwright: Playwright, chromium: str) -> None:
    person, _ = house.enrol(
        faces.portraits()["eileen_collins"], last_proof_on=datetime.now(UTC).date() - timedelta(days=340)
    )
    with house.service.unit() as unit:
        for number, act in enumerate(("hospital_stay", "vaccination")):
            event = unit.now - timedelta(days=10 + number)
            record(unit, person, NewRecord(source="city-hospital", record_id=f"N{number}", event_at=event, act=act))
    with opened(playwright, chromium) as page:
        sign_in(page, house, person)
        page.get_by_role("button", name="How I was certified").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("How you were certified")
        shoot(page, "phone-receipts", whole=True)
        page.get_by_role("button", name="That was not me: Stay in hospital").click()
        page.get_by_role("button", name="Yes, that was not me").click()
        expect(page.get_by_text("You have said that this was not you")).to_be_visible()


def test_visit_contact_and_consent_can_be_changed(house: House, playwright: Playwright, chromium: str) -> None:
    person, _ = house.enrol(faces.portraits()["eileen_collins"])
    with opened(playwright, chromium) as page:
        sign_in(page, house, person)
        page.get_by_role("button", name="Ask for a visit at home").click()
        shoot(page, "phone-visit", whole=True)
        page.get_by_label("in the afternoon").check()
        page.get_by_role("button", name="Ask for this visit").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("We have noted it")
        page.get_by_role("button", name="How you stand").click()
        expect(page.get_by_text("A visit at home is asked for")).to_be_visible()

        page.get_by_role("button", name="How you reach me").click()
        page.get_by_label("Mobile telephone").fill("12")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("cannot be right")).to_be_visible()
        page.get_by_label("Mobile telephone").fill("+86 138 0013 8000")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("you are signed out everywhere")).to_be_visible()
        page.get_by_role("button", name="Back").click()
        expect(page.get_by_role("alert")).to_be_visible()

        sign_in(page, house, person)
        page.get_by_role("button", name="Where I am signed in").click()
        expect(page.get_by_text("This phone")).to_be_visible()
        expect(page.get_by_text("Another device")).not_to_be_visible()
        page.get_by_role("button", name="Back").click()
        page.get_by_role("button", name="Consent to the camera").click()
        page.get_by_role("button", name="Withdraw my consent").click()
        expect(page.get_by_text("You do not allow us to use your face")).to_be_visible()
        page.get_by_role("button", name="Give my consent").click()
        expect(page.get_by_text("You allow us to compare your face")).to_be_visible()
