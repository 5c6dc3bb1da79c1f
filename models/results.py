"""What the face engine returns: measurements, comparisons and analysed videos."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from models.face.matcher import Templates
from models.face.near_copy import FacePrint
from models.face.pad import PassivePad
from models.face.quality import QualityMeasure
from models.liveness.fusion import LivenessReport
from models.liveness.movement import Movement
from models.liveness.video_hash import VideoHash
from models.media.image import ImageInfo, Pixels
from models.states import State

ANOTHER_PERSON = 0.25
"""Eye distance of the second face over that of the main one from which a second person is in the picture. Smaller
faces are pictures on a wall and people far behind."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured in one picture.

    Attributes:
        image: what the picture is.
        faces: how many faces were found.
        acquired: PASS if templates exist; FAIL means failure to acquire.
        quality: one entry for each measure.
        guidance: codes of what to do better, most important first (:mod:`models.guidance`).
        templates: embedder name -> unit vector; empty when not acquired.
        pad: passive presentation attack detection of this picture.
        timings_ms: milliseconds by stage, and ``total``.
        models: sha256 by name of the models that were used.
        background: hash of the surroundings of the main face (:mod:`models.face.background`). None for videos, if there
            is no face, and if the person fills the picture.
        face: the aligned face, by which a copy is recognised (:mod:`models.face.near_copy`). None without a face and
            for videos.
        aligned: the aligned face in colour, for the network of foreign templates (:mod:`models.face.foreign`). None
            without templates and for videos.
    """

    image: ImageInfo
    faces: int
    acquired: State
    quality: tuple[QualityMeasure, ...]
    guidance: tuple[str, ...]
    templates: Templates
    pad: PassivePad
    timings_ms: Mapping[str, float]
    models: Mapping[str, str]
    background: int | None = None
    face: FacePrint | None = None
    aligned: Pixels | None = None

    @property
    def shows_another(self) -> bool:
        """Tell whether a second person is in the picture, smaller or not: it may be the wrong one who is measured."""
        return any(one.name == "single_face" and (one.raw or 0.0) >= ANOTHER_PERSON for one in self.quality)

    def to_json(self) -> dict[str, Any]:
        """Return everything that may be shown or stored unencrypted: no pixels and no templates."""
        return {
            "image": asdict(self.image),
            "faces": self.faces,
            "acquired": self.acquired.value,
            "quality": [measure.to_json() for measure in self.quality],
            "guidance": list(self.guidance),
            "pad": {"live": self.pad.live, "state": self.pad.state.value},
            "timings_ms": {stage: round(value, 3) for stage, value in self.timings_ms.items()},
            "models": dict(self.models),
        }


@dataclass(frozen=True, slots=True)
class Watched:
    """The result of analysing a video.

    Attributes:
        measurement: of its best frame; failure to acquire if no frame was good enough.
        probes: templates of its best frames.
        liveness: the verdict and what it rests on.
        parameters: the text of the fitted parameters that were used, by name.
        video_hash: the perceptual hash of all frames, to recognise the video when it is sent again.
        prints: the aligned faces of the best frames (:mod:`models.face.near_copy`).
        movement: the movement of the face (:mod:`models.liveness.movement`).
        best: the numbers of the frames that the probes come from, best first.
        aligned: the aligned faces of these frames, in colour.
    """

    measurement: Measurement
    probes: tuple[Templates, ...]
    liveness: LivenessReport
    parameters: Mapping[str, str]
    video_hash: VideoHash
    prints: tuple[FacePrint, ...]
    movement: Movement
    best: tuple[int, ...] = ()
    aligned: tuple[Pixels, ...] = ()


class Clock:
    """Milliseconds between laps."""

    __slots__ = ("_laps", "_last", "_start")

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """End a stage."""
        now = time.perf_counter()
        self._laps[stage] = (now - self._last) * 1e3
        self._last = now

    def read(self) -> dict[str, float]:
        """Return the milliseconds by stage, and ``total``."""
        return self._laps | {"total": (time.perf_counter() - self._start) * 1e3}
