"""The quarantine file: rows of a feed that cannot be used, with their reasons, for the people of the registry."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb

from certify.domain.error_codes import ErrorCode
from certify.errors import Conflict
from certify.registry.feeds.raw_table import BAD

_HEADINGS = ("row", "code", "reason", "cells")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings that a spreadsheet runs as a formula."""


def require_writable(path: Path) -> None:
    """Require that a quarantine file can be written without a loss: there is none, or one that this module wrote.

    Args:
        path: the file.

    Raises:
        Conflict: something else has this name (``quarantine_file``).
    """
    if path.is_symlink() or (path.exists() and not _is_ours(path)):
        raise Conflict(
            f"{path} exists, and is no file of quarantined rows; it was not touched.",
            hint="Name another file with --quarantine, or move that one away.",
            code=ErrorCode.QUARANTINE_FILE,
        )


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.readline(200).rstrip(b"\r\n") == ",".join(_HEADINGS).encode()


def write_quarantine(database: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write the bad rows to a CSV file that only its owner can read.

    Without bad rows no file is written. Cells that a spreadsheet would run as a formula get an apostrophe in front.

    Args:
        database: has the table ``BAD``.
        path: the file; an earlier quarantine file is replaced.

    Returns:
        The number of bad rows.

    Raises:
        Conflict: something else has the name of the file (``quarantine_file``).
    """
    require_writable(path)
    path.unlink(missing_ok=True)
    cursor = database.execute(f"select row, code, reason, coalesce(cells, '') from {BAD} order by row, code")
    count = 0
    while rows := cursor.fetchmany(10_000):
        if count == 0:
            path.touch(mode=0o600)
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if count == 0:
                writer.writerow(_HEADINGS)
            writer.writerows((row, code, reason, harmless(cells)) for row, code, reason, cells in rows)
        count += len(rows)
    return count


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
