"""Print tables: ids always in full, other columns folded, and row by row where the terminal is too narrow."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certify.cli.output import Ink, Part, plain, say

if TYPE_CHECKING:  # rich takes a quarter of a second to load, and a help text does without
    from rich.text import Text

Cell = Part | None | Sequence[Part]
"""A text, nothing, or several lines."""

_LEAST = 12
"""Characters that a folded column is given at least; with less, the table is printed row by row."""

_GAP = 2
"""Spaces between columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        title: what stands above it.
        whole: its cells are never cut or folded: ids, badges, names of feeds.
        right: its cells end at the right, as numbers do.
    """

    title: str
    whole: bool = False
    right: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A row that says what the rows below it are about."""

    text: str


Row = Sequence[Cell] | Heading


def show_table(columns: Sequence[str | Column], rows: Iterable[Row], *, title: str = "", ruled: bool = False) -> None:
    """Print a table on standard output.

    A terminal gets it as wide as it is; a pipe or a file gets each row on one line. ``COLUMNS`` sets another width.

    Args:
        columns: titles, or columns that are never cut.
        rows: a cell for each column; or a heading.
        title: what stands above the table.
        ruled: draw a line between rows.
    """
    heads = [column if isinstance(column, Column) else Column(column) for column in columns]
    body = [Heading(plain(row.text)) if isinstance(row, Heading) else [_lines(cell) for cell in row] for row in rows]
    if title:
        say(Ink(title, "bold"))
    widths = [_width(index, head, body) for index, head in enumerate(heads)]
    least = [width if head.whole else min(width, _LEAST) for head, width in zip(heads, widths, strict=True)]
    gaps = _GAP * (len(heads) - 1)
    available = _available()
    if available is None:
        _show_as_table(heads, body, sum(widths) + gaps, ruled=ruled)
    elif sum(least) + gaps <= available:
        _show_as_table(heads, body, available, ruled=ruled)
    else:
        _show_row_by_row(heads, body, available)


def _show_as_table(heads: list[Column], body: list[Heading | list[list[Ink]]], width: int, *, ruled: bool) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), show_lines=ruled)
    for head in heads:
        table.add_column(
            head.title, justify="right" if head.right else "left", no_wrap=head.whole, overflow="fold", min_width=1
        )
    for row in body:
        if isinstance(row, Heading):
            table.add_section()
            table.add_row(_text([Ink(row.text, "bold")]))
        else:
            table.add_row(*(_text(cell) for cell in row))
    console = Console(width=width, markup=False, emoji=False, highlight=False)
    console.print(table, crop=False, no_wrap=False)


def _show_row_by_row(heads: list[Column], body: list[Heading | list[list[Ink]]], width: int) -> None:
    """Print each row as a paragraph: the first cell, then a line for each other cell that holds something."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table

    console = Console(width=width, markup=False, emoji=False, highlight=False)
    margin = max(cell_len(head.title) for head in heads) + _GAP
    for row in body:
        if isinstance(row, Heading):
            say(Ink(row.text, "bold"))
            continue
        for index, (head, cell) in enumerate(zip(heads, row, strict=True)):
            if not any(part.text for part in cell):
                continue
            indent = "" if index == 0 else " " * _GAP
            if not head.whole:
                grid = Table.grid()
                grid.add_column(width=margin)
                grid.add_column(overflow="fold")
                grid.add_row(head.title, _text(cell))
                console.print(Padding(grid, (0, 0, 0, len(indent))))
            elif index and len(indent) + margin + max(cell_len(part.text) for part in cell) <= width:
                for number, part in enumerate(cell):
                    say(indent, ("" if number else head.title).ljust(margin), part)
            else:  # an id that has no room beside its title stands below it, and is not folded by us
                if index and head.title:
                    say(indent, head.title)
                for part in cell:
                    say(part)


def _lines(cell: Cell) -> list[Ink]:
    if cell is None:
        return [Ink("", "")]
    parts = [cell] if isinstance(cell, str | Ink) else list(cell)
    return [Ink(plain(part.text), part.style) if isinstance(part, Ink) else Ink(plain(part), "") for part in parts]


def _text(cell: list[Ink]) -> Text:
    from rich.text import Text

    return Text("\n").join(Text(part.text, style=part.style) for part in cell)


def _width(index: int, head: Column, body: list[Heading | list[list[Ink]]]) -> int:
    """Return the width of a column that folds nothing; headings stand in the first one."""
    from rich.cells import cell_len

    texts = [head.title]
    for row in body:
        if isinstance(row, Heading):
            texts.append(row.text if index == 0 else "")
        else:
            texts += [part.text for part in row[index]]
    return max(cell_len(text) for text in texts)


def _available() -> int | None:
    """Return the characters that fit into a line, or None where nothing limits them."""
    if os.environ.get("COLUMNS", "").isdigit() or sys.stdout.isatty():
        return max(1, shutil.get_terminal_size().columns)
    return None
