"""Make verdicts of samples for tests of the evaluation."""

from __future__ import annotations

from collections.abc import Mapping

from models.evaluation.liveness_judged import Judged
from models.evaluation.liveness_samples import family_of
from models.states import State


def judged_made(
    label: str,
    species: str = "",
    *,
    state: State,
    llr: float | None = None,
    person: str = "x",
    coding: str = "",
    self_filmed: bool = False,
    measures: Mapping[str, float | None] | None = None,
    framing: float | None = None,
) -> Judged:
    """Make the verdict of one film."""
    return Judged(
        path="x.mp4",
        label=label,
        species=species,
        family=family_of(species),
        person=person,
        source="",
        coding=coding,
        self_filmed=self_filmed,
        kind="video",
        state=state,
        llr=llr,
        reasons=(),
        measures=measures or {},
        checks=(),
        framing=framing,
        milliseconds=12.0,
    )
