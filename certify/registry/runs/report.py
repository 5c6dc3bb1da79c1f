"""The report of a run as one HTML page: its file, its links, its effects, and the history of the feed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from html import escape
from typing import Any
from uuid import UUID

from certify.audit.sample import audit_report
from certify.domain.states import RunState
from certify.registry.linking import REASONS
from certify.service import Unit
from certify.storage.runs import chunks_of, get_run, list_runs
from certify.storage.tables.runs import RunRow
from certify.svg import Series, bars

_STAGES = {"id": "id, confirmed", "exact_person": "name, birth date and sex", "probabilistic": "weighed (Splink)"}
_NOTES = {
    "known": "are stored already",
    "changed": "have a known number and other content; the source must void or correct",
    "corrected_too_often": "were corrected more than nine times",
    "unlinked": "match no person of the fund",
    "id_conflict": "have the id of a person whose name and birth date both contradict it",
}
_STEPS = {"read": "reading people and records", "link": "linking", "facts": "facts", "apply": "standings"}
_STYLE = """
:root { color-scheme: light; } body { font: 17px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
padding: 0 1rem; color: #1c1c1c; } h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; } td, th { padding: .25rem .8rem .25rem 0; text-align: left; vertical-align: top;
border-bottom: 1px solid #ddd; } td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td { overflow-wrap: anywhere; } figure { margin: 1rem 0; overflow-x: auto; } figcaption { font-weight: 600; }
svg { width: 100%; min-width: 36rem; height: auto; }
.grid { stroke: #ddd; } .scale { font-size: 12px; text-anchor: end; fill: #444; } .label { font-size: 12px;
text-anchor: middle; fill: #444; } .legend { font-size: .9rem; } .legend span { margin-right: 1.2rem; }
.legend i { display: inline-block; width: .8rem; height: .8rem; margin-right: .35rem; }
code { font-size: .85rem; overflow-wrap: anywhere; } .held { background: #fff3d6; padding: .6rem 1rem; }
pre { white-space: pre-wrap; font-size: .8rem; }
"""


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
    parts = [f"<h1>Run of {escape(row.feed)}</h1>", _head(row), _departures(row)]
    parts += ["<h2>Linking</h2>", _linking(row), "<h2>Effects</h2>", _applied(row)]
    passes = audit_report(unit, run_id)
    if passes.drawn:
        parts.append(_audit(asdict(passes)))
    parts += ["<h2>History of the feed</h2>", _history(history)]
    parts += ["<h2>Replay</h2>", _parameters(unit, row)]
    body = "".join(parts)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Run {row.id}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>{body}</body></html>'
    )


def _head(row: RunRow) -> str:
    ended = f"{row.ended_at:%Y-%m-%d %H:%M} UTC" if row.ended_at else "not yet"
    return _pairs(
        ("run", str(row.id)),
        ("state", row.state),
        ("kind and source", f"{row.kind}, {row.source}"),
        ("started, ended", f"{row.started_at:%Y-%m-%d %H:%M} UTC, {ended}"),
        ("file (SHA-256)", row.sha256),
        ("records", f"{row.shape['rows']:,} usable, {row.shape['bad']:,} quarantined"),
        ("latest event", str(row.shape["latest"])),
    )


def _departures(row: RunRow) -> str:
    if not row.departures:
        return ""
    listed = "".join(f"<li>{escape(entry['reason'])}</li>" for entry in row.departures)
    decided = f"<p>Decided by {escape(row.decided_by)}.</p>" if row.decided_by else ""
    return f'<div class="held"><p>The file differs from earlier files:</p><ul>{listed}</ul>{decided}</div>'


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
    histogram = bars("Match weight in bits (log2 of the odds)", [str(b) for b in places], series, unit="records")
    return by_stage + histogram


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
    rows += [
        (f"seconds: {words}", round(row.seconds[name], 1)) for name, words in _STEPS.items() if name in row.seconds
    ]
    cells = "".join(f'<tr><td>{escape(name)}</td><td class="n">{number:,}</td></tr>' for name, number in rows)
    return f"<table>{cells}</table>"


def _audit(report: dict[str, Any]) -> str:
    false = report["false_passes"]
    rate = (
        "not known yet"
        if false["value"] is None
        else f"{false['value']:.3%} ({false['low']:.3%} to {false['high']:.3%})"
    )
    return "<h2>Random audit</h2>" + _pairs(
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
    reasons = _pairs(*((code, text) for code, text in REASONS.items()))
    return (
        f"<p><code>certify run replay {row.id}</code></p><p>First chunks: {listed or 'none'}</p>"
        f"<details><summary>Parameters and model</summary><pre>"
        f"{escape(json.dumps(row.parameters, indent=1, sort_keys=True))}</pre></details>"
        f"<details><summary>Why a link is doubtful</summary>{reasons}</details>"
    )


def _pairs(*rows: tuple[str, str]) -> str:
    cells: Iterable[str] = (f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows)
    return f"<table>{''.join(cells)}</table>"
