"""Align a face: bring it to the position that an embedder was trained on."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.media.image import Pixels, halve

ARCFACE_POINTS = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)
"""Positions of the five landmarks in the 112 x 112 picture of the ArcFace family (InsightFace, MIT)."""

SIDE = 112
"""Side of the aligned picture in pixels."""


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """Fit the similarity transform (rotation, uniform scale, translation) from source to target points, least squares.

    Formula: S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991.

    Args:
        source: [n,2] points, n >= 2, not all equal.
        target: [n,2] points.

    Returns:
        [2,3] matrix for ``cv2.warpAffine``.

    Raises:
        ValueError: all source points coincide.
    """
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    mean_a, mean_b = a.mean(0), b.mean(0)
    a, b = a - mean_a, b - mean_b
    variance = (a**2).sum() / len(a)
    if variance < 1e-12:
        raise ValueError("all points coincide")
    u, singular, vt = np.linalg.svd(b.T @ a / len(a))
    # Landmarks never mirror a face, so force a proper rotation.
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt)) or 1.0])
    rotation = u @ np.diag(sign) @ vt
    scale = (singular * sign).sum() / variance
    return np.column_stack([scale * rotation, mean_b - scale * rotation @ mean_a])


def align(pixels: Pixels, points: NDArray[np.float32]) -> Pixels:
    """Cut the face out, turned and scaled to 112 x 112.

    Args:
        pixels: BGR picture.
        points: [5,2] landmarks in it, in the order of :class:`models.face.detect.Face`.

    Returns:
        uint8 [112,112,3] BGR. Pixels outside the picture are black, as in the embedders' training.
    """
    matrix = similarity(points, ARCFACE_POINTS)
    shrink = int(1 / max(np.hypot(matrix[0, 0], matrix[1, 0]), 1e-6))
    if shrink >= 2:
        # warpAffine reads four pixels for each output pixel, so a large face would alias. Average whole blocks first,
        # over the part of the picture that the face needs.
        pixels, matrix = _shrunk(pixels, matrix, shrink)
    return cv2.warpAffine(pixels, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def _shrunk(pixels: Pixels, matrix: NDArray[np.float64], factor: int) -> tuple[Pixels, NDArray[np.float64]]:
    back = cv2.invertAffineTransform(matrix)
    corners = np.array([[0, 0, 1], [SIDE, 0, 1], [0, SIDE, 1], [SIDE, SIDE, 1]], np.float64) @ back.T
    height, width = pixels.shape[:2]
    left, top = (int(value) for value in np.floor(corners.min(0) - factor).clip(0, [width - 1, height - 1]))
    right, bottom = (int(value) for value in np.ceil(corners.max(0) + factor).clip(1, [width, height]))
    part = pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
    small, block = halve(part, factor)
    # Pixel centres: x_full = (x_small + 0.5) * block - 0.5 + left.
    moved = matrix.copy()
    moved[:, :2] = matrix[:, :2] * block
    moved[:, 2] = matrix[:, :2] @ (np.array([left, top]) + 0.5 * block - 0.5) + matrix[:, 2]
    return small, moved
