"""The inbox of a feed: its files in the order of the dates and numbers in their names, and where they go afterwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from certify.registry.feeds.file_layout import Dates
from certify.registry.feeds.written_dates import read_written

_UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")
"""Ends of names that file transfers give to a file while it is still being written."""
_DATE = re.compile(
    r"(?<!\d)(?:\d{4}[-_.]\d{1,2}[-_.]\d{1,2}|\d{1,2}[-_.]\d{1,2}[-_.]\d{4}|\d{8})(?!\d)"
    r"|(?<!\d)\d{1,2}[-_. ]?[^\W\d_]{3,9}[-_. ]?\d{4}(?!\d)"
)
_NUMBER = re.compile(r"(\d+)")


def waiting_files(inbox: Path, dates: Dates) -> list[Path]:
    """Return the files of an inbox in the order in which they are run.

    Files with a date in their names come in the order of the dates, before those without. Files without, and those of
    one day, come in the order of the numbers in their names: 9 before 10.

    Args:
        inbox: the folder; it need not exist.
        dates: how the feed writes dates; its order decides names like 03-04-2026.

    Returns:
        The files. Hidden ones, and those that are still being written, are left out.
    """
    if not inbox.is_dir():
        return []
    found = [path for path in inbox.iterdir() if path.is_file() and not path.name.startswith(".")]
    return sorted((path for path in found if path.suffix not in _UNFINISHED), key=lambda path: _order(path.name, dates))


def _order(name: str, dates: Dates) -> tuple[object, ...]:
    parts: Sequence[tuple[int, int, str]] = [
        (0, int(part), part) if part.isdigit() else (1, 0, part) for part in _NUMBER.split(name) if part
    ]
    day = _day_in(name, dates)
    return day is None, day or date.max, parts


def _day_in(name: str, dates: Dates) -> date | None:
    order = "mdy" if dates.order == "mdy" else "dmy"
    for written in _DATE.findall(name):
        read = read_written(written.replace("_", "-"), Dates(order=order), order=order, pivot=None)
        if read.first is not None:
            return read.first
    return None


def free_name(path: Path) -> Path:
    """Return the path, or one with a number if something has its name already."""
    number, free = 1, path
    while free.exists() or free.is_symlink():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
