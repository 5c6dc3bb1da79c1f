"""On a phone that is known, the number is not typed again; a phone that is not known asks for it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Playwright, expect
from sqlalchemy import update

from certify.storage.tables.sessions import SessionRow
from fixtures.faces import Picture
from tests.e2e.axe import AXE, violations
from tests.e2e.browser import heading, opened, prepare_capture, shoot, start
from tests.e2e.house import BORN, House

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.slow]


def test_a_known_phone_asks_for_no_number_until_it_is_forgotten(
    house: House, playwright: Playwright, chromium: str, eileen: Picture
) -> None:
    person, card = house.enrol(eileen)
    with opened(playwright, chromium, allow=False, bypass_csp=True) as page:
        prepare_capture(page, house, card, BORN)
        # Reload and Back keep what was typed.
        page.reload()
        heading(page, "Before you begin")
        page.go_back()
        expect(page.get_by_label("Social security card number")).to_have_value(card)
        expect(page.get_by_label("Year")).to_have_value(str(BORN.year))
        page.get_by_role("button", name="Go on").click()
        start(page)
        heading(page, "The screen will change its colour")
        with house.service.unit() as unit:  # as after a film, with a code
            mine = update(SessionRow).where(SessionRow.beneficiary_id == person)
            unit.db.execute(mine.values(state="decided", outcome="certified", possession="shown"))
        page.evaluate("localStorage.setItem('certify.known', '1'); sessionStorage.clear()")
        page.goto(f"http://{house.address}/")
        page.add_script_tag(content=AXE)
        assert violations(page) == []
        shoot(page, "phone-again")
        page.get_by_role("button", name="Certify again").click()
        heading(page, "Before you begin")
        start(page)
        heading(page, "The screen will change its colour")
        with house.service.reading() as unit:
            assert unit.db.query(SessionRow).filter_by(beneficiary_id=person).count() == 2
        page.goto(f"http://{house.address}/")
        page.get_by_role("button", name="Forget this phone").click()
        page.get_by_role("button", name="Certify now with the camera").wait_for()
        # A phone that only believes that it is known is asked for the number.
        page.evaluate("localStorage.setItem('certify.known', '1'); sessionStorage.clear()")
        page.goto("about:blank")
        page.goto(f"http://{house.address}/")
        page.get_by_role("button", name="Certify again").click()
        start(page)
        heading(page, "Who are you?")
