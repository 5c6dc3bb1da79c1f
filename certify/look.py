"""What the face side sees in the media of a session, in the words of the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from certify.domain.evidence import Check
from certify.enrol import measure
from certify.media_kind import is_video
from models.errors import VideoRefused
from models.guidance import SENTENCES
from models.liveness.plan import Plan
from models.liveness.prints import Prints
from models.liveness.source import CaptureSource

if TYPE_CHECKING:  # the HTTP process never loads the face models; only workers do
    from models.pipeline import Comparison, FaceEngine, Measurement, Templates


@dataclass(frozen=True, slots=True)
class Look:
    """What the face side saw in the media of a session.

    ``refusal`` is why nothing could be measured. ``probes`` are templates of what was good enough to be compared.
    ``prints`` are the fingerprints of a video's frames. ``report`` says what the liveness checks of a video found,
    ``parameters`` with which numbers they judged.
    """

    measurement: Measurement | None
    refusal: str = ""
    probes: tuple[Templates, ...] = ()
    liveness: Check = Check.NOT_ASSESSED
    guidance: tuple[str, ...] = ()
    prints: Prints | None = None
    report: dict[str, Any] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)


def look(engine: FaceEngine, data: bytes, plan: Mapping[str, Any] | None, source: Mapping[str, Any] | None) -> Look:
    """Look at the media of a session; what cannot be used at all gives the code of the refusal, as guidance.

    ``plan`` and ``source`` are as stored with the session: what was asked, and where the media came from.
    """
    return _watch(engine, data, plan, source) if is_video(data) else _look_at_photo(engine, data)


def _look_at_photo(engine: FaceEngine, data: bytes) -> Look:
    measurement, refusal = measure(engine, data)
    if measurement is None:
        return Look(None, refusal, guidance=(refusal,))
    # One still image can look like a picture of a picture, but can never show life: pass is not on offer here.
    liveness = Check.FAIL if measurement.pad.state.value == Check.FAIL else Check.NOT_ASSESSED
    probes = (measurement.templates,) if measurement.templates else ()
    return Look(measurement, probes=probes, liveness=liveness, guidance=measurement.guidance)


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
        prints=watched.prints,
        report=watched.liveness.to_json(),
        parameters=watched.parameters,
    )


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
