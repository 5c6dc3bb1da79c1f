"""Show that prints know a recording again, and nothing else.

    python -m bench.prints --videos FOLDER

Each video is cut into parts of four seconds. Every part is sent again encoded anew in four ways, and cut; and is
compared with all other parts, of the same video and of others, which must stay unknown.
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
from models.liveness.video_hash import Likeness, Prints, likeness, prints_of
from models.media.video import VideoLimits, VideoReader

SECONDS = 4.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, required=True, help="folder of *.mp4")
    options = parser.parse_args()
    found: dict[str, list[Likeness]] = {}
    parts: dict[tuple[str, int], Prints] = {}
    for path in sorted(options.videos.glob("*.mp4")):
        reader = VideoReader(path.read_bytes(), VideoLimits(max_seconds=60))
        frames = [frame.pixels for frame in reader]
        rate = round(reader.info.mean_rate)
        length = int(SECONDS * rate)
        for number, start in enumerate(range(0, len(frames) - length + 1, length)):
            part = frames[start : start + length]
            original = parts[path.stem, number] = prints_of(_glances(enumerate(part), rate))
            for name, again in _variants(part, rate):
                found.setdefault(name, []).append(likeness(original.kept(), again))
    for (video, number), kept in parts.items():
        for (other, part_number), all_frames in parts.items():
            if (video, number) != (other, part_number):
                name = "other part of the same video" if video == other else "another video"
                found.setdefault(name, []).append(likeness(kept.kept(), all_frames))
    table = Table("sent again as", "n", "known again", "found frames", "most", "changed bits, mean", "largest")
    for name, all_ in found.items():
        mean = np.array([entry.changed for entry in all_ if entry.known])
        known = np.array([entry.known for entry in all_])
        table.add_row(
            name,
            str(len(all_)),
            f"{np.mean([entry.same for entry in all_]):.1%}",
            f"{known.mean():.1f}",
            str(known.max()),
            f"{mean.mean():.3f}" if len(mean) else "-",
            f"{mean.max():.3f}" if len(mean) else "-",
        )
    Console(width=120).print(table)


def _variants(part: Sequence[Picture], rate: int) -> Iterable[tuple[str, Prints]]:
    small = [cv2.resize(picture, (320, 320)).astype(np.uint8, copy=False) for picture in part]
    for name, pictures, codec, quality in (
        ("VP8, low quality", part, "vp8", 40),
        ("VP9, low quality", part, "vp9", 40),
        ("H.264, two thirds of the size", small, "h264", 50),
        ("first and last half second cut", part[rate // 2 : -rate // 2], "vp8", 60),
        ("brighter, another shape", [_brighter(picture) for picture in part], "h264", 60),
    ):
        reader = VideoReader(encode(pictures, codec=codec, rate=rate, quality=quality))
        yield name, prints_of(_glances([(round(f.time_s * rate), f.pixels) for f in reader], rate))


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
