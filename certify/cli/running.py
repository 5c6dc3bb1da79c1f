"""What 'certify feed run' and 'certify run' share: carrying a run out with a progress bar, and telling what it did."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer
from rich.table import Table

from certify.cli.output import console, progress_bar
from certify.service import Service
from certify.storage.tables.runs import RunRow

EngineName = Annotated[str, typer.Option(help="Where linking runs: duckdb, or spark (needs certify[spark] and Java).")]
Memory = Annotated[str, typer.Option(help="Memory that DuckDB may use before it spills to disk.")]
Workers = Annotated[int, typer.Option(min=1, max=32, help="Chunks at a time when standings change.")]


def carry_out_here(service: Service, run_id: UUID, *, engine: str, memory: str, workers: int) -> RunRow:
    """Carry a run out, showing what is being done."""
    from certify.registry.runs.carry_out import Machine, carry_out  # noqa: PLC0415 - loads DuckDB

    with progress_bar() as progress:
        bar = progress.add_task("", total=None)

        def show(what: str, done: int, total: int) -> None:
            progress.update(bar, description=what, completed=done, total=total or None)

        return carry_out(service, run_id, machine=Machine(engine=engine, memory=memory, workers=workers), progress=show)


def run_as_json(row: RunRow) -> dict[str, Any]:
    """Return a run as plain values."""
    return {name: getattr(row, name) for name in _SHOWN}


def show_run(row: RunRow, *, as_json: bool) -> dict[str, Any]:
    """Tell what a run did, unless JSON is wanted; return it as plain values."""
    if not as_json:
        applied = row.counts.get("applied", {})
        console.print(f"Run {row.id} of {row.feed}: {row.state}", highlight=False, soft_wrap=True)
        table = Table("what", "how many", show_header=False)
        table.add_row("records", f"{row.shape['rows']:,}")
        for stage, number in sorted(row.counts.get("linking", {}).items()):
            if "_" in stage:
                table.add_row(stage.replace("_", " "), f"{number:,}")
        for name, words in _WORDS.items():
            if name in applied:
                table.add_row(words, f"{applied[name]:,}")
        for code, number in sorted(row.counts.get("notes", {}).items()):
            table.add_row(f"nothing new: {code}", f"{number:,}")
        console.print(table)
        spent = ", ".join(f"{name} {row.seconds[name]:.1f} s" for name in _STEPS if name in row.seconds)
        console.print(spent, highlight=False)
    return run_as_json(row)


_SHOWN = (
    *("id", "feed", "source", "kind", "state", "sha256", "shape", "departures", "decided_by", "counts", "seconds"),
    *("chunks", "started_at", "ended_at"),
)
_STEPS = ("read", "link", "facts", "apply")
_WORDS = {
    "evidence": "facts stored",
    "people": "people they are about",
    "passes": "pensions proven by records alone",
    "one_by_one": "people decided one by one",
    "questions": "questions for an officer",
}
