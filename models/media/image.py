"""Decode a picture into pixels, safely and within bounds.

The declared size is checked before any decoder runs (:mod:`models.media.headers`). Large JPEGs are decoded at 1/2, 1/4
or 1/8 inside the decoder, other pictures are reduced in strips (:mod:`models.media.image_pixels`). Anything unusable is
refused with a stable code:

======================  ==============================================================
``not_an_image``        the bytes are no picture, or are damaged after the header
``unsupported_format``  a picture, but of a kind that is not accepted
``is_jpeg2000`` ...     the file is of another kind, which the code names (:mod:`models.media.kinds`)
``too_many_bytes``      the file is larger than the limit
``too_many_pixels``     it declares more pixels than the limit, or would need more memory
``too_few_pixels``      its shorter side is below the limit
``truncated``           part of the picture is missing (an interrupted upload)
``animated``            more than one frame
======================  ==============================================================

What browsers and other viewers show is accepted: stray bytes before, between and after the parts of a JPEG, and a
picture of which only the mark at its end is missing. :attr:`ImageInfo.unended` tells of the latter; whether something
of the picture is missing too shows when it is decoded.

This module loads no neural network runtime, so the API process may import it to check uploads.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.errors import ImageRefused
from models.media import kinds
from models.media.headers import Header, read_header
from models.media.image_pixels import Pixels, read_pixels

__all__ = [
    "CODES",
    "EVALUATION_LIMITS",
    "HELD_FOR_A_PIXEL",
    "KEEP_LONG_SIDE",
    "MAX_HELD",
    "MAX_OUT",
    "SMALL_SIDE",
    "ImageInfo",
    "ImageLimits",
    "Pixels",
    "decode",
    "enlarge_small",
    "halve",
    "plan",
    "probe",
]

CODES = (
    frozenset(
        {
            "not_an_image",
            "too_many_bytes",
            "too_many_pixels",
            "too_few_pixels",
            "truncated",
            "animated",
        }
    )
    | kinds.PICTURES
    | kinds.OTHERS
)
"""All codes with which a picture is refused."""

KEEP_LONG_SIDE = 960
"""Pixels that the long side keeps at least when a picture is reduced. A 12-megapixel selfie (4000 px) becomes 1000 px,
where a face at arm's length still has about 100 px between the eyes; the embedders see 35. See docs/models.md."""

SMALL_SIDE = 256
"""Evaluation only: research pictures smaller than this are enlarged to it and get a border, because YuNet needs about
100 pixels of face and some surroundings."""

MAX_OUT = 16_000_000
"""Pixels of a decoded picture, 48 MB. A larger one is reduced further, however far away the face is."""

MAX_HELD = 215_000_000
"""Bytes that a decoder and its result may hold together. With the program and the file itself (20 MB) a process stays
below 300 MB (``bench.bounded pictures``). It admits a progressive JPEG of 64 megapixels with halved colours."""

HELD_FOR_A_PIXEL = 4
"""Bytes for each pixel that the decoders of PNG, WebP and HEIC hold at most, see models/media/image_pixels.py."""


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is accepted.

    Attributes:
        max_bytes: file size.
        max_pixels: declared width x height of a JPEG, which is reduced inside its decoder; phones store up to 200
            megapixels.
        max_pixels_whole: the same for all formats but JPEG, whose decoders hold the whole picture, whatever the
            scale: 150 to 200 MB for 50 megapixels (``bench.bounded pictures``).
        min_side: shorter side in pixels.
        formats: names as in :class:`models.media.headers.Header`.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 210_000_000
    max_pixels_whole: int = 50_000_000
    min_side: int = 64
    formats: frozenset[str] = frozenset({"JPEG", "PNG", "WEBP", "HEIF"})


EVALUATION_LIMITS = ImageLimits(min_side=16, formats=ImageLimits().formats | {"PGM"})
"""For evaluation on research data sets, some of which are tiny PGM files. Never for uploads."""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What a picture is.

    Attributes:
        format: ``JPEG``, ``PNG``, ``WEBP``, ``HEIF`` or ``PGM``.
        width: columns of the upright picture at full size.
        height: rows of the upright picture at full size.
        scale: the picture was decoded at 1/scale (1, 2, 4 or 8).
        orientation: EXIF orientation (1-8) that was undone.
        unended: the mark at the end of the file is missing.
    """

    format: str
    width: int
    height: int
    scale: int
    orientation: int
    unended: bool = False


def probe(data: bytes, limits: ImageLimits | None = None) -> ImageInfo:
    """Check a file by its header, without decoding pixels.

    Args:
        data: the file's bytes.
        limits: what is accepted; default :class:`ImageLimits`.

    Returns:
        What the picture is; ``scale`` is the one that :func:`decode` would choose.

    Raises:
        ImageRefused: the file is not accepted; its code is one of the table above.
    """
    header = _checked_header(data, limits or ImageLimits())
    return _info(header, _scale(header, None))


def decode(data: bytes, limits: ImageLimits | None = None, *, max_scale: int | None = None) -> tuple[Pixels, ImageInfo]:
    """Decode a file into upright BGR pixels.

    Args:
        data: the file's bytes.
        limits: what is accepted; default :class:`ImageLimits`.
        max_scale: reduce at most by this factor (1 = full size); None means that the size decides.

    Raises:
        ImageRefused: the file is not accepted or damaged; its code is one of the table above.
    """
    header = _checked_header(data, limits or ImageLimits())
    scale = _scale(header, max_scale)
    return read_pixels(data[header.start :], header, scale), _info(header, scale)


def plan(data: bytes, limits: ImageLimits, *, max_scale: int | None = None) -> tuple[ImageInfo, tuple[int, int]]:
    """Tell what :func:`decode` will return, without decoding.

    Args:
        data: the file's bytes.
        limits: what is accepted.
        max_scale: see :func:`decode`.

    Returns:
        What the picture is, and rows and columns of its pixels.

    Raises:
        ImageRefused: the file is not accepted; its code is one of the table above.
    """
    header = _checked_header(data, limits)
    info = _info(header, _scale(header, max_scale))
    return info, (-(-info.height // info.scale), -(-info.width // info.scale))


def halve(pixels: Pixels, most: int) -> tuple[Pixels, int]:
    """Reduce a picture by averaging blocks of 2, 4, 8 … pixels, before it is interpolated to a small size.

    Halving is the only fast reduction of OpenCV (0.3 ms for 1000 x 750, but 2.4 ms for thirds).

    Args:
        pixels: the picture.
        most: largest side of a block in pixels.

    Returns:
        The picture and the block size. Up to ``block - 1`` columns and rows at the right and bottom are left out, so a
        pixel x there covers the pixels ``block * x`` to ``block * x + block - 1`` here.
    """
    block = 1
    while block * 2 <= most and min(pixels.shape[:2]) >= 2:
        height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
        pixels = cv2.resize(pixels[: height * 2, : width * 2], (width, height), interpolation=cv2.INTER_AREA).astype(
            np.uint8, copy=False
        )
        block *= 2
    return pixels, block


def enlarge_small(pixels: Pixels) -> Pixels:
    """Enlarge a tiny research picture and add a border; return a larger one as it is. For evaluation only."""
    long_side = max(pixels.shape[:2])
    if long_side >= SMALL_SIDE:
        return pixels
    factor = SMALL_SIDE / long_side
    large = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    border = SMALL_SIDE // 5
    return cv2.copyMakeBorder(large, border, border, border, border, cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)


def _checked_header(data: bytes, limits: ImageLimits) -> Header:
    if len(data) > limits.max_bytes:
        raise ImageRefused("too_many_bytes", f"The file has {len(data)} bytes; at most {limits.max_bytes} are accepted")
    header = read_header(data)
    if header.format not in limits.formats:
        raise ImageRefused("unsupported_format", f"{header.format} pictures are not accepted here")
    most = limits.max_pixels if header.format == "JPEG" else min(limits.max_pixels, limits.max_pixels_whole)
    if header.width * header.height > most or header.held > MAX_HELD:
        raise ImageRefused(
            "too_many_pixels",
            f"The {header.format} picture declares {header.width} x {header.height} pixels; choose a smaller size",
        )
    if min(header.width, header.height) < limits.min_side:
        raise ImageRefused("too_few_pixels", f"The picture has only {header.width} x {header.height} pixels")
    if header.animated:
        raise ImageRefused("animated", "The file has several frames; one still picture is needed")
    if not header.complete:
        raise ImageRefused("truncated", "The end of the picture file is missing")
    return header


def _info(header: Header, scale: int) -> ImageInfo:
    turned = header.orientation >= 5
    width, height = (header.height, header.width) if turned else (header.width, header.height)
    return ImageInfo(header.format, width, height, scale, header.orientation, header.unended)


def _scale(header: Header, max_scale: int | None) -> int:
    """Return the largest scale that keeps the long side at KEEP_LONG_SIDE or above, and the result within bounds."""
    pixels, long_side = header.width * header.height, max(header.width, header.height)
    held = 0 if header.format == "JPEG" else HELD_FOR_A_PIXEL * pixels
    fitting = [scale for scale in (1, 2, 4, 8) if long_side / scale >= KEEP_LONG_SIDE and scale <= (max_scale or 8)]
    bounded = next(
        scale for scale in (1, 2, 4, 8) if pixels <= MAX_OUT * scale**2 and held + 3 * pixels // scale**2 <= MAX_HELD
    )
    return max(*fitting, bounded, 1)
