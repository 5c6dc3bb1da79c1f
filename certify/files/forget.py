"""Delete the rows of an erased person from quarantine files, which are plain copies of imported rows."""

from __future__ import annotations

import csv
import logging
from collections.abc import Collection, Iterator
from pathlib import Path

from certify.errors import Invalid
from certify.people.national_id import normalise_id
from certify.private_file import write_private

log = logging.getLogger("certify.approvals.erase")


def forget_in_quarantine(folders: Collection[Path], numbers: Collection[str]) -> int:
    """Delete the rows with one of these numbers from the quarantine files below some folders.

    Only files with the usual ending ``.quarantine.csv`` are found. Other files stay until the operator deletes them.

    Args:
        folders: where to look; missing folders are skipped.
        numbers: national id and card number of the person, normalised.

    Returns:
        The number of files that were changed.
    """
    changed = 0
    for path in sorted({path for folder in folders for path in _files(folder)}):
        try:
            changed += _forget(path, set(numbers))
        except (OSError, csv.Error, UnicodeDecodeError) as error:
            # The erasure of the database must not fail for it; the log has no name and no number.
            log.warning("a quarantine file could not be searched", extra={"kind": type(error).__name__})
    return changed


def _files(folder: Path) -> Iterator[Path]:
    return folder.rglob("*.quarantine.csv") if folder.is_dir() else iter(())


def _forget(path: Path, numbers: set[str]) -> bool:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    kept = [row for row in rows if not any(_number(cell) in numbers for cell in row)]
    if len(kept) == len(rows):
        return False
    lines = _Lines()
    csv.writer(lines, lineterminator="\n").writerows(kept)
    write_private(path, "".join(["\ufeff", *lines.parts]).encode())
    return True


def _number(cell: str) -> str | None:
    try:
        return normalise_id(cell.lstrip("'"))
    except Invalid:
        return None


class _Lines:
    """Collects the text that ``csv.writer`` writes."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def write(self, text: str) -> int:
        self.parts.append(text)
        return len(text)
