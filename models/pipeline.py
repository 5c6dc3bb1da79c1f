"""The few functions that the rest of the house calls: measure a picture, compare templates.

``FaceEngine.load(PackStore(cache_dir))`` once; ``engine.measure(jpeg_bytes)`` for each picture;
``engine.compare(measurement.templates, [reference_templates])`` for each person.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.calibrate import Calibration, load_calibration, pool_scores
from models.errors import ModelMissing, ModelsError
from models.face.align import align
from models.face.background import background_hash
from models.face.detect import Detector, Face
from models.face.embed import Embedder, OnnxEmbedder, cosine
from models.face.eyes import eyes_open
from models.face.landmarks import FaceMesh
from models.face.pad import NOT_ASSESSED, PassivePad, passive_pad
from models.face.quality import QualityMeasure, Subject, assess, assess_without_face, guidance_codes
from models.liveness.advice import advice
from models.liveness.assess import assess as assess_liveness
from models.liveness.fusion import Fusion, load_fusion
from models.liveness.plan import Plan
from models.liveness.readings import Observer, Readings, best_frames, observe, spread_frames, worst_quality
from models.liveness.screen import grid_peak
from models.liveness.source import CaptureSource, check_source
from models.liveness.video_hash import hash_frames
from models.media.image import EVALUATION_LIMITS, ImageInfo, ImageLimits, Pixels, decode
from models.media.video import VideoLimits, VideoReader
from models.results import Comparison, Measurement, Templates, Watched
from models.states import State
from models.weights.packs import PackStore
from models.weights.runtime import Network, load_network

# A face whose eyes are closer than this in the reduced picture would be enlarged for the embedders, which want 35 px
# between the eyes. Then the picture is decoded again at a larger scale: a second decoding, only for far faces.
RELOOK_BELOW = 40.0

# Evaluation only: research pictures smaller than this are enlarged to it and given a border, as YuNet wants some
# surroundings and a hundred pixels of face.
SMALL_SIDE = 256

PROBES = 3
"""Frames of a video that are compared with the references."""
CONTINUITY_FRAMES = 6
"""Frames, spread over a video, in which the person must be the same."""


class FaceEngine:
    """Loaded models. Safe to use from several threads at once; holds no state of any picture.

    Make one with :meth:`load`.
    """

    __slots__ = (
        "_calibration",
        "_detector",
        "_embedders",
        "_eyes",
        "_fusion",
        "_meshes",
        "_pad",
        "_store",
        "missing",
        "models",
    )

    def __init__(
        self,
        *,
        detector: Detector,
        embedders: Sequence[Embedder],
        pad: Network | None,
        eyes: Network | None,
        calibration: Calibration,
        fusion: Fusion,
        store: PackStore,
        missing: Sequence[str] = (),
    ) -> None:
        self._detector = detector
        self._embedders = tuple(embedders)
        self._pad = pad
        self._eyes = eyes
        self._calibration = calibration
        self._fusion = fusion
        self._store = store
        self._meshes = threading.local()  # landmarks are for one thread at a time: each loads its own, when it needs it
        self.missing: tuple[str, ...] = tuple(missing)
        networks = [detector.network, *(network for network in (pad, eyes) if network is not None)]
        hashes = {network.name: network.sha256 for network in networks}
        self.models: Mapping[str, str] = hashes | {embedder.name: embedder.sha256 for embedder in self._embedders}

    @classmethod
    def load(cls, store: PackStore, *, threads: int = 1) -> FaceEngine:
        """Load the models of a store.

        A missing or corrupt second embedder, PAD or eye model is named in ``missing``; what needs it is *not assessed*.

        Args:
            store: where the models lie.
            threads: threads of one model run.

        Raises:
            ModelMissing: there is no detector, or not one embedder.
            ModelCorrupt: the detector has a wrong hash or cannot be read.
        """
        missing: list[str] = []
        detector = Detector(load_network(store, _only(store, "detector"), threads=threads))
        embedders: list[Embedder] = []
        for spec in store.specs("embedder"):
            if spec.optional:
                continue
            network = _load_or_note(store, spec.name, threads, missing)
            if network is not None:
                # SFace subtracts and scales inside its graph; its manifest entry says "0-255".
                embedders.append(OnnxEmbedder(network, scaled="127.5" in spec.input))
        if not embedders:
            raise ModelMissing(f"Not one face embedder could be loaded: {', '.join(missing)}")
        return cls(
            detector=detector,
            embedders=embedders,
            pad=_load_or_note(store, _only(store, "pad"), threads, missing),
            eyes=_load_or_note(store, _only(store, "eyes"), threads, missing),
            calibration=load_calibration(),
            fusion=load_fusion(),
            store=store,
            missing=missing,
        )

    @property
    def calibration(self) -> Calibration:
        """The calibration that :meth:`compare` uses."""
        return self._calibration

    def measure(self, data: bytes, *, evaluation: bool = False) -> Measurement:
        """Measure one picture.

        Args:
            data: the file's bytes.
            evaluation: accept PGM and tiny research pictures, which are enlarged; never for uploads.

        Raises:
            ImageRefused: the bytes cannot be used as a picture.
        """
        clock = _Clock()
        limits = EVALUATION_LIMITS if evaluation else ImageLimits()
        pixels, info = decode(data, limits)
        if evaluation:
            pixels = enlarge_small(pixels)
        clock.lap("decode")
        faces = self._detector.detect(pixels)
        clock.lap("detect")
        if faces and info.scale > 1 and faces[0].inter_eye < RELOOK_BELOW:
            pixels, info, faces = self._look_closer(data, limits, info, faces)
            clock.lap("relook")
        if not faces:
            measures = assess_without_face(pixels)
            return self._measurement(info, faces, measures, {}, NOT_ASSESSED, clock)
        aligned = align(pixels, faces[0].points)
        clock.lap("align")
        eyes = None if self._eyes is None else eyes_open(self._eyes, aligned)
        clock.lap("eyes")
        measures = assess(Subject(pixels, info.scale, faces, aligned, eyes))
        clock.lap("quality")
        pad = NOT_ASSESSED if self._pad is None else passive_pad(self._pad, pixels, faces[0])
        clock.lap("pad")
        templates: dict[str, NDArray[np.float32]] = {}
        if not any(measure.blocking for measure in measures):
            for embedder in self._embedders:
                templates[embedder.name] = embedder.embed(aligned[None])[0]
                clock.lap(embedder.name)
        found = self._measurement(info, faces, measures, templates, pad, clock)
        return replace(found, background=background_hash(pixels, faces[0]))

    @property
    def fusion(self) -> Fusion:
        """The parameters that :meth:`watch` judges liveness with."""
        return self._fusion

    def observe(self, data: bytes, limits: VideoLimits | None = None) -> Readings:
        """Read all frames of a video, for the liveness checks.

        Raises:
            VideoRefused: the bytes cannot be used as a video.
            ModelMissing, ModelCorrupt: the landmark model.
        """
        return self._observe(VideoReader(data, limits))

    def texture(self, data: bytes) -> tuple[float | None, float | None]:
        """Passive PAD ("live", 0 to 1) and screen grid of the main face of one picture; None where it cannot be told.

        Raises:
            ImageRefused: the bytes cannot be used as a picture.
        """
        pixels, _ = decode(data, ImageLimits())
        faces = self._detector.detect(pixels)
        if not faces or self._pad is None:
            return None, None
        return passive_pad(self._pad, pixels, faces[0]).live, grid_peak(pixels, faces[0])

    def watch(self, data: bytes, plan: Plan | None = None, source: CaptureSource | None = None) -> Watched:
        """Judge whether a video shows a living person, and make templates of its best frames.

        Args:
            data: the file's bytes.
            plan: what the person was asked to do; None when nothing.
            source: what is known of where the frames come from.

        Raises:
            VideoRefused: the bytes cannot be used as a video.
            ModelMissing, ModelCorrupt: the landmark model.
        """
        clock = _Clock()
        reader = VideoReader(data)
        readings = self._observe(reader)
        clock.lap("observe")
        spread = spread_frames(readings, CONTINUITY_FRAMES)
        # The last embedder is the fastest; continuity needs no calibrated score.
        vectors = [self._embedders[-1].embed(aligned[None])[0] for aligned in spread]
        clock.lap("continuity")
        info = reader.info
        checked = check_source(source, info.width, info.height)
        report = assess_liveness(readings, vectors, plan, self._fusion, source=checked)
        clock.lap("checks")
        best = best_frames(readings, PROBES)
        probes = tuple(
            {embedder.name: embedder.embed(detail.aligned[None])[0] for embedder in self._embedders}
            for detail in best
            if detail.aligned is not None
        )
        clock.lap("embed")
        measurement = self._measurement(
            ImageInfo(info.codec.upper(), info.width, info.height, 1, 1),
            tuple(best[0].faces or ()) if best else (),
            best[0].quality if best else worst_quality(readings),
            probes[0] if probes else {},
            NOT_ASSESSED,
            clock,
        )
        guidance = dict.fromkeys((*(() if probes else measurement.guidance), *advice(report)))
        return Watched(
            replace(measurement, guidance=tuple(guidance)),
            probes,
            report,
            {"liveness": self._fusion.text},
            hash_frames(readings.glances),
        )

    def compare_many(self, probes: Sequence[Templates], references: Sequence[Templates]) -> Comparison:
        """Compare several probes of one capture with the references of one person.

        The scores of each embedder are averaged over the probes: one frame with a strange look decides nothing.
        """
        found = [self.compare(probe, references) for probe in probes]
        if not found:
            return Comparison({}, None, None, 0, State.NOT_ASSESSED)
        names = set.intersection(*(set(comparison.scores) for comparison in found))
        scores = {name: float(np.mean([comparison.scores[name] for comparison in found])) for name in sorted(names)}
        return self._judge(scores, found[0].references)

    def compare(self, probe: Templates, references: Sequence[Templates]) -> Comparison:
        """Compare a probe with the references of one person.

        Templates of embedders that are not loaded, or whose weights are not those of the calibration, are left out.
        """
        usable = [
            embedder.name
            for embedder in self._embedders
            if embedder.name in probe and self._calibration.models.get(embedder.name) == embedder.sha256
        ]
        scores: dict[str, float] = {}
        for name in usable:
            found = [cosine(probe[name], reference[name]) for reference in references if name in reference]
            if found:
                scores[name] = pool_scores(found)
        return self._judge(scores, sum(1 for reference in references if reference.keys() & probe.keys()))

    def _observe(self, reader: VideoReader) -> Readings:
        mesh: FaceMesh | None = getattr(self._meshes, "mesh", None)
        if mesh is None:
            mesh = self._meshes.mesh = FaceMesh.load(self._store)
        observer = Observer(mesh=mesh, detector=self._detector, pad=self._pad)
        return observe(observer, ((frame.time_s, frame.pixels) for frame in reader))

    def _judge(self, scores: dict[str, float], shared: int) -> Comparison:
        calibrated = self._calibration.log10_lr(scores)
        fit = self._calibration.fit_for(tuple(scores))
        if calibrated.llr is None or fit is None:
            return Comparison(scores, None, None, shared, State.NOT_ASSESSED)
        state = State.PASS if calibrated.llr >= fit.threshold else State.FAIL
        return Comparison(scores, calibrated.llr, calibrated.calibration_id, shared, state)

    def _look_closer(
        self, data: bytes, limits: ImageLimits, info: ImageInfo, faces: tuple[Face, ...]
    ) -> tuple[Pixels, ImageInfo, tuple[Face, ...]]:
        """Decode again, just large enough that the face need not be enlarged; carry the faces over."""
        wanted = max(1, int(info.scale * faces[0].inter_eye / RELOOK_BELOW))
        pixels, closer = decode(data, limits, max_scale=wanted)
        factor = info.scale / closer.scale
        main, *others = (_scaled(face, factor) for face in faces)
        return pixels, closer, (self._detector.refine(pixels, main), *others)

    def _measurement(
        self,
        info: ImageInfo,
        faces: tuple[Face, ...],
        measures: tuple[QualityMeasure, ...],
        templates: Templates,
        pad: PassivePad,
        clock: _Clock,
    ) -> Measurement:
        return Measurement(
            image=info,
            faces=len(faces),
            acquired=State.PASS if templates else State.FAIL,
            quality=measures,
            guidance=guidance_codes(measures),
            templates=templates,
            pad=pad,
            timings_ms=clock.read(),
            models=self.models,
        )


def enlarge_small(pixels: Pixels) -> Pixels:
    """Enlarge a tiny picture and give it a border, else return it as it is. For evaluation on research data only."""
    long_side = max(pixels.shape[:2])
    if long_side >= SMALL_SIDE:
        return pixels
    factor = SMALL_SIDE / long_side
    large = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    border = SMALL_SIDE // 5
    return cv2.copyMakeBorder(large, border, border, border, border, cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)


class _Clock:
    """Milliseconds between laps."""

    __slots__ = ("_laps", "_last", "_start")

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._laps[stage] = (now - self._last) * 1e3
        self._last = now

    def read(self) -> dict[str, float]:
        return self._laps | {"total": (time.perf_counter() - self._start) * 1e3}


def _scaled(face: Face, factor: float) -> Face:
    left, top, width, height = face.box
    box = (left * factor, top * factor, width * factor, height * factor)
    return Face(box, (face.points * np.float32(factor)).astype(np.float32), face.score)


def _only(store: PackStore, role: str) -> str:
    """Name of the model of a role; a pack that adds another one of the role takes its place."""
    specs = [spec for spec in store.specs(role) if not spec.optional]
    if not specs:
        raise ModelMissing(f"No manifest names a model for the role {role!r}")
    return specs[-1].name


def _load_or_note(store: PackStore, name: str, threads: int, missing: list[str]) -> Network | None:
    try:
        return load_network(store, name, threads=threads)
    except ModelsError:
        missing.append(name)
        return None
