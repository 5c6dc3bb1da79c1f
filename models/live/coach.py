"""Choose the guidance while a capture runs: first how to hold the phone, then what to do, then that it is done.

The coach only helps. It records nothing and judges nothing. The recorded frames are judged afterwards like any uploaded
video (:mod:`models.liveness.assess`), so a phone that only pretends to be guided gains no advantage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from models.face.quality import QualityMeasure, guidance_codes
from models.liveness.plan import Plan
from models.liveness.presence import RIVAL
from models.liveness.prompts import answer, signals_of
from models.liveness.readings import Detail

STEADY_S = 0.6
"""Seconds without advice after which the recording begins: long enough that it is not one lucky frame."""
PATIENCE_S = 8.0
"""Seconds with a usable face after which the recording begins even if there is advice that does not block. Some people
cannot hold their head upright, some rooms are badly lit; the verdict decides whether the video is good enough."""
LOST_S = 2.0
"""Seconds without a face after which recording starts again; about a fifth is missing then (presence.MAX_MISSING)."""
RETAKES = 2
"""How often a recording starts again because of a lost face or a missed prompt. The limit ends every capture."""


class Phase(StrEnum):
    """The phase of a capture."""

    PLACING = "placing"  # the phone is not held well yet; these frames are not kept
    RECORDING = "recording"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Advice:
    """What the screen shows after a frame.

    Attributes:
        phase: the phase of the capture.
        say: guidance codes, most important first; empty if there is nothing to improve.
        start_s: time of the frame with which the recording began; None while placing.
        prompt: index in the plan of the prompt whose window is open; None between prompts.
        answered: for each prompt of the plan, whether its answer was seen.
        progress: 0 to 1, of the recording.
    """

    phase: Phase
    say: tuple[str, ...]
    start_s: float | None
    prompt: int | None
    answered: tuple[bool, ...]
    progress: float


class Coach:
    """Guides one capture. Times are seconds of the camera's clock and must increase.

    Args:
        plan: what the person is asked; its windows count from the first recorded frame.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._phase = Phase.PLACING
        self._well_since: float | None = None
        self._usable_since: float | None = None
        self._seen_s: float | None = None
        self._start_s = 0.0
        self._retakes = 0
        self._reason: str | None = None
        self._details: list[Detail] = []
        self._answered = [False] * len(plan.steps)

    def see(self, detail: Detail, quality: Sequence[QualityMeasure]) -> Advice:
        """Process a frame and return what to show after it.

        Args:
            detail: its time, faces and landmarks.
            quality: measures of the latest frame on which the detector ran; empty if it found no face.
        """
        if detail.mesh is not None:
            self._seen_s = detail.time_s
        if self._phase is Phase.PLACING:
            return self._place(detail, quality)
        if self._phase is Phase.RECORDING:
            return self._record(detail)
        return self._advice(detail.time_s, ())

    def _place(self, detail: Detail, quality: Sequence[QualityMeasure]) -> Advice:
        now = detail.time_s
        if detail.mesh is None:
            self._well_since = self._usable_since = None
            return self._advice(now, ("no_face",))
        blocked = not quality or any(measure.blocking for measure in quality)
        say = guidance_codes(quality)
        if blocked:
            self._well_since = self._usable_since = None
            return self._advice(now, say)
        self._usable_since = now if self._usable_since is None else self._usable_since
        if say:
            self._well_since = None
        elif self._well_since is None:
            self._well_since = now
        steady = self._well_since is not None and now - self._well_since >= STEADY_S
        if steady or now - self._usable_since >= PATIENCE_S:
            self._phase, self._start_s = Phase.RECORDING, now
            self._details, self._answered = [_at(detail, 0.0)], [False] * len(self._plan.steps)
            return self._advice(now, ())
        # The reason for the new start is shown until the recording begins again.
        return self._advice(now, (*([self._reason] if self._reason else []), *say))

    def _record(self, detail: Detail) -> Advice:
        now = detail.time_s - self._start_s
        may_repeat = self._retakes < RETAKES
        if detail.mesh is not None:
            self._details.append(_at(detail, now))
            self._look_for_answers(now)
        elif may_repeat and self._seen_s is not None and detail.time_s - self._seen_s > LOST_S:
            return self._start_again(detail.time_s, "keep_in_view")
        if now >= self._plan.seconds:
            if may_repeat and not all(self._answered):
                return self._start_again(detail.time_s, "follow_prompts")
            self._phase = Phase.DONE
        if detail.mesh is None:
            return self._advice(detail.time_s, ("no_face",))
        return self._advice(detail.time_s, ("several_faces",) if _has_rival(detail) else ())

    def _start_again(self, time_s: float, why: str) -> Advice:
        self._retakes += 1
        self._reason = why
        self._phase, self._well_since, self._usable_since = Phase.PLACING, None, None
        return self._advice(time_s, (why,))

    def _look_for_answers(self, now: float) -> None:
        due = [n for n, step in enumerate(self._plan.steps) if step.from_s <= now and not self._answered[n]]
        if due and len(self._details) >= 3:
            times, signals = signals_of(tuple(self._details))
            for number in due:
                self._answered[number] = answer(self._plan, number, times, signals).counts

    def _advice(self, time_s: float, say: tuple[str, ...]) -> Advice:
        placing = self._phase is Phase.PLACING
        now = 0.0 if placing else time_s - self._start_s
        open_ = [n for n, step in enumerate(self._plan.steps) if step.from_s <= now < step.to_s]
        return Advice(
            self._phase,
            say,
            None if placing else self._start_s,
            open_[0] if open_ and self._phase is Phase.RECORDING else None,
            tuple([False] * len(self._answered) if placing else self._answered),
            min(now / self._plan.seconds, 1.0) if self._plan.seconds > 0 else 1.0,
        )


def _at(detail: Detail, time_s: float) -> Detail:
    return Detail(detail.index, time_s, detail.faces, detail.mesh, None, None)


def _has_rival(detail: Detail) -> bool:
    faces = detail.faces or ()
    return any(face.inter_eye > RIVAL * faces[0].inter_eye for face in faces[1:])
