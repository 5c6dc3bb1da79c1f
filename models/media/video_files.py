"""Read what a video file declares about itself, from its bytes alone, before any demuxer opens it.

Two things cannot be left to FFmpeg. It would try about 300 demuxers, a few of which open other files or addresses. And
a table with a large declared length makes a demuxer allocate gigabytes. This module chooses the container and bounds
the tables with plain byte arithmetic in bounded time. It also finds out whether the end of the file is present.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from models.errors import VideoRefused
from models.media.kinds import FILM, is_avi, is_picture, is_transport_stream, kind_of

# 30 seconds with 60 pictures and 100 sound packets a second, each in its own cluster, are 15,000 elements. A file with
# more than this limit tries to keep the loops below busy (50,000 take 30 ms).
MAX_ELEMENTS = 50_000
# Entries of all tables of all tracks; FFmpeg allocates at least 24 bytes for each. 30 seconds of uncompressed sound at
# 48 kHz have 1.4 million in two tables; all other tables have thousands. A file of 0.5 MB that declares 80 million took
# 14 s and 3 GB to open.
MAX_ENTRIES = 4_000_000
# What each table counts by itself, so that millions of empty tables cannot keep the search below busy.
_TABLE = 64

# Tables of (count, value) pairs: a pair stands for any number of samples.
_RUNS = (b"stts", b"ctts")
# Tables whose count can be larger than their bytes, and the offset of the count from the name.
_COUNTS = {b"stsz": 12, b"stz2": 12, b"trun": 8}

# Files of QuickTime from before the box that names the kind.
_FIRST_BOXES = frozenset({b"moov", b"mdat", b"wide"})

_EBML, _SEGMENT, _CLUSTER, _DOCTYPE = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0x4282


@dataclass(frozen=True, slots=True)
class VideoFile:
    """What the bytes of a video file declare.

    Attributes:
        container: ``webm``, ``matroska``, ``mp4``, ``mov``, ``avi`` or ``mpegts``.
        whole: the structure is intact up to the end of the file. A recording that stops exactly between two frames
            looks like a shorter one; the difference does not matter.
    """

    container: str
    whole: bool


def read_file(data: bytes) -> VideoFile:
    """Recognise the container by content and read its outer structure.

    Raises:
        VideoRefused: there are no bytes (``video_empty``), they are no video (``not_a_video``) or another kind of video
            (``unsupported_video``), what a player needs first is missing (``video_truncated``), or the tables are such
            as no camera writes (``video_damaged``).
    """
    if not data:
        raise VideoRefused("video_empty", "The file is empty")
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return _matroska(data)
    if data[4:8] == b"ftyp" or (data[4:8] in _FIRST_BOXES and kind_of(data) is None):
        return _mp4(data)
    if is_avi(data):
        return _avi(data)
    if is_transport_stream(data):
        return VideoFile("mpegts", whole=True)
    code = kind_of(data)
    if code in {FILM, "is_gif"}:
        raise VideoRefused("unsupported_video", "This kind of video file is not accepted")
    raise VideoRefused("video_no_picture" if code == "is_sound" else "not_a_video", "The file is not a video")


def _avi(data: bytes) -> VideoFile:
    """Walk over the outer lists of an AVI. Its index has 16 bytes for each frame, and so cannot declare too much."""
    position = 0
    for _ in range(MAX_ELEMENTS):
        if position >= len(data):
            return VideoFile("avi", position == len(data))
        if data[position : position + 4] not in {b"RIFF", b"JUNK"}:
            return VideoFile("avi", whole=True)  # players ignore the rest
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        position += 8 + size + size % 2
    raise VideoRefused("video_damaged", "The file consists of far too many pieces")


def _matroska(data: bytes) -> VideoFile:
    container, position, whole = "", 0, False
    for _ in range(MAX_ELEMENTS):
        if position >= len(data):
            whole = position == len(data)
            break
        try:
            kind, size, start = _element(data, position)
        except (struct.error, IndexError, ValueError):
            break
        if kind == _EBML:
            container = _doctype(data[start : start + min(size or 0, 256)])
        if kind in {_SEGMENT, _CLUSTER}:
            # Recorders that stream leave these sizes open; either way their content comes next.
            if size is not None and start + size > len(data):
                break
            position = start
        elif size is None:
            break
        else:
            position = start + size
    else:
        raise VideoRefused("video_damaged", "The file consists of far too many pieces")
    if not container:
        raise VideoRefused("video_truncated", "The file ends within its first bytes")
    if container not in {"webm", "matroska"}:
        raise VideoRefused("unsupported_video", "This kind of Matroska file is not accepted")
    return VideoFile(container, whole)


def _element(data: bytes, position: int) -> tuple[int, int | None, int]:
    """Return the EBML element at a position: its id, its size (None if open) and the start of its content."""
    kind_length = 9 - data[position].bit_length()
    kind = int.from_bytes(data[position : position + kind_length], "big")
    first = data[position + kind_length]
    length = 9 - first.bit_length()
    if kind_length > 4 or length > 8:
        raise ValueError("no EBML element")
    start = position + kind_length + length
    open_ended = (1 << 7 * length) - 1
    size = int.from_bytes(data[start - length : start], "big") & open_ended
    return kind, None if size == open_ended else size, start


def _doctype(header: bytes) -> str:
    position = 0
    try:
        while position < len(header):
            kind, size, start = _element(header, position)
            if kind == _DOCTYPE:
                return header[start : start + (size or 0)].rstrip(b"\0").decode("ascii", "replace")
            position = start + (size or 0)
    except (IndexError, ValueError):
        pass
    return "matroska"  # the default of the format


def _mp4(data: bytes) -> VideoFile:
    brand = data[8:12]
    if is_picture(data):
        raise VideoRefused("unsupported_video", "The file holds a picture, not a video")
    position, whole, entries = 0, False, 0
    headers: set[bytes] = set()
    for _ in range(MAX_ELEMENTS):
        if position >= len(data):
            whole = position == len(data)
            break
        kind, size = data[position + 4 : position + 8], int.from_bytes(data[position : position + 4], "big")
        if size == 1:
            size = int.from_bytes(data[position + 8 : position + 16], "big")
        elif size == 0:
            size = len(data) - position
        # FFmpeg may find tables in any box except the media itself, so all other boxes are searched, with any name.
        # If a box is broken, everything from there on is searched.
        broken = size < 8 or len(kind) < 4
        headers.add(kind)
        if kind != b"mdat" or broken:
            entries += _entries(data[position : len(data) if broken else position + size])
        if entries > MAX_ENTRIES:
            raise VideoRefused("video_damaged", "The file declares far more samples than a short video has")
        if broken:
            break
        position += size
    else:
        raise VideoRefused("video_damaged", "The file consists of far too many pieces")
    if b"moov" not in headers:
        # Phones write it when recording ends. Without it the positions of the frames are unknown.
        raise VideoRefused("video_truncated", "The file ends before its table of contents")
    return VideoFile("mov" if brand == b"qt  " or data[4:8] != b"ftyp" else "mp4", whole)


def _entries(box: bytes) -> int:
    """Count the entries that all tables within a box declare, up to just above the limit."""
    if b"cmov" in box:  # a compressed table of contents: not written since QuickTime 3, and it may expand a lot
        return MAX_ENTRIES + 1
    total = 0
    for name in (*_RUNS, *_COUNTS):
        position = box.find(name)
        while position >= 0 and total <= MAX_ENTRIES:
            # Version and flags are the four bytes after the name.
            at = position + _COUNTS.get(name, 8)
            declared = int.from_bytes(box[at : at + 4], "big")
            if name in _RUNS:
                pairs = box[at + 4 : at + 4 + 8 * min(declared, MAX_ENTRIES)]
                counts = np.frombuffer(pairs[: len(pairs) // 8 * 8], ">u4")[0::2]
                declared = len(counts) + int(counts.sum(dtype=np.uint64))
            total += _TABLE + declared
            position = box.find(name, position + 4)
    return total
