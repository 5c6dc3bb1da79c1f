"""The reports as a browser shows them: no broken rule of accessibility, and nothing wider than a telephone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from certify.domain.integrity import IntegrityScore, Signal, SignalScore
from certify.doorstep.backlog import NO_AGENT, AreaLoad, Backlog, DayLoad
from certify.doorstep.backlog_page import backlog_page
from certify.doorstep.integrity_report import integrity_page
from certify.registry.runs.report import run_report
from tests.certify.registry.runs.conftest import Fund
from tests.certify.registry.runs.conftest import fund as fund  # noqa: PLC0414 - a fixture of another folder
from tests.e2e.axe import AXE, violations

pytestmark = pytest.mark.e2e

_DAY = date(2026, 12, 1)


def _backlog(_: Fund) -> str:
    days = [DayLoad(_DAY + timedelta(days=n), 900 - n, 1000) for n in range(10)]
    areas = [AreaLoad("1101", 12, 400, 420), AreaLoad("1102", 0, 3, 900), AreaLoad(NO_AGENT, 3, 0, 0)]
    waits = {"up to 1 week": 940, "1 to 2 weeks": 17, "longer": 1}
    return backlog_page(Backlog(_DAY, days, areas, {"overdue": 940, "asked": 2}, waits))


def _integrity(_: Fund) -> str:
    scores, steps = {}, {}
    for number in range(30):
        loud = number < 2
        found = tuple(
            SignalScore(signal, 9 if loud else 1, 31, 0.02, 5.2 if loud else 0.3, ("v1",)) for signal in Signal
        )
        scores[f"a{number}"] = IntegrityScore(31, 5.0 if loud else 0.2, loud, found)
        steps[f"a{number}"] = [(1, 0.0), (20, 1.0), (31, 5.0 if loud else 0.2)]
    names = {"a0": "Wolfeschlegelsteinhausenbergerdorff Maria"}
    return integrity_page(scores, steps, made_at=datetime(2026, 12, 1, tzinfo=UTC), names=names)


def _run(fund: Fund) -> str:
    when = (datetime(2026, 2, 1, tzinfo=UTC)).date().isoformat()
    rows = [fund.row("Ana Pereira", "d1", when), fund.row("Unknown Person", "d2", when, id="X9")]
    row = fund.run(fund.feed("deaths"), *rows)
    with fund.service.reading() as unit:
        return run_report(unit, row.id)


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    yield started
    started.close()


@pytest.mark.integration
@pytest.mark.parametrize("make", [_backlog, _integrity, _run], ids=["backlog", "integrity", "run"])
def test_reports_are_read_by_everybody(
    make: Callable[[Fund], str], fund: Fund, browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(make(fund), "utf-8")
    for width, dark in ((320, False), (390, True), (1280, False), (1280, True)):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", bypass_csp=True
        )
        page = context.new_page()
        page.goto(file.as_uri())
        assert page.get_by_role("heading", name="What to do").is_visible()
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{wide} wide at {width}"
        page.add_script_tag(content=AXE)
        assert violations(page) == [], (width, dark)
        if shots := os.environ.get("REPORT_SHOTS"):
            page.screenshot(path=f"{shots}/{make.__name__}-{width}-{dark}.png", full_page=True)
        context.close()
