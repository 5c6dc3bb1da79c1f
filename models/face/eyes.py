"""Are the eyes open? One small network per eye."""

from __future__ import annotations

import cv2
import numpy as np

from models.face.align import ARCFACE_POINTS
from models.media.image import Pixels
from models.weights.runtime import Network

# The authors cut a square of 1.6 eye widths around the eye. Measured on six talking-head videos (docs/models.md), 32 px
# of the aligned picture, whose eyes are 35 px apart, calls open eyes open most often.
CROP_SIDE = 32
SIDE = 24


def eyes_open(network: Network, aligned: Pixels) -> tuple[float, float]:
    """Probability 0-1 that each eye is open, from an aligned face [112,112,3] BGR; first the one on the left side."""
    grey = cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY)
    chances = []
    for centre in ARCFACE_POINTS[:2]:
        patch = cv2.getRectSubPix(grey, (CROP_SIDE, CROP_SIDE), (float(centre[0]), float(centre[1])))
        small = cv2.resize(patch, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        closed, opened = network.run(small[None, None].astype(np.float32) / np.float32(255))[0][0].astype(np.float64)
        chances.append(float(1 / (1 + np.exp(closed - opened))))
    return chances[0], chances[1]
