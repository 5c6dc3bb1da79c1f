"""Captures in a real browser that end without a certificate: impostors, photos, cameras that do not start."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.sync_api import Playwright, expect

from fixtures import faces
from fixtures.camera import FileCamera
from tests.e2e.axe import AXE, violations
from tests.e2e.browser import allow_colours, heading, opened, outcome, prepare_capture, shoot, start
from tests.e2e.conftest import Cast, Wait
from tests.e2e.house import BORN, House

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.slow]


_WATCH = """() => {
  window.colours = [];
  const wash = document.querySelector(".wash");
  const note = () => { if (!wash.hidden) window.colours.push(wash.style.backgroundColor); };
  new MutationObserver(note).observe(wash, { attributes: true });
}"""
"""Records each colour of the screen in the page, because on a busy machine the test would poll too seldom."""


_OBEDIENT = """
const asked = [];
MediaStreamTrack.prototype.getCapabilities = () => ({ exposureCompensation: { min: -3, max: 3, step: 0.5 } });
MediaStreamTrack.prototype.applyConstraints = async (wanted) => {
  asked.push(wanted.advanced[0].exposureCompensation);
  document.body.dataset.asked = asked.join(" ");
};
"""
"""Chromium's camera from a file has no exposure to set, so the page's commands are recorded instead."""


def test_an_impostor_is_only_told_to_try_again(
    house: House, eileen: faces.Picture, camera: FileCamera, casting: Cast, playwright: Playwright, chromium: str
) -> None:
    _, card = house.enrol(eileen)
    actor = casting("grace_hopper")
    with opened(playwright, chromium, camera) as page:
        prepare_capture(page, house, card, BORN)
        start(page)
        actor.perform(page)
        outcome(page, house, "It did not work out this time")
        expect(page.get_by_text("You can try 2 more times")).to_be_visible()
        shoot(page, "phone-retry", whole=True)


def test_a_printed_photo_does_not_pass(
    house: House, eileen: faces.Picture, camera: FileCamera, casting: Cast, playwright: Playwright, chromium: str
) -> None:
    _, card = house.enrol(eileen)
    actor = casting("eileen_collins", printed=True)
    with opened(playwright, chromium, camera) as page:
        prepare_capture(page, house, card, BORN)
        # Live guidance would wait until the photo turns its head, and end. A recorded video reaches the worker.
        page.evaluate("delete window.WebSocket")
        start(page)
        actor.perform(page)
        outcome(page, house, "It did not work out this time")
        shoot(page, "phone-printed", whole=True)


def test_colours_are_announced_and_shown(
    house: House, eileen: faces.Picture, camera: FileCamera, casting: Cast, playwright: Playwright, chromium: str
) -> None:
    _, card = house.enrol(eileen)
    actor = casting("eileen_collins", colours=6)
    with opened(playwright, chromium, camera) as page:
        page.add_init_script(_OBEDIENT)
        prepare_capture(page, house, card, BORN)
        start(page)
        heading(page, "The screen will change its colour")
        shoot(page, "phone-colours")
        allow_colours(page)
        actor.perform(page)
        page.wait_for_selector(".wash", state="attached")
        page.evaluate(_WATCH)
        page.wait_for_selector(".wash:not([hidden])", timeout=30_000)
        page.wait_for_selector(".wash", state="hidden", timeout=30_000)
        colours = page.evaluate("window.colours")
        assert len(colours) >= 5
        assert all(one != other for one, other in pairwise(colours)), "an equal one could not be told apart"
        # Then, without a word to the person, the camera is told to take less light, and a moment later to go back.
        page.wait_for_selector("body[data-asked='-1.5 0']", state="attached", timeout=30_000)


def test_camera_not_allowed(house: House, eileen: faces.Picture, playwright: Playwright, chromium: str) -> None:
    _, card = house.enrol(eileen)
    with opened(playwright, chromium, allow=False) as page:
        prepare_capture(page, house, card, BORN)
        start(page)
        allow_colours(page)
        heading(page, "The camera does not start")
        expect(page.get_by_role("alert")).to_contain_text("The camera is not allowed")
        shoot(page, "phone-denied")
        page.get_by_role("button", name="Send a video that I have recorded").click()
        heading(page, "Send a video")
        shoot(page, "phone-file", whole=True)


def test_the_camera_stops_when_the_page_is_left(
    house: House, eileen: faces.Picture, camera: FileCamera, waiting: Wait, playwright: Playwright, chromium: str
) -> None:
    _, card = house.enrol(eileen)
    camera.show(waiting("eileen_collins"))
    with opened(playwright, chromium, camera) as page:
        page.add_init_script(
            "const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);"
            "navigator.mediaDevices.getUserMedia = async (how) => (window.filmed = await ask(how));"
        )
        prepare_capture(page, house, card, BORN)
        start(page)
        allow_colours(page)
        page.wait_for_selector(".stage[data-phase=recording]")
        page.evaluate(AXE)
        assert violations(page) == []
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("heading", name="Before you begin").wait_for()
        assert page.evaluate("window.filmed.getTracks().map((track) => track.readyState)") == ["ended"]
