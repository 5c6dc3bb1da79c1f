"""Every page in every state and language: accessible by axe-core's rules, usable by keyboard, whole at 320 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Page, Playwright, expect

from certify.decision.cases import open_case
from certify.decision.record import NewRecord, record
from certify.decision.review import Decision, rule
from certify.domain.case_kinds import CaseKind
from certify.people.access import new_link
from certify.texts import LANGUAGES
from fixtures import faces
from tests.e2e.axe import AXE, violations
from tests.e2e.browser import open_link_page, opened, shoot, sign_in
from tests.e2e.house import House

pytestmark = [pytest.mark.e2e, pytest.mark.integration, pytest.mark.enable_socket, pytest.mark.slow]

DARK = ("en", "ar", "pt")
LEAST_TARGET = 48
"""Least width and height of controls in CSS pixels; WCAG 2.2 asks for 24 (AA) or 44 (AAA)."""

_PLAN = {
    "profile": "light",
    "steps": [
        {"prompt": prompt, "from_ms": 2000 + 6000 * place, "back_ms": 5000 + 6000 * place, "to_ms": 7300 + 6000 * place}
        for place, prompt in enumerate(["turn_left", "smile"])
    ],
    "flashes": [{"colour": "#00ffff", "from_ms": 9500 + 700 * k, "to_ms": 10200 + 700 * k} for k in range(6)],
    "total_ms": 14000,
}
_SESSION = {
    "id": "00000000-0000-4000-8000-000000000000",
    "nonce": "x",
    "plan": _PLAN,
    "expires_at": "2030-01-01T00:00:00Z",
}
_OPENED = {"session": _SESSION, "token": "none"}
_WHO = {"card_number": "CARD000001", "birth_date": "1956-11-19"}


def _ended(outcome: str, **more: Any) -> dict[str, Any]:
    session = {
        **_SESSION,
        "outcome": outcome,
        "guidance": [],
        "attempts_left": None,
        "certificate_number": None,
        **more,
    }
    return {"session": session, "token": "none"}


STATES: dict[str, tuple[str, dict[str, Any]]] = {
    "welcome": ("welcome", {}),
    "find": ("find", {}),
    "code": ("code", {}),
    "code sent": ("code", {"sent": True}),
    "prepare": ("prepare", {}),
    "flash warning": ("capture", {"opened": _OPENED, "warn": True}),
    "camera denied": ("capture", {"opened": _OPENED}),
    "file": ("file", {"opened": _OPENED}),
    "retry": ("outcome", _ended("retry", attempts_left=2, guidance=[{"code": "too_dark"}, {"code": "follow_prompts"}])),
    "retry, last": ("outcome", _ended("retry", attempts_left=1)),
    "review": ("outcome", _ended("review")),
    "doorstep": ("outcome", _ended("doorstep")),
    "other path": ("outcome", _ended("other_path")),
    "certified": ("outcome", _ended("certified")),
    "used up": ("outcome", {"usedUp": True}),
    "door unknown": ("agent", {"secret": "0" * 64}),
    "door reported": ("agent", {"secret": "", "reported": True}),
    "error": ("no such page", {}),
    "status": ("status", {}),
    "certificate": ("certificate", {}),
    "receipts": ("receipts", {}),
    "history": ("history", {}),
    "visit": ("visit", {}),
    "visit noted": ("visit", {"done": {"wanted_on": "2030-01-07", "part": "morning"}}),
    "visit noted at the door": ("visit", {"done": {"wanted_on": "2030-01-07", "part": "morning"}, "who": _WHO}),
    "consent": ("consent", {"saved": True}),
    "contact": ("contact", {}),
    "contact saved": ("contact", {"saved": True}),
    "confirm": ("confirm", {}),
    "confirm sent": ("confirm", {"sent": True}),
    "appeal 1": ("appeal", {"step": 1}),
    "appeal 2": ("appeal", {"step": 2, "shown": True}),
    "settings": ("settings", {}),
}


@pytest.fixture(scope="module")
def people(house: House) -> dict[str, UUID]:
    """Return a person of each standing, by its name."""
    portrait = faces.portraits()["eileen_collins"]
    today = datetime.now(UTC).date()
    people: dict[str, UUID] = {}
    for name, proven in (
        ("certified", today - timedelta(days=30)),
        ("renew", today - timedelta(days=300)),
        ("grace", today - timedelta(days=380)),
        ("overdue", today - timedelta(days=500)),
        ("paused", today - timedelta(days=40)),
        ("stopped", today - timedelta(days=50)),
        ("due", None),
    ):
        schemes = ("employee", "personal_pension") if name == "certified" else ("employee",)
        people[name], _ = house.enrol(portrait, name="Eileen Collins", schemes=schemes, last_proof_on=proven)
    with house.service.unit() as unit:
        for number, act in enumerate(("hospital_stay", "vaccination")):
            event = unit.now - timedelta(days=10 + number)
            record(
                unit,
                people["certified"],
                NewRecord(source="city-hospital", record_id=f"S{number}", event_at=event, act=act),
            )
        died = unit.now - timedelta(days=20)
        record(unit, people["paused"], NewRecord(source="registry", record_id="D1", event_at=died, adverse="death"))
    with house.service.unit() as unit:
        case = open_case(unit, people["stopped"], kind=CaseKind.PROOF_IN_PERSON)
        rule(unit, case.id, officer="officer", decision=Decision.STOP)
    return people


def _show(page: Page, name: str, options: dict[str, Any]) -> None:
    """Show a page of the app as its own links do."""
    page.evaluate(
        "async ([name, options]) => {"
        " const base = document.querySelector('meta[name=base]').content;"
        " const {state} = await import(`${base}js/state.js`);"
        " state.who ??= {card_number: 'CARD000001', birth_date: '1956-11-19'};"
        " await (await import(`${base}js/pages.js`)).go(name, options); }",
        [name, options],
    )
    page.wait_for_selector("main h1")


_LAYOUT = """(least) => {
  const found = [];
  const begin = (element) => element.outerHTML.slice(0, 80);
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) found.push('wider than the screen: ' + wide);
  for (const each of document.querySelectorAll('button, select, input:not(.sr), a[href]:not(.skip)')) {
    const pressed = ['checkbox', 'radio'].includes(each.type) ? each.closest('label') : each;
    const {width, height} = pressed.getBoundingClientRect();
    if (width === 0) continue;
    if (width < least || height < least) found.push(`small: ${begin(each)} ${width}x${height}`);
    if (each.tabIndex > 0) found.push('tab order of its own: ' + begin(each));
  }
  const titles = [...document.querySelectorAll('main h1')];
  if (titles.length !== 1) found.push(titles.length + ' headings of the first level');
  else if (document.activeElement !== titles[0]) found.push('focus is on ' + begin(document.activeElement));
  for (const each of document.querySelectorAll('main *')) {
    const odd = each.childElementCount === 0 && /\\{\\w+\\}|undefined|\\[object/.test(each.textContent);
    if (odd) found.push('unfilled: ' + each.textContent);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def browser_page(playwright: Playwright, chromium: str) -> Iterator[Page]:
    with opened(playwright, chromium, width=320, height=640, allow=False, bypass_csp=True, quiet=False) as page:
        page.add_init_script(AXE)
        yield page


# Traditional Chinese has the layout of Simplified Chinese, character for character.
@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "zh-Hant"])
def test_every_page_is_accessible(language: str, house: House, people: dict[str, UUID], browser_page: Page) -> None:
    page = browser_page
    page.goto(f"http://{house.address}/")
    page.evaluate("(language) => localStorage.setItem('certify.language', language)", language)
    wrong: dict[str, list[str]] = {}

    def check(state: str) -> None:
        found = violations(page) + page.evaluate(_LAYOUT, LEAST_TARGET)
        if found:
            wrong[state] = found

    # Half of the languages in the dark: the colours are those of all languages.
    page.emulate_media(color_scheme="dark" if language in DARK else "light")
    sign_in(page, house, people["certified"])
    assert page.evaluate("document.documentElement.lang") == language
    assert page.evaluate("document.documentElement.dir") == ("rtl" if language == "ar" else "ltr")
    for state, (name, options) in STATES.items():
        _show(page, name, options)
        check(state)
    for standing, person in people.items():
        sign_in(page, house, person)
        check(f"status {standing}")
    page.evaluate("localStorage.setItem('certify.text', 'larger')")
    page.reload()
    for state in ("welcome", "find", "prepare", "retry", "settings", "contact"):
        _show(page, *STATES[state])
        check(f"{state}, very large text")
    page.evaluate("localStorage.setItem('certify.text', 'large')")
    # WCAG 1.4.4: at twice the usual size, no content is lost or cut off. The pages start at 125 %.
    page.reload()
    page.evaluate("document.documentElement.style.fontSize = '40px'")
    for state in ("welcome", "find", "prepare", "retry", "status", "visit", "contact", "certified"):
        _show(page, *STATES[state])
        found = page.evaluate(_LAYOUT, LEAST_TARGET)
        if found:
            wrong[f"{state}, 200 %"] = found
    assert wrong == {}


def test_the_checks_find_faults(house: House, browser_page: Page) -> None:
    browser_page.goto(f"http://{house.address}/")
    browser_page.wait_for_selector("main button")
    browser_page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('afterbegin',"
        ' \'<img src="/icon.svg"><p style="color:#ccc;background:#fff">{name}</p><h1>two</h1>'
        '<button style="width:20px;min-height:0;height:20px;padding:0">x</button>\')'
    )
    found = " ".join([*violations(browser_page), *browser_page.evaluate(_LAYOUT, LEAST_TARGET)])
    for fault in ("image-alt", "color-contrast", "unfilled", "small", "2 headings"):
        assert fault in found


def test_arabic_on_a_phone(house: House, people: dict[str, UUID], playwright: Playwright, chromium: str) -> None:
    with opened(playwright, chromium, locale="ar-EG") as page:
        page.goto(f"http://{house.address}/")
        page.wait_for_selector("main button")
        assert page.evaluate("document.documentElement.dir") == "rtl"
        shoot(page, "phone-welcome-ar")
        sign_in(page, house, people["certified"])
        shoot(page, "phone-status-ar", whole=True)


@pytest.mark.parametrize(
    ("standing", "title"),
    [
        ("certified", "Proven alive until"),
        ("renew", "Proven alive until"),
        ("grace", "Please certify soon"),
        ("overdue", "We have not heard from you"),
        ("paused", "We received a report about you"),
        ("stopped", "Your pension was stopped"),
    ],
)
def test_each_standing_has_its_title(
    standing: str, title: str, house: House, people: dict[str, UUID], browser_page: Page
) -> None:
    page = browser_page
    page.goto(f"http://{house.address}/")
    page.evaluate("localStorage.setItem('certify.language', 'en')")
    sign_in(page, house, people[standing])
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)
    shoot(page, f"phone-status-{standing}", whole=True)


def test_a_link_works_once_and_leaves_no_trace(
    house: House, people: dict[str, UUID], playwright: Playwright, chromium: str
) -> None:
    with house.service.unit() as unit:
        secret = new_link(unit, people["renew"], timedelta(hours=1))
    asked: list[str] = []
    with opened(playwright, chromium) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"http://{house.address}/#l={secret}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Open your page")
        assert not [url for url in asked if url.endswith("/redeem")], "nothing happens without a tap"
        open_link_page(page, house, people["renew"])
        page.wait_for_selector(".standing")
        assert secret not in page.url
        assert not [url for url in asked if secret in url]
        assert page.evaluate("history.length") <= 2
    with opened(playwright, chromium) as page:
        page.goto(f"http://{house.address}/#l={secret}")
        open_link_page(page, house, people["renew"])
        expect(page.get_by_role("alert")).to_contain_text("This link does not open the page")


def test_a_false_death_can_be_objected_to(
    house: House, people: dict[str, UUID], playwright: Playwright, chromium: str
) -> None:
    with opened(playwright, chromium) as page:
        sign_in(page, house, people["paused"])
        page.get_by_role("button", name="I am alive: tell us").click()
        page.get_by_text("Step 1 of 2").wait_for()
        shoot(page, "phone-appeal")
        page.get_by_role("button", name="I cannot use the camera").click()
        page.get_by_role("button", name="Send my objection").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your objection was sent")
        expect(page.get_by_text("You get an answer within 10 days")).to_be_visible()
        expect(page.get_by_text("Your pension keeps coming while we look into it")).to_be_visible()
        shoot(page, "phone-appeal-sent")


def test_a_session_can_be_opened_by_keyboard_alone(house: House, playwright: Playwright, chromium: str) -> None:
    _, card = house.enrol(faces.portraits()["eileen_collins"])
    with opened(playwright, chromium, allow=False) as page:
        page.goto(f"http://{house.address}/")
        page.get_by_role("heading", name="Good day").wait_for()

        def tab_to(name: str) -> None:
            for _ in range(25):
                page.keyboard.press("Tab")
                at = page.evaluate("document.activeElement.id || document.activeElement.textContent")
                if name in at:
                    return
            raise AssertionError(f"no way by keyboard to {name}")

        tab_to("Certify now with the camera")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Who are you?").wait_for()
        tab_to("number")
        page.keyboard.type(card)
        for part, value in (("day", "19"), ("month", "11"), ("year", "1956")):
            tab_to(part)
            page.keyboard.type(value)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Before you begin").wait_for()
        tab_to("I agree: start")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="The screen will change its colour").wait_for()
        tab_to("That is fine for me")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("The camera does not start", timeout=20_000)


def test_a_screen_reader_reads_the_form_in_order(house: House, playwright: Playwright, chromium: str) -> None:
    with opened(playwright, chromium) as page:
        page.goto(f"http://{house.address}/")
        page.get_by_role("button", name="Certify now with the camera").click()
        page.get_by_role("heading", name="Who are you?").wait_for()
        read = page.locator("main").aria_snapshot()
    wanted = [
        "Back",
        "Who are you?",
        "Both are on your",
        "I have my",
        "Card number",
        "Social security card number",
        "Date of birth",
        *("Month", "Day", "Year"),  # in the order of the language
        "Go on",
    ]
    places = [read.index(text) for text in wanted]
    assert places == sorted(places), read
