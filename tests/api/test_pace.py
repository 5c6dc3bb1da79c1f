"""Answers are sent on a beat, however long the work took."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from fastapi import Response

from api.pace import paced


@dataclass
class Watch:
    """A simulated clock, which moves only when the test works or sleeps."""

    now: float = 100.0

    def read(self) -> float:
        return self.now

    def work(self, seconds: float) -> Response:
        self.now += seconds
        return Response(status_code=204)

    async def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


def _answered_after(took: float, beat: float) -> float:
    watch = Watch()
    answer = asyncio.run(paced(lambda: watch.work(took), beat, clock=watch.read, sleep=watch.sleep))
    assert answer.status_code == 204
    return watch.now - 100.0


@pytest.mark.parametrize(
    ("took", "answered"),
    [(0.0, 0.4), (0.001, 0.4), (0.39, 0.4), (0.41, 0.8), (0.79, 0.8), (1.7, 2.0)],
)
def test_answers_come_on_a_beat(took: float, answered: float) -> None:
    assert _answered_after(took, 0.4) == pytest.approx(answered)


def test_without_a_beat_answers_come_at_once() -> None:
    assert _answered_after(0.3, 0.0) == pytest.approx(0.3)


def test_refusals_come_on_the_beat_too() -> None:
    watch = Watch()

    def refuse() -> Response:
        watch.work(0.05)
        raise PermissionError("no")

    with pytest.raises(PermissionError):
        asyncio.run(paced(refuse, 0.4, clock=watch.read, sleep=watch.sleep))
    assert watch.now == pytest.approx(100.4)


def test_a_gate_comes_first_and_holds_back_the_work() -> None:
    watch = Watch()
    order: list[str] = []

    def gate() -> float:
        order.append("gate")
        return 1.0

    def work() -> Response:
        order.append(f"work at {watch.now - 100:.1f}")
        return watch.work(0.1)

    asyncio.run(paced(work, 0.4, gate=gate, clock=watch.read, sleep=watch.sleep))
    assert order == ["gate", "work at 1.0"]
    assert watch.now == pytest.approx(101.2)


def test_a_refusal_at_the_gate_comes_on_the_beat_without_any_work() -> None:
    watch = Watch()

    def gate() -> float:
        raise PermissionError("no")

    with pytest.raises(PermissionError):
        asyncio.run(paced(lambda: watch.work(9), 0.4, gate=gate, clock=watch.read, sleep=watch.sleep))
    assert watch.now == pytest.approx(100.4)
