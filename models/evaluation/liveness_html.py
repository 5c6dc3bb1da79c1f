"""Write a liveness evaluation as one HTML page: groups, curves, and every error with its pictures.

The page loads nothing and runs nothing. It shows faces, so it belongs where the films belong.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

from models.evaluation.liveness import LivenessEvaluation
from models.evaluation.liveness_groups import FRAMING, SUM, Counted, Separation
from models.evaluation.liveness_judged import Judged
from models.evaluation.liveness_samples import LIVE
from models.states import State

_STYLE = """
:root { color-scheme: light; } body { font: 16px/1.45 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto;
padding: 0 1rem; color: #1c1c1c; } table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0;
text-align: left; vertical-align: top; border-bottom: 1px solid #ddd; } svg { width: 11rem; height: 11rem; }
figure { display: inline-block; margin: .5rem 1rem .5rem 0; } figcaption { font-size: .85rem; max-width: 11rem; }
article { border-bottom: 1px solid #ddd; padding: .6rem 0; } article img { display: block; max-width: 100%; }
code { font-size: .85rem; overflow-wrap: anywhere; }
"""
_COLOURS = ("#1b6ca8", "#e07a1f", "#3a8f5c", "#8a4fa3", "#7a7a7a", "#b03a5b", "#333333")


def liveness_page(report: LivenessEvaluation) -> str:
    """Return the page."""
    films = [sample for sample in report.judged if sample.kind == "video"]
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Liveness</title>",
        f"<style>{_STYLE}</style><h1>Liveness: {len(films)} films</h1>",
        f"<p>Parameters <code>{report.parameters_sha256}</code>.</p>",
        "<p>Intervals are 95 %, first Clopper-Pearson over films, then bootstrap over people.</p>",
        _table(
            ("group", "films", "people", "passed", "asked", "failed"),
            (
                (
                    group.name,
                    str(group.films),
                    str(group.people),
                    *(counted(c) for c in (group.passed, group.asked, group.failed)),
                )
                for group in report.groups
            ),
        ),
        "<h2>What tells living people from each family</h2>",
        _table(
            ("family", "measure", "living", "attacks", "AUC", "living lost at 5 % of attacks"),
            ((s.family, s.measure, str(s.live), str(s.attacks), area(s), f"{s.lost:.0%}") for s in report.separations),
        ),
        *_curves(report.separations),
    ]
    for title, found in _errors(report.judged):
        parts.append(f"<h2>{escape(title)}: {len(found)}</h2>")
        parts += [_article(sample, report.strips.get(sample.path, b"")) for sample in found]
    return "\n".join(parts)


def counted(found: Counted) -> str:
    """Return a share as text, with its two intervals."""
    share = found.rate
    people = "" if found.by_person is None else f"; {found.by_person[0]:.1%}-{found.by_person[1]:.1%}"
    value = "" if share.value is None else f" = {share.value:.1%}"
    return f"{share.events}{value} ({share.low:.1%}-{share.high:.1%}{people})"


def area(found: Separation) -> str:
    """Return the area under a curve as text, with its interval."""
    people = "" if found.by_person is None else f" ({found.by_person[0]:.2f}-{found.by_person[1]:.2f})"
    return f"{found.auc:.2f}{people}"


def _errors(judged: Sequence[Judged]) -> Iterable[tuple[str, list[Judged]]]:
    wrong = [sample for sample in judged if sample.wrong]
    yield "Living people judged an attack", [s for s in wrong if s.label == LIVE and s.state is State.FAIL]
    yield "Attacks that passed", [s for s in wrong if s.label != LIVE]
    yield "Living people asked to try again", [s for s in wrong if s.label == LIVE and s.state is State.NOT_ASSESSED]


def _article(sample: Judged, strip: bytes) -> str:
    about = ", ".join(filter(None, (sample.species, sample.person, sample.source, sample.coding)))
    measures = ", ".join(f"{name} {value:.2f}" for name, value in sample.measures.items() if value is not None)
    llr = "" if sample.llr is None else f", smallest sum {sample.llr:.2f}"
    picture = f"<img alt='' src='data:image/jpeg;base64,{base64.b64encode(strip).decode()}'>" if strip else ""
    return (
        f"<article>{picture}<b>{escape(sample.path)}</b> {escape(about)}: "
        f"{escape(', '.join(sample.reasons) or 'no reason')}{llr}<br><code>{escape(measures)}</code></article>"
    )


def _curves(separations: Sequence[Separation]) -> list[str]:
    families = sorted({found.family for found in separations})
    names = sorted({found.measure for found in separations}, key=lambda name: (name in (SUM, FRAMING), name))
    return [_figure(family, [found for found in separations if found.family == family], names) for family in families]


def _figure(family: str, found: Sequence[Separation], names: Sequence[str]) -> str:
    lines, legend = [], []
    for one in found:
        colour = _COLOURS[names.index(one.measure) % len(_COLOURS)]
        points = " ".join(f"{100 * x:.1f},{100 - 100 * y:.1f}" for x, y in ((0.0, 0.0), *one.roc, (1.0, 1.0)))
        dash = " stroke-dasharray='4 2'" if one.measure == FRAMING else ""
        lines.append(f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='1.5'{dash}/>")
        legend.append(f"<span style='color:{colour}'>{escape(one.measure)}</span>")
    return (
        "<figure><svg viewBox='-2 -2 104 104'><rect width='100' height='100' fill='none' stroke='#ccc'/>"
        f"{''.join(lines)}</svg><figcaption><b>{escape(family)}</b>: attacks (across) and living people (up) kept. "
        f"{' '.join(legend)}"
        "</figcaption></figure>"
    )


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
