"""What the face side sees in the media of a session, in the words of the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from certify.capture.media import is_series, is_video, unpack
from certify.domain.evidence import Check
from certify.people.references import measure
from models.errors import VideoRefused
from models.guidance import SENTENCES
from models.liveness.plan import Plan
from models.liveness.source import CaptureSource
from models.liveness.video_hash import VideoHash

if TYPE_CHECKING:  # the HTTP process never loads the face models; only workers do
    from models.pipeline import FaceEngine
    from models.results import (
        Comparison,
        Measurement,
        Templates,
    )


@dataclass(frozen=True, slots=True)
class Look:
    """What the face side saw in the media of a session.

    ``refusal`` is why nothing could be measured. ``probes`` are templates of what was good enough to be compared.
    ``video_hash`` is the perceptual hash of a video. ``report`` says what the liveness checks of a video found,
    ``parameters`` with which numbers they judged. ``passive`` is the lowest probability of a living face by its texture
    alone, ``background`` a hash of what stands around the person for each photo (models/face/background.py).
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
    background: tuple[int, ...] = ()


def look(engine: FaceEngine, data: bytes, plan: Mapping[str, Any] | None, source: Mapping[str, Any] | None) -> Look:
    """Look at the media of a session; what cannot be used at all gives the code of the refusal, as guidance.

    ``plan`` and ``source`` are as stored with the session: what was asked, and where the media came from.
    """
    if is_series(data):
        return _look_at_series(engine, unpack(data))
    return _watch(engine, data, plan, source) if is_video(data) else _look_at_photo(engine, data)


def _look_at_photo(engine: FaceEngine, data: bytes) -> Look:
    measurement, refusal = measure(engine, data)
    if measurement is None:
        return Look(None, refusal, guidance=(refusal,))
    # One still image can look like a picture of a picture, but can never show life: pass is not on offer here.
    liveness = Check.FAIL if measurement.pad.state.value == Check.FAIL else Check.NOT_ASSESSED
    probes = (measurement.templates,) if measurement.templates else ()
    background = () if measurement.background is None else (measurement.background,)
    return Look(
        measurement,
        probes=probes,
        liveness=liveness,
        guidance=measurement.guidance,
        passive=measurement.pad.live,
        background=background,
    )


def _look_at_series(engine: FaceEngine, photos: Sequence[bytes]) -> Look:
    """Look at several photos of one moment: compared together, and a picture of a picture if most of them look so."""
    seen = [_look_at_photo(engine, photo) for photo in photos]
    usable = [one for one in seen if one.probes]
    if not usable:
        return next((one for one in seen if one.measurement is not None), seen[0])
    failed = sum(one.liveness is Check.FAIL for one in usable)
    live = [one.passive for one in usable if one.passive is not None]
    return Look(
        usable[0].measurement,
        probes=tuple(probe for one in usable for probe in one.probes),
        liveness=Check.FAIL if 2 * failed > len(usable) else Check.NOT_ASSESSED,
        guidance=(),
        passive=min(live, default=None),
        background=tuple(value for one in seen for value in one.background),
    )


def _watch(engine: FaceEngine, data: bytes, plan: Mapping[str, Any] | None, source: Mapping[str, Any] | None) -> Look:
    try:
        watched = engine.watch(data, Plan.from_json(dict(plan)) if plan else None, _source_from(source or {}))
    except VideoRefused as refused:
        return Look(None, refused.code, guidance=(refused.code,))
    # Reasons are for the report; those with a sentence also tell the person what to do better.
    better = [code for code in watched.liveness.reasons if code in SENTENCES]
    return Look(
        watched.measurement,
        probes=watched.probes,
        liveness=Check(watched.liveness.state.value),
        guidance=tuple(dict.fromkeys([*watched.measurement.guidance, *better])),
        video_hash=watched.video_hash,
        report=watched.liveness.to_json(),
        parameters=watched.parameters,
        passive=_probability(watched.liveness.measures.get("passive")),
    )


def _probability(log_odds: float | None) -> float | None:
    """Undo the logarithm that the liveness measures take (models/liveness/measures.py)."""
    return None if log_odds is None else 1 / (1 + 10**-log_odds)


def compare(engine: FaceEngine, seen: Look, references: Mapping[UUID, Mapping[str, Any]]) -> Comparison | None:
    """Compare what was seen with the references; None when there is nothing to compare."""
    if not seen.probes or not references:
        return None
    if len(seen.probes) == 1:
        return engine.compare(seen.probes[0], list(references.values()))
    return engine.compare_many(seen.probes, list(references.values()))


def _source_from(source: Mapping[str, Any]) -> CaptureSource:
    camera = source.get("camera") or {}
    return CaptureSource(
        camera.get("label"),
        camera.get("width"),
        camera.get("height"),
        tuple((taken, arrived) for taken, arrived in source.get("times_ms", ())),
    )
