"""Where linking runs: one small port, so that the same SQL serves one machine and many.

The SQL of this package keeps to what DuckDB and Spark both understand (``levenshtein``, ``substr``, windows, common
table expressions) and three functions that every engine defines: ``word_count(a)``, ``shared_words(a, b)`` and
``same_letters(a, b)``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from certify.domain.error_codes import ErrorCode
from certify.errors import Invalid
from certify.registry.normalise import Layout

_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}")


@dataclass(frozen=True, slots=True)
class Source:
    """A file (``.parquet``, else CSV with a header), an Arrow table or a stream read once, and what it means."""

    data: Path | pa.Table | pa.RecordBatchReader
    layout: Layout


class Engine(Protocol):
    """Runs SQL and keeps tables by name until ``close``."""

    name: str

    def load(self, table: str, source: Source) -> None:
        """Normalise a source into a table with the canonical columns. Raises Invalid when columns are missing."""

    def file_columns(self, path: Path) -> list[str]:
        """Return a file's column names, without spaces around them. Raises Invalid when it cannot be read."""

    def read(self, table: str, path: Path, columns: Mapping[str, str]) -> None:
        """Copy columns (ours: theirs) of a file into a table as texts. Raises Invalid when one is missing."""

    def register(self, table: str, data: pa.Table) -> None:
        """Make a small Arrow table known."""

    def create(self, table: str, select: str) -> None:
        """Keep the result of a query as a table, in place of an earlier one of that name."""

    def define(self, table: str, select: str) -> None:
        """Give a query a name, without running it."""

    def keep_only(self, table: str, column: str) -> None:
        """Forget all columns of a table but one, and free what they take."""

    def few(self, table: str, columns: str, where: str) -> str:
        """Return a query for the few rows of a large table that meet a condition, in its quickest form."""

    def query(self, select: str) -> pa.Table:
        """Return the result of a query, which must fit into memory."""

    def count(self, table: str) -> int:
        """Count the rows of a table."""

    def columns(self, table: str) -> list[str]:
        """Return the column names of a table."""

    def splink(self) -> Any:
        """Return Splink's interface to this engine."""

    def close(self) -> None:
        """Forget all tables."""


def checked_name(table: str) -> str:
    """Return a table name that can stand in SQL as it is. Raises Invalid."""
    if not _NAME.fullmatch(table):
        raise Invalid(f"'{table}' cannot name a table.", code=ErrorCode.TABLE_NAME)
    return table


def check_columns(found: Collection[str], wanted: Iterable[str], where: object) -> None:
    """Raise Invalid when a column is missing."""
    if missing := [name for name in wanted if name not in found]:
        raise Invalid(
            f"{where} has no column '{missing[0]}'.", hint=f"It has: {', '.join(found)}.", code=ErrorCode.COLUMN_MISSING
        )
