"""A new sign-in, a second page or a new enrolment does not lose visits that were begun or sealed on a tablet."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Playwright, expect
from sqlalchemy import select

from certify.doorstep.clock import read_time
from certify.doorstep.tablets import revoke_tablet
from certify.storage.bundles import missing_places
from certify.storage.tables.doorstep import BundleRow
from certify.storage.tablets import tablets_of
from fixtures import phone
from fixtures.camera import FileCamera
from fixtures.faces import Picture
from tests.e2e.doorstep import WORDS, at_work, plan, wait_until_judged
from tests.e2e.house import House

pytestmark = [pytest.mark.integration, pytest.mark.e2e, pytest.mark.slow, pytest.mark.enable_socket]


def test_begun_visits_survive_a_new_sign_in(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture, camera: FileCamera
) -> None:
    """The browser is killed before it stored the sign-in, so the agent signs in again during two visits.

    The photo and the beginning of each visit are kept. The beginning is not compared with a signed time that the
    tablet got later.
    """
    people = [house.enrol(eileen, name=f"Person {number}")[0] for number in range(2)]
    camera.show([np.ascontiguousarray(phone.upright(eileen)[:, :, ::-1])])
    with at_work(house, playwright, chromium, tmp_path / "tablet", camera=camera.path) as agent:
        killed, interrupted = plan(house, agent.agent, people)
        agent.enrol()
        agent.offline()
        agent.begin(killed)
        agent.kill()
        agent.start()
        agent.offline()
        page = agent.open()
        agent.unlock()
        agent.begin_with_code(interrupted)
        assert agent.context is not None
        agent.context.clear_cookies()
        network_at = datetime.now(UTC)
        agent.offline(off=False)
        page.get_by_role("button", name="Send and fetch").click()
        page.get_by_role("button", name=WORDS["unlock.signin"]).click()
        expect(page.get_by_text("begun here")).to_have_count(0)  # the page does not warn, because no visit is lost
        agent.sign_in("another code")
        agent.sync()
        agent.offline()
        agent.record_not_found(interrupted)
        agent.stop_of(killed).click()
        page.get_by_role("button", name="Take photos").click()
        page.get_by_label("The person agrees").check()
        expect(page.get_by_text("Photos: 1 of 3")).to_be_visible()
        agent.agree()
        for content in agent.sealed():
            clocks = content.entries.clocks
            assert clocks.anchored.wall_ms <= clocks.began.wall_ms < clocks.sealed.wall_ms
            with house.service.reading() as unit:
                anchored_at = read_time(unit, tablets_of(unit.db, agent.agent)[0].id, clocks.anchor)
            assert anchored_at is not None
            assert anchored_at < network_at
        agent.offline(off=False)
        agent.sync()
        wait_until_judged(house, [killed, interrupted])
        with house.service.reading() as unit:
            rows = unit.db.scalars(select(BundleRow).where(BundleRow.agent_id == agent.agent)).all()
            assert [row.reason for row in rows] == [None, None]
            assert all(row.happened_at is not None and row.happened_at < network_at for row in rows)


def test_a_new_sign_in_deletes_no_visit_without_a_warning(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture
) -> None:
    """The same code unlocks begun visits. A failed load deletes nothing. Only a warned sign-in with a new code does."""
    person, _ = house.enrol(eileen)
    with at_work(house, playwright, chromium, tmp_path / "tablet") as agent:
        (visit,) = plan(house, agent.agent, [person])
        agent.enrol()
        page = agent.page
        begun = expect(agent.stop_of(visit))
        agent.begin_with_code(visit)

        def choose_new_sign_in() -> None:
            agent.reopen()
            page.get_by_role("button", name=WORDS["unlock.signin"]).click()
            expect(page.get_by_text("One visit was begun here and is not sealed yet.")).to_be_visible()

        choose_new_sign_in()
        page.get_by_role("button", name="Open the day's work").click()
        agent.unlock()
        begun.to_have_attribute("data-state", "begun")

        choose_new_sign_in()
        agent.sign_in()
        begun.to_have_attribute("data-state", "begun")

        choose_new_sign_in()
        page.route("**/v1/tablet/day", lambda route: route.abort())
        agent.use_passkey("another code")
        expect(page.get_by_text("There is no network. Nothing is lost")).to_be_visible()
        page.unroute("**/v1/tablet/day")
        agent.reopen()
        agent.unlock()
        begun.to_contain_text("Lotus Street")
        begun.to_have_attribute("data-state", "begun")

        choose_new_sign_in()
        agent.sign_in("another code")
        begun.to_have_attribute("data-state", "todo")


def test_a_new_sign_in_with_the_same_passkey_unlocks_begun_visits(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture
) -> None:
    """With a passkey that makes secrets, a new sign-in unlocks the earlier work without a code."""
    person, _ = house.enrol(eileen)
    with at_work(house, playwright, chromium, tmp_path / "tablet", secrets=True) as agent:
        (visit,) = plan(house, agent.agent, [person])
        agent.enrol()
        agent.begin_with_code(visit)
        agent.reopen()
        agent.page.get_by_role("button", name=WORDS["unlock.signin"]).click()
        agent.sign_in()
        expect(agent.stop_of(visit)).to_have_attribute("data-state", "begun")
        agent.reopen()
        agent.unlock()
        expect(agent.stop_of(visit)).to_have_attribute("data-state", "begun")


def test_a_sign_out_and_the_end_of_a_sign_in_reach_every_open_page(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture
) -> None:
    """Signing out ends the other page, too. A page without the message stores nothing. After five days all ends."""
    person, _ = house.enrol(eileen)
    with at_work(house, playwright, chromium, tmp_path / "tablet") as agent:
        (visit,) = plan(house, agent.agent, [person])
        agent.enrol()
        first = agent.page
        assert agent.context is not None
        second = agent.context.new_page()
        second.on("pageerror", lambda error: agent.complaints.append(str(error)))

        def sign_out_and_in() -> None:
            agent.page = first
            first.get_by_role("button", name="Settings").click()
            first.get_by_role("button", name="Sign out and delete the day's work").click()
            first.get_by_role("button", name=WORDS["settings.signout.yes"]).click()
            agent.expect_title("Sign in")

        def open_second() -> None:
            agent.page = second
            agent.open()
            agent.unlock()

        open_second()
        sign_out_and_in()
        agent.page = second
        agent.expect_title("Sign in")
        agent.page = first
        agent.sign_in()

        second.add_init_script("window.BroadcastChannel = class extends EventTarget { postMessage() {} };")
        open_second()
        sign_out_and_in()
        agent.sign_in()
        second.evaluate("() => void window.dispatchEvent(new Event('online'))")
        agent.page = second
        agent.expect_title("Open the day's work")
        agent.page = first
        agent.reopen()
        agent.unlock()
        expect(agent.stop_of(visit)).to_contain_text("Lotus Street")

        first.evaluate("() => { const now = Date.now; Date.now = () => now() + 6 * 24 * 3600 * 1000; }")
        first.evaluate("() => void document.dispatchEvent(new Event('visibilitychange'))")
        agent.expect_title("Sign in")
        assert first.evaluate(_DAYS) == 0


_DAYS = """() => new Promise((done) => {
  const asked = indexedDB.open("certify-tablet");
  asked.onsuccess = () => {
    const all = asked.result.transaction("day").objectStore("day").count();
    all.onsuccess = () => done(all.result);
  };
})"""


def test_a_tablet_that_is_enrolled_again_begins_a_new_chain(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture
) -> None:
    """A revoked tablet is invited again: sealed visits are still sent, begun ones are deleted, and no gap shows."""
    people = [house.enrol(eileen, name=f"Person {number}")[0] for number in range(6)]
    with at_work(house, playwright, chromium, tmp_path / "tablet", secrets=True) as agent:
        visits = plan(house, agent.agent, people)
        agent.enrol()
        agent.record_not_found(visits[0])
        agent.sync()
        agent.offline()
        agent.record_not_found(visits[1])
        agent.record_not_found(visits[2])
        agent.begin_with_code(visits[3])
        with house.service.unit() as unit:
            (before,) = tablets_of(unit.db, agent.agent)
            revoke_tablet(unit, before.id, officer="officer")
            old = before.id
        agent.page.goto("about:blank")  # so that nothing is sent before the new enrolment
        agent.offline(off=False)
        agent.open_invitation()
        expect(agent.page.get_by_text(WORDS["enrol.begun.one"])).to_be_visible()
        agent.page.get_by_role("button", name="Yes, set it up").click()
        agent.sign_in()
        expect(agent.stop_of(visits[3])).to_have_attribute("data-state", "todo")
        agent.offline()
        agent.record_not_found(visits[3])
        agent.record_not_found(visits[4])
        # Only the bundles of the old enrolment are received. The signed time in their answers is not for the new one.
        turns = count()
        agent.page.route(
            "**/v1/tablet/bundles/*",
            lambda route: route.continue_() if next(turns) < 2 else route.fulfill(status=500, body="{}"),
        )
        agent.offline(off=False)
        agent.page.evaluate(_SEND)
        agent.offline()
        agent.page.unroute("**/v1/tablet/bundles/*")
        agent.record_not_found(visits[5])
        agent.offline(off=False)
        agent.sync()
        wait_until_judged(house, visits)
        with house.service.reading() as unit:
            query = select(BundleRow.seq, BundleRow.reason).order_by(BundleRow.seq)
            new = next(tablet.id for tablet in tablets_of(unit.db, agent.agent) if tablet.id != old)
            of_old, of_new = (unit.db.execute(query.where(BundleRow.tablet_id == one)).all() for one in (old, new))
            assert [tuple(row) for row in of_old] == [(1, None), (2, "tablet_revoked"), (3, "tablet_revoked")]
            assert [tuple(row) for row in of_new] == [(1, None), (2, None), (3, None)]
            assert missing_places(unit.db, new) == []


_SEND = """async () => {
  const base = document.querySelector('meta[name="base"]').content;
  await (await import(`${base}js/sync.js`)).sendAll().catch(() => {});
}"""


def test_the_app_opens_although_a_proxy_reports_an_error(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path
) -> None:
    """The app shows the stored page instead of the error of a proxy."""
    with at_work(house, playwright, chromium, tmp_path / "tablet", secrets=True) as agent:
        agent.enrol()
        assert agent.context is not None
        (worker,) = agent.context.service_workers
        worker.evaluate(_SERVICE_AWAY)
        agent.reopen()


_SERVICE_AWAY = """() => {
  const real = self.fetch;
  const away = () => new Response("Bad gateway", { status: 502 });
  self.fetch = async (asked) => (asked.mode === "navigate" ? away() : real(asked));
}"""
