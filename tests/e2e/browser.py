"""A real browser of a phone's size, and the steps that many tests share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect

from certify.people.access import new_link
from certify.storage.people import get_beneficiary
from fixtures.camera import FileCamera
from tests.e2e.house import House, verdict_of_last

SCREENS = Path(__file__).parents[2] / "docs" / "screens"
CAMERA = "camera2 1, facing front"
"""The name that a phone gives its front camera. The service refuses Chromium's name for its fake camera."""


@contextmanager
def opened(
    playwright: Playwright,
    chromium: str,
    camera: FileCamera | None = None,
    *,
    width: int = 390,
    height: int = 844,
    locale: str = "en",
    allow: bool = True,
    quiet: bool = True,
    **more: Any,
) -> Iterator[Page]:
    """Open a page of a phone's size without any history. With ``quiet``, messages of its console fail the test."""
    arguments = ["--use-fake-device-for-media-stream", "--no-sandbox"]
    arguments.append("--use-fake-ui-for-media-stream" if allow else "--deny-permission-prompts")
    if camera is not None:
        arguments.append(f"--use-file-for-fake-video-capture={camera.path}")
    context = _running(playwright, chromium, tuple(arguments)).new_context(
        viewport={"width": width, "height": height}, locale=locale, is_mobile=True, has_touch=True, **more
    )
    context.add_init_script(f"Object.defineProperty(MediaStreamTrack.prototype, 'label', {{get: () => {CAMERA!r}}});")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if _is_ours(said) else None)
    try:
        yield page
    finally:
        context.close()
    assert not quiet or complaints == []


_browsers: WeakKeyDictionary[Playwright, dict[tuple[str, ...], Browser]] = WeakKeyDictionary()


def _running(playwright: Playwright, chromium: str, arguments: tuple[str, ...]) -> Browser:
    """Return a browser with these arguments. It runs until Playwright ends: starting one takes seconds of a core."""
    running = _browsers.setdefault(playwright, {})
    if arguments not in running or not running[arguments].is_connected():
        running[arguments] = playwright.chromium.launch(executable_path=chromium, args=list(arguments))
    return running[arguments]


def _is_ours(said: ConsoleMessage) -> bool:
    """Tell a fault of the page from the browser's own messages about failed answers and a lost network."""
    return said.type in ("error", "warning") and "Failed to load resource" not in said.text and "ERR_" not in said.text


def prepare_capture(page: Page, house: House, card: str, born: date) -> None:
    """Go from the first page to the last page before the camera starts."""
    page.goto(f"http://{house.address}/")
    page.get_by_role("button", name="Certify now with the camera").click()
    page.get_by_label("Social security card number").fill(card)
    for label, value in (("Day", born.day), ("Month", born.month), ("Year", born.year)):
        page.get_by_label(label, exact=True).fill(str(value))
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Before you begin").wait_for()


def sign_in(page: Page, house: House, person: UUID) -> None:
    """Sign in with a new link of a letter, and wait for the person's own page."""
    with house.service.unit() as unit:
        secret = new_link(unit, person, timedelta(hours=1))
    page.goto("about:blank")
    page.goto(f"http://{house.address}/#l={secret}")
    open_link_page(page, house, person)
    page.wait_for_selector(".standing")


def open_link_page(page: Page, house: House, person: UUID) -> None:
    """Enter the birth date that opens the page behind a link, whatever the language."""
    with house.service.reading() as unit:
        born = get_beneficiary(unit.db, person).birth_date or date(1950, 1, 1)
    for name, value in (("day", born.day), ("month", born.month), ("year", born.year)):
        page.locator(f"#{name}").fill(str(value))
    page.locator("form button[type=submit]").click()


def shoot(page: Page, name: str, *, whole: bool = False) -> None:
    """Save a picture of the screen for the documents."""
    SCREENS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png", full_page=whole)


def allow_colours(page: Page) -> None:
    """Agree that the screen changes its colour, which a phone is asked for that is not known for the person."""
    page.get_by_role("button", name="That is fine for me").click()


def start(page: Page) -> None:
    """Agree, and let the camera start."""
    page.get_by_role("button", name="I agree: start").click()


def heading(page: Page, text: str) -> None:
    """Wait for a page with this title."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text, timeout=60_000)


def outcome(page: Page, house: House, text: str) -> None:
    """Wait for the outcome of a session; if it is another one, the failure shows the verdict."""
    page.wait_for_selector(".standing", timeout=90_000)
    title = page.locator("h1").inner_text()
    assert title == text, verdict_of_last(house)
