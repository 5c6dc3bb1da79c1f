"""Show that perceptual hashes recognise a video that is sent again, and no other video.

    python -m bench.video_hashes --videos FOLDER

Each video is cut into parts of four seconds. Every part is re-encoded in four ways, and cut, and compared with its
original: it must be recognised. All other parts, of the same video and of others, must not be.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from fixtures.faces import Picture
from fixtures.videos import encode
from models.liveness.readings import THUMB, Glance
from models.liveness.video_hash import HashMatch, VideoHash, compare_hashes, hash_frames
from models.media.video import VideoLimits, VideoReader

SECONDS = 4.0


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, required=True, help="folder of *.mp4")
    options = parser.parse_args()
    matches: dict[str, list[HashMatch]] = {}
    parts: dict[tuple[str, int], VideoHash] = {}
    for path in sorted(options.videos.glob("*.mp4")):
        reader = VideoReader(path.read_bytes(), VideoLimits(max_seconds=60))
        frames = [frame.pixels for frame in reader]
        rate = round(reader.info.mean_rate)
        length = int(SECONDS * rate)
        for number, start in enumerate(range(0, len(frames) - length + 1, length)):
            part = frames[start : start + length]
            original = parts[path.stem, number] = hash_frames(_glances(enumerate(part), rate))
            for name, resent in _variants(part, rate):
                matches.setdefault(name, []).append(compare_hashes(original.reduced(), resent))
    for (video, number), first in parts.items():
        for (other, other_number), second in parts.items():
            if (video, number) != (other, other_number):
                name = "other part of the same video" if video == other else "another video"
                matches.setdefault(name, []).append(compare_hashes(first.reduced(), second))
    table = Table("sent again as", "n", "recognised", "matched frames, mean", "most", "changed bits, mean", "largest")
    for name, group in matches.items():
        changed = np.array([entry.changed for entry in group if entry.matched_count])
        counts = np.array([entry.matched_count for entry in group])
        table.add_row(
            name,
            str(len(group)),
            f"{np.mean([entry.same for entry in group]):.1%}",
            f"{counts.mean():.1f}",
            str(counts.max()),
            f"{changed.mean():.3f}" if len(changed) else "-",
            f"{changed.max():.3f}" if len(changed) else "-",
        )
    Console(width=120).print(table)


def _variants(part: Sequence[Picture], rate: int) -> Iterable[tuple[str, VideoHash]]:
    small = [cv2.resize(picture, (320, 320)).astype(np.uint8, copy=False) for picture in part]
    for name, pictures, codec, quality in (
        ("VP8, low quality", part, "vp8", 40),
        ("VP9, low quality", part, "vp9", 40),
        ("H.264, two thirds of the size", small, "h264", 50),
        ("first and last half second cut", part[rate // 2 : -rate // 2], "vp8", 60),
        ("brighter, another shape", [_brighter(picture) for picture in part], "h264", 60),
    ):
        reader = VideoReader(encode(pictures, codec=codec, rate=rate, quality=quality))
        yield name, hash_frames(_glances([(round(f.time_s * rate), f.pixels) for f in reader], rate))


def _brighter(picture: Picture) -> Picture:
    wide = cv2.resize(picture, (480, 400))
    return cv2.convertScaleAbs(wide, alpha=1.15, beta=8).astype(np.uint8, copy=False)


def _glances(frames: Iterable[tuple[int, Picture]], rate: int) -> list[Glance]:
    return [
        Glance(
            index / rate,
            cv2.resize(cv2.cvtColor(p, cv2.COLOR_BGR2GRAY), (THUMB, THUMB), interpolation=cv2.INTER_AREA).astype(
                np.float32
            ),
            0.0,
        )
        for index, p in frames
    ]


if __name__ == "__main__":
    main()
