"""The page on a poor network: its size, the time to the first content, and the bit rate of a capture."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Playwright

from fixtures import faces
from fixtures.camera import FileCamera
from fixtures.slow_network import slow_network
from tests.e2e.browser import opened, prepare_capture
from tests.e2e.conftest import Cast
from tests.e2e.house import BORN, House, verdict_of_last

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.slow]

KBIT = 1000 / 8


def test_first_load(
    house: House, playwright: Playwright, chromium: str, record_property: Callable[[str, object], None]
) -> None:
    """With 400 kbit/s and 400 ms, simulated by the developer tools of Chromium."""
    with opened(playwright, chromium) as page:
        tools = page.context.new_cdp_session(page)
        tools.send("Network.enable")
        conditions = {
            "offline": False,
            "latency": 400,
            "downloadThroughput": 400 * KBIT,
            "uploadThroughput": 400 * KBIT,
        }
        tools.send("Network.emulateNetworkConditions", conditions)
        received: dict[str, float] = {}
        tools.on(
            "Network.loadingFinished", lambda event: received.update({event["requestId"]: event["encodedDataLength"]})
        )
        page.goto(f"http://{house.address}/")
        page.get_by_role("button", name="Certify now with the camera").wait_for()
        usable = page.evaluate("performance.now()")
        painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        first = sum(received.values())
        page.wait_for_function("navigator.serviceWorker.ready.then(() => true)")
        page.wait_for_timeout(3000)
        weight = sum(received.values())
    record_property("first_contentful_paint_ms", round(painted))
    record_property("usable_ms", round(usable))
    record_property("first_load_bytes", round(first))
    record_property("whole_app_bytes", round(weight))
    assert painted < 1500
    assert first < 150_000


def test_a_network_too_slow_for_live_guidance(
    house: House,
    camera: FileCamera,
    casting: Cast,
    playwright: Playwright,
    chromium: str,
    record_property: Callable[[str, object], None],
) -> None:
    """At 145 kbit/s upstream, the page says that it records a video instead, and the video is received."""
    host, _, port = house.address.partition(":")
    _, card = house.enrol(faces.portraits()["eileen_collins"])
    actor = casting("eileen_collins")
    with slow_network(host, int(port), bits_per_second=None) as link, opened(playwright, chromium, camera) as page:
        prepare_capture(page, replace(house, address=f"127.0.0.1:{link.port}"), card, BORN)
        link.bits_per_second = 145_000
        begin = time.monotonic()
        page.get_by_role("button", name="I agree: start").click()
        page.get_by_text("It begins in").wait_for(timeout=30_000)
        actor.perform(page)
        page.wait_for_selector(".standing", timeout=150_000)
        taken = time.monotonic() - begin
        title = page.locator("h1").inner_text()
    record_property("seconds_at_145_kbit", round(taken))
    assert title == "You are certified", verdict_of_last(house)
    assert link.rate(begin, begin + taken) < 150_000
