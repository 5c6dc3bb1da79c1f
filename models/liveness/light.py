"""Check that the skin reflects the colours that the screen flashes: a face does so at once, a recording cannot.

The screen shows the colours of the plan (:class:`~models.liveness.plan.Flash`), which were unknown before. Its light
adds a little to that of the room: the skin's colour follows by a few hundredths, after the delay of screen and camera.
The check computes the *correlation* between the shown colours and the seen colour, over the whole time of the flashes,
for the delay that fits best. It compares this with the correlation of other sequences that could have been drawn.

The seen colour is the logarithm of the mean skin colour, so that the tint of a lamp or of the skin cancels. Its slow
trend is removed, because white balance adapts within seconds. Brightness counts a quarter, because exposure control and
a moving head change it.

There are three outcomes. *Pass*: the drawn sequence fits, and hardly any other does. *Fail*: another sequence fits
clearly, as in a video of another session. *No reflection*: the room is too bright, or there is no face. These two look
alike, so the capture is not accepted, and the person is asked to try again in a darker place. A flat picture
reflects the screen everywhere equally; the room behind a person is farther away than the face and reflects less. And
the light must have the shading of a real one on the face itself (:mod:`models.liveness.shading`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.liveness.checks import CheckResult, failed, not_assessed, passed
from models.liveness.plan import Flash, Plan
from models.liveness.readings import Detail, Readings
from models.liveness.shading import shading

NAME = "light"

_DELAYS = np.arange(0.0, 0.401, 0.05)
"""Delays that are tried, in seconds: the buffers of screen and camera take 0.05 to 0.3."""
_EXPOSED = 0.1
"""Seconds over which a frame mixes colours: change of the display, exposure, coder."""
_BRIGHTNESS = 0.25
"""Weight of brightness relative to tint. Of 16 simulated reflections 11 pass with it, 9 with 0.5, 10 with 0.1."""
_OTHERS = 2000
"""Number of other sequences that the drawn one is compared with."""
MIN_FLASHES = 4
"""Fewest flashes for a check: four of eight colours give 2,744 sequences, fewer flashes too few."""
_PER_FLASH = 3.0
"""Fewest frames for each colour."""

# Measured with the simulated reflections of fixtures/light.py on the development clips; docs/liveness.md.
FITS = 0.35
"""Correlation from which a sequence fits."""
RARE = 0.005
"""Largest share of other sequences that may fit as well."""
WEAK = 0.002
"""Change of the skin's logarithmic colour for a full colour of the screen, below which there is no reflection. Noise
and breathing alone cause 0.0005 to 0.0015."""
CLEAR = 0.92
"""Correlation from which another sequence clearly fits. Without light the best of all reaches 0.85 by chance in films
of people who speak and turn (34 films, two above 0.8); a real light of another session more than 0.95 at rest."""
WORSE = 0.6
"""The drawn sequence does not fit if its correlation, relative to that of the best of all, is below this. Simulated
reflections of the drawn sequence: 0.7 to 1; of others: -0.5 to 0.5."""
FLAT = 0.6
"""Reflection of the surroundings, relative to the face, from which both may be one flat picture."""

_CORNERS = np.array([[r, g, b] for r in (0, 1) for g in (0, 1) for b in (0, 1)], np.float64)
"""The colours that plans are drawn from: all saturated ones, white and black."""
_OPPONENT = np.array([[1, -1, 0], [1, 1, -2], [1, 1, 1]]) / np.sqrt(np.array([[2], [6], [3 / _BRIGHTNESS**2]]))
"""Red against green, yellow against blue, and brightness: an orthogonal change of axes apart from the weight."""

_OF_A_REGION = np.array([1.0, 1.0, 0.5])
"""Brightness counts less still in one region: a head that moves changes it from place to place. With 0.5, 56 of 90
simulated lights show their shading, with 1 only 41; with 0, three of 150 tints pass (bench/live_driven.py)."""
_OF_THE_TREND = 3
_SHADES = {"even": "even_light", "face_only": "only_face_lit", "unclear": "shading_unclear"}

Colours = NDArray[np.float64]
"""One row for each flash: red, green, blue, 0 to 1."""


def check_light(readings: Readings, plan: Plan | None) -> CheckResult:
    """Judge the reflection of a plan's flashes; without flashes it is not assessed."""
    flashes = plan.flashes if plan is not None else ()
    if not flashes:
        return not_assessed(NAME, "none_shown")
    begin, end = flashes[0].from_s, flashes[-1].to_s
    if len(flashes) < MIN_FLASHES or readings.seconds < end - 0.2:
        return not_assessed(NAME, "too_short", seconds=readings.seconds, flashes=len(flashes))
    seen = [d for d in readings.details if d.skin is not None and begin + _DELAYS[-1] <= d.time_s <= end]
    seen = [d for d in seen if d.skin is not None and bool(np.isfinite(d.skin).all()) and bool((d.skin > 1).all())]
    if len(seen) < _PER_FLASH * len(flashes):
        return not_assessed(NAME, "face_lost", frames=len(seen), flashes=len(flashes))
    times = np.array([d.time_s for d in seen])
    trend = _trend(times)
    skin = _tints(np.stack([d.skin for d in seen if d.skin is not None]), trend)
    drawn = np.array([[f.red, f.green, f.blue] for f in flashes], np.float64) / 255
    shown = _Shown(flashes, times, trend)
    delay, fit, gain = shown.best(drawn, skin)
    others = shown.fits(_sequences(len(flashes), drawn), skin)
    rare = float((others >= fit).mean())
    nearest = shown.nearest(skin)
    _, nearest_fit, nearest_gain = shown.best(nearest, skin)
    values: dict[str, float | int | None] = {
        "correlation": fit,
        "delay": delay,
        "gain": gain,
        "others_as_good": rare,
        "best_other": float(others.max()),
        "nearest_correlation": nearest_fit,
        "nearest_gain": nearest_gain,
        "nearest_shared": int((np.abs(nearest - drawn).max(1) < 0.5).sum()),
        "around": _around(seen, shown, drawn, delay, gain),
        "frames": len(seen),
    }
    if fit >= FITS and rare <= RARE and gain >= WEAK:
        if values["around"] is not None and values["around"] >= FLAT:
            return not_assessed(NAME, "even_light", **values)
        moved = _moved(seen, trend)
        shades = shading(
            seen,
            lambda region, other, times: shown.response(
                drawn, _tints(region, trend) - times * _tints(other, trend), delay, moved
            ),
        )
        values |= {"sides": shades.sides, "sides_error": shades.sides_error}
        values |= {"body": shades.body, "body_error": shades.body_error}
        if shades.verdict != "real":
            return not_assessed(NAME, _SHADES[shades.verdict], **values)
        return passed(NAME, **values)
    if nearest_fit >= CLEAR and nearest_gain >= 4 * WEAK and rare > RARE and fit < WORSE * nearest_fit:
        return failed(NAME, "other_light", **values)
    return not_assessed(NAME, "no_reflection" if max(gain, 0.0) < WEAK else "unclear_light", **values)


class _Shown:
    """Compares sequences of colours with what the camera saw, for each delay, at the times of the frames.

    All sums over frames are computed once, so that a sequence costs a few products of small matrices.
    """

    def __init__(self, flashes: Sequence[Flash], times: NDArray[np.float64], trend: NDArray[np.float64]) -> None:
        begins = np.array([flash.from_s for flash in flashes])
        ends = np.array([flash.to_s for flash in flashes])
        # Share of each flash in each frame, for each delay: [delays, frames, flashes].
        upper = np.minimum((times[None] - _DELAYS[:, None])[..., None], ends)
        lower = np.maximum((times[None] - _DELAYS[:, None])[..., None] - _EXPOSED, begins)
        shares = np.maximum(upper - lower, 0) / _EXPOSED
        self._shares = shares - trend @ (trend.T @ shares)
        self._squares = self._shares.transpose(0, 2, 1) @ self._shares

    def fits(self, sequences: Colours, skin: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the best correlation over the delays, for each of several sequences [n, flashes, 3]."""
        return np.asarray(self._compare(sequences, skin)[0].max(0))

    def best(self, sequence: Colours, skin: NDArray[np.float64]) -> tuple[float, float, float]:
        """Return delay, correlation and gain of one sequence at the delay that fits best."""
        fits, gains = self._compare(sequence[None], skin)
        index = int(fits[:, 0].argmax())
        return float(_DELAYS[index]), float(fits[index, 0]), float(gains[index, 0])

    def gain_at(self, sequence: Colours, skin: NDArray[np.float64], delay: float) -> float:
        """Return the gain of one sequence at a given delay."""
        return float(self._compare(sequence[None], skin)[1][int(np.abs(_DELAYS - delay).argmin()), 0])

    def response(
        self, sequence: Colours, seen: NDArray[np.float64], delay: float, moved: NDArray[np.float64]
    ) -> tuple[float, float]:
        """Return the gain of a region at a delay, and its standard error.

        What goes along with the head's motion (:func:`_moved`) is left out: a region that moves looks darker and
        brighter by itself. The error is taken twice, because the rest is not independent from frame to frame.
        """
        light = self._shares[int(np.abs(_DELAYS - delay).argmin())] @ (sequence @ _OPPONENT.T) * _OF_A_REGION
        tints = seen * _OF_A_REGION
        light, tints = (values - moved @ (moved.T @ values) for values in (light, tints))
        power = max(float((light**2).sum()), 1e-12)
        gain = float((light * tints).sum()) / power
        rest = tints - gain * light
        free = rest.size * max(len(rest) - moved.shape[1] - _OF_THE_TREND, 1) / len(rest)
        return gain, 2 * float(np.sqrt((rest**2).sum() / free / power))

    def _compare(
        self, sequences: Colours, skin: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return correlations and gains, each [delays, n]."""
        axes = sequences @ _OPPONENT.T
        shared = np.tensordot(self._shares.transpose(0, 2, 1) @ skin, axes, ((1, 2), (1, 2)))
        power = np.maximum(np.einsum("nfc,dfg,ngc->dn", axes, self._squares, axes, optimize=True), 1e-12)
        return shared / np.sqrt(power * max(float((skin**2).sum()), 1e-12)), shared / power

    def nearest(self, skin: NDArray[np.float64]) -> Colours:
        """Find the sequence that fits best of all, by changing one colour at a time until nothing improves."""
        best: tuple[float, Colours] = (-1.0, _CORNERS[np.zeros(self._shares.shape[2], np.intp)])
        for start in (0, 7):
            chosen = np.full(self._shares.shape[2], start)
            before = -1.0
            for _ in range(6):
                for place in range(len(chosen)):
                    trials = np.repeat(chosen[None], len(_CORNERS), 0)
                    trials[:, place] = np.arange(len(_CORNERS))
                    chosen = trials[int(self.fits(_CORNERS[trials], skin).argmax())]
                now = float(self.fits(_CORNERS[chosen][None], skin)[0])
                if now <= before + 1e-9:
                    break
                before = now
            if before > best[0]:
                best = (before, _CORNERS[chosen])
        return best[1]


def _tints(colours: NDArray[np.float64], trend: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return logarithmic colours on opponent axes, without the trend."""
    tints = np.log(np.maximum(colours, 1.0)) @ _OPPONENT.T
    return np.asarray(tints - trend @ (trend.T @ tints))


def _trend(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an orthonormal basis of the slow trend: a constant, a slope and a bend.

    It leaves out the head's motion: with five more unknowns noise fits as well (0.43 instead of 0.26 without light).
    """
    clock = (times - times.mean()) / max(float(np.ptp(times)), 1e-6)
    return np.linalg.qr(np.stack([np.ones_like(clock), clock, clock**2], 1))[0]


def _moved(seen: Sequence[Detail], trend: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an orthonormal basis of the head's motion, without the trend: yaw, pitch, and its place in the picture.

    With it, 92 instead of 82 of 135 simulated lights showed their shading, and one of 47 driven films passed as before
    (bench/live_driven.py). With the size of the face as well, fewer lights do: it follows the brightness.
    """
    meshes = [detail.mesh for detail in seen if detail.mesh is not None]
    if len(meshes) != len(seen):
        return np.zeros((len(seen), 0))
    rows = [
        (mesh.pose.yaw, mesh.pose.pitch, mesh.box[0] + mesh.box[2] / 2, mesh.box[1] + mesh.box[3] / 2)
        for mesh in meshes
    ]
    motion = np.array(rows, np.float64)
    motion -= trend @ (trend.T @ motion)
    spread = motion.std(0)
    motion = motion[:, spread > 1e-6] / spread[spread > 1e-6]
    return np.linalg.qr(motion)[0]


def _sequences(length: int, drawn: Colours) -> NDArray[np.float64]:
    """Draw other sequences with different neighbours; always the same ones, so that the verdict can be replayed."""
    random = np.random.default_rng(length)
    numbers = random.integers(0, 8, (_OTHERS, 1))
    for _ in range(length - 1):
        # One to seven steps further: any colour except the last one.
        numbers = np.concatenate([numbers, (numbers[:, -1:] + random.integers(1, 8, (_OTHERS, 1))) % 8], 1)
    colours = _CORNERS[numbers]
    return np.asarray(colours[np.abs(colours - drawn).max((1, 2)) > 0.5])


def _around(seen: Sequence[Detail], shown: _Shown, drawn: Colours, delay: float, gain: float) -> float | None:
    """Return the gain of the surroundings relative to that of the face; None if they were not measured."""
    known = [d.around for d in seen if d.around is not None]
    if len(known) != len(seen) or gain <= 0:
        return None
    stack = np.stack(known)
    if not np.isfinite(stack).all() or float(stack.min()) < 4:  # black does not reflect
        return None
    tints = _tints(stack, _trend(np.array([d.time_s for d in seen])))
    return shown.gain_at(drawn, tints, delay) / gain
