"""The interface to the engine that linking runs on, so that the same SQL serves one machine and many.

The SQL of this package uses only features that DuckDB and Spark share (``levenshtein``, ``substr``, windows, common
table expressions) and seven functions that each engine defines: ``word_count(a)``, ``shared_words(a, b)``,
``same_letters(a, b)``, ``script_of(a)``, ``has_tones(a)``, ``is_brief(a)`` (initials and at most one whole word) and
``sounds(a)`` (the classes of consonants of each word, in order).
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
    """Rows to link, and the meaning of their columns.

    Attributes:
        data: a file (``.parquet``, otherwise CSV with a header), an Arrow table, or a stream that is read once.
        layout: the meaning of the columns.
    """

    data: Path | pa.Table | pa.RecordBatchReader
    layout: Layout


class Engine(Protocol):
    """An engine that runs SQL and keeps tables by name until ``close``."""

    name: str

    def load(self, table: str, source: Source) -> None:
        """Normalise a source into a table with the canonical columns.

        Raises:
            Invalid: a column is missing (``column_missing``), or the file cannot be read (``file``).
        """

    def file_columns(self, path: Path) -> list[str]:
        """Return the column names of a file, without spaces around them.

        Raises:
            Invalid: the file cannot be read (``file``).
        """

    def read(self, table: str, path: Path, columns: Mapping[str, str]) -> None:
        """Copy columns of a file, their names by ours, into a table as texts.

        Raises:
            Invalid: a column is missing (``column_missing``), or the file cannot be read (``file``).
        """

    def register(self, table: str, data: pa.Table) -> None:
        """Copy a small Arrow table into the engine."""

    def create(self, table: str, select: str) -> None:
        """Store the result of a query as a table; an earlier table of that name is replaced."""

    def define(self, table: str, select: str) -> None:
        """Give a query a name, without running it."""

    def keep_only(self, table: str, column: str) -> None:
        """Delete all columns of a table but one, and free their memory."""

    def few(self, table: str, columns: str, where: str) -> str:
        """Return a query for the few rows of a large table that meet a condition, in its fastest form."""

    def query(self, select: str) -> pa.Table:
        """Return the result of a query, which must fit into memory."""

    def count(self, table: str) -> int:
        """Count the rows of a table."""

    def columns(self, table: str) -> list[str]:
        """Return the column names of a table."""

    def splink(self) -> Any:
        """Return Splink's interface to this engine."""

    def close(self) -> None:
        """Delete all tables."""


def checked_name(table: str) -> str:
    """Return a table name that is safe in SQL.

    Args:
        table: the name.

    Returns:
        The same name.

    Raises:
        Invalid: the text cannot name a table (``table_name``).
    """
    if not _NAME.fullmatch(table):
        raise Invalid(f"'{table}' cannot name a table.", code=ErrorCode.TABLE_NAME)
    return table


def check_columns(present: Collection[str], wanted: Iterable[str], where: object) -> None:
    """Require columns.

    Args:
        present: the columns that exist.
        wanted: the columns that are needed.
        where: name of the file or table, for the error text.

    Raises:
        Invalid: a column is missing (``column_missing``).
    """
    if missing := [name for name in wanted if name not in present]:
        raise Invalid(
            f"{where} has no column '{missing[0]}'.",
            hint=f"It has: {', '.join(present)}.",
            code=ErrorCode.COLUMN_MISSING,
        )
