"""Embed aligned faces: turn each into a vector that can be compared. One interface, several networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.face.templates import Templates
from models.weights.runtime import Network

Vectors = NDArray[np.float32]
"""float32 [n, dim], each row of length 1."""


class Embedder(Protocol):
    """A network that makes templates of aligned faces. Implementations are thread-safe.

    Attributes:
        name: name in the manifest; the key of templates and comparison scores.
        sha256: hash of the weights. Vectors of different hashes must never be compared.
        dim: length of a vector.
    """

    name: str
    sha256: str
    dim: int

    def embed(self, faces: NDArray[np.uint8]) -> Vectors:
        """Embed faces, uint8 [n,112,112,3] BGR, aligned by :func:`models.face.align.align`."""
        ...


class OnnxEmbedder:
    """SFace, the second embedder, and other models of that family that a pack adds.

    Args:
        network: the loaded model, input [1,3,112,112] RGB.
        scaled: True if the model takes ``(x - 127.5) / 127.5``; False if it takes 0-255 and scales inside its graph.
    """

    __slots__ = ("_network", "_scaled", "dim", "name", "sha256")

    def __init__(self, network: Network, *, scaled: bool) -> None:
        self.name = network.name
        self.sha256 = network.sha256
        self._network = network
        self._scaled = scaled
        self.dim = int(self._run(np.zeros((112, 112, 3), np.uint8)).shape[0])

    def embed(self, faces: NDArray[np.uint8]) -> Vectors:
        """Embed faces one by one; see :class:`Embedder`.

        The model files fix a batch of one. On one thread a larger batch would save no time.
        """
        return unit(np.stack([self._run(face) for face in faces]))

    def _run(self, face: NDArray[np.uint8]) -> NDArray[np.float32]:
        tensor = face[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32)
        if self._scaled:
            tensor = (tensor - np.float32(127.5)) / np.float32(127.5)
        return np.asarray(self._network.run(tensor)[0][0], np.float32)


def templates_of(embedders: Sequence[Embedder], faces: Sequence[NDArray[np.uint8]]) -> tuple[Templates, ...]:
    """Return the templates of aligned faces, uint8 [112,112,3] BGR, by all networks."""
    return tuple({embedder.name: embedder.embed(face[None])[0] for embedder in embedders} for face in faces)


def mirror_templates(embedders: Sequence[Embedder], faces: Sequence[NDArray[np.uint8]]) -> tuple[Templates, ...]:
    """Return the templates of mirror images.

    Averaged with those of the faces, they take out some of what light from one side does (docs/matching.md).

    Args:
        embedders: the networks.
        faces: aligned faces, uint8 [112,112,3] BGR.
    """
    return templates_of(embedders, [np.ascontiguousarray(face[:, ::-1]) for face in faces])


def unit(vectors: NDArray[np.float32]) -> Vectors:
    """Scale each row to length 1."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), np.float32)


def cosine(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return the cosine similarity of two unit vectors, -1 to 1."""
    return min(max(float(np.dot(first, second)), -1.0), 1.0)
