"""Run one photo or video through all face models: the entry point for the rest of the service.

Call ``FaceEngine.load(PackStore(cache_dir))`` once, ``engine.measure(jpeg_bytes)`` for each picture,
``engine.watch(video_bytes, plan)`` for each video, and ``engine.compare(measurement.templates, [reference_templates])``
for each person.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.calibrate import Calibration, load_calibration
from models.face.align import align
from models.face.background import background_hash
from models.face.detect import Detector, Face
from models.face.embed import Embedder, mirror_templates, templates_of
from models.face.eyes import eyes_open
from models.face.foreign import ForeignFaces, LazyForeign
from models.face.landmarks import FaceMesh
from models.face.matcher import Comparison, Matcher, Templates
from models.face.near_copy import face_print
from models.face.networks import load_networks
from models.face.pad import NOT_ASSESSED, PassivePad, passive_pad
from models.face.quality import QualityMeasure, Subject, assess, assess_without_face, guidance_codes
from models.face.upright import upright
from models.liveness.advice import advice
from models.liveness.assess import assess as assess_liveness
from models.liveness.examined import Each, Examined, examine
from models.liveness.fusion import Fusion, LivenessReport, load_fusion
from models.liveness.movement import movement_of
from models.liveness.phone_checks import check_phone
from models.liveness.plan import Plan
from models.liveness.readings import Observer, Readings, best_frames, worst_quality
from models.liveness.screen import grid_peak
from models.liveness.source import CaptureSource
from models.liveness.video_hash import hash_frames
from models.media.decoders import Decoders, InProcess
from models.media.image import EVALUATION_LIMITS, ImageInfo, ImageLimits, Pixels, enlarge_small
from models.media.stills import stills
from models.media.video import VideoLimits
from models.results import Clock, Measurement, Watched
from models.states import State
from models.weights.packs import PackStore
from models.weights.runtime import Network

RELOOK_BELOW = 40.0
"""Pixels between the eyes below which a picture is decoded again at a larger scale: the embedders want 35."""

PROBES, PRINTS = 5, 3
"""The best frames of a video: how many are averaged and compared (docs/matching.md), how many recognise a copy."""


class FaceEngine:
    """All loaded models (:meth:`load`). Several threads may use one engine; it holds no state of any picture.

    Attributes:
        missing: names of the models that could not be loaded; what needs them is *not assessed*.
        models: sha256 of each loaded model, by name.
    """

    __slots__ = (
        "_calibration",
        "_decoders",
        "_detector",
        "_embedders",
        "_eyes",
        "_foreign",
        "_fusion",
        "_matcher",
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
        decoders: Decoders,
        missing: Sequence[str] = (),
    ) -> None:
        self._detector = detector
        self._embedders = tuple(embedders)
        self._pad = pad
        self._eyes = eyes
        self._calibration = calibration
        self._matcher = Matcher(self._embedders, calibration)
        self._fusion = fusion
        self._store = store
        self._foreign = LazyForeign(store)
        self._decoders = decoders
        self._meshes = (
            threading.local()
        )  # one landmark model serves one thread: each thread loads its own when it needs it
        self.missing: tuple[str, ...] = tuple(missing)
        networks = [detector.network, *(network for network in (pad, eyes) if network is not None)]
        hashes = {network.name: network.sha256 for network in networks}
        self.models: Mapping[str, str] = hashes | {embedder.name: embedder.sha256 for embedder in self._embedders}

    @classmethod
    def load(cls, store: PackStore, *, threads: int = 1, decoders: Decoders | None = None) -> FaceEngine:
        """Load the models of a store.

        If the second embedder, the PAD model or the eye model is missing or corrupt, ``missing`` names it and the
        measures that need it are *not assessed*.

        Args:
            store: where the models are.
            threads: threads of one model run.
            decoders: what decodes pictures and videos; None decodes in this process, which must then not hold keys.

        Raises:
            ModelMissing: the detector or every embedder is missing (``model_missing``).
            ModelCorrupt: the detector has a wrong hash or cannot be read (``model_corrupt``).
        """
        networks = load_networks(store, threads=threads)
        return cls(
            detector=networks.detector,
            embedders=networks.embedders,
            pad=networks.pad,
            eyes=networks.eyes,
            calibration=load_calibration(store.calibration),
            fusion=load_fusion(),
            store=store,
            decoders=decoders or InProcess(),
            missing=networks.missing,
        )

    @property
    def calibration(self) -> Calibration:
        """Return the calibration that :meth:`compare` uses."""
        return self._calibration

    @property
    def foreign(self) -> ForeignFaces | None:
        """Return the network of foreign templates; None if this installation does not have it."""
        return self._foreign.get()

    @property
    def continuity_embedder(self) -> Embedder:
        """Return the last embedder, the fastest: the check of continuity needs no calibrated score."""
        return self._embedders[-1]

    def measure(self, data: bytes, *, evaluation: bool = False) -> Measurement:
        """Measure one picture: find the face, assess its quality, and make templates if the quality allows it.

        Args:
            data: the file's bytes.
            evaluation: accept PGM and tiny research pictures, which are enlarged; never for uploads.

        Returns:
            The measurement. It has templates only if no quality measure blocks them.

        Raises:
            ImageRefused: the bytes cannot be used as a picture; its code is one of :mod:`models.media.image`.
        """
        clock = Clock()
        limits = EVALUATION_LIMITS if evaluation else ImageLimits()
        pixels, info = self._decoders.decode(data, limits)
        if evaluation:
            pixels = enlarge_small(pixels)
        clock.lap("decode")
        pixels, faces, turned = upright(self._detector, pixels, self._detector.detect(pixels))
        clock.lap("detect")
        if not turned and faces and info.scale > 1 and faces[0].inter_eye < RELOOK_BELOW:
            pixels, info, faces = self._decode_closer(data, limits, info, faces)
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
        measurement = self._measurement(info, faces, measures, templates, pad, clock)
        seen, kept = face_print(aligned), aligned if templates else None
        return replace(measurement, background=background_hash(pixels, faces[0]), face=seen, aligned=kept)

    @property
    def fusion(self) -> Fusion:
        """Return the parameters by which :meth:`watch` judges liveness."""
        return self._fusion

    def examine(self, data: bytes, limits: VideoLimits | None = None, *, each: Each | None = None) -> Examined:
        """Read everything from a video that :meth:`judge` needs.

        Args:
            data: the file's bytes.
            limits: what is accepted; default :class:`models.media.video.VideoLimits`.
            each: called with the time and the picture of every frame.

        Raises:
            VideoRefused: the bytes cannot be used as a video; its code is one of :mod:`models.media.video`.
            DecoderMissing: no process that decodes can be started (``decoder_missing``).
            ModelMissing: the landmark model is missing (``model_missing``).
            ModelCorrupt: the landmark model is corrupt (``model_corrupt``).
        """
        return examine(self._decoders.film(data, limits), self._observer(), self.continuity_embedder, each)

    def observe(self, data: bytes, limits: VideoLimits | None = None) -> Readings:
        """Return the readings alone of :meth:`examine`, which raises the same errors."""
        return self.examine(data, limits).readings

    def judge(
        self, examined: Examined, plan: Plan | None = None, source: CaptureSource | None = None
    ) -> LivenessReport:
        """Judge what was read from a video; the arguments are those of :meth:`watch`."""
        said, can = check_phone(source, examined), source.can if source is not None else ()
        return assess_liveness(examined.readings, examined.faces, plan, self._fusion, said=said, can=can)

    def texture(self, data: bytes) -> tuple[float | None, float | None]:
        """Measure the texture of the main face of one picture, for evaluation.

        Returns:
            The passive PAD score (0 attack to 1 bona fide) and the strength of a screen's pixel grid
            (:func:`models.liveness.screen.grid_peak`). Each is None if it cannot be measured.

        Raises:
            ImageRefused: the bytes cannot be used as a picture; its code is one of :mod:`models.media.image`.
        """
        pixels, _ = self._decoders.decode(data, ImageLimits())
        faces = self._detector.detect(pixels)
        if not faces or self._pad is None:
            return None, None
        return passive_pad(self._pad, pixels, faces[0]).live, grid_peak(pixels, faces[0])

    def watch(self, data: bytes, plan: Plan | None = None, source: CaptureSource | None = None) -> Watched:
        """Judge whether a video is a bona fide presentation, and make probes of its best frames.

        Args:
            data: the file's bytes.
            plan: what the person was asked to do; None if nothing was asked.
            source: what the phone said about the camera; None if it said nothing.

        Returns:
            The measurement, the probes and the liveness report.

        Raises:
            VideoRefused: the bytes cannot be used as a video; its code is one of :mod:`models.media.video`.
            DecoderMissing: no process that decodes can be started (``decoder_missing``).
            ModelMissing: the landmark model is missing (``model_missing``).
            ModelCorrupt: the landmark model is corrupt (``model_corrupt``).
        """
        clock = Clock()
        examined = self.examine(data)
        clock.lap("observe")
        report = self.judge(examined, plan, source)
        readings = examined.readings
        clock.lap("checks")
        best = best_frames(readings, PROBES)
        faces = tuple(detail.aligned for detail in best if detail.aligned is not None)
        probes = templates_of(self._embedders, faces)
        clock.lap("embed")
        measurement = self._measurement(
            ImageInfo(examined.codec.upper(), examined.width, examined.height, 1, 1),
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
            tuple(face_print(face) for face in faces[:PRINTS]),
            movement_of(readings.details),
            tuple(detail.index for detail in best),
            faces,
        )

    def stills(self, data: bytes, numbers: Sequence[int]) -> list[bytes]:
        """Return frames of a video as JPEG files (:func:`models.media.stills.stills`, which raises the same errors)."""
        return stills(self._decoders, data, numbers)

    def mirrors(self, faces: Sequence[Pixels]) -> tuple[Templates, ...]:
        """Return the templates of mirror images (:func:`models.face.embed.mirror_templates`)."""
        return mirror_templates(self._embedders, faces)

    def compare(self, probe: Templates, references: Sequence[Templates]) -> Comparison:
        """Compare one probe with the references of one person (:meth:`models.face.matcher.Matcher.compare`)."""
        return self._matcher.compare(probe, references)

    def compare_many(
        self, probes: Sequence[Templates], references: Sequence[Templates], *, by_scores: bool = False
    ) -> Comparison:
        """Compare several probes of one moment; ``by_scores`` is for replays of releases that averaged scores."""
        return (self._matcher.compare_scores if by_scores else self._matcher.compare_many)(probes, references)

    def _observer(self) -> Observer:
        mesh: FaceMesh | None = getattr(self._meshes, "mesh", None)
        if mesh is None:
            mesh = self._meshes.mesh = FaceMesh.load(self._store)
        return Observer(mesh=mesh, detector=self._detector, pad=self._pad)

    def _decode_closer(
        self, data: bytes, limits: ImageLimits, info: ImageInfo, faces: tuple[Face, ...]
    ) -> tuple[Pixels, ImageInfo, tuple[Face, ...]]:
        """Decode again at the smallest scale at which the face need not be enlarged; move the faces to that scale."""
        wanted = max(1, int(info.scale * faces[0].inter_eye / RELOOK_BELOW))
        pixels, closer = self._decoders.decode(data, limits, max_scale=wanted)
        main, *others = (face.scaled(info.scale / closer.scale) for face in faces)
        return pixels, closer, (self._detector.refine(pixels, main), *others)

    def _measurement(
        self,
        info: ImageInfo,
        faces: tuple[Face, ...],
        measures: tuple[QualityMeasure, ...],
        templates: Templates,
        pad: PassivePad,
        clock: Clock,
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
