"""Say what an audit found: one changed, missing or contradictory record, by its id and without a name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        table: where it was found.
        row: id of the row, or the number of the ledger's entry.
        what: what is wrong, in plain words.
    """

    table: str
    row: str
    what: str

    def __str__(self) -> str:
        """Return the finding in one line."""
        return f"{self.table} {self.row}: {self.what}"
