"""Analyse a session's media with the face models, in the terms of the domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from certify.capture.media import is_series, unpack
from certify.domain.asked import asked_plan, challenge_of
from certify.domain.evidence import Check
from certify.domain.states import Challenge, FaceZone
from certify.people.references import SEVERAL_FACES
from certify.people.templates import measure
from models.errors import VideoRefused
from models.face.near_copy import FacePrint
from models.guidance import SENTENCES
from models.liveness.camera_report import CameraReport
from models.liveness.movement import Movement
from models.liveness.plan import Plan
from models.liveness.source import CaptureSource
from models.liveness.video_hash import VideoHash
from models.media.image import Pixels
from models.media.kinds import is_film

if TYPE_CHECKING:  # the HTTP process never loads the face models; only workers do
    from models.face.matcher import Comparison, Templates
    from models.liveness.fusion import LivenessReport
    from models.pipeline import FaceEngine
    from models.results import Measurement


@dataclass(frozen=True, slots=True)
class Analysis:
    """The results of the face models for the media of a session.

    Attributes:
        measurement: of the photo, or of the best frame of a video; None when nothing could be measured.
        refusal: guidance code that says why nothing could be measured.
        probes: templates of the faces that were good enough to be compared.
        liveness: pass, fail or not assessed; a photo never passes.
        guidance: codes that tell the person what to do better.
        video_hash: the perceptual hash of a video; None for photos.
        report: what each liveness check of a video found.
        parameters: documents of the fitted numbers with which the checks judged, by kind.
        passive: probability, 0 to 1, of a living face by its texture alone: the mean over a video, the lowest of
            several photos.
        eyes: fail if the eyes were closed; not assessed in the dark and without the model.
        background: for each photo, a hash of what surrounds the person (models/face/background.py).
        faces: the aligned faces of the photos, or of the best frames of a video, by which a copy is recognised.
        movement: the movement of the face in a video; None for photos.
        challenge: how much of its plan a video answered.
        best: for a video, the numbers of the frames that the probes come from, best first.
        aligned: the aligned faces of the probes in colour, for foreign templates (models/face/foreign.py).
    """

    measurement: Measurement | None
    refusal: str = ""
    probes: tuple[Templates, ...] = ()
    liveness: Check = Check.NOT_ASSESSED
    guidance: tuple[str, ...] = ()
    video_hash: VideoHash | None = None
    report: dict[str, Any] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    passive: float | None = None
    eyes: Check = Check.NOT_ASSESSED
    background: tuple[int, ...] = ()
    faces: tuple[FacePrint, ...] = ()
    movement: Movement | None = None
    challenge: Challenge = Challenge.NONE
    best: tuple[int, ...] = ()
    aligned: tuple[Pixels, ...] = ()


def analyse(
    engine: FaceEngine, data: bytes, plan: Mapping[str, Any] | None, source: Mapping[str, Any] | None
) -> Analysis:
    """Analyse the media of a session: a photo, several photos or a video.

    Args:
        engine: the face models.
        data: the media, in clear.
        plan: what was asked, as stored with the session.
        source: where the media came from, as stored with the session.

    Returns:
        The analysis. For media that cannot be used, it has no measurement, and the code of the refusal as guidance.
    """
    if is_series(data):
        return _analyse_series(engine, unpack(data))
    return _analyse_video(engine, data, plan, source) if is_film(data) else _analyse_photo(engine, data)


def _analyse_photo(engine: FaceEngine, data: bytes) -> Analysis:
    measurement, refusal = measure(engine, data)
    if measurement is None:
        return Analysis(None, refusal, guidance=(refusal,))
    # A single image can look like a picture of a picture, but it can never show life: it cannot pass.
    liveness = Check.FAIL if measurement.pad.state.value == Check.FAIL else Check.NOT_ASSESSED
    probes = (measurement.templates,) if measurement.templates else ()
    background = () if measurement.background is None else (measurement.background,)
    return Analysis(
        measurement,
        probes=probes,
        liveness=liveness,
        guidance=_advice(measurement),
        passive=measurement.pad.live,
        eyes=_eyes(measurement),
        background=background,
        faces=() if measurement.face is None else (measurement.face,),
        aligned=() if measurement.aligned is None else (measurement.aligned,),
    )


def _advice(measurement: Measurement) -> tuple[str, ...]:
    """Return the advice of a measurement; of a second person it tells, since the wrong one may be measured."""
    told = measurement.guidance
    return (*told, SEVERAL_FACES) if measurement.shows_another and SEVERAL_FACES not in told else told


def _analyse_series(engine: FaceEngine, photos: Sequence[bytes]) -> Analysis:
    """Analyse photos of one moment: all are compared together; if most look like pictures of pictures, they fail."""
    analyses = [_analyse_photo(engine, photo) for photo in photos]
    usable = [one for one in analyses if one.probes]
    if not usable:
        return next((one for one in analyses if one.measurement is not None), analyses[0])
    failed = sum(one.liveness is Check.FAIL for one in usable)
    live = [one.passive for one in usable if one.passive is not None]
    return Analysis(
        usable[0].measurement,
        probes=tuple(probe for one in usable for probe in one.probes),
        liveness=Check.FAIL if 2 * failed > len(usable) else Check.NOT_ASSESSED,
        guidance=(),
        passive=min(live, default=None),
        # Anyone blinks in one of several photos.
        eyes=next(
            (state for state in (Check.PASS, Check.FAIL) if state in {one.eyes for one in usable}), usable[0].eyes
        ),
        background=tuple(value for one in analyses for value in one.background),
        faces=tuple(face for one in analyses for face in one.faces),
        aligned=tuple(face for one in usable for face in one.aligned),
    )


def _analyse_video(
    engine: FaceEngine, data: bytes, plan: Mapping[str, Any] | None, source: Mapping[str, Any] | None
) -> Analysis:
    try:
        asked = asked_plan(plan, source)
        watched = engine.watch(data, _shown(asked, source or {}), source_from(source or {}))
    except VideoRefused as refused:
        return Analysis(None, refused.code, guidance=(refused.code,))
    # All reasons go into the report. Those that have a sentence also tell the person what to do better.
    better = [code for code in watched.liveness.reasons if code in SENTENCES]
    return Analysis(
        watched.measurement,
        probes=watched.probes,
        liveness=Check(watched.liveness.state.value),
        guidance=tuple(dict.fromkeys([*_advice(watched.measurement), *better])),
        video_hash=watched.video_hash,
        report=watched.liveness.to_json(),
        parameters=watched.parameters,
        passive=_probability(watched.liveness.measures.get("passive")),
        eyes=_eyes(watched.measurement),
        faces=watched.prints,
        movement=watched.movement,
        challenge=challenge_of(
            asked,
            followed=_passed(watched.liveness, "prompts"),
            lit=_passed(watched.liveness, "light"),
            unclear=watched.liveness.only_light_unclear,
            because=(plan or {}).get("because", ()),
        ),
        best=watched.best,
        aligned=watched.aligned,
    )


def _shown(asked: Mapping[str, Any] | None, source: Mapping[str, Any]) -> Plan | None:
    """Return the plan with the moments at which a live capture really showed it."""
    if not asked:
        return None
    plan = Plan.from_json(dict(asked))
    moments = source.get("shown_ms") or ()
    if len(moments) != len(plan.steps):
        return plan
    return plan.shown([(_seconds(shown), _seconds(back)) for shown, back in moments])


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _passed(report: LivenessReport, name: str) -> bool:
    return any(check.name == name and check.state.value == Check.PASS for check in report.checks)


def _eyes(measurement: Measurement) -> Check:
    return next((Check(one.state.value) for one in measurement.quality if one.name == "eyes_open"), Check.NOT_ASSESSED)


def _probability(log_odds: float | None) -> float | None:
    """Undo the log10 odds that the liveness measures take (models/liveness/measures.py)."""
    return None if log_odds is None else 1 / (1 + 10**-log_odds)


def compare(
    engine: FaceEngine, probes: Sequence[Templates], references: Sequence[Templates], *, by_scores: bool = False
) -> Comparison | None:
    """Compare the probes of one capture with the references of a person.

    Args:
        engine: the face models.
        probes: templates of the capture, or of two captures that are pooled.
        references: one for each sitting (``certify.people.sittings``).
        by_scores: average scores instead of templates, to replay a comparison of an earlier release.

    Returns:
        The comparison, or None when there is nothing to compare.
    """
    if not probes or not references:
        return None
    return engine.compare_many(probes, references, by_scores=by_scores)


def in_zone(comparison: Comparison | None, zone: FaceZone) -> bool:
    """Tell whether a comparison was made and lies in a zone."""
    return comparison is not None and comparison.zone is not None and comparison.zone.value == zone


def source_from(source: Mapping[str, Any]) -> CaptureSource:
    """Return what the phone said about the source of the frames, as the models take it.

    Args:
        source: as stored with the session.
    """
    camera = source.get("camera")
    return CaptureSource(
        None if camera is None else CameraReport.from_json(camera),
        tuple((taken, arrived) for taken, arrived in source.get("times_ms", ())),
        tuple((camera or {}).get("can") or ()),
        tuple(tuple(sample) for sample in source.get("motion") or ()),
    )
