"""Read what an image file declares about itself, from its bytes alone, before any decoder opens it.

Decoders allocate the memory that a header asks for, and a 200-byte PNG can ask for gigabytes. So this module reads
format, size, orientation, completeness and animation with plain byte arithmetic in bounded time, to be checked first.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from models.errors import ImageRefused
from models.media.heif_header import read_size
from models.media.kinds import HEIF_BRANDS, brands_of, is_film, kind_of
from models.media.orientation import exif_orientation, xmp_orientation

# A progressive JPEG is decoded once for each scan. Encoders write about ten; thousands are a denial of service.
MAX_SCANS = 64
# IDAT chunks are usually 8-64 kB. The bound limits the time spent on a hostile file of empty chunks.
MAX_CHUNKS = 20_000
# Segments before the image data of a JPEG. A photo has ten to fifty.
MAX_SEGMENTS = 20_000
# Bytes before the picture, which mail and messengers leave: a line end, a mark of the character set, a header.
MAX_BEFORE = 512

_JPEG_SOF_SUPPORTED = {0xC0, 0xC1, 0xC2}  # baseline, extended and progressive Huffman: what libjpeg-turbo decodes
_JPEG_SOF_ALL = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NETPBM = tuple(b"P%d%c" % (number, blank) for number in range(1, 8) for blank in b" \n\r\t")
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_XMP_SEGMENT, _EXIF_SEGMENT = b"http://ns.adobe.com/xap/1.0/\0", b"Exif\0"
END_OF_JPEG = b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Header:
    """What an image file declares.

    Attributes:
        format: ``JPEG``, ``PNG``, ``WEBP``, ``HEIF`` or ``PGM`` (also PPM).
        width: stored columns, before orientation; of HEIF, whose library turns it, after it.
        height: stored rows, likewise.
        channels: components of a JPEG (1, 3 or 4); 0 where it does not matter.
        orientation: EXIF orientation 1-8; 1 if absent or invalid.
        complete: the file has the end of the image data. True of an unended picture too.
        unended: the mark at the end of a JPEG or PNG is missing. Whether anything else is missing shows when it is
            decoded (:mod:`models.media.image_pixels`).
        animated: more than one frame.
        start: bytes before the picture, which decoders do not get.
        held: bytes that the decoder of a JPEG must hold at once, whatever the scale: the coefficients of a picture
            that comes in several scans (progressive, or one scan for each colour); 0 if it comes in one.
    """

    format: str
    width: int
    height: int
    channels: int = 0
    orientation: int = 1
    complete: bool = True
    unended: bool = False
    animated: bool = False
    held: int = 0
    start: int = 0


def read_header(data: bytes) -> Header:
    """Recognise the format by content and read the header.

    Raises:
        ImageRefused: the bytes are no picture or a damaged one (``not_an_image``), a picture or file of another kind
            (its code is one of :mod:`models.media.kinds`), or the header is cut off (``truncated``).
    """
    try:
        found = _read(data)
        if found is not None:
            return found
        code = "is_film" if is_film(data) else kind_of(data)
        if code is None and not data.startswith(_NETPBM):
            start = _start(data)
            found = _read(data[start:]) if start else None
            if found is not None:
                return replace(found, start=start)
    except (struct.error, IndexError) as error:
        raise ImageRefused("truncated", "The picture file ends inside its header") from error
    if code is not None:
        raise ImageRefused(code, "This kind of file is not accepted")
    if data.startswith(_NETPBM):
        raise ImageRefused("unsupported_format", "This kind of picture file is not accepted")
    raise ImageRefused("not_an_image", "The file is not a picture")


def _read(data: bytes) -> Header | None:
    """Return the header of a picture that begins with the first byte; None if none does."""
    if data.startswith(_JPEG):
        return _jpeg(data)
    if data.startswith(_PNG):
        return _png(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    if brands_of(data) & HEIF_BRANDS and kind_of(data) is None:
        return Header("HEIF", *read_size(data))
    if data.startswith((b"P5", b"P6")):
        return _pgm(data)
    return None


def _start(data: bytes) -> int:
    """Return where a picture begins after some stray bytes; 0 if none does."""
    places = [data.find(mark, 0, MAX_BEFORE + len(mark)) for mark in (_JPEG, _PNG)]
    return min((place for place in places if place > 0), default=0)


def _jpeg(data: bytes) -> Header:
    width = height = channels = 0
    progressive, coefficients = False, 0
    exif: list[int | None] = []
    xmp: int | None = None
    for marker, position, length in _jpeg_segments(data):
        if marker in _JPEG_SOF_ALL:
            precision, height, width, channels = struct.unpack_from(">BHHB", data, position)
            progressive = marker == 0xC2
            coefficients = _coefficients(data, position, channels, width * height)
            if marker not in _JPEG_SOF_SUPPORTED or precision != 8 or channels not in {1, 3, 4} or height == 0:
                raise ImageRefused("unsupported_format", "This variety of JPEG is not accepted")
        elif marker == 0xE1 and data.startswith(_EXIF_SEGMENT, position):
            exif.append(exif_orientation(data[position + 6 : position + length]))
        elif marker == 0xE1 and xmp is None and data.startswith(_XMP_SEGMENT, position):
            xmp = xmp_orientation(data[position + len(_XMP_SEGMENT) : position + length])
        elif marker == 0xDA:
            if width == 0:
                break
            if progressive and data.count(b"\xff\xda") > MAX_SCANS:
                raise ImageRefused("unsupported_format", "This JPEG has too many scans")
            # Entropy-coded data never contains FF D9, so any occurrence after the start of the scan is the end of the
            # image. Phones append other data after it, so checking only the last bytes would refuse good pictures.
            unended = data.rfind(END_OF_JPEG, position) < 0
            held = coefficients if progressive or data[position] < channels else 0
            orientation = next((said for said in exif if said is not None), xmp) or 1
            return Header("JPEG", width, height, channels, orientation, unended=unended, held=held)
    raise ImageRefused("truncated", "The JPEG ends before its image data")


def _coefficients(data: bytes, position: int, channels: int, pixels: int) -> int:
    """Return the bytes of all coefficients of a JPEG, two for each sample of each colour (libjpeg's jdcoefct.c)."""
    factors = [data[position + 7 + 3 * channel] for channel in range(channels)]
    areas = [max(factor >> 4, 1) * max(factor & 15, 1) for factor in factors]
    return sum(2 * pixels * area // max(areas) for area in areas)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, payload position, payload length) up to and including the first start of scan.

    Bytes between segments are skipped up to the next marker, as the decoder does (libjpeg's next_marker).
    """
    position = 2
    for _ in range(MAX_SEGMENTS):
        position = data.find(b"\xff", position)
        if position < 0:
            return
        while data[position] == 0xFF:
            position += 1
        marker = data[position]
        position += 1
        if marker in {0x00, 0x01, *range(0xD0, 0xD8)}:
            continue
        if marker == 0xD9:
            return
        (length,) = struct.unpack_from(">H", data, position)
        yield marker, position + 2, length - 2
        if marker == 0xDA:
            return
        position += max(length, 2)
    raise ImageRefused("not_an_image", "The JPEG consists of far too many pieces")


def _png(data: bytes) -> Header:
    if data[12:16] != b"IHDR":
        raise ImageRefused("truncated" if len(data) < 33 else "not_an_image", "The PNG has no header")
    width, height = struct.unpack_from(">II", data, 16)
    position, exif, xmp, animated = 8, None, None, False
    for _ in range(MAX_CHUNKS):
        # A file that ends after its image data is shown by every viewer. Whether they are whole, the decoder tells.
        ended = data[position + 4 : position + 8] == b"IEND"
        if ended or position + 12 > len(data):
            orientation, cut = exif or xmp or 1, position > len(data)
            return Header("PNG", width, height, 0, orientation, not cut, not ended, animated)
        length, kind = struct.unpack_from(">I4s", data, position)
        content = data[position + 8 : position + 8 + min(length, 70_000)]
        animated |= kind == b"acTL"
        if kind == b"eXIf" and exif is None:
            exif = exif_orientation(content)
        elif kind == b"iTXt" and xmp is None and content.startswith(b"XML:com.adobe.xmp\0"):
            xmp = xmp_orientation(content)
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
        orientation = _webp_orientation(data)
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 " and (data[23:26] == b"\x9d\x01\x2a" or len(data) < 30):
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        raise ImageRefused("not_an_image", "The WebP is damaged")
    return Header("WEBP", width, height, 0, orientation, complete, animated=animated)


def _webp_orientation(data: bytes) -> int:
    """Return the orientation by the Exif or XMP chunk of a WebP, whatever its flags promise."""
    position, exif, xmp = 12, None, None
    for _ in range(MAX_CHUNKS):
        if position + 8 > len(data):
            break
        kind, length = struct.unpack_from("<4sI", data, position)
        content = data[position + 8 : position + 8 + min(length, 70_000)]
        if kind == b"EXIF" and exif is None:
            exif = exif_orientation(content)
        elif kind == b"XMP " and xmp is None:
            xmp = xmp_orientation(content)
        position += 8 + length + length % 2
    return exif or xmp or 1


def _pgm(data: bytes) -> Header:
    fields = [field for line in data[:512].split(b"\n")[:8] for field in line.split(b"#")[0].split()][:4]
    if len(fields) < 4 or not all(field.isdigit() and len(field) < 10 for field in fields[1:]):
        raise ImageRefused("not_an_image", "The PGM header is damaged")
    width, height, maximum = (int(field) for field in fields[1:])
    if maximum != 255:
        raise ImageRefused("unsupported_format", "Only 8-bit PGM files are accepted")
    channels = 3 if fields[0] == b"P6" else 1
    return Header("PGM", width, height, channels, complete=len(data) >= width * height * channels)
