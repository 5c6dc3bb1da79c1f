"""Commands within this process, on a database of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from certify.cli import app
from certify.config import Settings

Command = Callable[..., Any]  # a Result; its exception is one of ours where the code is -1


@pytest.fixture
def command(settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run ``certify`` with these words. ``code`` is the exit code it has to end with, -1 for an error of ours."""
    monkeypatch.setenv("CERTIFY_DATABASE_URL", database_url)
    monkeypatch.setenv("CERTIFY_DATA_DIR", str(settings.data_dir))

    def run(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(words))
        if isinstance(result.exception, Exception) and not isinstance(result.exception, SystemExit):
            assert code == -1, result.exception
        else:
            assert result.exit_code == code, result.output
        return result

    return run
