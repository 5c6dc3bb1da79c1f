"""The command within this process: quicker than one of its own, and otherwise what a user runs, up to the exit code."""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from certify.cli import main
from certify.cli.exit_codes import ExitCode


def here(
    folder: Path,
    *words: str | Path,
    code: ExitCode = ExitCode.OK,
    typed: str = "",
    environment: dict[str, str] | None = None,
) -> str:
    """Run the command in a folder whose ``data`` it uses, and check its exit code.

    Returns what it printed: with ``--json`` only what programs read, and what people read on standard error too when
    it failed or something was ``typed``.
    """
    out, err, ended = io.StringIO(), io.StringIO(), 0
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in {"CERTIFY_DATA_DIR": str(folder / "data"), **(environment or {})}.items():
            patch.setenv(name, value)
        patch.setenv("COLUMNS", "200")
        patch.setattr(sys, "argv", ["certify", *map(str, words)])
        patch.setattr(sys, "stdin", io.StringIO(typed))
        os.chdir(folder)
        try:
            main()
        except SystemExit as end:
            ended = end.code if isinstance(end.code, int) else 0
        finally:
            os.chdir(before)
    assert ended == code, f"{words}: exit code {ended}\n{out.getvalue()}\n{err.getvalue()}"
    return out.getvalue() if "--json" in words or not (code or typed) else out.getvalue() + err.getvalue()
