"""No control fails without a word: each is pressed without network, signed out, with a full disk, and so on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, Playwright, expect

from api.web.pages import PHONE, App
from fixtures import phone
from fixtures.camera import FileCamera
from fixtures.faces import Picture
from tests.e2e.browser import opened, sign_in
from tests.e2e.doorstep import at_work, plan
from tests.e2e.house import House
from tests.e2e.test_pages import _OPENED, STATES
from tests.e2e.walker import WALKER, walk

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.slow]

_NOT_WALKED = {
    "capture": "its stage has its own tests (test_capture.py); here it only ever shows its warning and its trouble",
    "send": "it shows no control but after a failure (tests/e2e/test_capture.py)",
}
_RESET = """(who) => (window.walked = {
  session: who.session,
  reset: async (base) => {
    const { state } = await import(`${base}js/state.js`);
    Object.assign(state, { who: who.who, signedIn: true, noFlash: false });
  },
})"""


def _views(app: App) -> set[str]:
    """Names of the views of an app, as its first script lists them."""
    text = (app.folder / "js" / "main.js").read_text()
    found = re.search(r"const VIEWS = \{(.*?)\n\};", text, re.DOTALL)
    assert found is not None
    return set(re.findall(r"^  (\w+)[:,]", found[1], re.MULTILINE))


@pytest.fixture(scope="module")
def walked(playwright: Playwright, chromium: str) -> Iterator[Page]:
    with opened(playwright, chromium, bypass_csp=True, quiet=False) as page:
        page.add_init_script(WALKER)
        yield page


def test_no_control_of_the_phone_is_silent(house: House, walked: Page, eileen: Picture) -> None:
    """ATTACK: "Send my objection", "Yes, that was not me", "Withdraw my consent" and others failed without a word."""
    states: dict[str, tuple[str, dict[str, Any]]] = {
        **{name: state for name, state in STATES.items() if name != "error"},
        "link": ("code", {"secret": "x" * 27}),
        "door": ("agent", {"secret": "0" * 64}),
        "erasure": ("erasure", {}),
        "erasure asked": ("erasure", {"asking": True}),
        "signins": ("signins", {}),
    }
    missing = _views(PHONE) - {name for name, _ in states.values()} - _NOT_WALKED.keys()
    assert missing == set(), "each page is walked"
    person, card = house.enrol(eileen, schemes=("employee",))
    sign_in(walked, house, person)
    who = {"card_number": card, "birth_date": "1956-11-19"}
    walked.evaluate(_RESET, {"who": who, "session": _OPENED})
    assert walk(walked, states) == []


def test_who_was_signed_out_can_come_in_again(
    house: House, playwright: Playwright, chromium: str, eileen: Picture
) -> None:
    """ATTACK: after the sign-in had ended elsewhere, the page led in a circle until it was reloaded."""
    person, _ = house.enrol(eileen)
    with opened(playwright, chromium) as page:
        sign_in(page, house, person)
        page.context.clear_cookies()
        page.get_by_role("button", name="Where I am signed in").click()
        expect(page.get_by_role("alert")).to_contain_text("You were signed out")
        page.get_by_role("button", name="Come in again").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Who are you?")
        page.get_by_role("button", name="Back").click()
        expect(page.get_by_role("button", name="Come in again")).to_be_visible()
        page.get_by_role("button", name="To the beginning").click()
        page.get_by_role("button", name="Certify now with the camera").click()
        expect(page.get_by_label("Social security card number")).to_be_visible()


def test_no_control_of_the_tablet_is_silent(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture, camera: FileCamera
) -> None:
    """ATTACK: "Take photos" with a full disk and "Take a photo" without a camera said nothing."""
    person, _ = house.enrol(eileen)
    camera.show([np.ascontiguousarray(phone.upright(eileen)[:, :, ::-1])])
    with at_work(house, playwright, chromium, tmp_path / "t", camera=camera.path, inspected=True) as agent:
        (visit,) = plan(house, agent.agent, [person])
        agent.enrol()
        agent.begin(visit)
        page, one = agent.page, {"visit": str(visit)}
        page.evaluate(WALKER)
        page.evaluate("(session) => (window.walked = { session })", _OPENED)
        states: dict[str, tuple[str, dict[str, Any]]] = {
            "visit": ("visit", {"id": str(visit)}),
            "photos": ("photos", one),
            "no face": ("noface", one),
            "witnesses": ("noface", one | {"way": "witnesses"}),
            "not found": ("other", one | {"result": "not_found"}),
            "deceased": ("other", one | {"result": "deceased"}),
        }
        assert walk(page, states, ("no camera",)) == []
