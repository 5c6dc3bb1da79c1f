"""Take single frames out of a video, as pictures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2

from models.media.decoders import Decoders

QUALITY = 95
"""JPEG quality: the picture is measured again when the weights change, so little may be lost."""


def stills(decoders: Decoders, data: bytes, numbers: Sequence[int]) -> list[bytes]:
    """Return frames of a video as JPEG files.

    Args:
        decoders: what decodes the video.
        data: the file's bytes.
        numbers: which of the frames that are analysed, counted from 0.

    Returns:
        The pictures in the order of ``numbers``; frames that the video does not have are left out.

    Raises:
        VideoRefused: the bytes cannot be used as a video.
        DecoderMissing: no process that decodes can be started (``decoder_missing``).
    """
    wanted, found = set(numbers), {}
    for number, frame in enumerate(decoders.film(data, None)):
        if number in wanted:
            done, encoded = cv2.imencode(".jpg", frame.pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            if done:
                found[number] = encoded.tobytes()
    return [found[number] for number in numbers if number in found]
