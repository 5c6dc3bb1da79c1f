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
FREE_STARTS = 3
"""How often a recording starts again because of a lost face before any prompt was shown. These show nothing of the
plan. The limit ends every capture."""


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
        answered: for each prompt of the plan, whether its whole answer was seen.
        progress: 0 to 1, of the recording.
        take: index of the plan that this take follows.
        back: whether the open prompt asks the person back.
        reached: whether the movement of the open prompt was seen.
        colours: whether the colours of the plan come next.
        moments: for each prompt, when it was shown and when the person was asked back, in seconds of the recording.
    """

    phase: Phase
    say: tuple[str, ...]
    start_s: float | None
    prompt: int | None
    answered: tuple[bool, ...]
    progress: float
    take: int = 0
    back: bool = False
    reached: bool = False
    colours: bool = False
    moments: tuple[tuple[float | None, float | None], ...] = ()


class Coach:
    """Guides one capture. Times are seconds of the camera's clock and must increase.

    Args:
        takes: what the person is asked in each take; the windows count from the first recorded frame of the take. There
            are as many takes at most.

    Raises:
        ValueError: there is no take.
    """

    def __init__(self, takes: Sequence[Plan]) -> None:
        if not takes:
            raise ValueError("a capture needs a plan")
        self._takes = tuple(takes)
        self._take = 0
        self._phase = Phase.PLACING
        self._well_since: float | None = None
        self._usable_since: float | None = None
        self._seen_s: float | None = None
        self._start_s = 0.0
        self._free_starts = FREE_STARTS
        self._reason: str | None = None
        self._begin_take(0)

    @property
    def _plan(self) -> Plan:
        return self._takes[self._take]

    def _begin_take(self, take: int) -> None:
        self._take = take
        count = len(self._plan.steps)
        self._details: list[Detail] = []
        self._answered, self._reached = [False] * count, [False] * count
        self._moments: list[tuple[float | None, float | None]] = [(None, None)] * count

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
            self._details = [_at(detail, 0.0)]
            return self._advice(now, ())
        # The reason for the new start is shown until the recording begins again.
        return self._advice(now, (*([self._reason] if self._reason else []), *say))

    def _record(self, detail: Detail) -> Advice:
        now = detail.time_s - self._start_s
        self._show(now)
        if detail.mesh is not None:
            self._details.append(_at(detail, now))
            self._look_for_answers(now)
        elif self._may_repeat and self._seen_s is not None and detail.time_s - self._seen_s > LOST_S:
            return self._start_again(detail.time_s, "keep_in_view")
        if now >= self._plan.seconds and (self._plan.flashes or now >= self._ends_s):
            if self._may_repeat and not all(self._answered):
                return self._start_again(detail.time_s, "follow_prompts")
            self._phase = Phase.DONE
        if detail.mesh is None:
            return self._advice(detail.time_s, ("no_face",))
        return self._advice(detail.time_s, ("several_faces",) if _has_rival(detail) else ())

    @property
    def _seen_plan(self) -> Plan:
        """The plan with the moments at which it was really shown."""
        return self._plan.shown(self._moments)

    @property
    def _ends_s(self) -> float:
        return max((step.to_s for step in self._seen_plan.steps), default=0.0)

    @property
    def _prompted(self) -> bool:
        return any(shown is not None for shown, _ in self._moments)

    @property
    def _may_repeat(self) -> bool:
        if self._plan.steps and not self._prompted:
            return self._free_starts > 0
        return self._take + 1 < len(self._takes)

    def _show(self, now: float) -> None:
        """Note what the screen shows from this frame on."""
        for number, step in enumerate(self._plan.steps):
            shown, back = self._moments[number]
            if shown is None and now >= step.from_s:
                shown = now
            if back is None and step.back_s is not None and now >= step.back_s:
                back = now
            self._moments[number] = (shown, back)

    def _start_again(self, time_s: float, why: str) -> Advice:
        if self._plan.steps and not self._prompted:
            self._free_starts -= 1
            self._begin_take(self._take)
        else:
            self._begin_take(self._take + 1)
        self._reason = why
        self._phase, self._well_since, self._usable_since = Phase.PLACING, None, None
        return self._advice(time_s, (why,))

    def _look_for_answers(self, now: float) -> None:
        plan = self._seen_plan
        due = [n for n, step in enumerate(plan.steps) if step.from_s <= now and not self._answered[n]]
        if due and len(self._details) >= 3:
            times, signals = signals_of(tuple(self._details))
            for number in due:
                found = answer(plan, number, times, signals)
                self._answered[number], self._reached[number] = found.counts, found.reached >= 1

    def _advice(self, time_s: float, say: tuple[str, ...]) -> Advice:
        placing = self._phase is Phase.PLACING
        now = 0.0 if placing else time_s - self._start_s
        steps = self._seen_plan.steps
        open_ = [n for n, step in enumerate(steps) if step.from_s <= now < step.to_s]
        # The next prompt may come before the last moment to come back: the newest one is shown.
        number = open_[-1] if open_ and self._phase is Phase.RECORDING else None
        last = steps[-1].latest_s if steps else 0.0
        return Advice(
            self._phase,
            say,
            None if placing else self._start_s,
            number,
            tuple([False] * len(self._answered) if placing else self._answered),
            min(now / self._plan.seconds, 1.0) if self._plan.seconds > 0 else 1.0,
            self._take,
            number is not None and now >= steps[number].latest_s and steps[number].back_s is not None,
            number is not None and self._reached[number],
            not placing and bool(self._plan.flashes) and now >= last,
            tuple(self._moments),
        )


def _at(detail: Detail, time_s: float) -> Detail:
    return Detail(detail.index, time_s, detail.faces, detail.mesh, None, None)


def _has_rival(detail: Detail) -> bool:
    faces = detail.faces or ()
    return any(face.inter_eye > RIVAL * faces[0].inter_eye for face in faces[1:])
