"""Measure what hostile input costs: pictures that unpack to much memory, a fast film, bodies that never end.

    python -m bench.bounded pictures
    python -m bench.bounded films
    python -m bench.bounded film
    python -m bench.bounded bodies

``pictures`` decodes the largest pictures that are accepted, each in a job of its own, and prints the job's peak memory;
``films`` does so with films of 4K in every codec. The bound is 300 MB beyond the program. ``film``
analyses 30 seconds of 60 frames a second with and without thinning. ``bodies`` sends sealed visits whose last byte
never comes to a service of its own, and prints the memory that they hold.
"""

from __future__ import annotations

import argparse
import io
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image

from bench.api_latency import PORT, wait_until_ready
from certify.config import Settings
from certify.queue import NoQueue
from certify.service import build_service
from certify.storage.migrate import upgrade_embedded
from fixtures import faces, videos
from models.errors import ImageRefused, VideoRefused
from models.media.decoder_job import Job
from models.media.decoder_process import DecoderProcess
from models.media.decoders import InProcess
from models.media.video import VideoLimits, VideoReader
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir

SIDE = 7040
"""Pixels of a side: 49.6 megapixels."""


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["pictures", "films", "film", "bodies"])
    {"pictures": pictures, "films": films, "film": film, "bodies": bodies}[parser.parse_args().what]()


def pictures() -> None:
    """Print the peak memory and the seconds of each kind of picture."""
    decoders = DecoderProcess()
    for name, data in _pictures():
        _print_peak(decoders, name, data, partial(decoders.decode, data))
    decoders.close()


def films() -> None:
    """Print the peak memory and the seconds of each kind of film in 4K, 2 seconds of each."""
    decoders = DecoderProcess()
    for name, data in _films():
        _print_peak(decoders, name, data, partial(_read, decoders, data))
    decoders.close()


def _read(decoders: DecoderProcess, data: bytes) -> None:
    for _ in decoders.film(data):
        pass


def _print_peak(decoders: DecoderProcess, name: str, data: bytes, read: Callable[[], object]) -> None:
    start, peaks = time.perf_counter(), [0.0]
    ask, go_on = Job.ask, Job.go_on
    try:
        _note(decoders, peaks)
        read()
        result = ""
    except (ImageRefused, VideoRefused) as refused:
        result = f"  refused: {refused.code}"
    finally:
        Job.ask, Job.go_on = ask, go_on  # type: ignore[method-assign]
    seconds = time.perf_counter() - start
    print(f"{name:28} {len(data) / 1e3:8.0f} kB  {seconds:5.2f} s  peak {max(peaks):4.0f} MB{result}", flush=True)


def _films() -> Iterator[tuple[str, bytes]]:
    still = faces.portraits()["eileen_collins"]
    pictures = list(videos.moving(still, seconds=2, rate=15, size=(2160, 3840)))
    many = {"preset": "ultrafast", "refs": "16", "bf": "3"}
    deep = {"preset": "ultrafast", "x265-params": "log-level=none:pools=none:frame-threads=1:ref=6:bframes=4"}
    yield "H.264, 16 references", videos.encode(pictures, codec="h264", rate=15, options=many)
    yield "HEVC", videos.encode(pictures, codec="hevc", rate=15, options=deep)
    yield "HEVC, 10 bits", videos.encode(pictures, codec="hevc", rate=15, options=deep, pixel_format="yuv420p10le")
    yield "AV1", videos.encode(pictures, codec="av1", rate=15)
    yield "AV1, 10 bits", videos.encode(pictures, codec="av1", rate=15, pixel_format="yuv420p10le")
    yield "VP9", videos.encode(pictures, codec="vp9", rate=15)
    yield "VP8", videos.encode(pictures, codec="vp8", rate=15)
    for codec, container in (("mjpeg", "avi"), ("mpeg4", "mov"), ("mpeg2video", "mpegts")):
        form = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        yield codec, videos.encode(pictures, codec=codec, container=container, rate=25, pixel_format=form)


def _pictures() -> Iterator[tuple[str, bytes]]:
    flat = Image.new("RGB", (SIDE, SIDE), (120, 90, 60))
    yield "WebP", _saved(flat, "WEBP", quality=1, method=0)
    yield "WebP, lossless", _saved(flat, "WEBP", lossless=True, method=0)
    yield "WebP, 8000 x 8000", _saved(flat.resize((8000, 8000)), "WEBP", quality=1, method=0)
    yield "PNG", _saved(flat, "PNG", compress_level=1)
    yield "PNG with transparency", _saved(flat.convert("RGBA"), "PNG", compress_level=1)
    yield "PNG, 16 bits", _saved(Image.fromarray(np.full((SIDE, SIDE), 30_000, np.uint16)), "PNG", compress_level=1)
    yield "JPEG, four colours", _saved(flat.convert("CMYK"), "JPEG", quality=5)
    yield "JPEG, 200 megapixels", _saved(Image.new("RGB", (16320, 12240), (120, 90, 60)), "JPEG", quality=5)
    yield (
        "JPEG, 200, progressive",
        _saved(Image.new("RGB", (16320, 12240), (120, 90, 60)), "JPEG", quality=5, progressive=True),
    )
    yield "JPEG, 64, progressive", _saved(flat.resize((8000, 8000)), "JPEG", quality=5, progressive=True)
    yield "JPEG, four, progressive", _saved(flat.convert("CMYK"), "JPEG", quality=5, progressive=True)
    stream = io.BytesIO()
    pillow_heif.from_pillow(flat).save(stream, quality=1)
    yield "HEIC", stream.getvalue()


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def _note(decoders: DecoderProcess, peaks: list[float]) -> None:
    """Note the peak memory of the jobs after each answer; they still wait then."""

    def noting(method: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            answer = method(*arguments)
            pid = decoders.pid
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                with suppress(OSError, StopIteration):
                    peaks.append(_status(int(child), "VmHWM"))
            return answer

        return call

    Job.ask, Job.go_on = noting(Job.ask), noting(Job.go_on)  # type: ignore[method-assign,assignment]


def film() -> None:
    """Print the processor seconds of a film of 30 seconds with 60 frames a second."""
    still = faces.portraits()["eileen_collins"]
    frames = videos.moving(still, seconds=29.9, size=(640, 480), rate=60)
    data = videos.encode(frames, codec="h264", rate=60)
    print(f"film: {len(data) / 1e6:.1f} MB, 1,794 frames")
    store = PackStore(default_cache_dir())
    for name, decoders in (("as before: every frame, in this process", _Unthinned()), ("now", DecoderProcess())):
        engine = FaceEngine.load(store, decoders=decoders)
        engine.observe(videos.encode(videos.moving(still, seconds=1.2, size=(640, 480), rate=10), rate=10))
        start = _spent()
        engine.watch(data)
        decoders.close()  # waits for the children, so that their time counts
        print(f"{name:42} {_spent() - start:5.1f} processor seconds")


class _Unthinned(InProcess):
    """Decoders that return every frame."""

    def film(self, data: bytes, limits: VideoLimits | None = None) -> VideoReader:
        """Open a video whose every frame is analysed."""
        return VideoReader(data, limits)


def _spent() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def bodies(count: int = 150) -> None:
    """Print the memory of the HTTP process before, while and after bodies come that never end."""
    with tempfile.TemporaryDirectory() as folder:
        service = build_service(Settings(data_dir=Path(folder)), queue=NoQueue())
        upgrade_embedded(service.settings)
        service.database.close()
        environment = {**os.environ, "CERTIFY_DATA_DIR": folder, "CERTIFY_RATE_LIMIT": "none"}
        command = [sys.executable, "-m", "certify", "serve", "--port", str(PORT), "--guides", "0", "--workers", "0"]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_ready()
            print(f"before: {_status(server.pid, 'VmRSS'):.0f} MB")
            for path in ("/v1/tablet/bundles/" + "0" * 64, "/v1/sessions/00000000-0000-0000-0000-000000000001/media"):
                held, refused = _half_sent(path, count)
                print(f"{path[:22]} x {count}: {_status(server.pid, 'VmRSS'):.0f} MB, refused at once: {refused}")
                for connection in held:
                    connection.close()
            print(f"after: {_status(server.pid, 'VmRSS'):.0f} MB")
        finally:
            server.terminate()
            server.wait(60)


def _half_sent(path: str, count: int) -> tuple[list[socket.socket], int]:
    size = 6_000_000
    head = f"PUT {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode()
    held, refused = [], 0
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", PORT), 10)
        held.append(connection)
        try:
            connection.sendall(head + b"x" * (size - 1))
        except OSError:
            refused += 1
    return held, refused


def _status(process: int, name: str) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith(name))


if __name__ == "__main__":
    main()
