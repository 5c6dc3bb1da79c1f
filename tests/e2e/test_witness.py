"""What the page notes of camera and phone, in a real browser: of a camera, and of a script that draws."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, Playwright

from certify.capture.analysis import source_from
from models.liveness.source import check_source
from tests.e2e.browser import opened
from tests.e2e.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.slow]

_NOTE = """async () => {
  const base = document.querySelector('meta[name="base"]').content;
  const { Witness } = await import(`${base}js/capture/witness.js`);
  const { describe } = await import(`${base}js/capture/camera.js`);
  const stream = await (MAKE)();
  const video = document.createElement("video");
  Object.assign(video, { muted: true, srcObject: stream });
  await video.play();
  const control = new AbortController();
  const witness = new Witness(stream, video, control.signal);
  const turn = (rate) => window.dispatchEvent(new DeviceMotionEvent("devicemotion", { rotationRate: rate }));
  turn(undefined);
  turn({ alpha: 1, beta: null, gamma: 3 });
  const silent = witness.news();
  for (let n = 0; n < 12; n += 1) {
    turn({ alpha: 9999, beta: 1, gamma: 2 });
    await new Promise((done) => setTimeout(done, 20));
  }
  const said = { ...describe(stream), ...witness.atFirst(), ...witness.later() };
  const spoken = witness.news();
  control.abort();
  turn({ alpha: 1, beta: 1, gamma: 1 });
  return { said, silent, spoken, after: witness.news(), end: witness.from(performance.now()) };
}"""
_CAMERA = "() => navigator.mediaDevices.getUserMedia({ video: { width: 640 } })"
_CANVAS = """() => {
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  setInterval(() => pen.fillRect(0, 0, Math.random() * 100, 9), 30);
  return canvas.captureStream(15);
}"""


def _note(page: Page, house: House, make: str) -> dict[str, Any]:
    page.goto(f"http://{house.address}/")
    page.get_by_role("heading", name="Good day").wait_for()
    noted: dict[str, Any] = page.evaluate(_NOTE.replace("MAKE", make))
    return noted


def _found(noted: dict[str, Any]) -> tuple[str, str]:
    said = noted["said"]
    found = check_source(source_from({"camera": said}), said["shown_width"], said["shown_height"])
    return found.state.value, found.reason


def test_a_camera_contradicts_nothing_and_the_sensor_is_bounded(
    house: House, playwright: Playwright, chromium: str
) -> None:
    with opened(playwright, chromium) as page:
        noted = _note(page, house, _CAMERA)
    assert (noted["said"]["drawn"], noted["said"]["replaced"], noted["said"]["has_device_id"]) == (False, False, True)
    assert _found(noted) == ("pass", "")
    assert noted["silent"] == [], "a sensor that says nothing is as good as none"
    assert noted["spoken"]
    assert all(sample[1:] == [2000, 1, 2] for sample in noted["spoken"])
    assert noted["after"] == noted["end"] == [], "after the capture nothing is read"


def test_attack_pictures_of_a_canvas_and_a_replaced_function_are_noted(
    house: House, playwright: Playwright, chromium: str
) -> None:
    with opened(playwright, chromium) as page:
        page.add_init_script("navigator.mediaDevices.getUserMedia = async () => null;")
        noted = _note(page, house, _CANVAS)
    assert (noted["said"]["drawn"], noted["said"]["replaced"]) == (True, True)
    assert _found(noted) == ("not_assessed", "camera_contradicts")
