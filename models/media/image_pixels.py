"""Decode the pixels of a picture whose header was checked, with little more memory than one copy of it.

JPEGs are reduced inside the decoder. The other decoders hold the whole picture once: PNG as Pillow keeps it (4 bytes
for each pixel at most), WebP as FFmpeg does (1.5; lossless 4), HEIC as colours and brightness and as BGR (4.5). It is
then reduced in strips, so no second copy is made. ``bench.bounded pictures`` measures it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from models.errors import ImageRefused
from models.media.headers import END_OF_JPEG, Header

Pixels = NDArray[np.uint8]
"""uint8 [height, width, 3], BGR, upright."""

_JPEG_FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}

_SMALL_WEBP = 4_000_000
"""Pixels of a WebP that Pillow decodes, with 70 MB. It interpolates colours better than FFmpeg."""

_STRIP = 8
"""Rows of a strip after it was reduced."""

_CLEAR = 128
"""Grey that transparent pixels become: black or white ones would mislead the exposure measures."""

_NOISE = (b"", bytes(value % 251 for value in range(7, 7 + 97 * 512, 97)))
"""Values below 251, so that no mark of a JPEG is among them."""

_MAY_LACK = 0.02
"""Share of the rows at the bottom that may be missing: a file that lacks its last byte lacks the last block too."""

_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, av.FFmpegError, cv2.error)


def read_pixels(data: bytes, header: Header, scale: int) -> Pixels:
    """Decode a file into upright BGR pixels.

    Args:
        data: the file's bytes.
        header: what :func:`models.media.headers.read_header` returned, within limits.
        scale: 1, 2, 4 or 8; each side is divided by it and rounded up.

    Raises:
        ImageRefused: the file is damaged (``not_an_image``), part of an unended picture is missing (``truncated``), or
            its decoder needs more memory than this process may take (``too_many_pixels``).
    """
    try:
        if header.format == "JPEG":
            pixels = _decode_unended(data, header, scale) if header.unended else _decode_jpeg(data, header, scale)
        elif header.format == "WEBP" and header.width * header.height > _SMALL_WEBP:
            pixels = _decode_webp(data, header, scale)
        elif header.format == "HEIF":
            pixels = _decode_heif(data, header, scale)
        else:
            pixels = _decode_pillow(data, header, scale)
    except MemoryError as error:
        raise ImageRefused("too_many_pixels", "The picture needs too much memory; choose a smaller size") from error
    except _DAMAGED as error:
        if header.unended:
            raise ImageRefused("truncated", "Part of the picture is missing") from error
        raise ImageRefused("not_an_image", "The picture is damaged and cannot be decoded") from error
    return _upright(pixels, header.orientation)


def _decode_unended(data: bytes, header: Header, scale: int) -> Pixels:
    """Decode a JPEG without the mark at its end, if nothing but the mark is missing.

    Decoders do not tell whether they had to guess. So it is decoded twice, with other noise in place of what may be
    missing. A decoder that has all of its picture skips the noise; one that has not draws it.
    """
    data = data.rstrip(b"\xff")
    first, second = (_decode_jpeg(data + noise + END_OF_JPEG, header, scale) for noise in _NOISE)
    drawn = np.flatnonzero((first != second).any(axis=(1, 2)))
    if drawn.size and len(first) - drawn[0] > _MAY_LACK * len(first):
        raise ImageRefused("truncated", "Part of the picture is missing")
    return first


def _decode_jpeg(data: bytes, header: Header, scale: int) -> Pixels:
    if header.channels == 4:
        return _decode_pillow(data, header, scale)
    flags = _JPEG_FLAGS[scale] | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None:
        raise ValueError("the JPEG decoder gave up")
    return pixels.astype(np.uint8, copy=False)


def _decode_webp(data: bytes, header: Header, scale: int) -> Pixels:
    """Decode with FFmpeg, which holds the picture once; Pillow would hold it five times."""
    context: Any = av.CodecContext.create("webp", "r")
    context.thread_count = 1
    # The picture inside may declare another size than the file. Checked before memory is allocated, in whole blocks.
    context.options = {"max_pixels": str((header.width + 128) * (header.height + 128)), "err_detect": "explode"}
    frames = [*context.decode(av.Packet(data)), *context.decode(None)]
    if len(frames) != 1 or (frames[0].width, frames[0].height) != (header.width, header.height):
        raise ImageRefused("not_an_image", "The picture contradicts itself about its size")
    clear = frames[0].format.name in {"argb", "yuva420p"}
    scaled = VideoReformatter().reformat(
        frames[0],
        width=-(-header.width // scale),
        height=-(-header.height // scale),
        format="bgra" if clear else "bgr24",
        interpolation="AREA",
        threads=1,
    )
    pixels = scaled.to_ndarray().astype(np.uint8, copy=False)
    return _without_alpha(pixels) if clear else pixels


def _decode_pillow(data: bytes, header: Header, scale: int) -> Pixels:
    name = {"PGM": "PPM"}.get(header.format, header.format)
    with Image.open(io.BytesIO(data), formats=[name]) as image:
        # The size that the decoder reads must be the one that was checked.
        if image.size != (header.width, header.height):
            raise ImageRefused("not_an_image", "The picture contradicts itself about its size")
        size = -(-header.width // scale), -(-header.height // scale)
        if header.format == "JPEG":  # with four colours: reduced inside the decoder like the others
            image.draft(None, (header.width // scale, header.height // scale))
        image.load()
        if image.size == size:
            return _to_bgr(image)
        return _in_strips(
            lambda top, bottom: _to_bgr(image.crop((0, top, image.width, bottom))), image.width, image.height, scale
        )


def _to_bgr(image: Image.Image) -> Pixels:
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion would clip everything above 255 to white
        grey = (np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)
        return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, (_CLEAR, _CLEAR, _CLEAR, 255)), rgba)
    rgb: Pixels = np.asarray(image.convert("RGB"))
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _decode_heif(data: bytes, header: Header, scale: int) -> Pixels:
    # Imported only here: the library costs start-up time and memory, and HEIC is rare because browsers convert it.
    import pillow_heif  # noqa: PLC0415

    pillow_heif.options.DECODE_THREADS = 1  # each thread would hold tiles of its own
    pillow_heif.options.THUMBNAILS = False
    # The library wants certain brands. The header was read by its boxes, and they say that the picture is HEIC.
    if int.from_bytes(data[:4], "big") >= 20:
        data = data[:8] + b"heic" + bytes(4) + b"heic" + data[20:]
    try:
        heif = pillow_heif.open_heif(io.BytesIO(data), bgr_mode=True)
        # libheif itself turns the picture upright, by the container's transformations; EXIF only repeats them.
        if heif.size != (header.width, header.height):
            raise ImageRefused("not_an_image", "The picture contradicts itself about its size")
        image: Any = heif[heif.primary_index]
        stride, mode = image.stride, image.mode
        raw = np.frombuffer(image.data, np.uint8)
    except (IndexError, EOFError, RuntimeError, ValueError) as error:
        raise ImageRefused("not_an_image", "The HEIC picture is damaged") from error
    depth = {"BGR": 3, "BGRA": 4, "BGRa": 4, "L": 1, "LA": 2, "La": 2}.get(mode)
    if depth is None or raw.size < stride * header.height:
        raise ImageRefused("not_an_image", "The HEIC picture is of a kind that is not read")
    rows = raw[: stride * header.height].reshape(header.height, stride)

    def strip(top: int, bottom: int) -> Pixels:
        part = rows[top:bottom, : depth * header.width].reshape(bottom - top, header.width, depth)
        if depth in {2, 4}:
            part = _without_alpha(part)
        return np.ascontiguousarray(np.repeat(part[:, :, :1], 3, axis=2) if part.shape[2] == 1 else part)

    return _in_strips(strip, header.width, header.height, scale)


def _without_alpha(pixels: Pixels) -> Pixels:
    alpha = pixels[:, :, -1:].astype(np.uint16)
    mixed = (pixels[:, :, :-1] * alpha + _CLEAR * (255 - alpha) + 127) // 255
    return mixed.astype(np.uint8)


def _in_strips(strip: Callable[[int, int], Pixels], width: int, height: int, scale: int) -> Pixels:
    """Reduce a picture of a format whose decoder cannot reduce, some rows at a time."""
    out = np.empty((-(-height // scale), -(-width // scale), 3), np.uint8)
    for top in range(0, len(out), _STRIP):
        rows = strip(top * scale, min((top + _STRIP) * scale, height))
        size = (out.shape[1], min(_STRIP, len(out) - top))
        out[top : top + _STRIP] = rows if scale == 1 else cv2.resize(rows, size, interpolation=cv2.INTER_AREA)
    return out


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
