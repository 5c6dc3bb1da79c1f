"""An agent with a tablet in a real browser. Tests enrol it, kill and start it, and take its network away."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from playwright.sync_api import BrowserContext, CDPSession, ConsoleMessage, Locator, Page, Playwright, expect
from sqlalchemy import select

from api.web.pages import TABLET
from certify.domain.case_kinds import CaseKind
from certify.doorstep.agents import NewAgent, add_agent
from certify.doorstep.calendar import today_of
from certify.doorstep.content import Content
from certify.doorstep.homes import Home, set_homes
from certify.doorstep.tablets import invite_tablet
from certify.doorstep.unseal import unseal
from certify.storage.reviews import open_case_of
from certify.storage.tables.doorstep import AgentRow, BundleRow, VisitRow
from certify.storage.tables.sessions import SessionRow
from tests.e2e.axe import AXE
from tests.e2e.house import House

WORDS: dict[str, str] = json.loads((TABLET.folder / "locales" / "en.json").read_text())
"""The English texts of the agents' app, by key."""

CODE = "eight of hearts"
"""The code that the agent chooses for the day's work, on a tablet whose passkey makes no secrets."""


@dataclass
class AgentAtWork:
    """One agent with a tablet.

    ``secrets``: whether the passkey makes secrets (PRF). The virtual passkey of the browser loses its secret when the
    browser ends, so tests that kill the browser use one without. ``inspected``: axe-core is loaded into every page,
    although the page's own policy forbids it. ``complaints``: errors and warnings of the browser's console.
    """

    house: House
    agent: UUID
    folder: Path
    playwright: Playwright
    chromium: str
    camera: Path | None = None
    secrets: bool = False
    inspected: bool = False
    context: BrowserContext | None = None
    page: Page = field(init=False)
    passkeys: list[dict[str, Any]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _authenticator: str = ""
    _wire: CDPSession = field(init=False)

    def start(self) -> Page:
        """Switch the tablet on."""
        arguments = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--no-sandbox"]
        if self.camera is not None:
            arguments.append(f"--use-file-for-fake-video-capture={self.camera}")
        self.context = self.playwright.chromium.launch_persistent_context(
            str(self.folder),
            executable_path=self.chromium,
            args=arguments,
            viewport={"width": 800, "height": 1180},
            locale="en",
            has_touch=True,
            bypass_csp=self.inspected,
            timezone_id="Asia/Shanghai",
            geolocation={"latitude": 39.9, "longitude": 116.4, "accuracy": 12},
            permissions=["geolocation", "camera"],
        )
        self.page = self.context.pages[0] if self.context.pages else self.context.new_page()
        if self.inspected:
            self.page.add_init_script(AXE)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)
        self._wire = self.context.new_cdp_session(self.page)
        self._wire.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "ctap2Version": "ctap2_1",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "hasPrf": self.secrets,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made = self._wire.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._authenticator = made["authenticatorId"]
        for passkey in self.passkeys:  # a real tablet keeps its passkeys when it is switched off
            self._wire.send("WebAuthn.addCredential", {"authenticatorId": self._authenticator, "credential": passkey})
        return self.page

    def remember_passkeys(self) -> None:
        """Store the passkeys, so that the tablet has them when it is switched on again."""
        told = self._wire.send("WebAuthn.getCredentials", {"authenticatorId": self._authenticator})
        self.passkeys = told["credentials"]

    def kill(self) -> None:
        """Kill the browser and all its processes at once, as when the battery is removed."""
        self.remember_passkeys()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):  # it may have ended meanwhile
                    if f"--user-data-dir={self.folder}".encode() in (entry / "cmdline").read_bytes():
                        os.kill(int(entry.name), signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        """Switch the tablet off."""
        if self.context is not None:
            with suppress(Exception):  # the browser may have been killed before
                self.context.close()
            self.context = None

    def offline(self, *, off: bool = True) -> None:
        """Switch the network off, or on again."""
        assert self.context is not None
        self.context.set_offline(off)

    def open(self) -> Page:
        """Open the app."""
        self.page.goto(f"{self.house.service.settings.public_url}/agent")
        return self.page

    def enrol(self) -> None:
        """Set the tablet up with an officer's invitation, and sign in."""
        self.open_invitation()
        self.page.get_by_role("button", name="Yes, set it up").click()
        self.sign_in()

    def open_invitation(self) -> None:
        """Open the address of a new invitation by an officer."""
        with self.house.service.unit() as unit:
            agent = unit.db.get_one(AgentRow, self.agent)
            _, secret = invite_tablet(unit, agent, officer="officer")
        self.page.goto("about:blank")  # if the app is open already, a change of the fragment alone loads nothing
        self.page.goto(f"{self.house.service.settings.public_url}/agent#e={secret}")

    def sign_in(self, code: str = CODE) -> None:
        """Sign in with the passkey, and choose a code if the passkey makes no secrets."""
        self.use_passkey(code)
        self.expect_title("Your visits")
        self.page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")  # it opens offline now

    def use_passkey(self, code: str = CODE) -> None:
        """Press the button that signs in, and choose a code if the passkey makes no secrets."""
        self.page.get_by_role("button", name="Sign in with the passkey").click()
        if not self.secrets:
            for label in ("Code", "The same again"):
                self.page.get_by_label(label, exact=True).fill(code)
            self.page.get_by_role("button", name="Go on").click()

    def unlock(self) -> None:
        """Unlock the day's work."""
        if not self.secrets:
            self.page.get_by_label("Code of this sign-in").fill(CODE)
        self.page.get_by_role("button", name="Open", exact=True).click()
        self.expect_title("Your visits")

    def reopen(self) -> None:
        """Reload the page, which locks the day's work."""
        self.page.reload()
        self.expect_title("Open the day's work")

    def sync(self) -> None:
        """Send the sealed visits, and fetch their results."""
        with self.page.expect_response("**/v1/tablet/told", timeout=60_000):
            self.page.get_by_role("button", name="Send and fetch").click()
        expect(self.page.get_by_text("Still here: 0")).to_be_visible(timeout=30_000)

    def stop_of(self, visit: UUID) -> Locator:
        """Return the entry of a visit in the list."""
        return self.page.locator(f'[data-visit="{visit}"]')

    def begin_with_code(self, visit: UUID) -> None:
        """Begin a visit by showing the code, and go back to the list."""
        self.stop_of(visit).click()
        self.page.get_by_role("button", name="Show my code").click()
        expect(self.page.locator("img.qr")).to_be_visible()
        self.page.get_by_role("button", name="Back").click()
        expect(self.stop_of(visit)).to_have_attribute("data-state", "begun")

    def record_not_found(self, visit: UUID) -> None:
        """Make a visit at which no one is found, and seal it."""
        self.stop_of(visit).click()
        self.page.get_by_role("button", name=WORDS["visit.notfound"]).click()
        self.page.get_by_role("button", name="Go on").click()
        self.sign()

    def record_witnesses(self, visit: UUID) -> None:
        """Make a visit with two witnesses, and seal it."""
        page = self.page
        self.stop_of(visit).click()
        page.get_by_role("button", name="A face is not possible").click()
        page.get_by_label("Why is a face not possible?").fill("Bandages after an operation")
        page.get_by_role("button", name="Two witnesses").click()
        for place, (name, relation) in enumerate((("Wang", "neighbour"), ("Zhao", "daughter"))):
            page.locator(f"#name{place}").fill(name)
            page.locator(f"#relation{place}").fill(relation)
        page.get_by_role("button", name="Go on").click()
        self.sign()

    def sealed(self) -> list[Content]:
        """Open the sealed visits on the tablet with the service's key, in the order in which they were sealed."""
        with self.house.service.reading() as unit:
            return [unseal(unit, base64.b64decode(data)) for data in self.page.evaluate(_BUNDLES)]

    def begin(self, visit: UUID, *, photos: int = 1) -> None:
        """Begin a visit and take photos."""
        self.stop_of(visit).click()
        self.page.get_by_role("button", name="Take photos").click()
        self.page.get_by_label("The person agrees").check()
        # The page gives advice as soon as the camera delivers pictures.
        expect(self.page.locator(".advice")).not_to_have_text("The camera starts…")
        for number in range(photos):
            self.page.get_by_role("button", name="Take a photo", exact=True).click()
            expect(self.page.get_by_text(f"Photos: {number + 1} of 3")).to_be_visible()

    def photograph(self, visit: UUID, *, photos: int = 3) -> None:
        """Make a visit with photos, and seal it."""
        self.begin(visit, photos=photos)
        self.agree()

    def agree(self) -> None:
        """Continue after the photos: the agent signs."""
        self.page.get_by_role("button", name="Go on").click()
        self.sign()

    def sign(self) -> None:
        """Sign the statement, and seal the visit."""
        self.expect_title("Sign and seal")
        self.page.locator("#sure").check()
        self.page.get_by_role("button", name="Sign and seal").click()
        self.page.get_by_role("heading", name=re.compile(f"{WORDS['slip.title']}|Your visits")).wait_for()
        if self.page.locator(".slip").count():
            self.page.get_by_role("button", name=WORDS["slip.next"]).click()
        self.expect_title("Your visits")

    def expect_title(self, text: str) -> None:
        """Wait for a page with this title."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(text, timeout=30_000)

    def _listen(self, said: ConsoleMessage) -> None:
        ours = "Failed to load resource" not in said.text and "ERR_" not in said.text
        if said.type in ("error", "warning") and ours:
            self.complaints.append(said.text)


_BUNDLES = """() => new Promise((done) => {
  const asked = indexedDB.open("certify-tablet");
  asked.onsuccess = () => {
    const all = asked.result.transaction("bundles").objectStore("bundles").getAll();
    const text = (data) => btoa(Array.from(new Uint8Array(data), (byte) => String.fromCharCode(byte)).join(""));
    all.onsuccess = () => done(all.result.map((each) => text(each.data)));
  };
})"""


@contextmanager
def at_work(
    house: House,
    playwright: Playwright,
    chromium: str,
    folder: Path,
    *,
    camera: Path | None = None,
    secrets: bool = False,
    inspected: bool = False,
) -> Iterator[AgentAtWork]:
    """Add an agent and switch their tablet on. Errors and warnings of the console fail the test."""
    house.numbers += 1
    with house.service.unit() as unit:
        agent = add_agent(unit, NewAgent(badge=f"A-{house.numbers:04}", name="Agent Li Wei", area="11"))
        agent_id = agent.id
    working = AgentAtWork(house, agent_id, folder, playwright, chromium, camera, secrets, inspected)
    working.start()
    try:
        yield working
    finally:
        working.stop()
    assert working.complaints == []


def plan(house: House, agent: UUID, people: list[UUID]) -> list[UUID]:
    """Plan visits to these people for today, in this order, about 220 m apart."""
    visits = []
    with house.service.unit() as unit:
        today = today_of(unit)
        for place, person in enumerate(people):
            home = Home(f"{place + 1} Lotus Street", "Green gate behind the well", 39.9 + place / 500, 116.4)
            set_homes(unit, {person: home})
            row = VisitRow(
                id=house.service.new_id(),
                beneficiary_id=person,
                state="planned",
                reason="fund",
                asked_at=unit.now - timedelta(days=3),
                agent_id=agent,
                planned_on=today,
                place=place + 1,
                tries=0,
            )
            unit.db.add(row)
            visits.append(row.id)
    return visits


def wait_until_judged(house: House, visits: list[UUID]) -> None:
    """Wait until the worker has opened the visits and judged their photos."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with house.service.reading() as unit:
            query = (
                select(BundleRow.state, SessionRow.state)
                .outerjoin(SessionRow, SessionRow.id == BundleRow.session_id)
                .where(BundleRow.visit_id.in_(visits))
            )
            states = [tuple(row) for row in unit.db.execute(query)]
        if len(states) == len(visits) and not {("received", None), ("opened", "submitted")} & set(states):
            return
        time.sleep(0.3)
    raise AssertionError(states)


def wait_for_case(house: House, person: UUID, kind: CaseKind) -> None:
    """Wait until a review case of this kind is open for the person."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with house.service.reading() as unit:
            if open_case_of(unit.db, person, kind) is not None:
                return
        time.sleep(0.3)
    raise AssertionError(f"no case of the kind {kind}")
