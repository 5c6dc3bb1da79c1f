"""Assess the quality of a picture: a table of measures, each with its own value, score, state and advice.

The structure is that of ISO/IEC 29794-5 and its reference code (BSI OFIQ): each property has one number with a unit and
a score of 0-100, or is not assessed. A measure *blocks* only if it makes a comparison meaningless. All others are
advice, because no pensioner may be refused for a crooked picture. The limits were set on the development faces so that
no picture of a person alone is blocked; docs/models.md has the measured distributions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face.detect import Face
from models.face.exposure import backlight, glare, noise
from models.media.image import Pixels
from models.states import State


@dataclass(frozen=True, slots=True)
class QualityMeasure:
    """One property of a picture.

    Attributes:
        name: of the rule, stable.
        raw: the measured value in ``unit``; None if it could not be measured.
        unit: of ``raw``.
        score: 0 (useless) to 100 (nothing to improve); None if not assessed.
        state: PASS, FAIL (advice is due) or NOT_ASSESSED.
        guidance: code of the advice if FAIL, see :mod:`models.guidance`.
        blocking: the failure is so bad that no template is made.
    """

    name: str
    raw: float | None
    unit: str
    score: float | None
    state: State
    guidance: str | None
    blocking: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the fields by name; ten times as fast as ``dataclasses.asdict``, which copies each value deeply."""
        return {name: getattr(self, name) for name in self.__slots__} | {"state": self.state.value}


_SKIN = (slice(30, 100), slice(26, 86))


@dataclass(frozen=True)
class Subject:
    """The picture that the measures assess.

    Attributes:
        pixels: the decoded picture.
        scale: the picture was decoded at 1/scale.
        faces: all faces found, the main one first; never empty.
        aligned: the main face, [112,112,3] BGR.
        eyes: probabilities that the two eyes are open, or None without the model.
    """

    pixels: Pixels
    scale: int
    faces: Sequence[Face]
    aligned: Pixels
    eyes: tuple[float, float] | None

    @property
    def face(self) -> Face:
        """Return the main face."""
        return self.faces[0]

    @cached_property
    def grey(self) -> NDArray[np.float64]:
        """Return the luma 0-255 of the aligned face, [112,112]."""
        return cv2.cvtColor(self.aligned, cv2.COLOR_BGR2GRAY).astype(np.float64)

    @property
    def skin(self) -> NDArray[np.float64]:
        """Return the luma of the middle of the aligned face (cheeks, nose, brows), without hair and background."""
        return self.grey[_SKIN]

    @cached_property
    def darkness(self) -> float:
        """Return the 90th percentile of the luma of the skin.

        Not the mean: well lit dark skin has highlights, a face in the dark has none.
        """
        return float(np.percentile(self.skin, 90))

    @cached_property
    def sharpness(self) -> float:
        """Return the energy of fine details relative to the contrast of the face, so that light does not matter.

        The details are those between a Gaussian of 1 and of 2 pixels of the aligned face. They are coarser than sensor
        noise and JPEG blocks, which a plain Laplacian would measure as sharpness.
        """
        grey = self.grey
        band = (cv2.GaussianBlur(grey, (0, 0), 1.0) - cv2.GaussianBlur(grey, (0, 0), 2.0))[_SKIN]
        return float(band.std()) / max(float(self.skin.std()), 1.0)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table.

    Attributes:
        name: of the measure.
        unit: of its raw value.
        measure: returns the raw value, or None if it cannot be measured.
        worst: raw value that scores 0.
        best: raw value that scores 100; the scale is linear between.
        limit: raw values on the worse side of it fail.
        block: raw values on the worse side of it make the comparison meaningless; None if no value does.
        guidance: code of the advice.
    """

    name: str
    unit: str
    measure: Callable[[Subject], float | None]
    worst: float
    best: float
    limit: float
    block: float | None
    guidance: str


def assess(subject: Subject) -> tuple[QualityMeasure, ...]:
    """Apply all rules of the table, in its order."""
    return tuple(_apply(rule, rule.measure(subject)) for rule in RULES)


def assess_without_face(pixels: Pixels) -> tuple[QualityMeasure, ...]:
    """Assess a picture in which no face was found: it may be too dark; the other measures are not assessed."""
    luma = float(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).mean())
    results = []
    for rule in RULES:
        if rule.name == "single_face":
            results.append(QualityMeasure(rule.name, None, rule.unit, 0.0, State.FAIL, "no_face", blocking=True))
        elif rule.name == "darkness" and luma < DARK_SCENE:
            results.append(QualityMeasure(rule.name, luma, rule.unit, 0.0, State.FAIL, rule.guidance, blocking=True))
        else:
            results.append(_apply(rule, None))
    return tuple(results)


def guidance_codes(measures: Sequence[QualityMeasure]) -> tuple[str, ...]:
    """Return the advice of the failed measures without repeats: blocking ones first, then in the table's order."""
    failed = sorted((measure for measure in measures if measure.guidance), key=lambda measure: not measure.blocking)
    return tuple(dict.fromkeys(measure.guidance for measure in failed if measure.guidance))


def _apply(rule: Rule, raw: float | None) -> QualityMeasure:
    if raw is None or not math.isfinite(raw):
        return QualityMeasure(rule.name, None, rule.unit, None, State.NOT_ASSESSED, None)
    score = 100 * min(max((raw - rule.worst) / (rule.best - rule.worst), 0.0), 1.0)
    sign = 1 if rule.best > rule.worst else -1
    failed = sign * (raw - rule.limit) < 0
    blocking = rule.block is not None and sign * (raw - rule.block) < 0
    state = State.FAIL if failed else State.PASS
    return QualityMeasure(
        rule.name, raw, rule.unit, round(score, 1), state, rule.guidance if failed else None, failed and blocking
    )


def _second_face(subject: Subject) -> float:
    others = [face.inter_eye for face in subject.faces[1:]]
    return max(others, default=0.0) / max(subject.face.inter_eye, 1e-6)


def _inter_eye(subject: Subject) -> float:
    return subject.face.inter_eye * subject.scale


def _inside(subject: Subject) -> float:
    left, top, width, height = subject.face.box
    rows, columns = subject.pixels.shape[:2]
    seen_width = min(left + width, columns) - max(left, 0.0)
    seen_height = min(top + height, rows) - max(top, 0.0)
    return float(max(seen_width, 0.0) * max(seen_height, 0.0) / (width * height))


def _overexposed(subject: Subject) -> float:
    return float((subject.skin >= 250).mean())


def _contrast(subject: Subject) -> float:
    return float(subject.skin.std() / max(subject.darkness, 1.0))


def _upright_points(subject: Subject) -> NDArray[np.float64]:
    """Return the landmarks relative to the middle of the eyes, with level eyes, in inter-eye distances."""
    points = subject.face.points.astype(np.float64)
    eyes = points[1] - points[0]
    length = max(float(np.hypot(*eyes)), 1e-6)
    cos, sin = eyes / length
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.asarray((points - points[:2].mean(0)) @ turn / length, np.float64)


def roll_degrees(subject: Subject) -> float:
    """Return the tilt of the line between the eyes in the picture, in degrees, positive clockwise."""
    delta = subject.face.points[1] - subject.face.points[0]
    return math.degrees(math.atan2(float(delta[1]), float(delta[0])))


def yaw_degrees(subject: Subject) -> float:
    """Return the yaw from five points, in degrees, positive when the nose points to the right side of the picture.

    The nose tip is ``NOSE_DEPTH`` inter-eye distances before the plane of the eyes and the mouth. So turning moves it
    sideways by depth * tan(yaw) of the shortened eye distance (weak perspective). The error is about 5 degrees.
    """
    points = _upright_points(subject)
    middle = (points[0] + points[1] + points[3] + points[4])[0] / 4
    return math.degrees(math.atan((points[2, 0] - middle) / NOSE_DEPTH))


def pitch_degrees(subject: Subject) -> float:
    """Return the pitch from five points, in degrees, positive when the face looks up. The error is about 8 degrees.

    It is measured by the position of the nose tip between eyes and mouth, relative to that of a level head.
    """
    points = _upright_points(subject)
    span = (points[3, 1] + points[4, 1]) / 2
    if span <= 0.1:
        return 90.0
    share = points[2, 1] / span
    return math.degrees(math.atan((NEUTRAL_NOSE_SHARE - share) * span / NOSE_DEPTH))


def _eyes(subject: Subject) -> float | None:
    # In the dark or out of focus the network calls every eye closed, so the measure is not assessed.
    if subject.eyes is None or subject.darkness < 100 or subject.sharpness < 0.1:
        return None
    # One eye alone proves nothing (a wink, a reflection on glasses, a drooping lid), so the more open eye counts.
    return max(subject.eyes)


def _backlight(subject: Subject) -> float | None:
    return backlight(subject.pixels, subject.face, subject.darkness)


def _glare(subject: Subject) -> float | None:
    # A face that is blown out as a whole is too bright, and has no glare.
    return None if _overexposed(subject) > 0.2 else glare(subject.grey)


def _noise(subject: Subject) -> float | None:
    return noise(subject.pixels, subject.face)


DARK_SCENE = 40.0
"""Mean luma of a whole picture below which "too dark" explains why no face was found."""
NOSE_DEPTH = 0.8
"""Set so that the extremes of two turning heads agree with MediaPipe's: -14..17 (clip d3) and -16..16 (d12) degrees."""
NEUTRAL_NOSE_SHARE = 0.565
"""Vertical share (nose - eyes) / (mouth - eyes) of a level head: the median over 200 frontal AT&T pictures."""

# fmt: off
RULES: tuple[Rule, ...] = (
    # A second face must be of comparable size to matter: people in the background are only noted.
    Rule("single_face", "ratio", _second_face, 1.0, 0.0, 0.6, 0.6, "several_faces"),
    Rule("darkness", "luma", lambda subject: subject.darkness, 20, 120, 60, 25, "too_dark"),
    Rule("brightness", "share", _overexposed, 0.6, 0.0, 0.2, 0.6, "too_bright"),
    Rule("backlight", "stops", _backlight, 3.0, 0.0, 1.2, None, "bright_behind"),
    Rule("glare", "share", _glare, 0.6, 0.0, 0.2, None, "glasses_glare"),
    Rule("noise", "grey levels", _noise, 30, 2, 12, None, "noisy_light"),
    Rule("contrast", "ratio", _contrast, 0.03, 0.2, 0.08, 0.03, "flat_light"),
    Rule("face_size", "px", _inter_eye, 15, 90, 40, 18, "come_closer"),
    Rule("sharpness", "ratio", lambda subject: subject.sharpness, 0.04, 0.2, 0.09, 0.05, "hold_still"),
    Rule("face_inside", "share", _inside, 0.5, 1.0, 0.85, 0.6, "whole_face"),
    Rule("yaw", "degrees", lambda s: abs(yaw_degrees(s)), 60, 5, 25, None, "look_straight"),
    Rule("pitch", "degrees", lambda s: abs(pitch_degrees(s)), 60, 5, 25, None, "chin_level"),
    Rule("roll", "degrees", lambda s: abs(roll_degrees(s)), 90, 5, 30, None, "hold_upright"),
    Rule("eyes_open", "probability", _eyes, 0.0, 0.9, 0.1, None, "open_eyes"),
    Rule("detector_score", "score", lambda s: s.face.score, 0.5, 0.9, 0.75, None, "face_unclear"),
)
# fmt: on
