"""What the page costs on a poor phone and network: its weight, the time to the first words, the bits of a capture."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import Playwright

from fixtures import faces
from fixtures.camera import FileCamera
from fixtures.slow_network import slow_network
from tests.e2e.conftest import Actor, House, knock, opened, verdict_of_last

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.slow]

BORN = date(1956, 11, 19)
KBIT = 1000 / 8


def test_first_load(
    house: House, playwright: Playwright, chromium: str, record_property: Callable[[str, object], None]
) -> None:
    """With 400 kbit/s and 400 ms, as the throttling of Chromium's own developer tools has it."""
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


@pytest.mark.parametrize("limit", [None, 145_000], ids=["good network", "145 kbit/s"])
def test_bits_of_a_live_capture(
    limit: float | None,
    house: House,
    camera: FileCamera,
    casting: Callable[..., Actor],
    playwright: Playwright,
    chromium: str,
    record_property: Callable[[str, object], None],
) -> None:
    host, _, port = house.address.partition(":")
    _, card = house.enrol(faces.portraits()["eileen_collins"])
    actor = casting("eileen_collins")
    with slow_network(host, int(port), bits_per_second=None) as link:
        behind = House(f"127.0.0.1:{link.port}", house.service, house.engine)
        with opened(playwright, chromium, camera) as page:
            knock(page, behind, card, BORN)
            link.bits_per_second = limit
            page.get_by_role("button", name="I agree: start").click()
            page.wait_for_selector(".stage[data-phase]")
            begin = time.monotonic()
            if limit is not None:  # too little for live guidance: the page says so, and records
                page.get_by_text("It begins in").wait_for(timeout=30_000)
            actor.perform(page)
            page.get_by_text("Thank you. You can put the phone down.").or_(
                page.get_by_role("heading", name="We are sending your recording")
            ).wait_for(timeout=90_000)
            end = time.monotonic()
            page.wait_for_selector(".standing", timeout=120_000)
            title = page.locator("h1").inner_text()
    record_property("kbit_per_second_up", round(link.rate(begin, end) / 1000))
    assert link.rate(begin, end) < 600_000
    assert title == "You are certified", verdict_of_last(house)
