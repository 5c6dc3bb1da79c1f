"""Decode a picture into pixels, safely and within bounds.

The declared size is checked before any decoder runs (:mod:`models.media.headers`). Large JPEGs are decoded at 1/2, 1/4
or 1/8 inside the decoder. Anything unusable is refused with a stable code:

=====================  ==============================================================
``not_an_image``       the bytes are no picture, or are damaged after the header
``unsupported_format``  a picture, but of a kind that is not accepted
``too_many_bytes``     the file is larger than the limit
``too_many_pixels``    it declares more pixels than the limit
``too_few_pixels``     its shorter side is below the limit
``truncated``          the end is missing (an interrupted upload)
``animated``           more than one frame
=====================  ==============================================================

This module loads no neural network runtime, so the API process may import it to check uploads.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import ImageRefused
from models.media.headers import Header, read_header

Pixels = NDArray[np.uint8]
"""uint8 [height, width, 3], BGR, upright."""

KEEP_LONG_SIDE = 960
"""Pixels that the long side keeps at least when a picture is reduced. A 12-megapixel selfie (4000 px) becomes 1000 px,
where a face at arm's length still has about 100 px between the eyes; the embedders see 35. See docs/models.md."""

SMALL_SIDE = 256
"""Evaluation only: research pictures smaller than this are enlarged to it and get a border, because YuNet needs about
100 pixels of face and some surroundings."""

_JPEG_FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is accepted.

    Attributes:
        max_bytes: file size.
        max_pixels: declared width x height; 64 megapixels cover every phone, and cost 192 MB for a PNG.
        min_side: shorter side in pixels.
        formats: names as in :class:`models.media.headers.Header`.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 64_000_000
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
    """

    format: str
    width: int
    height: int
    scale: int
    orientation: int


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
    try:
        pixels = _decode_jpeg(data, scale) if header.format == "JPEG" and header.channels != 4 else None
        if pixels is None:
            pixels = _reduce(_decode_heif(data) if header.format == "HEIF" else _decode_pillow(data, header), scale)
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError, MemoryError, cv2.error) as error:
        raise ImageRefused("not_an_image", "The picture is damaged and cannot be decoded") from error
    return _upright(pixels, header.orientation), _info(header, scale)


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
    if header.format == "HEIF":
        header = _heif_header(data)
    if header.width * header.height > limits.max_pixels:
        raise ImageRefused("too_many_pixels", f"The picture declares {header.width} x {header.height} pixels")
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
    return ImageInfo(header.format, width, height, scale, header.orientation)


def _scale(header: Header, max_scale: int | None) -> int:
    """Return the largest scale that keeps the long side at KEEP_LONG_SIDE or above."""
    long_side = max(header.width, header.height)
    fitting = [scale for scale in (1, 2, 4, 8) if long_side / scale >= KEEP_LONG_SIDE and scale <= (max_scale or 8)]
    return max(fitting, default=1)


def _decode_jpeg(data: bytes, scale: int) -> Pixels:
    flags = _JPEG_FLAGS[scale] | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None:
        raise ValueError("the JPEG decoder gave up")
    return pixels.astype(np.uint8, copy=False)


def _decode_pillow(data: bytes, header: Header) -> Pixels:
    name = {"PGM": "PPM"}.get(header.format, header.format)
    with Image.open(io.BytesIO(data), formats=[name]) as image:
        # The size that the decoder reads must be the one that was checked.
        if image.size != (header.width, header.height):
            raise ImageRefused("not_an_image", "The picture contradicts itself about its size")
        image.load()
        return _to_bgr(image)


def _to_bgr(image: Image.Image) -> Pixels:
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion would clip everything above 255 to white
        grey = (np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)
        return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        # Transparent pixels become mid grey: black or white ones would mislead the exposure measures.
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, (128, 128, 128, 255)), rgba)
    rgb: Pixels = np.asarray(image.convert("RGB"))
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _heif_header(data: bytes) -> Header:
    heif = _open_heif(data)
    width, height = heif.size
    # libheif itself turns the picture upright, by the container's transformations; EXIF only repeats them.
    return Header("HEIF", width, height)


def _decode_heif(data: bytes) -> Pixels:
    return _to_bgr(_open_heif(data).to_pillow())


def _open_heif(data: bytes) -> Any:
    # Imported only here: the library costs start-up time and memory, and HEIC is rare because browsers convert it.
    import pillow_heif  # noqa: PLC0415

    try:
        heif = pillow_heif.open_heif(io.BytesIO(data))
        _ = heif.size  # IndexError if a damaged file opens as an empty collection of pictures
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError, IndexError) as error:
        raise ImageRefused("not_an_image", "The HEIC picture is damaged") from error
    return heif


def _reduce(pixels: Pixels, scale: int) -> Pixels:
    """Reduce a picture of a format whose decoder cannot reduce."""
    if scale == 1:
        return pixels
    size = (-(-pixels.shape[1] // scale), -(-pixels.shape[0] // scale))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo an EXIF orientation (Exif 2.32, tag 0x0112)."""
    if orientation in {2, 5, 7}:
        # 5 and 7 are a mirror image that is also turned: mirror, then turn.
        pixels = np.ascontiguousarray(pixels[:, ::-1])
        orientation = {2: 1, 5: 8, 7: 6}[orientation]
    if orientation == 4:
        return np.ascontiguousarray(pixels[::-1])
    turn = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}.get(orientation)
    return pixels if turn is None else cv2.rotate(pixels, turn).astype(np.uint8, copy=False)
