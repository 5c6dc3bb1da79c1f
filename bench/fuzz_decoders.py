"""Give damaged pictures and videos to the decoders, and report every outcome that is neither a result nor a refusal.

    nice -n 10 python -m bench.fuzz_decoders --count 10000

Item ``n`` depends only on seed ``n``, so that ``--first n --count 1`` repeats it. Items run in child processes with
bounded memory; if a child dies or hangs, it is replaced and the item is reported. Ctrl-C prints the findings so far and
the item to continue with. The exit status is 1 if there is any finding.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import Connection
from threading import Lock

import cv2
import numpy as np
import pillow_heif
from PIL import Image
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fixtures import videos
from fixtures.faces import encode, portraits
from models.errors import ImageRefused, VideoRefused
from models.media import image, video
from models.media.video_frames import JpegFrame, join_frames

_HANG_SECONDS = 5.0
_MEMORY = 2 << 30
"""Address space of a child in bytes. The libraries map 0.7 GB; an undamaged item needs about 0.2 GB more."""

_OF_CAMERAS = (
    ("hevc", "mov"),
    ("av1", "mp4"),
    ("mpeg4", "3gp"),
    ("h263", "3gp"),
    ("mjpeg", "avi"),
    ("h264", "avi"),
    ("h264", "mpegts"),
    ("mpeg2video", "mpegts"),
)

_RENEW = 500
"""Items after which a child is replaced, so that a leak is visible as a peak and does not end the run."""


@dataclass
class Findings:
    """The outcomes of all children."""

    done: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, -1)
    peak_kb: int = 0
    lock: Lock = field(default_factory=Lock)

    def add(self, item: int, outcome: str, seconds: float, peak_kb: int) -> None:
        """Count one item."""
        with self.lock:
            self.done += 1
            self.outcomes[outcome] += 1
            self.slowest = max(self.slowest, (seconds, item))
            self.peak_kb = max(self.peak_kb, peak_kb)
            if outcome.startswith("!") or seconds > _HANG_SECONDS:
                self.bad.append(f"item {item}: {outcome} after {seconds:.2f} s")


def main() -> int:
    """Run and print; return whether there was a finding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--children", type=int, default=2)
    options = parser.parse_args()
    findings = Findings()
    items = iter(range(options.first, options.first + options.count))
    lock, stop = Lock(), False

    def take() -> int | None:
        with lock:
            return None if stop else next(items, None)

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    start = time.monotonic()
    with Progress(*columns) as progress, ThreadPoolExecutor(options.children) as pool:
        task = progress.add_task("fuzzing", total=options.count)
        workers = [pool.submit(_supervise, take, findings) for _ in range(options.children)]
        try:
            while not all(worker.done() for worker in workers):
                time.sleep(0.2)
                progress.update(task, completed=findings.done, description=f"fuzzing, {len(findings.bad)} found")
        except KeyboardInterrupt:
            stop = True
    for worker in workers:
        worker.result()
    if stop:
        print(f"stopped; go on with --first {next(items, options.first + options.count)}")
    _report(findings, time.monotonic() - start)
    return 1 if findings.bad else 0


@cache
def corpus() -> list[tuple[str, bytes]]:
    """Make small sound files of every accepted kind."""
    portrait = np.ascontiguousarray(portraits()["eileen_collins"][:, :, ::-1])
    picture = cv2.resize(portrait, (160, 160), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    upright = Image.fromarray(picture[:, :, ::-1])
    exif = Image.Exif()
    exif[0x0112] = 6
    files = []
    for kind, extra in [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {})]:
        stream = io.BytesIO()
        upright.save(stream, kind, exif=exif, **extra)
        files.append(("image", stream.getvalue()))
    stream = io.BytesIO()
    pillow_heif.from_pillow(upright).save(stream)
    files.append(("image", stream.getvalue()))
    frames = list(videos.moving(portrait, seconds=1.5, rate=15, size=(96, 128)))
    for codec in ("vp8", "vp9", "h264"):
        for live in (False, True):
            data = videos.encode(frames, codec=codec, rate=15, quality=50, live=live, audio=True, rotation=90)
            files.append(("video", data))
    ordered = videos.encode(frames, codec="h264", rate=15, quality=50, container="matroska", options={"bf": "2"})
    files.append(("video", ordered))
    for codec, container in _OF_CAMERAS:
        form = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        larger = [cv2.resize(frame, (176, 144)).astype(np.uint8, copy=False) for frame in frames]  # a size of H.263
        data = videos.encode(larger, codec=codec, container=container, rate=25, quality=50, pixel_format=form)
        files.append(("video", data))
    files.append(("image", files[0][1][:-2]))
    stills = [JpegFrame(67 * number, encode(frame)) for number, frame in enumerate(frames)]
    files.append(("video", join_frames(stills, frames[0].shape[1], frames[0].shape[0])))
    return files


def _attempt(item: int) -> str:
    files = corpus()
    kind, sound = files[item % len(files)]
    data = videos.mutated(sound, item)
    try:
        if kind == "image":
            image.probe(data)
            image.decode(data)
        else:
            video.probe_video(data)
            for frame in video.read_frames(data, rate=10):
                if max(frame.pixels.shape[:2]) > video.VideoLimits().max_side_out:
                    return "! frame too large"
    except (ImageRefused, VideoRefused) as refusal:
        return f"{kind} {refusal.code}"
    except Exception as error:  # noqa: BLE001 - any other error is a finding
        return f"! {kind} {type(error).__name__}: {error}"
    return f"{kind} decoded"


def _child(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # libjpeg prints a message for every damaged byte.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    corpus()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cv2.setNumThreads(1)
    pipe.send("ready")
    while (item := pipe.recv()) is not None:
        start = time.monotonic()
        outcome = _attempt(item)
        pipe.send((outcome, time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def _supervise(take: object, findings: Findings) -> None:
    assert callable(take)
    context = multiprocessing.get_context("spawn")  # FFmpeg and OpenCV have threads, which a fork would break
    item = take()
    while item is not None:
        ours, theirs = context.Pipe()
        process = context.Process(target=_child, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        ours.recv()  # the corpus is ready
        for _ in range(_RENEW):
            if item is None or not _one(process, ours, item, findings):
                break
            item = take()
        else:
            ours.send(None)
            process.join()
            continue
        if item is not None:  # the child is dead or hangs, so it can be killed
            item = take()
        process.kill()
        process.join()


def _one(process: multiprocessing.process.BaseProcess, pipe: Connection, item: int, findings: Findings) -> bool:
    """Run one item in the child; return False if the child cannot continue."""
    start = time.monotonic()
    pipe.send(item)
    try:
        # Twice the limit, so that a slow item is measured and only a hanging one is killed.
        if not pipe.poll(2 * _HANG_SECONDS):
            findings.add(item, "! hangs", time.monotonic() - start, 0)
            return False
        outcome, seconds, peak = pipe.recv()
    except EOFError:
        process.join()
        code = process.exitcode or 0
        name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        findings.add(item, f"! died of {name}", time.monotonic() - start, 0)
        return False
    findings.add(item, outcome, seconds, peak)
    return True


def _report(findings: Findings, seconds: float) -> None:
    for outcome, number in sorted(findings.outcomes.items()):
        print(f"{number:7}  {outcome}")
    print(f"{findings.done} items in {seconds:.0f} s, slowest {findings.slowest[0]:.2f} s (item {findings.slowest[1]})")
    print(f"peak resident memory of a child {findings.peak_kb / 1024:.0f} MB")
    print("\n".join(findings.bad) if findings.bad else "no crash, no hang, no unexpected exception")


if __name__ == "__main__":
    sys.exit(main())
