"""Run the accessibility checks of axe-core on a page."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

_AXE = """async (rules) => {
  const {violations} = await axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']});
  return violations.map(({id, nodes}) => id + ': ' + nodes.map((node) => node.target + ' ' + node.failureSummary));
}"""


def violations(page: Page) -> list[str]:
    """Return each broken rule with its elements. The page must have axe-core (``AXE``) loaded."""
    return [str(each) for each in page.evaluate(_AXE, RULES)]
