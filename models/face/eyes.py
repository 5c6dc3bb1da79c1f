"""Measure whether the eyes are open: one run of a small network for each eye."""

from __future__ import annotations

import cv2
import numpy as np

from models.face.align import ARCFACE_POINTS
from models.media.image import Pixels
from models.weights.runtime import Network

# The authors cut a square of 1.6 eye widths around the eye. In the aligned picture the
# eyes are 35 px apart. There, a square of 32 px calls open eyes open most often, measured on six talking-head videos
# (docs/models.md).
CROP_SIDE = 32
SIDE = 24


def eyes_open(network: Network, aligned: Pixels) -> tuple[float, float]:
    """Return the probability 0-1 that each eye is open.

    Args:
        network: the loaded eye model.
        aligned: an aligned face [112,112,3] BGR.

    Returns:
        First the eye on the left side of the picture, then the other.
    """
    grey = cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY)
    probabilities = []
    for centre in ARCFACE_POINTS[:2]:
        patch = cv2.getRectSubPix(grey, (CROP_SIDE, CROP_SIDE), (float(centre[0]), float(centre[1])))
        small = cv2.resize(patch, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        closed, opened = network.run(small[None, None].astype(np.float32) / np.float32(255))[0][0].astype(np.float64)
        probabilities.append(float(1 / (1 + np.exp(closed - opened))))
    return probabilities[0], probabilities[1]
