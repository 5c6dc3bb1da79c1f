"""Name what in a phone's statements about its camera cannot be, or seldom is: one table, with what each may do.

No entry speaks for a person, and none but the two oldest fails a film (docs/decisions/0040). The others are shown to
officers, and ask again if one of them is impossible for a camera, or if two of different subjects come together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from models.liveness.camera_report import Abilities, CameraReport, Range

RULES = 1
"""Number of this table, which is stored with what was found. Raise it with every change: a replay compares only what
the same table found."""


class Effect(StrEnum):
    """What a contradiction may do to a film."""

    FAILS = "fails"  # the film is not of a camera; the person is asked for another film
    ASKS = "asks"  # no camera does this: the person is asked again
    DOUBTS = "doubts"  # two about different subjects ask again
    NOTED = "noted"  # shown to officers only


class Subject(StrEnum):
    """What a contradiction is about. Two of one subject often have one innocent cause, so they count once."""

    NAME = "name"
    PICTURE = "picture"
    ABILITIES = "abilities"
    PAGE = "page"
    PHONE = "phone"
    TIME = "time"
    MOTION = "motion"


@dataclass(frozen=True, slots=True)
class Film:
    """What the service itself knows of the film.

    Attributes:
        width: pixels of the upright frames; 0 if unknown.
        height: likewise.
        ahead: whether frames arrived before they can have been taken.
        drifts: whether the phone's clock and ours drifted apart.
        motion: what is wrong between the motion of phone and picture (:mod:`models.liveness.hand_motion`); empty if
            nothing is.
    """

    width: int = 0
    height: int = 0
    ahead: bool = False
    drifts: bool = False
    motion: str = ""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One entry of the table.

    Attributes:
        code: stable name.
        subject: what it is about.
        effect: what it may do.
        text: one sentence for officers.
        found: whether statements and film show it.
    """

    code: str
    subject: Subject
    effect: Effect
    text: str
    found: Callable[[CameraReport, Film], bool]


VIRTUAL = re.compile(
    r"virtual|\bobs\b|obs[-_ ]?cam|manycam|v4l2\s*loopback|dummy video|e2esoft|\bvcam\b|droidcam|iriun|xsplit|"
    r"snap ?cam(era)?\b|mmhmm|\bndi\b|youcam|splitcam|webcamoid|akvcam|sparkocam|chromacam|nvidia broadcast|"
    r"unity video capture|deepfacelive|avatarify|screen capture|fake[ _]?(device|camera)|altercam|vtube|camtwist|"
    r"\bvmix\b|spoutcam|vcamera|facerig|animaze|webcammax|cyberlink webcam splitter",
    re.IGNORECASE,
)
"""Names of virtual cameras: programs that deliver pictures like a camera (from their makers' documents and the lists in
public programs for examinations and identification, November 2026). ``fake_device`` is Chromium's, for tests."""
THROUGH_A_PROGRAM = re.compile(
    r"epoccam|\bivcam\b|\bcamo\b|reincubate|logi(tech)? capture|\bkrisp\b|imaging edge webcam|eos webcam utility",
    re.IGNORECASE,
)
"""Names of programs that pass a real camera's picture on, such as that of another phone. Few people with a phone in
their hand have one; but the picture may be honest, so the person is asked for the phone's own camera."""
_USB = re.compile(r"\([0-9a-f]{4}:[0-9a-f]{4}\)")
"""How Chromium names the cameras of computers: with the numbers of maker and product. On phones it never does."""
_NO_NAME = re.compile(r"^(\{?[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\}?|[a-z0-9+/]{86}==)$", re.IGNORECASE)
"""A track that a script made has a random number as its name: a UUID, or in Chromium 64 bytes in base64."""
_SIDE = {
    "user": re.compile(r"facing (back|rear)", re.IGNORECASE),
    "environment": re.compile(r"facing front", re.IGNORECASE),
}
"""The side in the names of Android's cameras that contradicts the stated one."""

_MOST_RATE = 480.0
"""Frames a second beyond those of any camera that a browser opens; v4l2loopback says 1000. Slow motion has 240."""
_MOST_SIDE = 16_384
_MOST_ZOOM = 200.0
"""Twice the largest zoom of a phone."""
_SLACK = 0.02
"""Relative: coders round sides to 8 or 16 pixels, and 29.97 is called 30."""
_RATE_SLACK, _RATE_MORE = 1.25, 2.0
"""How many pictures a second more than stated: a rate counted over some seconds is not exact."""
_CROPPED = 4 / 3
"""Aspect ratio to which the page crops a live picture (api/web/phone/js/capture/live.js)."""


def another_shape(report: CameraReport, film: Film) -> int | None:
    """Return whether the film has neither the stated aspect ratio nor that of our page; a quarter turn is the same."""
    if not (report.width and report.height and film.width and film.height):
        return None
    shape, said = _ratio(film.width, film.height), _ratio(report.width, report.height)
    return int(not any(abs(shape / other - 1) <= _SLACK for other in (said, _CROPPED)))


def _ratio(one: int, other: int) -> float:
    return max(one, other) / min(one, other)


def _another_size(report: CameraReport, _: Film) -> bool:
    if not (report.width and report.height and report.shown_width and report.shown_height):
        return False
    said, shown = sorted((report.width, report.height)), sorted((report.shown_width, report.shown_height))
    return any(abs(a / b - 1) > _SLACK for a, b in zip(said, shown, strict=True))


def _faster_than_stated(report: CameraReport, _: Film) -> bool:
    if not (report.frame_rate and report.shown_rate):
        return False
    return report.shown_rate > _RATE_SLACK * report.frame_rate + _RATE_MORE


def _known(report: CameraReport) -> list[Abilities]:
    return [each for each in (report.first, report.last) if each is not None]


def _impossible(report: CameraReport, _: Film) -> bool:
    return any(
        _reversed(range_) or (most is not None and range_ is not None and (range_[1] or 0) > most)
        for each in _known(report)
        for range_, most in (
            (each.width, _MOST_SIDE),
            (each.height, _MOST_SIDE),
            (each.frame_rate, _MOST_RATE),
            (each.zoom, _MOST_ZOOM),
            (each.exposure, None),
        )
    )


def _reversed(range_: Range | None) -> bool:
    return range_ is not None and range_[0] is not None and range_[1] is not None and range_[0] > range_[1]


def _beyond_abilities(report: CameraReport, _: Film) -> bool:
    """Tell whether the stated size or rate is larger than what the camera says it is able to."""
    for each in _known(report):
        sides = [range_[1] for range_ in (each.width, each.height) if range_ is not None and range_[1]]
        larger = len(sides) == 2 and max(report.width or 0, report.height or 0) > (1 + _SLACK) * max(sides)
        most = each.frame_rate[1] if each.frame_rate is not None else None
        if larger or (most and (report.frame_rate or 0) > _RATE_SLACK * most + _RATE_MORE):
            return True
    return False


def _lost(report: CameraReport, _: Film) -> bool:
    """Tell whether the camera lost an ability during the capture. Browsers learn some late, so gaining one is usual."""
    first, last = report.first, report.last
    if first is None or last is None:
        return False
    zoom = _spread(first.zoom) > 0 and _spread(last.zoom) <= 0
    exposure = _spread(first.exposure) > 0 and _spread(last.exposure) <= 0
    size = any(
        a is not None and b is not None and a[1] and b[1] and b[1] < a[1] * (1 - _SLACK)
        for a, b in ((first.width, last.width), (first.height, last.height))
    )
    return zoom or exposure or (first.torch and not last.torch) or size


def _spread(range_: Range | None) -> float:
    return 0.0 if range_ is None or range_[0] is None or range_[1] is None else range_[1] - range_[0]


def _named(pattern: re.Pattern[str]) -> Callable[[CameraReport, Film], bool]:
    return lambda report, _: any(name and pattern.search(name) for name in (report.label, report.last_label))


def _side_contradicts_name(report: CameraReport, _: Film) -> bool:
    pattern = _SIDE.get(report.facing or "")
    return bool(pattern and report.label and pattern.search(report.label))


TABLE: tuple[Contradiction, ...] = (
    Contradiction(
        "virtual_camera", Subject.NAME, Effect.FAILS,
        "The camera has the name of a program that delivers pictures like a camera.", _named(VIRTUAL),
    ),
    Contradiction(
        "impossible_timing", Subject.TIME, Effect.FAILS,
        "Frames arrived before they can have been taken.", lambda _, film: film.ahead,
    ),
    Contradiction(
        "clock_drifts", Subject.TIME, Effect.ASKS,
        "The phone's clock and that of the service drifted apart during the capture.", lambda _, film: film.drifts,
    ),
    Contradiction(
        "camera_program", Subject.NAME, Effect.ASKS,
        "The camera has the name of a program that passes another camera's picture on.", _named(THROUGH_A_PROGRAM),
    ),
    Contradiction(
        "camera_changed", Subject.NAME, Effect.ASKS,
        "The camera had another name at the end of the capture than at its beginning.",
        lambda report, _: bool(report.label and report.last_label and report.label != report.last_label),
    ),
    Contradiction(
        "drawn_track", Subject.PAGE, Effect.ASKS,
        "The pictures were drawn by a script and did not come from a camera.", lambda report, _: bool(report.drawn),
    ),
    Contradiction(
        "impossible_ability", Subject.ABILITIES, Effect.ASKS,
        "The camera says that it is able to do what no camera is.", _impossible,
    ),
    Contradiction(
        "name_is_a_number", Subject.NAME, Effect.DOUBTS,
        "The camera's name is a random number, as of a track that a script made.", _named(_NO_NAME),
    ),
    Contradiction(
        "name_of_a_computer", Subject.NAME, Effect.DOUBTS,
        "The browser says that it runs on a phone, and the camera has a name as on computers.",
        lambda report, film: bool(report.phone) and _named(_USB)(report, film),
    ),
    Contradiction(
        "side_contradicts_name", Subject.NAME, Effect.DOUBTS,
        "The camera's name says that it films the other side.", _side_contradicts_name,
    ),
    Contradiction(
        "another_shape", Subject.PICTURE, Effect.DOUBTS,
        "The film has another aspect ratio than the camera states.",
        lambda report, film: bool(another_shape(report, film)),
    ),
    Contradiction(
        "another_size", Subject.PICTURE, Effect.DOUBTS,
        "The page got a picture of another size than the camera states.", _another_size,
    ),
    Contradiction(
        "faster_than_stated", Subject.PICTURE, Effect.DOUBTS,
        "The page got more pictures a second than the camera states.", _faster_than_stated,
    ),
    Contradiction(
        "beyond_abilities", Subject.ABILITIES, Effect.DOUBTS,
        "The camera states a size or rate beyond what it says it is able to.", _beyond_abilities,
    ),
    Contradiction(
        "ability_lost", Subject.ABILITIES, Effect.DOUBTS,
        "The camera was able to do less at the end of the capture than at its beginning.", _lost,
    ),
    Contradiction(
        "side_not_offered", Subject.ABILITIES, Effect.DOUBTS,
        "The camera films a side that is not among those that it says it can film.",
        lambda report, _: any(each.facing and report.facing not in (None, *each.facing) for each in _known(report)),
    ),
    Contradiction(
        "front_with_torch", Subject.ABILITIES, Effect.DOUBTS,
        "A front camera says that it has a torch; few phones have one there.",
        lambda report, _: report.facing == "user" and any(each.torch for each in _known(report)),
    ),
    Contradiction(
        "no_device_id", Subject.PAGE, Effect.DOUBTS,
        "The browser named no device for the camera.", lambda report, _: report.has_device_id is False,
    ),
    Contradiction(
        "replaced_function", Subject.PAGE, Effect.DOUBTS,
        "The browser's own function that opens cameras was replaced by a script.",
        lambda report, _: bool(report.replaced),
    ),
    Contradiction(
        "phone_still", Subject.MOTION, Effect.DOUBTS,
        "The phone lay still by its sensor, and the whole picture moved.",
        lambda _, film: film.motion == "phone_still",
    ),
    Contradiction(
        "picture_still", Subject.MOTION, Effect.DOUBTS,
        "The phone moved by its sensor, and what is behind the person stood still.",
        lambda _, film: film.motion == "picture_still",
    ),
    Contradiction(
        "motion_unrelated", Subject.MOTION, Effect.DOUBTS,
        "Phone and picture moved, and not together.", lambda _, film: film.motion == "motion_unrelated",
    ),
    Contradiction(
        "phone_without_touch", Subject.PHONE, Effect.DOUBTS,
        "The browser says that it runs on a phone whose screen notices no finger.",
        lambda report, _: bool(report.phone) and report.touch_points == 0,
    ),
    Contradiction(
        "name_missing", Subject.NAME, Effect.NOTED,
        "The browser gave the camera no name.",
        lambda report, _: report.has_device_id is not None and not report.label,
    ),
)  # fmt: skip
"""All contradictions, those that do most first."""

BY_CODE = {entry.code: entry for entry in TABLE}


def contradictions(report: CameraReport, film: Film) -> tuple[str, ...]:
    """Return the codes of what is found, in the order of the table."""
    return tuple(entry.code for entry in TABLE if entry.found(report, film))


def effect_of(codes: Collection[str]) -> Effect | None:
    """Return what several contradictions do together; None if there is none.

    Args:
        codes: of entries of the table.
    """
    found = [BY_CODE[code] for code in codes]
    effects = {entry.effect for entry in found}
    for effect in (Effect.FAILS, Effect.ASKS):
        if effect in effects:
            return effect
    doubted = {entry.subject for entry in found if entry.effect is Effect.DOUBTS}
    if len(doubted) > 1:
        return Effect.ASKS
    return Effect.DOUBTS if doubted else Effect.NOTED if found else None
