"""Captures in a real browser up to the certificate: live and recorded, with and without a network."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect
from sqlalchemy import select

from certify.storage.tables.sessions import SessionRow
from fixtures import faces, videos
from fixtures.camera import FileCamera
from fixtures.slow_network import slow_network
from models.liveness.contradictions import BY_CODE
from tests.e2e.axe import AXE, violations
from tests.e2e.browser import heading, opened, outcome, prepare_capture, shoot, start
from tests.e2e.conftest import RATE, Cast, Wait
from tests.e2e.house import BORN, House

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.slow]

_LISTEN = """
window.said = []; window.buzzed = 0;
SpeechSynthesis.prototype.speak = (what) => window.said.push(what.text);
Navigator.prototype.vibrate = () => { window.buzzed += 1; return true; };
"""
"""This Chromium has no voices and no vibration motor, so the page's calls are recorded instead."""
_PUT_AWAY = """() => {
  Object.defineProperty(document, "hidden", { value: true, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
_SENSOR = """
setInterval(() => window.dispatchEvent(
  new DeviceMotionEvent("devicemotion", { rotationRate: { alpha: 1, beta: -2, gamma: 0.5 } })), 25);
"""
"""Nor has it a motion sensor."""


def test_live(
    house: House,
    eileen: faces.Picture,
    camera: FileCamera,
    casting: Cast,
    playwright: Playwright,
    chromium: str,
    record_property: Callable[[str, object], None],
) -> None:
    """The whole journey, from the first page to the certificate and the person's own page, with its time and bytes."""
    person, card = house.enrol(eileen, schemes=("employee", "personal_pension"))
    actor = casting("eileen_collins")
    host, _, port = house.address.partition(":")
    with (
        slow_network(host, int(port), bits_per_second=None) as link,
        opened(playwright, chromium, camera) as page,
    ):
        there = replace(house, address=f"127.0.0.1:{link.port}")
        page.add_init_script(_LISTEN + _SENSOR)
        began = time.monotonic()
        page.goto(f"http://{there.address}/")
        page.get_by_role("heading", name="Good day").wait_for()
        shoot(page, "phone-welcome-390")
        prepare_capture(page, there, card, BORN)
        shoot(page, "phone-prepare-390", whole=True)
        start(page)
        page.wait_for_selector(".stage[data-phase]")
        filmed = time.monotonic()
        actor.perform(page)
        page.wait_for_selector(".stage[data-prompt]:not([data-prompt=''])")
        page.wait_for_timeout(800)
        shoot(page, "phone-capture-390")
        page.get_by_text("Thank you. You can put the phone down.").wait_for(timeout=60_000)
        up = link.rate(filmed, time.monotonic())
        page.evaluate(_PUT_AWAY)  # as told: the phone is locked, and the result must not be lost
        outcome(page, house, "You are certified")
        taken = time.monotonic() - began
        said = page.evaluate("window.said")
        for text in ("Turn your head slowly", "Thank you. You can put the phone down.", "You are certified"):
            assert any(each.startswith(text) for each in said), said
        assert page.evaluate("window.buzzed") >= 2, "each prompt also vibrates"
        expect(page.locator(".dateline")).to_contain_text("Valid until")
        shoot(page, "phone-certified-390")

        # ATTACK: a reload or Back lost the result.
        page.reload()
        heading(page, "You are certified")
        page.go_back()
        page.get_by_role("button", name="See the result").wait_for()
        page.go_forward()
        heading(page, "You are certified")
        page.get_by_role("button", name="To the beginning").click()
        page.get_by_role("button", name="See the result").click()
        heading(page, "You are certified")
        page.get_by_role("button", name="See my status").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Proven alive until")
        page.reload()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Proven alive until")
        expect(page.get_by_text("2 pensions")).to_be_visible()
        shoot(page, "phone-status", whole=True)
        cookie = next(c for c in page.context.cookies() if c["name"] == "__Host-certify")
        assert cookie["httpOnly"]
        assert cookie["secure"]
        assert cookie["sameSite"] == "Strict"
        assert page.evaluate("document.cookie") == ""

        page.get_by_role("button", name="My certificate").click()
        page.get_by_role("img", name="Square code").wait_for()
        shoot(page, "phone-certificate-390", whole=True)
    with house.service.reading() as unit:
        source = unit.db.scalars(select(SessionRow.source).where(SessionRow.beneficiary_id == person)).one()
    assert source is not None
    assert source["camera"]["last"] == source["camera"]["first"]
    assert source["camera"]["shown_width"] == source["camera"]["width"]
    assert source["motion"][0][0] < 0, "from a second before the film"
    assert source["motion"][-1][0] > 5000, "to its end"
    record_property("seconds_to_certified", round(taken, 1))
    record_property("kbit_per_second_up", round(up / 1000))
    assert taken < 45, "seconds from opening the page to 'certified'"
    assert up < 600_000


def test_without_live_guidance_the_page_records_a_video(
    house: House, eileen: faces.Picture, camera: FileCamera, casting: Cast, playwright: Playwright, chromium: str
) -> None:
    person, card = house.enrol(eileen)
    actor = casting("eileen_collins")
    with opened(playwright, chromium, camera) as page:
        page.add_init_script("delete window.WebSocket;" + _SENSOR)
        prepare_capture(page, house, card, BORN)
        start(page)
        actor.perform(page)
        page.get_by_role("heading", name="We are sending your recording").wait_for(timeout=60_000)
        shoot(page, "phone-sending")
        outcome(page, house, "You are certified")
        assert page.evaluate("localStorage.getItem('certify.pending')") == "0", "a received recording is deleted"
    with house.service.reading() as unit:
        row = unit.db.scalars(select(SessionRow).where(SessionRow.beneficiary_id == person)).one()
        assert row.device_proved, "the phone proved the key that it keeps"
        source = unit.db.scalars(select(SessionRow.source).where(SessionRow.id == row.id)).one()
        report = unit.db.scalars(select(SessionRow.report).where(SessionRow.id == row.id)).one()
    assert source is not None
    assert report is not None
    said, motion = source["camera"], source["motion"]
    assert (said["has_device_id"], said["drawn"], said["replaced"]) == (True, False, False)
    assert (said["shown_width"], said["shown_height"]) == (said["width"], said["height"])
    assert said["first"]["width"]["max"] >= said["width"]
    assert motion[0][1:] == [1.0, -2.0, 0.5]
    assert 0 <= motion[0][0] < 200, "counted from the first frame"
    assert motion[-1][0] > 7000
    values = next(check["values"] for check in report["liveness"]["checks"] if check["name"] == "source")
    assert not set(values) & set(BY_CODE) - {"another_shape"}, "an honest page contradicts nothing"


def test_without_a_camera_in_the_page_a_file_can_be_sent(
    house: House,
    eileen: faces.Picture,
    casting: Cast,
    playwright: Playwright,
    chromium: str,
    tmp_path: Path,
) -> None:
    _, card = house.enrol(eileen)
    actor = casting("eileen_collins")
    film = tmp_path / "film.webm"
    film.write_bytes(videos.encode(actor.pictures, codec="vp8", rate=RATE, quality=60))
    with opened(playwright, chromium) as page:
        page.add_init_script("delete Navigator.prototype.mediaDevices;")
        prepare_capture(page, house, card, BORN)
        start(page)
        heading(page, "The camera does not start")
        expect(page.get_by_role("alert")).to_contain_text("This browser cannot use the camera here")
        page.get_by_role("button", name="Send a video that I have recorded").click()
        page.locator("#film").set_input_files({"name": "note.txt", "mimeType": "text/plain", "buffer": b"no video"})
        expect(page.get_by_role("alert")).to_have_text("This is no video. Please choose another file.")
        page.locator("#film").set_input_files(film)
        outcome(page, house, "You are certified")


def test_with_a_helper_the_back_camera_is_used(
    house: House, eileen: faces.Picture, camera: FileCamera, waiting: Wait, playwright: Playwright, chromium: str
) -> None:
    person, card = house.enrol(eileen)
    camera.show(waiting("eileen_collins"))
    with opened(playwright, chromium, camera) as page:
        page.add_init_script(
            "const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices); window.asked = [];"
            "navigator.mediaDevices.getUserMedia = (how) => (window.asked.push(how.video.facingMode.ideal), ask(how));"
        )
        prepare_capture(page, house, card, BORN)
        page.get_by_label("Somebody is helping me").check()
        page.get_by_label(
            "Flashing light is not good for me"
        ).check()  # with colours, the screen has to face the person
        start(page)
        page.wait_for_selector(".stage[data-phase]")
        assert page.locator(".oval.mirror").count() == 0
        page.get_by_role("button", name="Use the other camera").click()
        page.wait_for_selector(".oval.mirror")
        assert page.evaluate("window.asked") == ["environment", "user"]
        page.get_by_role("button", name="Stop").click()
    with house.service.reading() as unit:
        assert unit.db.scalars(select(SessionRow).where(SessionRow.beneficiary_id == person)).one().assisted


def test_the_network_is_lost_during_a_capture(
    house: House, eileen: faces.Picture, camera: FileCamera, casting: Cast, playwright: Playwright, chromium: str
) -> None:
    _, card = house.enrol(eileen)
    actor = casting("eileen_collins")
    with opened(playwright, chromium, camera) as page:
        prepare_capture(page, house, card, BORN)
        page.wait_for_function("navigator.serviceWorker.controller !== null || navigator.serviceWorker.ready")
        start(page)
        page.wait_for_selector(".stage[data-phase=recording]")
        page.context.set_offline(True)
        expect(page.get_by_role("heading", level=1)).to_contain_text("The network broke off")
        shoot(page, "phone-offline")
        page.wait_for_selector(".stage[data-phase=placing]")
        actor.perform(page)
        expect(page.get_by_text("Waiting for the network")).to_be_visible(timeout=60_000)
        shoot(page, "phone-waiting")
        page.evaluate(AXE)
        assert violations(page) == []

        page.reload()  # page and recording come from the phone's storage
        page.get_by_text("A recording of yours is waiting to be sent.").wait_for()
        shoot(page, "phone-pending")
        page.context.set_offline(False)
        page.get_by_role("button", name="Send it now").click()
        outcome(page, house, "You are certified")
