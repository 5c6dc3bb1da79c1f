"""What a person changes on their own pages: a record that was not them, a visit, contact data and consent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from playwright._impl._api_structures import SetCookieParam
from playwright.sync_api import Page, Playwright, expect

from api.auth import COOKIE
from certify.decision.record import NewRecord, record
from certify.domain.states import SignInWay
from certify.issuers.tokens import OWN_ROLES, SESSION_ISSUER, Role, Signer
from certify.people.access import device_mark, new_code
from certify.people.contact import Contact, set_contact
from certify.people.sign_ins import sign_in_person
from certify.storage.signing import active_key
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


def test_another_telephone_needs_a_code_to_the_old_one_and_can_be_undone(
    house: House, playwright: Playwright, chromium: str
) -> None:
    person, _ = house.enrol(faces.portraits()["eileen_collins"])
    with house.service.unit() as unit:
        set_contact(unit, person, Contact(phone="+8613800138000"))
    with opened(playwright, chromium) as page:
        sign_in(page, house, person)
        _forget_the_code(page, house, person)
        page.get_by_role("button", name="How you reach me").click()
        page.get_by_label("Mobile telephone").fill("+86 139 1113 9111")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("One more step, to protect you")
        shoot(page, "phone-confirm", whole=True)
        page.get_by_role("button", name="Send me a code").click()
        with house.service.unit() as unit:
            digits = new_code(unit, person, device=device_mark(page.evaluate("localStorage.getItem('certify.device')")))
        assert digits is not None
        field = page.get_by_label("Code from the message")
        field.fill(str((int(digits) + 1) % 10**6).zfill(6))
        page.get_by_role("button", name="Confirm").click()
        expect(page.get_by_text("This code does not open the page")).to_be_visible()
        field.fill(digits)
        page.get_by_role("button", name="Confirm").click()
        # The page continues with what the person wanted: the new number is stored, and waits.
        expect(page.get_by_text("+8613911139111. Until then we use the old one.")).to_be_visible()
        expect(page.get_by_label("Mobile telephone")).to_have_value("+8613800138000")
        shoot(page, "phone-contact-change", whole=True)
        sign_in(page, house, person)  # with the link of the message about the change
        page.get_by_role("button", name="Keep the old one").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
        expect(page.get_by_role("button", name="Keep the old one")).to_have_count(0)


def _forget_the_code(page: Page, house: House, person: UUID) -> None:
    """Sign in as by the face: without a code or link."""
    with house.service.unit() as unit:
        key = active_key(unit.db, house.service.vault, "session", unit.now)
        device = device_mark(page.evaluate("localStorage.getItem('certify.device')"))
        row = sign_in_person(unit, person, SignInWay.FACE, device=device, lifetime=timedelta(hours=1))
        token = Signer(SESSION_ISSUER, key.to_jwk(), OWN_ROLES).issue(
            subject=str(person),
            role=Role.SELF,
            now=unit.now,
            lifetime=timedelta(hours=1),
            device=device,
            sign_in=row.id,
        )
    cookie: SetCookieParam = {"name": COOKIE, "value": token, "url": f"https://{house.address}/", "secure": True}
    page.context.add_cookies([{**cookie, "httpOnly": True, "sameSite": "Strict"}])


def test_visit_contact_and_consent_can_be_changed(house: House, playwright: Playwright, chromium: str) -> None:
    person, _ = house.enrol(faces.portraits()["eileen_collins"])
    with opened(playwright, chromium) as page:
        sign_in(page, house, person)
        page.get_by_role("button", name="Ask for a visit at home").click()
        shoot(page, "phone-visit", whole=True)
        page.get_by_label("in the afternoon").check()
        page.get_by_role("button", name="Ask for this visit").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("We have noted it")
        page.get_by_role("button", name="My status").click()
        expect(page.get_by_text("A visit at home is asked for")).to_be_visible()

        page.get_by_role("button", name="How you reach me").click()
        page.get_by_label("Mobile telephone").fill("12")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("cannot be right")).to_be_visible()
        page.get_by_label("Mobile telephone").fill("+86 138 0013 8000")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
        page.get_by_role("button", name="Back").click()
        page.get_by_role("button", name="Where I am signed in").click()
        expect(page.get_by_text("This phone")).to_be_visible()
        expect(page.get_by_text("Another device")).not_to_be_visible()
        page.get_by_role("button", name="Back").click()
        page.get_by_role("button", name="Consent to the camera").click()
        page.get_by_role("button", name="Withdraw my consent").click()
        expect(page.get_by_text("You do not allow us to use your face")).to_be_visible()
        page.get_by_role("button", name="Give my consent").click()
        expect(page.get_by_text("You allow us to compare your face")).to_be_visible()

        page.get_by_role("button", name="Back").click()
        page.get_by_role("button", name="Erase my data").click()
        expect(page.get_by_text("your photos and films")).to_be_visible()
        expect(page.get_by_text("Then 72 hours remain")).to_be_visible()
        page.get_by_role("button", name="Erase my data").click()
        page.get_by_role("button", name="Yes, erase my data").click()
        expect(page.get_by_text("You asked us to erase your data")).to_be_visible()
        page.get_by_role("button", name="Back").click()
        expect(page.get_by_role("button", name="Where I am signed in")).to_be_visible()  # both pages have the next one
        page.get_by_role("button", name="Keep my data").click()
        expect(page.get_by_role("heading", name="Erase my data", level=1)).to_be_visible()
        page.get_by_role("button", name="Keep my data").click()
        expect(page.get_by_text("Your data are kept.")).to_be_visible()
        expect(page.get_by_role("button", name="Erase my data")).to_be_visible()
