"""Read what an image file declares about itself, from its bytes alone, before any decoder opens it.

Decoders allocate the memory that a header asks for, and a 200-byte PNG can ask for gigabytes. So this module reads
format, size, orientation, completeness and animation with plain byte arithmetic in bounded time, to be checked first.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from models.errors import ImageRefused
from models.media.heif_header import read_size

# A progressive JPEG is decoded once for each scan. Encoders write about ten; thousands are a denial of service.
MAX_SCANS = 64
# IDAT chunks are usually 8-64 kB. The bound limits the time spent on a hostile file of empty chunks.
MAX_CHUNKS = 20_000

_JPEG_SOF_SUPPORTED = {0xC0, 0xC1, 0xC2}  # baseline, extended and progressive Huffman: what libjpeg-turbo decodes
_JPEG_SOF_ALL = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_OTHER_FORMATS = (b"GIF8", b"BM", b"II*\0", b"MM\0*", b"%PDF", b"<svg", b"\0\0\1\0", b"8BPS", b"\xff\x0a", b"P")
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis"}


@dataclass(frozen=True, slots=True)
class Header:
    """What an image file declares.

    Attributes:
        format: ``JPEG``, ``PNG``, ``WEBP``, ``HEIF`` or ``PGM`` (also PPM).
        width: stored columns, before orientation; of HEIF, whose library turns it, after it.
        height: stored rows, likewise.
        channels: components of a JPEG (1, 3 or 4); 0 where it does not matter.
        orientation: EXIF orientation 1-8; 1 if absent or invalid.
        complete: the file has the end of the image data.
        animated: more than one frame.
        held: bytes that the decoder of a JPEG must hold at once, whatever the scale: the coefficients of a picture
            that comes in several scans (progressive, or one scan for each colour); 0 if it comes in one.
    """

    format: str
    width: int
    height: int
    channels: int = 0
    orientation: int = 1
    complete: bool = True
    animated: bool = False
    held: int = 0


def read_header(data: bytes) -> Header:
    """Recognise the format by content and read the header.

    Raises:
        ImageRefused: the bytes are no picture or a damaged one (``not_an_image``), a picture of another kind
            (``unsupported_format``), or the header is cut off (``truncated``).
    """
    try:
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg(data)
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _png(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp(data)
        if data[4:8] == b"ftyp":
            return _heif(data)
        if data.startswith((b"P5", b"P6")):
            return _pgm(data)
    except (struct.error, IndexError) as error:
        raise ImageRefused("truncated", "The picture file ends inside its header") from error
    if data.startswith(_OTHER_FORMATS):
        raise ImageRefused("unsupported_format", "This kind of picture file is not accepted")
    raise ImageRefused("not_an_image", "The file is not a picture")


def exif_orientation(tiff: bytes) -> int:
    """Return the orientation tag (0x0112) of a TIFF-structured EXIF block; 1 if it is absent or broken."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for index in range(min(count, 512)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * index)
            if tag == 0x0112:
                return value if kind == 3 and 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1


def _jpeg(data: bytes) -> Header:
    width = height = channels = 0
    orientation, progressive, coefficients = 1, False, 0
    for marker, position, length in _jpeg_segments(data):
        if marker in _JPEG_SOF_ALL:
            precision, height, width, channels = struct.unpack_from(">BHHB", data, position)
            progressive = marker == 0xC2
            coefficients = _coefficients(data, position, channels, width * height)
            if marker not in _JPEG_SOF_SUPPORTED or precision != 8 or channels not in {1, 3, 4} or height == 0:
                raise ImageRefused("unsupported_format", "This variety of JPEG is not accepted")
        elif marker == 0xE1 and orientation == 1 and data[position : position + 6] == b"Exif\0\0":
            orientation = exif_orientation(data[position + 6 : position + length])
        elif marker == 0xDA:
            if width == 0:
                break
            if progressive and data.count(b"\xff\xda") > MAX_SCANS:
                raise ImageRefused("unsupported_format", "This JPEG has too many scans")
            # Entropy-coded data never contains FF D9, so any occurrence after the start of the scan is the end of the
            # image. Phones append other data after it, so checking only the last bytes would refuse good pictures.
            complete = data.rfind(b"\xff\xd9", position) >= 0
            held = coefficients if progressive or data[position] < channels else 0
            return Header("JPEG", width, height, channels, orientation, complete, held=held)
    raise ImageRefused("truncated", "The JPEG ends before its image data")


def _coefficients(data: bytes, position: int, channels: int, pixels: int) -> int:
    """Return the bytes of all coefficients of a JPEG, two for each sample of each colour (libjpeg's jdcoefct.c)."""
    factors = [data[position + 7 + 3 * channel] for channel in range(channels)]
    areas = [max(factor >> 4, 1) * max(factor & 15, 1) for factor in factors]
    return sum(2 * pixels * area // max(areas) for area in areas)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, payload position, payload length) up to and including the first start of scan."""
    position = 2
    while position < len(data):
        if data[position] != 0xFF:
            raise ImageRefused("not_an_image", "The JPEG is damaged")
        while data[position] == 0xFF:
            position += 1
        marker = data[position]
        position += 1
        if marker in {0x01, *range(0xD0, 0xD8)}:
            continue
        (length,) = struct.unpack_from(">H", data, position)
        yield marker, position + 2, length - 2
        if marker == 0xDA:
            return
        position += max(length, 2)


def _png(data: bytes) -> Header:
    if data[12:16] != b"IHDR":
        raise ImageRefused("truncated" if len(data) < 33 else "not_an_image", "The PNG has no header")
    width, height = struct.unpack_from(">II", data, 16)
    position, orientation, animated = 8, 1, False
    for _ in range(MAX_CHUNKS):
        if position + 12 > len(data):
            return Header("PNG", width, height, 0, orientation, complete=False, animated=animated)
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IEND":
            return Header("PNG", width, height, 0, orientation, complete=True, animated=animated)
        animated |= kind == b"acTL"
        if kind == b"eXIf":
            orientation = exif_orientation(data[position + 8 : position + 8 + length])
        position += 12 + length
    raise ImageRefused("unsupported_format", "The PNG has too many chunks")


def _webp(data: bytes) -> Header:
    (declared,) = struct.unpack_from("<I", data, 4)
    complete = declared + 8 <= len(data)
    kind, orientation, animated = data[12:16], 1, False
    if kind == b"VP8X":
        flags = data[20]
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
        animated = bool(flags & 0x02)
        if flags & 0x08:
            start = data.rfind(b"EXIF")
            block = data[start + 8 :] if start > 0 else b""
            orientation = exif_orientation(block.removeprefix(b"Exif\0\0"))
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 " and (data[23:26] == b"\x9d\x01\x2a" or len(data) < 30):
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        raise ImageRefused("not_an_image", "The WebP is damaged")
    return Header("WEBP", width, height, 0, orientation, complete, animated)


def _heif(data: bytes) -> Header:
    size = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[start : start + 4] for start in range(8, size, 4)}
    if not brands & _HEIC_BRANDS:
        raise ImageRefused("unsupported_format", "This kind of picture file is not accepted")
    return Header("HEIF", *read_size(data))


def _pgm(data: bytes) -> Header:
    fields = [field for line in data[:512].split(b"\n")[:8] for field in line.split(b"#")[0].split()][:4]
    if len(fields) < 4 or not all(field.isdigit() and len(field) < 10 for field in fields[1:]):
        raise ImageRefused("not_an_image", "The PGM header is damaged")
    width, height, maximum = (int(field) for field in fields[1:])
    if maximum != 255:
        raise ImageRefused("unsupported_format", "Only 8-bit PGM files are accepted")
    channels = 3 if fields[0] == b"P6" else 1
    return Header("PGM", width, height, channels, complete=len(data) >= width * height * channels)
