"""Passive presentation attack detection on a single frame.

One network (fr_liveness) takes the face with its surroundings and returns the probability of a bona fide presentation,
as opposed to a print or a screen. It is wrong too often to decide alone: a phone-screen replay scored 0.22, and a real
webcam video 0.19 (measurements in docs/models.md). So the state is *not assessed* in a wide middle, and a verdict on
liveness needs several frames and other measures (:mod:`models.liveness`).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.face.detect import Face
from models.media.image import Pixels
from models.states import State
from models.weights.runtime import Network

CROP_SCALE = 2.7
"""Side of the crop relative to the face box, as in training (the 2.7 of Silent-Face-Anti-Spoofing)."""
SIDE = 128

# 306 frames of six bona fide videos: 96.1 % at or above 0.8, none below 0.05 (one frame at 0.19). A printed photo
# scored 0.00004, a photo on a screen 0.007; another screen replay reached 0.22. Values between decide nothing.
LIVE_FROM = 0.8
ATTACK_BELOW = 0.05


@dataclass(frozen=True, slots=True)
class PassivePad:
    """The result for one frame.

    Attributes:
        live: probability 0-1 of a bona fide presentation (class "live"); None if the model or the face is missing.
        state: PASS from ``LIVE_FROM``, FAIL below ``ATTACK_BELOW``, NOT_ASSESSED between or if missing.
    """

    live: float | None
    state: State


NOT_ASSESSED = PassivePad(None, State.NOT_ASSESSED)


def passive_pad(network: Network, pixels: Pixels, face: Face) -> PassivePad:
    """Run the network on one face of a picture."""
    small = cv2.resize(crop(pixels, face), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    tensor = small.transpose(2, 0, 1)[None].astype(np.float32)
    logits = network.run(tensor)[0][0].astype(np.float64)
    weights = np.exp(logits - logits.max())
    live = float(weights[0] / weights.sum())
    if live >= LIVE_FROM:
        return PassivePad(live, State.PASS)
    return PassivePad(live, State.FAIL if live < ATTACK_BELOW else State.NOT_ASSESSED)


def crop(pixels: Pixels, face: Face) -> Pixels:
    """Cut out the face box scaled by ``CROP_SCALE``; near the border it is scaled less or moved, as in training."""
    height, width = pixels.shape[:2]
    left, top, box_width, box_height = face.box
    scale = min((height - 1) / box_height, (width - 1) / box_width, CROP_SCALE)
    new_width, new_height = box_width * scale, box_height * scale
    x = min(max(left + box_width / 2 - new_width / 2, 0.0), width - 1 - new_width)
    y = min(max(top + box_height / 2 - new_height / 2, 0.0), height - 1 - new_height)
    x, y = max(int(x), 0), max(int(y), 0)
    return pixels[y : y + max(int(new_height), 1), x : x + max(int(new_width), 1)]
