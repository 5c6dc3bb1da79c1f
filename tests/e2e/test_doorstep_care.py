"""The tablet loses nothing without a question, and the person at the door keeps something in hand."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from playwright.sync_api import Playwright, expect
from sqlalchemy import select

from certify.doorstep.opening import details_of
from certify.storage.bundles import bundles_of_slip
from certify.storage.tables.doorstep import BundleRow
from fixtures import phone
from fixtures.camera import FileCamera
from fixtures.faces import Picture
from tests.e2e.doorstep import WORDS, at_work, plan, wait_until_judged
from tests.e2e.house import House

pytestmark = [pytest.mark.integration, pytest.mark.e2e, pytest.mark.slow, pytest.mark.enable_socket]

_SHUTTER = """() => {
  const shutter = document.querySelector(".shutter button").getBoundingClientRect();
  const face = document.querySelector(".viewfinder").getBoundingClientRect();
  const seen = Math.min(face.bottom, window.innerHeight) - Math.max(face.top, 0);
  return {bottom: shutter.bottom - window.innerHeight, top: shutter.top, seen: seen / face.height};
}"""


def test_nothing_is_deleted_without_a_question(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture, camera: FileCamera
) -> None:
    """Photo, visit and route are deleted after a question that names them. The shutter is on every screen."""
    person, _ = house.enrol(eileen)
    camera.show([np.ascontiguousarray(phone.upright(eileen)[:, :, ::-1])])
    with at_work(house, playwright, chromium, tmp_path / "tablet", camera=camera.path) as agent:
        (visit,) = plan(house, agent.agent, [person])
        agent.enrol()
        page = agent.page
        agent.begin(visit, photos=2)
        for width, height in ((960, 600), (800, 1280), (1280, 800)):
            page.set_viewport_size({"width": width, "height": height})
            page.locator(".viewfinder").evaluate("(face) => face.scrollIntoView({block: 'start'})")
            where = page.evaluate(_SHUTTER)
            assert where["bottom"] <= 0 <= where["top"], (width, height, where)
            assert where["seen"] > 0.8, (width, height, where)
        page.get_by_role("button", name="Delete", exact=True).first.click()
        page.get_by_role("button", name=WORDS["ask.keep"]).click()
        expect(page.get_by_text("Photos: 2 of 3")).to_be_visible()
        page.get_by_role("button", name="Delete", exact=True).first.click()
        page.get_by_role("button", name=WORDS["photos.retake.yes"]).click()
        expect(page.get_by_text("Photos: 1 of 3")).to_be_visible()
        page.get_by_role("button", name="Film 4 seconds").click()
        expect(page.get_by_text(WORDS["photos.film.one"])).to_be_visible(timeout=20_000)
        page.get_by_role("button", name="Back").click()
        page.get_by_role("button", name=WORDS["visit.drop"]).click()
        expect(page.get_by_role("alertdialog")).to_contain_text("photos: 2")
        page.get_by_role("button", name=WORDS["ask.keep"]).click()
        page.get_by_role("button", name="Back").click()
        expect(agent.stop_of(visit)).to_have_attribute("data-state", "begun")
        page.get_by_role("button", name="Settings").click()
        page.get_by_role("button", name=WORDS["settings.signout"]).click()
        expect(page.get_by_role("alertdialog")).to_contain_text("visits begun: 1")
        agent.offline()
        page.get_by_role("button", name=WORDS["ask.keep"]).click()
        page.get_by_role("button", name=WORDS["settings.signout"]).click()
        expect(page.get_by_role("alertdialog")).to_contain_text(WORDS["settings.signout.offline"])
        page.get_by_role("button", name=WORDS["settings.signout.yes"]).click()
        agent.expect_title(WORDS["unlock.title"])  # the route is still there, locked
        with page.expect_response("**/v1/tablet/sign-out"):
            agent.offline(off=False)
        agent.unlock()
        expect(agent.stop_of(visit)).to_have_attribute("data-state", "begun")
        agent.stop_of(visit).click()
        page.get_by_role("button", name="Take photos").click()
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_text(WORDS["photos.film.one"])).to_be_visible()
        agent.sign()
        page.get_by_role("button", name=WORDS["today.sync"]).click()
        page.get_by_role("button", name=WORDS["unlock.signin"]).click()  # the sign-in has ended
        agent.sign_in()
        agent.sync()
        wait_until_judged(house, [visit])
        with house.service.reading() as unit:
            (row,) = unit.db.scalars(select(BundleRow).where(BundleRow.visit_id == visit)).all()
            assert row.session_id is not None
            films = details_of(unit, row)["films"]
            assert isinstance(films, list)
            assert [UUID(film) for film in films] != []


def test_a_visit_sealed_in_two_tabs_counts_once_and_leaves_a_slip(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture
) -> None:
    """Both tabs show the same number for the slip, and the service finds the visit by it."""
    person, _ = house.enrol(eileen)
    with at_work(house, playwright, chromium, tmp_path / "tablet") as agent:
        (visit,) = plan(house, agent.agent, [person])
        agent.enrol()
        assert agent.context is not None
        first, second = agent.page, agent.context.new_page()
        agent.page = second
        agent.open()
        agent.unlock()
        agent.offline()
        for page in (first, second):
            agent.page = page
            agent.stop_of(visit).click()
            page.get_by_role("button", name=WORDS["visit.refused"]).click()
            page.get_by_role("button", name="Go on").click()
            agent.expect_title("Sign and seal")
            expect(page.get_by_text(WORDS["sealing.how.name"])).to_be_visible()
            page.locator("#sure").check()
        numbers = []
        for page in (first, second):
            page.get_by_role("button", name="Sign and seal").click()
            numbers.append(page.locator(".slip").inner_text().replace(" ", ""))
            page.get_by_role("button", name=WORDS["slip.next"]).click()
        assert numbers[0] == numbers[1]
        agent.page = first
        agent.offline(off=False)
        agent.sync()
        wait_until_judged(house, [visit])
        agent.sync()
        expect(agent.stop_of(visit)).to_contain_text(WORDS["state.noted"])
        with house.service.reading() as unit:
            (row,) = unit.db.scalars(select(BundleRow).where(BundleRow.visit_id == visit)).all()
            assert list(bundles_of_slip(unit.db, bytes.fromhex(numbers[0]))) == [row]
