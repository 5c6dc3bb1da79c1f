"""Convert a decoded frame, of any stored format and pose, to upright BGR pixels of a bounded size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import VideoReformatter

from models.media.image import Pixels

_TURNS = (None, cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE)


@dataclass(frozen=True, slots=True)
class Pose:
    """How to turn a stored frame upright.

    Attributes:
        rotation: degrees clockwise: 0, 90, 180 or 270.
        mirrored: left and right are exchanged first.
    """

    rotation: int = 0
    mirrored: bool = False


def read_pose(frame: av.VideoFrame) -> Pose:
    """Read the pose from the display matrix that phones write, rounded to quarter turns; without one it is upright."""
    matrix = side_data(frame, Type.DISPLAYMATRIX)
    if len(matrix) < 36:
        return Pose()
    # AVDisplayMatrix: nine numbers, x' = a x + c y and y' = b x + d y with a, b, u, c, d, v in this order.
    a, b, _, c, d = (int(number) for number in np.frombuffer(matrix[:20], np.int32))
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    return Pose(round(math.degrees(math.atan2(b, a)) / 90) % 4 * 90, mirrored)


def encoder_note(frame: av.VideoFrame) -> str:
    """Return the signature of the encoder x264 in an H.264 stream (``core 164 r3095``); empty without one."""
    note = side_data(frame, Type.SEI_UNREGISTERED)[16:116]  # after an identifier of 16 bytes
    return note[7:].split(b" - ")[0].decode("ascii", "replace") if note.startswith(b"x264 - ") else ""


def side_data(frame: av.VideoFrame, kind: Type) -> bytes:
    """Return the side data of a frame; empty if it has none of this kind."""
    try:
        beside: Any = frame.side_data  # PyAV's own type knows motion vectors only
        return bytes(beside[kind])
    except KeyError:
        return b""


def to_upright(
    frame: av.VideoFrame, pose: Pose, reformatter: VideoReformatter, max_side: int, aspect: Fraction | None
) -> Pixels:
    """Convert one frame.

    One pass of FFmpeg's scaler converts colours and size together, averaging areas: 0.8 ms for 1920 x 1080 to
    640 x 360. Converting first and then scaling with OpenCV takes 3.5 ms. FFmpeg's rounding darkens by 1 to 2 grey
    levels.

    Args:
        frame: the decoded frame.
        pose: the pose of the first frame; a recording has only one.
        reformatter: the same object for all frames.
        max_side: largest longer side in pixels; smaller frames keep their size.
        aspect: width of a stored pixel over its height. Browsers and phones store square pixels. Values from half to
            double are applied, because a face must not be squeezed; others are treated as invalid and ignored.
    """
    wide = float(aspect) if aspect and Fraction(1, 2) <= aspect <= 2 else 1.0
    scale = min(1.0, max_side / max(frame.width * wide, frame.height))
    scaled = reformatter.reformat(
        frame,
        width=max(1, round(frame.width * wide * scale)),
        height=max(1, round(frame.height * scale)),
        format="bgr24",
        interpolation="AREA",
        # Without this, PyAV ignores that a frame uses the full range, and the contrast grows.
        src_color_range=frame.color_range,
        threads=1,
    )
    pixels = scaled.to_ndarray().astype(np.uint8, copy=False)
    if pose.mirrored:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    turn = _TURNS[pose.rotation // 90]
    return pixels if turn is None else cv2.rotate(pixels, turn).astype(np.uint8, copy=False)
