"""Keep some small pictures of a film while it is read, to show an error of an evaluation to a person."""

from __future__ import annotations

import cv2
import numpy as np

from models.media.image import Pixels

_HEIGHT = 120


class FilmStrip:
    """Keeps a small picture of each second of a film."""

    def __init__(self) -> None:
        self._kept: list[Pixels] = []

    def see(self, time_s: float, pixels: Pixels) -> None:
        """Look at a frame.

        Args:
            time_s: seconds after the first frame.
            pixels: BGR, upright.
        """
        if time_s >= len(self._kept):
            width = round(_HEIGHT * pixels.shape[1] / pixels.shape[0])
            small = cv2.resize(pixels, (width, _HEIGHT), interpolation=cv2.INTER_AREA)
            self._kept.append(small.astype(np.uint8, copy=False))

    def jpeg(self) -> bytes:
        """Return four pictures, spread over the film, side by side; empty without pictures of one size."""
        chosen = [
            self._kept[i] for i in np.linspace(0, len(self._kept) - 1, min(4, len(self._kept))).round().astype(int)
        ]
        if not chosen or len({picture.shape for picture in chosen}) > 1:
            return b""
        return cv2.imencode(".jpg", np.hstack(chosen), [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
