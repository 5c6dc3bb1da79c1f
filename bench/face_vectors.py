"""Embed the collected faces (``bench.face_samples``) with any network, once, for measurements of matching."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.face_samples import Sample, load
from models.calibrate import Fit

Vectors = NDArray[np.float32]
Embed = Callable[[NDArray[np.uint8]], Vectors]
"""Aligned faces, uint8 [n,112,112,3] BGR, to vectors of any length."""
Parts = dict[str, tuple[list[Sample], dict[str, Vectors]]]

PARTS = ("portraits", "pictures", "films")
MIRRORED = "+mirror"


def vectors(folder: Path, part: str, name: str, embed: Embed, *, mirrored: bool = False) -> Vectors:
    """Return unit vectors of one part; they are stored beside the faces under the name of the network.

    Args:
        folder: where ``bench.face_samples`` wrote.
        part: portraits, pictures or films.
        name: of the network and its weights, such as ``sface-471f8f70``.
        embed: the network.
        mirrored: add the vector of the mirror image and scale the sum to length 1.
    """
    face, mirror = _stored(folder, part, name, embed, mirror=False), None
    if mirrored:
        mirror = _stored(folder, part, name, embed, mirror=True)
    return unit(face if mirror is None else face + mirror)


def _stored(folder: Path, part: str, name: str, embed: Embed, *, mirror: bool) -> Vectors:
    path = folder / f"{part}-{name}{MIRRORED if mirror else ''}.npy"
    if not path.exists():
        faces = load(folder, part)[1]
        np.save(path, unit(embed(np.ascontiguousarray(faces[:, :, ::-1]) if mirror else faces)))
    return np.asarray(np.load(path), np.float32)


def unit(values: NDArray[np.float32]) -> Vectors:
    """Scale each row to length 1."""
    length = np.linalg.norm(values, axis=-1, keepdims=True)
    return np.asarray(values / np.maximum(length, 1e-12), np.float32)


def joined(found: Mapping[str, Vectors], fit: Fit) -> Vectors:
    """Return vectors whose scalar products are the weighted sum of the cosines of a fit."""
    return np.concatenate([np.sqrt(weight) * found[name] for name, weight in sorted(fit.weights.items())], axis=-1)


def ratios(probes: Vectors, references: Vectors, fit: Fit) -> NDArray[np.float64]:
    """Return log10 likelihood ratios of all probes with all references, not clipped."""
    sums = probes.astype(np.float64) @ references.astype(np.float64).T
    return np.asarray((fit.intercept + sums) / np.log(10), np.float64)
