"""Pages of the agents' app: accessibility, papers, letters, visits outside the plan, and the check of an agent."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp
from playwright.sync_api import Playwright, expect
from sqlalchemy import select

from certify.certificates.qr import qr_png
from certify.domain.case_kinds import CaseKind
from certify.doorstep.agents import NewAgent, add_agent, door_secret
from certify.doorstep.calendar import today_of
from certify.doorstep.visits import unplan
from certify.people.access import new_link, person_of_letter
from certify.storage.tables.doorstep import BundleRow, VisitRow
from fixtures import faces, phone
from fixtures.camera import FileCamera
from fixtures.faces import Picture
from tests.e2e.axe import violations
from tests.e2e.browser import heading, opened, shoot
from tests.e2e.doorstep import WORDS, AgentAtWork, at_work, plan, wait_for_case, wait_until_judged
from tests.e2e.house import House

pytestmark = [pytest.mark.integration, pytest.mark.e2e, pytest.mark.slow, pytest.mark.enable_socket]


def test_the_agents_app_is_accessible(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture, camera: FileCamera
) -> None:
    """axe-core finds no violation on any page, also in Arabic, and no page is wider than 320 pixels."""
    person, _ = house.enrol(eileen)
    camera.show([np.ascontiguousarray(phone.upright(eileen)[:, :, ::-1])])
    folder = tmp_path / "tablet"
    with at_work(house, playwright, chromium, folder, camera=camera.path, inspected=True) as agent:
        (visit,) = plan(house, agent.agent, [person])
        agent.enrol()
        page = agent.page
        agent.begin(visit)
        shoot(page, "tablet-photos")
        one: dict[str, object] = {"visit": str(visit)}
        pages: list[tuple[str, dict[str, object]]] = [
            ("today", {}),
            ("visit", {"id": str(visit)}),
            ("photos", one),
            ("photos", one | {"kind": "document"}),
            ("noface", one),
            ("noface", one | {"way": "witnesses"}),
            *(("other", one | {"result": result}) for result in ("not_found", "moved", "refused", "deceased")),
            ("sealing", one | {"result": "face"}),
            ("slip", {"number": "7f3a22c1" * 8, "name": "Eileen Collins"}),
            ("settings", {}),
            ("unlock", {}),
            ("signin", {}),
            ("signin", {"until": 4e12}),
            ("enrol", {}),
            ("enrol", {"secret": "x" * 27}),
        ]
        wrong: dict[str, list[str]] = {}
        for language in ("en", "zh-Hans", "ar"):
            page.set_viewport_size(
                {"width": 320, "height": 640} if language == "ar" else {"width": 800, "height": 1180}
            )
            page.evaluate(_SPEAK, language)
            for name, options in pages:
                page.evaluate(_GO, [name, options])
                found = violations(page)
                wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
                small = page.evaluate(_SMALL)
                if found or wide > 0 or small:
                    wrong[f"{language} {name} {options}"] = [*found, f"{wide} too wide", *small]
        assert wrong == {}


def test_papers_are_photographed(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture, camera: FileCamera
) -> None:
    """A medical attestation instead of a face, a death with its document, and a person who is not on the list."""
    patient, dead = (house.enrol(eileen)[0] for _ in range(2))
    neighbour, card = house.enrol(eileen)
    camera.show([np.ascontiguousarray(phone.upright(eileen)[:, :, ::-1])])
    with at_work(house, playwright, chromium, tmp_path / "tablet", camera=camera.path, secrets=True) as agent:
        visits = plan(house, agent.agent, [patient, dead])
        agent.enrol()
        page = agent.page
        agent.stop_of(visits[0]).click()
        page.get_by_role("button", name="A face is not possible").click()
        page.get_by_role("button", name="Photo of a medical attestation").click()
        expect(page.get_by_text("Please say why a face is not possible.")).to_be_visible()
        page.get_by_label("Why is a face not possible?").fill("Burns")
        page.get_by_role("button", name="Photo of a medical attestation").click()
        _photograph_paper(agent)
        agent.stop_of(visits[1]).click()
        page.get_by_role("button", name="The person has died").click()
        page.get_by_label("Who told you? Name").fill("Wang")
        page.get_by_label("Relation to the person").fill("neighbour")
        page.get_by_label("Date of death, if known").fill("2026-01-31")
        page.get_by_role("button", name="Photo of the document").click()
        _photograph_paper(agent)
        page.get_by_role("button", name="Visit somebody who is not on the list").click()
        page.get_by_role("button", name="Show my code").click()
        shown = page.get_by_role("img", name="Square code by which your name and photo can be checked").screenshot()
        (code,) = zxingcpp.read_barcodes(cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_COLOR))
        with opened(playwright, chromium) as relative:
            relative.goto(code.text)
            heading(relative, "This agent comes from us")
            expect(relative.get_by_text("The visit was not planned")).to_be_visible()
        page.get_by_role("button", name="The person does not want it").click()
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_text("Enter the number on the card first")).to_be_visible()
        page.get_by_role("button", name="Back").click()
        page.get_by_role("button", name="Back").click()
        page.get_by_label("Number on the card").fill(card)
        page.get_by_label("Number on the card").blur()
        page.get_by_role("button", name="The person does not want it").click()
        page.get_by_role("button", name="Go on").click()
        agent.sign()
        agent.sync()
        wait_for_case(house, patient, CaseKind.VISIT_ATTESTED)
        wait_for_case(house, dead, CaseKind.ADVERSE_RECORD)
        wait_for_case(house, neighbour, CaseKind.VISIT_REFUSED)


def test_a_begun_visit_that_is_not_on_the_list_continues(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture, camera: FileCamera
) -> None:
    """A visit outside the plan, and one that was taken off the list, stay in the list of begun visits."""
    planned, _ = house.enrol(eileen)
    neighbour, card = house.enrol(eileen)
    camera.show([np.ascontiguousarray(phone.upright(eileen)[:, :, ::-1])])
    with at_work(house, playwright, chromium, tmp_path / "tablet", camera=camera.path, secrets=True) as agent:
        (visit,) = plan(house, agent.agent, [planned])
        agent.enrol()
        page = agent.page
        page.get_by_role("button", name="Visit somebody who is not on the list").click()
        page.get_by_label("Number on the card").fill(card)
        page.get_by_label("Number on the card").blur()
        page.get_by_role("button", name="Take photos").click()
        expect(page.get_by_role("button", name="Take a photo", exact=True)).to_be_hidden()  # consent comes first
        page.get_by_label("The person agrees").check()
        expect(page.locator(".advice")).not_to_have_text("The camera starts…")
        page.get_by_role("button", name="Take a photo", exact=True).click()
        expect(page.get_by_text("Photos: 1 of 3")).to_be_visible()
        page.get_by_role("button", name="Back").click()
        expect(page.get_by_label("Number on the card")).to_have_value(card)
        agent.reopen()
        agent.unlock()
        agent.begin_with_code(visit)
        with house.service.unit() as unit:
            unplan(unit.db.get_one(VisitRow, visit))
        agent.sync()
        expect(page.get_by_role("button", name=re.compile("Begun"))).to_have_count(2)
        expect(agent.stop_of(visit)).to_contain_text("Eileen Collins")
        agent.record_not_found(visit)
        page.get_by_role("button", name=f"•{card[-4:]}").click()
        agent.expect_title("Not on the list")
        page.get_by_role("button", name="Take photos").click()
        expect(page.get_by_text("Photos: 1 of 3")).to_be_visible()
        agent.agree()
        expect(page.get_by_role("button", name=re.compile("Begun"))).to_have_count(0)
        agent.sync()
        with house.service.reading() as unit:
            rows = unit.db.scalars(select(BundleRow).where(BundleRow.agent_id == agent.agent)).all()
            wait_until_judged(house, [row.visit_id for row in rows])
        with house.service.reading() as unit:
            rows = unit.db.scalars(select(BundleRow).where(BundleRow.agent_id == agent.agent)).all()
            assert {row.beneficiary_id: row.result for row in rows} == {planned: "not_found", neighbour: "face"}


def test_a_visit_that_was_refused_is_made_again(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture
) -> None:
    """The visit is still on the list. The agent reads the reason, makes the visit again, and sees its result."""
    person, _ = house.enrol(eileen)
    with at_work(house, playwright, chromium, tmp_path / "tablet", secrets=True) as agent:
        (visit,) = plan(house, agent.agent, [person])
        agent.enrol()
        page = agent.page
        agent.offline()
        agent.stop_of(visit).click()
        page.get_by_role("button", name=WORDS["visit.notfound"]).click()
        page.evaluate("() => { const now = Date.now; Date.now = () => now() - 2 * 3600 * 1000; }")
        page.get_by_role("button", name="Go on").click()
        agent.sign()
        agent.offline(off=False)
        agent.sync()
        wait_until_judged(house, [visit])
        agent.reopen()
        agent.unlock()
        agent.sync()
        expect(agent.stop_of(visit)).to_have_attribute("data-state", "refused")
        agent.stop_of(visit).click()
        expect(page.get_by_text("The clock of the tablet was changed.")).to_be_visible()
        page.get_by_role("button", name="Visit again").click()
        page.get_by_role("button", name="Show my code").click()
        expect(page.locator("img.qr")).to_be_visible()
        page.get_by_role("button", name="Back").click()
        expect(agent.stop_of(visit)).to_have_attribute("data-state", "begun")
        agent.record_witnesses(visit)
        agent.sync()
        wait_until_judged(house, [visit, visit])  # the refused one and the new one
        agent.sync()
        expect(agent.stop_of(visit)).to_contain_text("Noted")
        wait_for_case(house, person, CaseKind.VISIT_ATTESTED)


def _photograph_paper(agent: AgentAtWork) -> None:
    expect(agent.page.locator(".advice")).not_to_have_text("The camera starts…")
    agent.page.get_by_role("button", name="Take a photo", exact=True).click()
    agent.page.get_by_role("button", name="Go on").click()
    agent.sign()


_SCANNER = """
window.BarcodeDetector = class {
  async detect(video) {
    const [width, height] = [video.videoWidth, video.videoHeight];
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d").drawImage(video, 0, 0);
    const found = await window.readCodes(canvas.toDataURL("image/png"));
    return found.map((rawValue) => ({ rawValue }));
  }
};
"""
"""Unlike Chromium on Android, this one has no BarcodeDetector. The test reads codes from the camera's pictures."""


def test_the_code_of_a_letter_identifies_the_person(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture, camera: FileCamera
) -> None:
    """A person who is not on the list shows the letter of the fund."""
    person, _ = house.enrol(eileen)
    with house.service.unit() as unit:
        link = f"https://fund.example/#l={new_link(unit, person, timedelta(days=30))}"
    letter = np.full((640, 480, 3), 210, np.uint8)
    letter[180:440, 90:350] = cv2.resize(_picture(qr_png(link)), (260, 260))
    held = cv2.warpAffine(letter, cv2.getRotationMatrix2D((240, 320), 12, 1), (480, 640), borderValue=(90, 90, 90))
    camera.show([held.astype(np.uint8)])

    def read(picture: str) -> list[str]:
        shown = _picture(base64.b64decode(picture.partition(",")[2]))
        return [code.text for code in zxingcpp.read_barcodes(shown)]

    with at_work(house, playwright, chromium, tmp_path / "tablet", camera=camera.path, secrets=True) as agent:
        agent.page.add_init_script(_SCANNER)
        agent.page.expose_function("readCodes", read)
        plan(house, agent.agent, [])
        agent.enrol()
        page = agent.page
        page.get_by_role("button", name="Visit somebody who is not on the list").click()
        page.get_by_role("button", name="Scan the code of the letter").click()
        expect(page.get_by_text("The letter was read.")).to_be_visible()
        page.get_by_role("button", name="The person does not want it").click()
        page.get_by_role("button", name="Go on").click()
        agent.sign()
        agent.sync()
        wait_for_case(house, person, CaseKind.VISIT_REFUSED)
        with house.service.reading() as unit:
            assert person_of_letter(unit, link.partition("#l=")[2]) == person, "the letter is still good for its owner"


def _picture(data: bytes) -> Picture:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(np.uint8)


def test_the_code_of_an_agent_identifies_the_agent(
    house: House, playwright: Playwright, chromium: str, tmp_path: Path, eileen: Picture
) -> None:
    """A person who scans the agent's code sees name and photo, and whether the visit is for today."""
    person, _ = house.enrol(eileen)
    house.numbers += 1
    with house.service.unit() as unit:
        face = faces.encode(faces.portraits()["grace_hopper"], quality=60)
        new = NewAgent(badge=f"D-{house.numbers}", name="Agent Grace", area="11", photo=face)
        agent = add_agent(unit, new).id
    (visit,) = plan(house, agent, [person])
    with house.service.reading() as unit:
        secret = door_secret(unit, unit.db.get_one(VisitRow, visit))
    address = house.service.settings.public_url
    with opened(playwright, chromium) as page:
        page.goto(f"{address}/#v={secret}")
        heading(page, "This agent comes from us")
        expect(page.get_by_text("Agent Grace", exact=True)).to_be_visible()
        expect(page.get_by_role("img", name="Photo of Agent Grace")).to_be_visible()
        assert "#" not in page.url.replace("#agent", "")
        shoot(page, "phone-door")
    with house.service.unit() as unit:
        unit.db.get_one(VisitRow, visit).planned_on = today_of(unit) + timedelta(days=1)
    with house.service.reading() as unit:
        secret = door_secret(unit, unit.db.get_one(VisitRow, visit))
    with opened(playwright, chromium) as page:
        page.goto(f"{address}/#v={secret}")
        heading(page, "This visit is not for today")
        page.goto("about:blank")
        page.goto(f"{address}/#v={'0' * 64}")
        heading(page, "This code is not ours")


_SPEAK = """async (language) => {
  const base = document.querySelector('meta[name="base"]').content;
  await (await import(`${base}js/pages.js`)).setLanguage(language);
}"""
_GO = """async ([name, options]) => {
  const base = document.querySelector('meta[name="base"]').content;
  await (await import(`${base}js/pages.js`)).go(name, options);
}"""
_SMALL = """() => [...document.querySelectorAll("button, select, input:not(.sr), textarea")]
  .filter((each) => each.offsetParent && !each.closest("label"))
  .map((each) => [each, each.getBoundingClientRect()])
  .filter(([, box]) => box.height < 47.5 || box.width < 47.5)
  .map(([each, box]) => `${each.textContent.slice(0, 30)} is ${box.width} x ${box.height}`)"""
