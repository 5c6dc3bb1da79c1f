"""Carry out a run with a progress bar, and print what it did; for 'certify feed run' and 'certify run'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from certify.cli.output import Ink, progress_bar, say
from certify.cli.tables import Column, show_table
from certify.domain.states import RunState

if TYPE_CHECKING:
    from certify.service import Service
    from certify.storage.tables.runs import RunRow


def carry_out_here(service: Service, run_id: UUID, *, engine: str, memory: str, workers: int) -> RunRow:
    """Carry out a run, and show how far it is.

    Args:
        service: the service.
        run_id: the run.
        engine: where linking runs: duckdb or spark.
        memory: what DuckDB may use, such as "4GB".
        workers: chunks of people at the same time.

    Returns:
        The stored run, done.

    Raises:
        NotFound: no such run.
        Conflict: the run is held or refused.
    """
    from certify.registry.runs.carry_out import Machine, carry_out

    with progress_bar() as progress:
        bar = progress.add_task("", total=None)

        def show(what: str, done: int, total: int) -> None:
            progress.update(bar, description=what, completed=done, total=total or None)

        return carry_out(service, run_id, machine=Machine(engine=engine, memory=memory, workers=workers), progress=show)


def run_as_json(row: RunRow) -> dict[str, Any]:
    """Return a run as plain values."""
    return {name: getattr(row, name) for name in _SHOWN}


def show_run(row: RunRow, *, as_json: bool) -> dict[str, Any]:
    """Print what a run did, unless JSON is wanted.

    Args:
        row: the run.
        as_json: print nothing.

    Returns:
        The run as plain values.
    """
    if not as_json:
        applied = row.counts.get("applied", {})
        say(f"Run {row.id} of {row.feed}: {row.state}")
        rows = [("records", f"{row.shape['rows']:,}")]
        for stage, number in sorted(row.counts.get("linking", {}).items()):
            if "_" in stage:
                rows.append((stage.replace("_", " "), f"{number:,}"))
        rows += [(words, f"{applied[name]:,}") for name, words in _WORDS.items() if name in applied]
        taken_back = row.counts.get("facts", {}).get("void", 0)
        rows += [("facts taken back", f"{taken_back:,}")] if taken_back else []
        for code, number in sorted(row.counts.get("notes", {}).items()):
            rows.append((f"nothing new: {code}", f"{number:,}"))
        show_table(["what", Column("count", right=True)], rows)
        if ended := row.counts.get("ended"):
            more = " and others" if ended["count"] > len(ended["records"]) else ""
            say(f"No longer in the file, and taken back: {', '.join(ended['records'])}{more}.")
        if row.state == RunState.HELD:
            for entry in row.departures:
                say(Ink("✗", "bold red"), f" {entry['code']}: {entry['reason']}")
            say(f"The file is held. 'certify run accept {row.id}' releases it, and 'certify run refuse' deletes it.")
        say(", ".join(f"{name} {row.seconds[name]:.1f} s" for name in _STEPS if name in row.seconds))
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
    "asked_before": "questions that were asked before",
}
