"""Read labelled pairs of pictures from a CSV file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.errors import ManifestInvalid


@dataclass(frozen=True, slots=True)
class Pair:
    """One row of the file.

    Attributes:
        line: line number in the file.
        first: path of the first picture.
        second: path of the second picture.
        same: both show the same person.
        group: name of the group; empty without one.
    """

    line: int
    first: Path
    second: Path
    same: bool
    group: str


def read_pairs(pairs_csv: Path) -> tuple[list[Pair], Counter[str], list[str]]:
    """Read the rows of the file; return them, the count of unusable rows by reason, and examples of these.

    Raises:
        ManifestInvalid: the file cannot be read, or a column is missing (``manifest_invalid``).
    """
    rows: list[Pair] = []
    failures: Counter[str] = Counter()
    examples: list[str] = []
    try:
        with pairs_csv.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            lacking = [name for name in ("path_a", "path_b", "same") if name not in (reader.fieldnames or ())]
            if lacking:
                found = ", ".join(reader.fieldnames or ()) or "nothing"
                raise ManifestInvalid(f"{pairs_csv} lacks the columns {', '.join(lacking)}; its header has {found}")
            for line, row in enumerate(reader, start=2):
                reason = _unusable(row)
                if reason:
                    failures[reason] += 1
                    examples.append(f"line {line}: {reason}")
                    continue
                folder = pairs_csv.parent
                same = row["same"].strip() == "1"
                group = (row.get("group") or "").strip()
                rows.append(Pair(line, folder / row["path_a"].strip(), folder / row["path_b"].strip(), same, group))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ManifestInvalid(f"{pairs_csv} cannot be read: {error}") from error
    return rows, failures, examples


def _unusable(row: Mapping[str, str | None]) -> str | None:
    if not (row["path_a"] or "").strip() or not (row["path_b"] or "").strip():
        return "a path is empty"
    return None if (row["same"] or "").strip() in {"0", "1"} else "same is neither 0 nor 1"
