"""Read a whole film once: everything that its verdict and its evaluation are made of, without its pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from models.face.embed import Embedder
from models.liveness.continuity import SeenFace
from models.liveness.readings import Detail, Observer, Readings, observe
from models.media.decoders import Film
from models.media.image import Pixels

FRAMES = 24
"""Most frames that are embedded: all that the detector examined (two a second) up to 12 s, spread over a longer
capture. With every second of them, 141 instead of 149 of 150 living films pass. A frame costs 8 to 12 ms on a busy
machine (``bench.continuity``), so a film of 10 s costs 0.2 s."""

Each = Callable[[float, Pixels], None]
"""Called with the time in seconds and the picture of every frame, for those who keep some of them."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was read from one film.

    Attributes:
        codec: name of the codec.
        width: pixels of the film as it was sent.
        height: likewise.
        readings: the readings of all frames.
        faces: what one embedder made of frames spread over the film.
    """

    codec: str
    width: int
    height: int
    readings: Readings
    faces: tuple[SeenFace, ...]


def examine(film: Film, observer: Observer, embedder: Embedder, each: Each | None = None) -> Examined:
    """Read a film to its end.

    Args:
        film: the opened film.
        observer: a new one.
        embedder: makes the vectors of the continuity check, which need no calibration: the fastest is enough.
        each: called with every frame.
    """
    readings = observe(observer, _shown(film, each))
    info = film.info
    return Examined(info.codec, info.width, info.height, readings, embed_faces(readings, embedder))


def embed_faces(readings: Readings, embedder: Embedder) -> tuple[SeenFace, ...]:
    """Embed the frames in which the person must be the same."""
    return tuple(
        SeenFace(embedder.embed(detail.aligned[None])[0], detail.mesh.pose.yaw, detail.mesh.pose.pitch)
        for detail in frames_to_embed(readings)
        if detail.aligned is not None and detail.mesh is not None
    )


def frames_to_embed(readings: Readings, most: int = FRAMES) -> tuple[Detail, ...]:
    """Return the frames with an aligned face, spread evenly, also bad ones: the person may change in a bad picture."""
    usable = [detail for detail in readings.details if detail.aligned is not None and detail.mesh is not None]
    if len(usable) <= most:
        return tuple(usable)
    return tuple(usable[index] for index in np.linspace(0, len(usable) - 1, most).round().astype(int))


def _shown(film: Film, each: Each | None) -> Iterator[tuple[float, Pixels]]:
    for frame in film:
        if each is not None:
            each(frame.time_s, frame.pixels)
        yield frame.time_s, frame.pixels
