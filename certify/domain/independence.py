"""Count independent reports: each needs a source, an institution and a principal of its own.

Two names of one institution are not two sources, and neither are two sources that one caller speaks for.
"""

from __future__ import annotations

from collections.abc import Iterable

from certify.domain.evidence import Fact

_MOST = 9
"""No policy asks for more (``Policy.stop_sources``), so counting stops there."""

_Voice = tuple[str, str, str]


def independent_reports(facts: Iterable[Fact]) -> int:
    """Return how many of the facts are independent of each other, up to nine.

    It is the size of the largest set of facts in which no source, no institution and no principal occurs twice. So the
    order of the facts does not matter, and another fact never lowers the count. A fact without an institution or a
    principal counts as its source: facts from before both were recorded have none.
    """
    voices = sorted({(f.source, f.institution or f.source, f.principal or f.source) for f in facts})
    count = 0
    while count < _MOST and _exists(count + 1, voices):
        count += 1
    return count


def _exists(wanted: int, voices: list[_Voice]) -> bool:
    """Tell whether so many voices differ from each other in all three parts, by trying each in turn."""
    if wanted == 0:
        return True
    for place, voice in enumerate(voices[: len(voices) - wanted + 1]):
        others = [other for other in voices[place + 1 :] if not any(map(str.__eq__, voice, other))]
        if len(others) >= wanted - 1 and _exists(wanted - 1, others):
            return True
    return False
