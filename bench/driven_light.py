"""Judge the screen's light on films that are lit, or tinted by a program, as the drawn colours say.

The films show people, puppets or swaps that were lit by no screen. The light is added to each frame
(:mod:`fixtures.light`), which is then coded as a live capture sends it. The landmarks are those of the film without
light.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from fixtures.faces import Picture
from fixtures.light import Tint, lit
from models.face.landmarks import MeshReading
from models.liveness.checks import CheckResult
from models.liveness.light import check_light
from models.liveness.plan import Plan
from models.liveness.readings import Detail, Glance, Readings, colour_around, skin_colour
from models.liveness.regions import region_colours
from models.media.image import Pixels

RATE = 10.0
_QUALITY = 60
"""JPEG quality of a live capture (api/web/phone/js/capture/pace.js)."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A film without the screen's light: ten frames a second.

    Attributes:
        frames: the pictures.
        meshes: their landmarks; None without a face.
    """

    frames: tuple[Picture, ...]
    meshes: tuple[MeshReading | None, ...]


@dataclass(frozen=True, slots=True)
class Lamp:
    """What lights or tints a film.

    Attributes:
        strength: light of the white screen relative to the room's; of a tint, the same brightness.
        tint: the tint; None for a real light.
        delay: seconds.
        other: the colours of another session are shown.
    """

    strength: float
    tint: Tint | None = None
    delay: float = 0.15
    other: bool = False


def judged_light(clip: Clip, plan: Plan, other: Plan, lamp: Lamp, seed: int) -> CheckResult:
    """Light a film and judge the light.

    Args:
        clip: the film.
        plan: the colours that were drawn.
        other: the colours of another session.
        lamp: what lights it.
        seed: seed of the screen's direction and the camera's noise.
    """
    shown = (other if lamp.other else plan).flashes
    # The colours begin with the film: what comes before them in a session is not light's affair.
    begin = plan.flashes[0].from_s - 1.0
    flashes = [((f.red, f.green, f.blue), f.from_s - begin, f.to_s - begin) for f in shown]
    drawn = replace(
        plan,
        flashes=tuple(
            replace(f, from_s=f.from_s - plan.flashes[0].from_s + 1, to_s=f.to_s - plan.flashes[0].from_s + 1)
            for f in plan.flashes
        ),
    )
    count = min(len(clip.frames), int((flashes[-1][2] + 0.5) * RATE))
    frames = lit(
        clip.frames[:count],
        [None if mesh is None else mesh.points for mesh in clip.meshes[:count]],
        flashes,
        seed=seed,
        strength=lamp.strength,
        rate=RATE,
        delay=lamp.delay,
        tint=lamp.tint,
    )
    return check_light(_readings(list(frames), clip.meshes[:count], seed), drawn)


def _readings(frames: Sequence[Picture], meshes: Sequence[MeshReading | None], seed: int) -> Readings:
    random = np.random.default_rng(seed)
    details = []
    for index, (frame, mesh) in enumerate(zip(frames, meshes, strict=True)):
        if mesh is None:
            continue
        seen = _sent(frame, random)
        details.append(
            Detail(
                index,
                index / RATE,
                None,
                mesh,
                None,
                skin_colour(seen, mesh),
                around=colour_around(seen, mesh),
                regions=region_colours(seen, mesh),
            )
        )
    thumb = np.zeros((64, 64), np.float32)
    return Readings(tuple(Glance(index / RATE, thumb, 1.0) for index in range(len(frames))), tuple(details))


def _sent(frame: Picture, random: np.random.Generator) -> Pixels:
    """Add a sensor's noise and code a frame as a live capture does."""
    noisy = np.clip(frame + random.normal(0, 1.5, frame.shape), 0, 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
