"""The scores of all agents as one HTML page for a supervisor: whom to investigate first, and why, in plain words.

The page is for a supervisor in an office and can be printed: it has no script and loads nothing. It names agents and
counts visits; it names no beneficiary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape

from certify.domain.integrity import BONFERRONI, FLAG_FROM, IntegrityScore, Signal, SignalScore
from certify.reports.bars import Series, bars
from certify.reports.page import Section, report_page

_WORDS: dict[Signal, tuple[str, str, str]] = {
    Signal.SAME_BACKGROUND: (
        "the same room",
        "in {hits} of {trials} visits the same room was seen behind different people",
        "A day centre or a home where people are brought together on many days.",
    ),
    Signal.SAME_FACE: (
        "the same face",
        "in {hits} of {trials} visits the face was that of a person visited before under another name",
        "Twins, and people whom the face model confuses.",
    ),
    Signal.IMPOSSIBLE_TRAVEL: (
        "impossible journeys",
        "{hits} of {trials} visits were too far from the ones before for the time between them",
        "Bad GPS in hills and between high houses.",
    ),
    Signal.ELSEWHERE: (
        "not at home",
        "at {hits} of {trials} places the tablet was far from where most of the people visited live",
        "Coordinates that are wrong in the register, day centres, people who moved.",
    ),
    Signal.VISIT_LENGTH: (
        "too short or overlapping",
        "{hits} of {trials} visits with a certification were too short, or not over when the next one began",
        "Experienced agents, and people who waited at the door.",
    ),
    Signal.PICTURE_OF_PICTURE: (
        "pictures of pictures",
        "in {hits} of {trials} visits the photo looked like a photo of a print or a screen",
        "An old camera, dim rooms, a dirty lens.",
    ),
    Signal.ALTERNATIVES: (
        "no face",
        "at {hits} of {trials} addresses people were certified by witnesses or papers and not by the face",
        "An area with many who cannot be photographed.",
    ),
    Signal.CLOCK: (
        "the clock",
        "on {hits} of {trials} days the tablet's clock was wrong, or visits were not sealed in the order they claim",
        "A tablet with an empty battery loses the time.",
    ),
    Signal.RECHECKS: (
        "rechecks",
        "{hits} of {trials} visits that were checked again had another result",
        "A wrong number was called, or the person forgot the visit.",
    ),
}
"""For each signal: a name, the hits in words, and another explanation of them."""

_FLAGGED = "To be investigated"
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 360, 130, 30, 8, 10, 26
_LONGEST = 8.0
"""Surprise at which a bar is full: one honest agent in a hundred million. A longer bar would tell nothing more."""

_LIMIT = FLAG_FROM + BONFERRONI
"""Surprise of one signal from which an agent is flagged."""

_IN_FULL = 12
"""Agents who need not be investigated, but are shown in full; the others stand in a table."""

_STYLE = """
article { border-top: 1px solid var(--line); padding: 1rem 0; break-inside: avoid; } article > p { margin: .3rem 0; }
article h3 { font-size: 1.1rem; margin: 0; } article.flagged { border-left: .4rem solid var(--alarm);
padding-left: 1rem; } .mark { border: 2px solid var(--alarm); padding: 0 .5rem; font-weight: 600; white-space: nowrap; }
article table { width: 100%; } td.bar { width: 9rem; } .bar svg { width: 8rem; height: 1rem; display: block; }
.curve { width: 100%; max-width: 26rem; height: auto; } .fill { fill: #1b6ca8; } .fill.over { fill: var(--alarm); }
.limit { stroke: var(--ink); stroke-dasharray: 5 4; } .line { fill: none; stroke: #1b6ca8; stroke-width: 2; }
"""


def integrity_page(
    scores: Mapping[str, IntegrityScore],
    follow: Mapping[str, Sequence[tuple[int, float]]],
    *,
    made_at: datetime,
    names: Mapping[str, str],
) -> str:
    """Return the page in HTML.

    Args:
        scores: the score of each agent, by id.
        follow: for each agent, the score after so many visits; agents can be missing.
        made_at: when the scores were computed.
        names: names of agents, by id; an agent without a name is shown by the id.

    Returns:
        The page, the highest score first.
    """
    ranked = sorted(scores, key=lambda agent: (-scores[agent].score, names.get(agent, agent), agent))
    shown = {agent: names.get(agent, agent) for agent in ranked}
    flagged = [agent for agent in ranked if scores[agent].flagged]
    others = [agent for agent in ranked if not scores[agent].flagged]
    advice = (
        "<p>A score says how rarely an honest agent's visits look like these. It proves nothing. A supervisor "
        f"investigates from {FLAG_FROM:g} on; the dashed line in a bar is where one signal alone reaches that "
        f"({_LIMIT:.1f}).</p>"
    )
    sections = [Section("Overview", advice + (_overview(scores) if scores else ""), "overview")]
    for agents, title, key in (
        (flagged, _FLAGGED, "investigate"),
        (others[:_IN_FULL], "The others, the highest score first", "others"),
    ):
        if agents:
            articles = "".join(_article(shown, agent, scores, follow) for agent in agents)
            sections.append(Section(title, _index(agents, shown, scores, key) + articles, key))
    if others[_IN_FULL:]:
        sections.append(Section("All others", _brief(others[_IN_FULL:], shown, scores), "rest"))
    sections.append(Section("What else it can be", _other_reasons(), "reasons"))
    return report_page(
        "Visits at home: what is unusual",
        about=f"{made_at:%Y-%m-%d %H:%M %Z}. {_agents(len(scores))}, {len(flagged)} to be investigated.",
        todo=_todo(flagged, shown, scores),
        sections=sections,
        style=_STYLE,
    )


def _todo(flagged: Sequence[str], shown: Mapping[str, str], scores: Mapping[str, IntegrityScore]) -> list[str]:
    """Say of each agent to be investigated what to look at first."""
    things = []
    for agent in flagged:
        loudest = max(scores[agent].signals, key=lambda signal: signal.surprise)
        things.append(
            f'Investigate <a href="#{_key(agent)}">{escape(shown[agent])}</a>: {_said(loudest)}. Look at these visits, '
            "ask the agent, and send another agent to a few of the same people."
        )
    return things


def _key(agent: str) -> str:
    """Return the part of the address of an agent's article."""
    return "agent-" + "".join(character if character.isalnum() else "-" for character in agent)


def _index(agents: Sequence[str], shown: Mapping[str, str], scores: Mapping[str, IntegrityScore], key: str) -> str:
    links = "".join(
        f'<li><a href="#{_key(agent)}">{escape(shown[agent])}</a>, score {scores[agent].score:.1f}</li>'
        for agent in agents
    )
    return f'<nav aria-label="Agents: {key}"><ul>{links}</ul></nav>' if len(agents) > 3 else ""


def _brief(agents: Sequence[str], shown: Mapping[str, str], scores: Mapping[str, IntegrityScore]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(shown[agent])}</th><td class="n" data-is="score">{scores[agent].score:.1f}</td>'
        f'<td class="n" data-is="visits">{scores[agent].visits:,}</td></tr>'
        for agent in agents
    )
    return (
        '<table class="stack"><thead><tr><th scope="col">agent</th><th scope="col" class="n">score</th>'
        f'<th scope="col" class="n">visits</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _agents(count: int) -> str:
    return "1 agent" if count == 1 else f"{count:,} agents"


def _overview(scores: Mapping[str, IntegrityScore]) -> str:
    """Draw how many agents have which score, so that outliers show."""
    top = max(int(max(score.score for score in scores.values())), int(FLAG_FROM) + 1)
    quiet, loud = [0] * (min(top, 9) + 1), [0] * (min(top, 9) + 1)
    for score in scores.values():
        (loud if score.flagged else quiet)[min(int(score.score), len(quiet) - 1)] += 1
    labels = [f"{low} to {low + 1}" for low in range(len(quiet) - 1)] + [f"{len(quiet) - 1} and more"]
    series = [Series("the others", quiet), Series(_FLAGGED.lower(), loud)]
    return bars("Agents by score", labels, series, unit="agents")


def _article(
    shown: Mapping[str, str],
    agent: str,
    scores: Mapping[str, IntegrityScore],
    follow: Mapping[str, Sequence[tuple[int, float]]],
) -> str:
    name, score, steps = shown[agent], scores[agent], follow.get(agent, ())
    mark = f' <span class="mark">{_FLAGGED}</span>' if score.flagged else ""
    visits = "1 visit" if score.visits == 1 else f"{score.visits:,} visits"
    signals = sorted((signal for signal in score.signals if signal.trials), key=lambda signal: -signal.surprise)
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("what", "surprise", "as a bar", "in words"))
    table = (
        f'<table class="stack"><thead><tr>{heads}</tr></thead><tbody>{"".join(map(_row, signals))}</tbody></table>'
        if signals
        else "<p>Nothing could be judged yet.</p>"
    )
    kind = "flagged" if score.flagged else "usual"
    return (
        f'<article class="{kind}"><h3 id="{_key(agent)}">{escape(name)}{mark}</h3>'
        f"<p>Score {score.score:.1f} after {visits}.</p>{table}{_curve(name, steps)}</article>"
    )


def _said(signal: SignalScore) -> str:
    _, words, _ = _WORDS[signal.signal]
    return escape(words.format(hits=f"{signal.hits:,}", trials=f"{signal.trials:,}"))


def _row(signal: SignalScore) -> str:
    title, _, _ = _WORDS[signal.signal]
    usual = f"usual {signal.base * 100:.1f} %"
    return (
        f'<tr><th scope="row">{escape(title)}</th><td class="n" data-is="surprise">{signal.surprise:.1f}</td>'
        f'<td class="bar">{_bar(signal.surprise)}</td><td>{_said(signal)} ({usual})</td></tr>'
    )


def _bar(surprise: float) -> str:
    """Draw one bar; it is hidden from screen readers, because the table has the number beside it."""
    wide = 128 * min(surprise, _LONGEST) / _LONGEST
    limit = 128 * _LIMIT / _LONGEST
    over = " over" if surprise >= _LIMIT else ""
    return (
        '<svg viewBox="0 0 128 16" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="fill{over}" x="0" y="2" width="{wide:.1f}" height="12"/>'
        f'<line class="limit" x1="{limit:.1f}" x2="{limit:.1f}" y1="0" y2="16"/></svg>'
    )


def _curve(name: str, steps: Sequence[tuple[int, float]]) -> str:
    """Draw the score over the visits, with the threshold."""
    if len(steps) < 2:
        return ""
    last = steps[-1][0]
    top = max(FLAG_FROM * 1.5, *(value for _, value in steps))

    middle = (_LEFT + _WIDTH - _RIGHT) / 2

    def x(count: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * count / last

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * value / top

    points = " ".join(f"{x(count):.1f},{y(value):.1f}" for count, value in steps)
    first = next((count for count, value in steps if value >= FLAG_FROM), None)
    when = f"first at or above {FLAG_FROM:g} after {first} visits" if first else f"never at {FLAG_FROM:g} or above"
    said = f"{name}: score over {last} visits, {when}"
    return (
        f'<svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(said, quote=True)}">'
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(0):.1f}" y2="{y(0):.1f}"/>'
        f'<line class="limit" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(FLAG_FROM):.1f}" y2="{y(FLAG_FROM):.1f}"/>'
        f'<text class="scale" x="{_LEFT - 4}" y="{y(FLAG_FROM) + 4:.1f}">{FLAG_FROM:g}</text>'
        f'<text class="scale" x="{_LEFT - 4}" y="{y(0) + 4:.1f}">0</text>'
        f'<polyline class="line" points="{points}"/>'
        f'<text class="label" x="{middle:.0f}" y="{_HEIGHT - 8}">visits, up to {last}</text></svg>'
        f'<p class="quiet">Score over the visits: {when}.</p>'
    )


def _other_reasons() -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(title)}</th><td>{escape(reason)}</td></tr>'
        for title, _, reason in _WORDS.values()
    )
    return f'<table class="stack"><tbody>{rows}</tbody></table>'
