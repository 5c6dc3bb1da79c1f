"""Real films and faces that lie beside the checkout, in ``../shared/data``. They cannot be published with it.

Tests that need them call ``require_shared`` and are skipped without them; the end of the run says how many were.
"""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "data"
REASON = "needs ../shared/data"


def require_shared(*parts: str) -> Path:
    """Return a file or folder of the data, or skip the test that asks for it."""
    path = FOLDER.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{REASON}: {'/'.join(parts) or 'the folder'} is not there")
    return path


def skipped_for_it(reports: list[pytest.TestReport]) -> int:
    """Count the reports of tests that were skipped because the data are not there."""
    return sum(isinstance(report.longrepr, tuple) and REASON in report.longrepr[2] for report in reports)
