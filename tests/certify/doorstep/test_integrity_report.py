"""The page about agents: the highest score first, flagged in words and not by colour alone, without scripts."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser

from certify.domain.integrity import FLAG_FROM, IntegrityScore, Signal, SignalScore
from certify.doorstep.integrity_report import integrity_page

_AT = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)


def _score(value: float, *found: SignalScore, visits: int = 31) -> IntegrityScore:
    return IntegrityScore(visits, value, value >= FLAG_FROM, found)


def _signal(signal: Signal, hits: int, trials: int, surprise: float) -> SignalScore:
    return SignalScore(signal, hits, trials, 0.02, surprise, tuple(f"v{n}" for n in range(hits)))


class _Tags(HTMLParser):
    """Collects tags and checks that all are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the parser's signature
        self.seen.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - the parser's signature
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


_ROOM = _signal(Signal.SAME_BACKGROUND, 9, 31, 5.2)
_QUIET = _signal(Signal.VISIT_LENGTH, 1, 30, 0.2)


def test_the_highest_score_comes_first_and_is_marked_in_words() -> None:
    scores = {"a": _score(0.0, _QUIET), "b": _score(4.3, _ROOM, _QUIET)}
    steps = [(1, 0.0), (20, FLAG_FROM), (31, 4.3)]
    page = integrity_page(scores, {"b": steps}, made_at=_AT, names={"a": "Ana", "b": "Bo"})
    assert page.index("Bo") < page.index("Ana")
    assert page.count('<span class="mark">To be investigated</span>') == 1
    assert "in 9 of 31 visits the same room was seen behind different people (usual 2.0 %)" in page
    assert f"first at or above {FLAG_FROM:g} after 20 visits" in page
    assert "2026-11-03 09:30 UTC" in page
    assert "2 agents, 1 to be investigated" in page
    assert page.count("<polyline") == 1


def test_every_signal_has_words() -> None:
    found = [_signal(signal, 3, 40, 1.0) for signal in Signal]
    page = integrity_page({"a": _score(0.1, *found)}, {"a": [(1, 0.0), (2, 0.1)]}, made_at=_AT, names={})
    assert page.count("3 of 40") == len(Signal)
    assert f"never at {FLAG_FROM:g} or above" in page
    assert "{hits}" not in page


def test_the_page_is_well_formed_and_has_no_scripts() -> None:
    name = '<script>alert("1")</script>'
    agent = '"><img src=x>'
    scores = {agent: _score(9.0, _ROOM), "b": _score(0.0, visits=1)}
    follow = {agent: [(1, 0.0), (2, 9.0)], "b": [(1, 0.0)]}
    for names in ({}, {agent: name, "b": name}):
        page = integrity_page(scores, follow, made_at=_AT, names=names)
        tags = _Tags()
        tags.feed(page)
        assert tags.open == []
        assert not {"script", "img", "link", "iframe"} & set(tags.seen)
        assert "http" not in page


def test_a_page_without_agents() -> None:
    page = integrity_page({}, {}, made_at=_AT, names={})
    assert "0 agents, 0 to be investigated" in page
    assert "<article" not in page
