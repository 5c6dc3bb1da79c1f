"""Draw the film of an animated portrait for ``certify demo``: a picture that answers every prompt of a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from certify.cli.service import pack_store
from certify.domain.error_codes import ErrorCode
from certify.errors import Unavailable
from fixtures import mesh, phone, videos
from fixtures.faces import Picture
from models.face.detect import Detector
from models.face.landmarks import FaceMesh
from models.weights.runtime import load_network

_RATE = 10
"""Frames a second. Enough to follow the movements, and drawn within seconds."""


def animated_portrait(portrait: Picture, plan: Mapping[str, Any], *, seed: int) -> bytes:
    """Draw a film in which a portrait answers the prompts of a plan, before a simulated camera.

    Args:
        portrait: the picture, BGR.
        plan: the plan, as stored with the session.
        seed: seed of the camera and the movements.

    Returns:
        A WebM file.

    Raises:
        Unavailable: no face was found in the portrait (``unavailable``).
    """
    still, store = phone.upright(portrait), pack_store()
    seen = FaceMesh.load(store).tracker().step(still, Detector(load_network(store, "yunet")).detect(still))
    if seen is None:
        raise Unavailable(
            "No face was found in the portrait.", hint="Run 'certify models check'.", code=ErrorCode.UNAVAILABLE
        )
    motion = mesh.motion_for(mesh.asked_in(plan), seed=seed)
    seconds = plan["total_ms"] / 1000 + 0.5
    frames = mesh.bona_fide(still, seen.points, motion, seed=seed, seconds=seconds, rate=_RATE)
    return videos.encode(frames, rate=_RATE, live=True)
