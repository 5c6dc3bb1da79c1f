"""The verdict of one sample of a liveness evaluation, with everything that its groups and curves need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from models.liveness.checks import CheckResult
from models.states import State


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict of one sample.

    Attributes:
        path: path as in the file.
        label: ``live`` or ``attack``.
        species: PAI species of the attack; empty for bona fide presentations.
        family: its family; empty likewise.
        person: who is seen.
        source: where it comes from.
        coding: how it was coded.
        self_filmed: whether a living person filmed themselves.
        kind: ``video`` or ``image``.
        state: the verdict.
        llr: smallest log10 likelihood ratio; None if it could not be measured.
        reasons: reason codes.
        measures: raw value by measure.
        checks: the results of all checks; empty for images.
        framing: width of the face relative to the shorter side of the picture; None without a face.
        milliseconds: duration for one frame (video), or for the picture; 0 if it came from the cache.
    """

    path: str
    label: str
    species: str
    family: str
    person: str
    source: str
    coding: str
    self_filmed: bool
    kind: str
    state: State
    llr: float | None
    reasons: tuple[str, ...]
    measures: Mapping[str, float | None]
    checks: tuple[CheckResult, ...]
    framing: float | None
    milliseconds: float

    @property
    def wrong(self) -> bool:
        """Return whether it is an error to look at: a living person who did not pass, or an attack that did."""
        return (self.state is State.PASS) != (self.label == "live")

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self) | {
            "state": self.state.value,
            "measures": dict(self.measures),
            "checks": [check.to_json() for check in self.checks],
        }
