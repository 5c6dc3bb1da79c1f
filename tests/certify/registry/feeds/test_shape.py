"""A file that differs too much from earlier files is stopped before it can affect a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from certify.registry.feeds.description import Limits
from certify.registry.feeds.shape import Shape, departures

TODAY = date(2026, 11, 24)
USUAL = Shape(rows=1000, bad=5, old=10, future=0, latest=date(2026, 11, 20))


def _codes(shape: Shape, earlier: int = 5, **limits: float) -> list[str]:
    found = departures(shape, [USUAL] * earlier, Limits(**limits), fresh_days=35, today=TODAY)
    assert all(len(entry.reason) > 10 for entry in found)
    return [entry.code for entry in found]


def test_a_usual_file_has_no_departures() -> None:
    assert _codes(USUAL) == []
    assert _codes(replace(USUAL, rows=4000)) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"rows": 100_000}, "volume_high"),
        ({"rows": 100}, "volume_low"),
        ({"bad": 400}, "many_bad_rows"),
        ({"old": 900}, "old_events"),
        ({"future": 1}, "future_events"),
        ({"latest": date(2026, 9, 1)}, "stale"),
    ],
)
def test_each_departure_is_named(change: dict[str, object], code: str) -> None:
    assert code in _codes(replace(USUAL, **change))  # type: ignore[arg-type]


def test_without_history_only_absolute_limits_apply() -> None:
    assert _codes(replace(USUAL, rows=100_000), earlier=2) == []
    assert _codes(replace(USUAL, rows=100_000), earlier=0, most_rows=50_000) == ["too_many_rows"]


def test_an_empty_file_is_a_departure() -> None:
    assert _codes(Shape(0, 0, 0, 0, None)) == ["empty"]
