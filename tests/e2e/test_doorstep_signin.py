"""Signing in anew, on two pages, with another enrolment: what was begun or sealed on a tablet is not lost by it."""

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
from tests.e2e.doorstep import at_work, plan, wait_until_judged
from tests.e2e.house import House

pytestmark = [pytest.mark.integration, pytest.mark.e2e, pytest.mark.slow, pytest.mark.enable_socket]


def test_what_was_begun_outlives_a_new_sign_in(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture, camera: FileCamera
) -> None:
    """Killed before the browser wrote the sign-in down: the agent signs in anew in the middle of two visits.

    The photo is still there, and so is the beginning of each: it is not held against a time that came later.
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
        agent.look_in(interrupted)
        assert agent.context is not None
        agent.context.clear_cookies()
        network_at = datetime.now(UTC)
        agent.offline(off=False)
        page.get_by_role("button", name="Send and fetch").click()
        page.get_by_role("button", name="Sign in anew instead").click()
        expect(page.get_by_text("begun here")).to_have_count(0)  # nothing is lost by it
        agent.sign_in("another code")
        agent.sync()
        agent.offline()
        agent.find_nobody(interrupted)
        agent.stop_of(killed).click()
        page.get_by_role("button", name="Take photos").click()
        expect(page.get_by_text("Photos: 1 of 3")).to_be_visible()
        agent.agree()
        for content in agent.sealed():
            clocks = content.entries.clocks
            assert clocks.anchored.wall_ms <= clocks.began.wall_ms < clocks.sealed.wall_ms
            with house.service.reading() as unit:
                told_at = read_time(unit, tablets_of(unit.db, agent.agent)[0].id, clocks.anchor)
            assert told_at is not None
            assert told_at < network_at
        agent.offline(off=False)
        agent.sync()
        wait_until_judged(house, [killed, interrupted])
        with house.service.reading() as unit:
            rows = unit.db.scalars(select(BundleRow).where(BundleRow.agent_id == agent.agent)).all()
            assert [row.reason for row in rows] == [None, None]
            assert all(row.happened_at is not None and row.happened_at < network_at for row in rows)


def test_signing_in_anew_deletes_nothing_without_a_word(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture
) -> None:
    """Work that is locked: the same code opens it, a day that does not come takes nothing, and who goes on was told."""
    person, _ = house.enrol(eileen)
    with at_work(house, playwright, chromium, tmp_path / "tablet") as agent:
        (visit,) = plan(house, agent.agent, [person])
        agent.enrol()
        page = agent.page
        begun = expect(agent.stop_of(visit))
        agent.look_in(visit)

        def sign_in_anew() -> None:
            agent.reopen()
            page.get_by_role("button", name="Sign in anew instead").click()
            expect(page.get_by_text("One visit was begun here and is not sealed yet.")).to_be_visible()

        sign_in_anew()
        page.get_by_role("button", name="Open the day's work").click()
        agent.unlock()
        begun.to_have_attribute("data-state", "begun")

        sign_in_anew()
        agent.sign_in()
        begun.to_have_attribute("data-state", "begun")

        sign_in_anew()
        page.route("**/v1/tablet/day", lambda route: route.abort())
        agent.use_passkey("another code")
        expect(page.get_by_text("There is no network. Nothing is lost")).to_be_visible()
        page.unroute("**/v1/tablet/day")
        agent.reopen()
        agent.unlock()
        begun.to_contain_text("Lotus Street")
        begun.to_have_attribute("data-state", "begun")

        sign_in_anew()
        agent.sign_in("another code")
        begun.to_have_attribute("data-state", "todo")


def test_the_same_passkey_opens_what_was_begun(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture
) -> None:
    """With a passkey that makes secrets, signing in anew opens the work of before by itself."""
    person, _ = house.enrol(eileen)
    with at_work(house, playwright, chromium, tmp_path / "tablet", secrets=True) as agent:
        (visit,) = plan(house, agent.agent, [person])
        agent.enrol()
        agent.look_in(visit)
        agent.reopen()
        agent.page.get_by_role("button", name="Sign in anew instead").click()
        agent.sign_in()
        expect(agent.stop_of(visit)).to_have_attribute("data-state", "begun")
        agent.reopen()
        agent.unlock()
        expect(agent.stop_of(visit)).to_have_attribute("data-state", "begun")


def test_two_open_pages_and_the_end_of_a_sign_in(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture
) -> None:
    """Signing out shuts the other page too; one that did not hear of it writes nothing; five days end what is open."""
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
    """Revoked with visits unsent, and invited once more: those still arrive, what was begun is gone, no gap shows."""
    people = [house.enrol(eileen, name=f"Person {number}")[0] for number in range(6)]
    with at_work(house, playwright, chromium, tmp_path / "tablet", secrets=True) as agent:
        visits = plan(house, agent.agent, people)
        agent.enrol()
        agent.find_nobody(visits[0])
        agent.sync()
        agent.offline()
        agent.find_nobody(visits[1])
        agent.find_nobody(visits[2])
        agent.look_in(visits[3])
        with house.service.unit() as unit:
            (before,) = tablets_of(unit.db, agent.agent)
            revoke_tablet(unit, before.id, officer="officer")
            old = before.id
        agent.page.goto("about:blank")  # nothing is sent before the tablet is another one
        agent.offline(off=False)
        agent.open_invitation()
        expect(agent.page.get_by_text("Setting the tablet up anew deletes it.")).to_be_visible()
        agent.page.get_by_role("button", name="Yes, set it up").click()
        agent.sign_in()
        expect(agent.stop_of(visits[3])).to_have_attribute("data-state", "todo")
        agent.offline()
        agent.find_nobody(visits[3])
        agent.find_nobody(visits[4])
        # Only those of before arrive; the time that comes back with them is no time for the new tablet.
        turns = count()
        agent.page.route(
            "**/v1/tablet/bundles/*",
            lambda route: route.continue_() if next(turns) < 2 else route.fulfill(status=500, body="{}"),
        )
        agent.offline(off=False)
        agent.page.evaluate(_SEND)
        agent.offline()
        agent.page.unroute("**/v1/tablet/bundles/*")
        agent.find_nobody(visits[5])
        agent.offline(off=False)
        agent.sync()
        wait_until_judged(house, visits)
        with house.service.reading() as unit:
            found = select(BundleRow.seq, BundleRow.reason).order_by(BundleRow.seq)
            new = next(tablet.id for tablet in tablets_of(unit.db, agent.agent) if tablet.id != old)
            of_old, of_new = (unit.db.execute(found.where(BundleRow.tablet_id == one)).all() for one in (old, new))
            assert [tuple(row) for row in of_old] == [(1, None), (2, "tablet_revoked"), (3, "tablet_revoked")]
            assert [tuple(row) for row in of_new] == [(1, None), (2, None), (3, None)]
            assert missing_places(unit.db, new) == []


_SEND = """async () => {
  const base = document.querySelector('meta[name="base"]').content;
  await (await import(`${base}js/sync.js`)).sendAll().catch(() => {});
}"""


def test_the_app_opens_though_a_proxy_says_that_the_service_is_away(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path
) -> None:
    """The page that is kept is better than a proxy's error."""
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
