"""Guide live captures: frames in, advice out, in a few milliseconds each.

Only the detector and the landmark model are loaded. Call ``Guides.load(store)`` once for each thread,
``guides.start(takes)`` for each capture, and ``guide.see(jpeg, time_s)`` for each frame.
"""

from __future__ import annotations

from collections.abc import Sequence

from models.face.align import align
from models.face.detect import Detector
from models.face.landmarks import FaceMesh
from models.face.quality import QualityMeasure, Subject, assess, assess_without_face
from models.live.coach import Advice, Coach, Phase
from models.liveness.plan import Plan
from models.liveness.readings import Detail
from models.media.image import decode, halve
from models.media.video_frames import FRAME_LIMITS
from models.weights.packs import PackStore
from models.weights.runtime import load_network

MAX_SIDE = 640
"""Longer side of analysed frames in pixels, as in models.media.video."""

_DETECT_EVERY = {Phase.PLACING: 3, Phase.RECORDING: 6, Phase.DONE: 6}
"""The detector and the quality measures run on every n-th frame. While the person places the phone, advice on light and
distance must be current; later the detector only looks for a second face."""


class Guides:
    """The loaded networks, for one thread.

    Args:
        detector: finds faces.
        mesh: finds landmarks.
    """

    def __init__(self, detector: Detector, mesh: FaceMesh) -> None:
        self._detector = detector
        self._mesh = mesh

    @classmethod
    def load(cls, store: PackStore) -> Guides:
        """Load the detector and the landmark model.

        Raises:
            ModelMissing: one of the two is missing (``model_missing``).
            ModelCorrupt: one of the two is corrupt (``model_corrupt``).
        """
        name = next(spec.name for spec in reversed(list(store.specs("detector"))) if not spec.optional)
        return cls(Detector(load_network(store, name)), FaceMesh.load(store))

    def start(self, takes: Sequence[Plan]) -> Guide:
        """Start to guide a capture.

        Args:
            takes: what the person is asked in each take.
        """
        return Guide(self._detector, self._mesh, takes)


class Guide:
    """Guides one capture."""

    def __init__(self, detector: Detector, mesh: FaceMesh, takes: Sequence[Plan]) -> None:
        self._detector = detector
        self._tracker = mesh.tracker()
        self._coach = Coach(takes)
        self._phase = Phase.PLACING
        self._quality: tuple[QualityMeasure, ...] = ()
        self._frames = 0

    def see(self, jpeg: bytes, time_s: float) -> Advice:
        """Process a frame and return what to show after it.

        Args:
            jpeg: the file.
            time_s: when it was taken, in seconds of the camera's clock; must increase.

        Raises:
            ImageRefused: it is not a usable JPEG; its code is one of :mod:`models.media.image`.
        """
        pixels, _ = decode(jpeg, FRAME_LIMITS)
        pixels, _ = halve(pixels, max(pixels.shape) // MAX_SIDE)
        asked = self._tracker.lost or self._frames % _DETECT_EVERY[self._phase] == 0
        self._frames += 1
        faces = self._detector.detect(pixels) if asked else None
        if faces is not None:
            self._quality = (
                assess(Subject(pixels, 1, faces, align(pixels, faces[0].points), None))
                if faces
                else assess_without_face(pixels)
            )
        mesh = self._tracker.step(pixels, faces)
        if mesh is None and faces is None:
            faces = self._detector.detect(pixels)  # the track was lost in this frame
            mesh = self._tracker.step(pixels, faces)
        advice = self._coach.see(Detail(self._frames - 1, time_s, faces, mesh, None, None), self._quality)
        self._phase = advice.phase
        return advice
