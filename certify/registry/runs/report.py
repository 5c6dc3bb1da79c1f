"""The report of a run as one HTML page: its file, its links, its effects, and the history of the feed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from typing import Any
from uuid import UUID

from certify.audit.sample import audit_report
from certify.domain.states import RunState
from certify.registry.linking import REASONS
from certify.reports.bars import Series, bars
from certify.reports.page import Section, pairs, report_page
from certify.service import Unit
from certify.storage.runs import chunks_of, get_run, list_runs, outcomes_of_run
from certify.storage.tables.runs import RunRow

_STAGES = {"id": "id, confirmed", "exact_person": "name, birth date and sex", "probabilistic": "weighed (Splink)"}
_NOTES = {
    "known": "are stored already",
    "changed": "have a known number and other content; the source must void or correct",
    "taken_back": "were taken back before and came again unchanged",
    "ruled_out": "mean somebody else, as an officer found",
    "asked": "are questions for an officer",
    "asked_before": "were asked about before",
    "corrected_too_often": "were corrected more than nine times",
    "unlinked": "match no person of the fund",
    "id_conflict": "have the id of a person whose name and birth date both contradict it",
}
_LISTED, _MOST_LISTED = ("asked", "unlinked", "changed", "known", "taken_back"), 500
"""Outcomes whose records the page lists, and how many of each."""
_STEPS = {"read": "reading people and records", "link": "linking", "facts": "facts", "apply": "standings"}


def run_report(unit: Unit, run_id: UUID) -> str:
    """Return the report, which has no personal data.

    Args:
        unit: the transaction.
        run_id: id of the run.

    Returns:
        The HTML page.

    Raises:
        NotFound: there is no such run (``run_not_found``).
    """
    row = get_run(unit.db, run_id)
    history = [
        other for other in reversed(list_runs(unit.db, feed=row.feed, limit=40)) if other.state != RunState.REFUSED
    ]
    sections = [Section("Why the file was held", _departures(row), "held")] if row.departures else []
    sections += [
        Section("The run", _head(row), "run"),
        Section("Linking", _linking(row), "linking"),
        Section("Effects", _applied(row) + _listed(unit, row), "effects"),
    ]
    passes = audit_report(unit, run_id)
    if passes.drawn:
        sections.append(Section("Random audit", _audit(asdict(passes)), "audit"))
    sections += [
        Section("History of the feed", _history(history), "history"),
        Section("Replay", _parameters(unit, row), "replay"),
    ]
    return report_page(
        f"Run of {row.feed}",
        about=f"{row.kind} of {row.source}, started {row.started_at:%Y-%m-%d %H:%M} UTC. State: {row.state}.",
        todo=_todo(row),
        sections=sections,
        fund=unit.service.settings.issuer_name,
    )


def _todo(row: RunRow) -> list[str]:
    """Return what the reader should do, the most urgent first."""
    applied = row.counts.get("applied", {})
    things = []
    if row.state == RunState.HELD:
        things.append(
            "The file is held and changes nothing. Read why, ask the registry if it is right, then run "
            f"<code>certify run accept {row.id}</code> or <code>certify run refuse {row.id}</code>."
        )
    elif row.state not in (RunState.DONE, RunState.REFUSED):
        things.append(f"The run is not finished. Run <code>certify run continue {row.id}</code>.")
    if applied.get("questions"):
        things.append(
            f"An officer answers {applied['questions']:,} questions whether a record is about a person: "
            "<code>certify case list --kind link</code>."
        )
    if row.shape["bad"]:
        things.append(
            f"Send {row.shape['bad']:,} rows that could not be read back to the registry: they are in the quarantine "
            "file with the reason."
        )
    return things


def _head(row: RunRow) -> str:
    ended = f"{row.ended_at:%Y-%m-%d %H:%M} UTC" if row.ended_at else "not yet"
    return pairs(
        ("run", str(row.id)),
        ("state", row.state),
        ("kind and source", f"{row.kind}, {row.source}"),
        ("started, ended", f"{row.started_at:%Y-%m-%d %H:%M} UTC, {ended}"),
        ("file (SHA-256)", row.sha256),
        ("records", f"{row.shape['rows']:,} usable, {row.shape['bad']:,} quarantined"),
        ("latest event", str(row.shape["latest"])),
    )


def _departures(row: RunRow) -> str:
    listed = "".join(f"<li>{escape(entry['reason'])}</li>" for entry in row.departures)
    decided = f"<p>Decided by {escape(row.decided_by)}.</p>" if row.decided_by else ""
    return f"<p>The file differs from earlier files:</p><ul>{listed}</ul>{decided}"


def _linking(row: RunRow) -> str:
    counts = row.counts.get("linking", {})
    weights = row.counts.get("weights", [])
    if not counts:
        return "<p>Not linked yet.</p>"
    stages = [stage for stage in _STAGES if any(name.startswith(f"{stage}_") for name in counts)]
    links = [
        [counts.get(f"{stage}_link", 0) for stage in stages],
        [counts.get(f"{stage}_review", 0) for stage in stages],
    ]
    kept = (row.parameters or {}).get("linking", {}).get("model", {}).get("kept", [])
    untrusted = (
        f"<p>What the file taught about {escape(', '.join(kept))} was not in order (a mistake seemed to prove more "
        "than equality), so prior weights were used there.</p>"
        if kept
        else ""
    )
    by_stage = bars(
        "Links by stage",
        [_STAGES[stage] for stage in stages],
        [Series("linked", links[0]), Series("doubtful", links[1])],
        unit="records",
    )
    seen = {bits for bits, _, _ in weights}
    places = list(range(min(seen), max(seen) + 1, 2)) if seen else []
    known = {(bits, stage): number for bits, stage, number in weights}
    series = [Series(_STAGES[s], [known.get((b, s), 0) for b in places]) for s in stages]
    histogram = bars("How sure each link is, in bits", [str(b) for b in places], series, unit="records")
    explained = (
        '<p class="quiet">One bit more doubles the odds that record and person are the same: 0 is even odds, 10 is a '
        "thousand to one, 20 a million to one.</p>"
    )
    return untrusted + by_stage + histogram + explained


def _applied(row: RunRow) -> str:
    applied, notes = row.counts.get("applied", {}), row.counts.get("notes", {})
    rows = [
        ("facts stored", applied.get("evidence", 0)),
        ("people they are about", applied.get("people", 0)),
        ("pensions proven by records alone", applied.get("passes", 0)),
        ("people decided one by one", applied.get("one_by_one", 0)),
        ("questions for an officer", applied.get("questions", 0)),
        ("questions that were asked before", applied.get("asked_before", 0)),
        ("facts taken back", row.counts.get("facts", {}).get("void", 0)),
        ("records that are no longer in the file", row.counts.get("ended", {}).get("count", 0)),
        ("events without a day", row.shape.get("partial", 0)),
    ]
    rows += [(f"records that {_NOTES.get(code, code)}", number) for code, number in sorted(notes.items())]
    rows += [(f"records that ended as {name}", number) for name, number in row.counts.get("outcomes", {}).items()]
    rows += [
        (f"seconds: {words}", round(row.seconds[name], 1)) for name, words in _STEPS.items() if name in row.seconds
    ]
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="n">{number:,}</td></tr>' for name, number in rows if number
    )
    none = [name for name, number in rows if not number]
    rest = f'<p class="quiet">None: {escape(", ".join(none))}.</p>' if none else ""
    return f"<table><tbody>{cells}</tbody></table>{rest}"


def _listed(unit: Unit, row: RunRow) -> str:
    """List the records that changed nothing for anybody, by their numbers; the others are among the facts."""
    listed = ""
    for outcome in _LISTED:
        kept = outcomes_of_run(unit.db, row.id, outcome, limit=_MOST_LISTED + 1)
        if not kept:
            continue
        cells = "".join(
            f'<tr><th scope="row">{escape(one.number)}</th><td>{escape(_reason(one.reason))}</td></tr>'
            for one in kept[:_MOST_LISTED]
        )
        more = f"<p>The first {_MOST_LISTED:,}.</p>" if len(kept) > _MOST_LISTED else ""
        listed += f"<details><summary>Records: {outcome}</summary><table><tbody>{cells}</tbody></table>{more}</details>"
    return listed


def _reason(code: str | None) -> str:
    if code is None:
        return ""
    return REASONS.get(code) or _NOTES.get(code, code)


def _audit(report: dict[str, Any]) -> str:
    false = report["false_passes"]
    rate = (
        "not known yet"
        if false["value"] is None
        else f"{false['value']:.3%} ({false['low']:.3%} to {false['high']:.3%})"
    )
    return pairs(
        ("silent passes drawn", f"{report['drawn']:,} of {report['passes']:,}"),
        ("waiting", f"{report['open']:,}"),
        ("false passes (95 % interval)", rate),
    )


def _history(rows: Sequence[RunRow]) -> str:
    labels = [f"{row.started_at:%m-%d}" for row in rows]
    used = Series("usable", [row.shape["rows"] for row in rows])
    return bars("Rows of each file", labels, [used, Series("quarantined", [row.shape["bad"] for row in rows])])


def _parameters(unit: Unit, row: RunRow) -> str:
    digests = [(chunk.chunk, chunk.digest.hex()) for chunk in chunks_of(unit.db, row.id)[:5]]
    listed = ", ".join(f"{number}: <code>{digest[:16]}…</code>" for number, digest in digests)
    reasons = pairs(*((code, text) for code, text in REASONS.items()))
    return (
        f"<p><code>certify run replay {row.id}</code></p><p>First chunks: {listed or 'none'}</p>"
        f"<details><summary>Parameters and model</summary><pre>"
        f"{escape(json.dumps(row.parameters, indent=1, sort_keys=True))}</pre></details>"
        f"<details><summary>Why a link is doubtful</summary>{reasons}</details>"
    )
