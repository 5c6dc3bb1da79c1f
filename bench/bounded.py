"""Measure what hostile input costs: pictures that unpack to much memory, a fast film, bodies that never end.

    python -m bench.bounded pictures
    python -m bench.bounded film
    python -m bench.bounded bodies

``pictures`` decodes pictures of 50 megapixels, each in a job of its own, and prints the job's peak memory. ``film``
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
from collections.abc import Iterator
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
from models.errors import ImageRefused
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
    parser.add_argument("what", choices=["pictures", "film", "bodies"])
    {"pictures": pictures, "film": film, "bodies": bodies}[parser.parse_args().what]()


def pictures() -> None:
    """Print the peak memory and the seconds of each kind of picture."""
    decoders = DecoderProcess()
    for name, data in _pictures():
        start = time.perf_counter()
        peaks: list[float] = []
        ask = Job.ask
        try:
            with _noted(decoders, peaks):
                decoders.decode(data)
            result = f"peak {max(peaks):.0f} MB"
        except ImageRefused as refused:
            result = f"refused: {refused.message}"
        finally:
            Job.ask = ask  # type: ignore[method-assign]
        print(f"{name:28} {len(data) / 1e3:8.0f} kB  {time.perf_counter() - start:5.2f} s  {result}")
    decoders.close()


def _pictures() -> Iterator[tuple[str, bytes]]:
    flat = Image.new("RGB", (SIDE, SIDE), (120, 90, 60))
    yield "WebP", _saved(flat, "WEBP", quality=1, method=0)
    yield "WebP, lossless", _saved(flat, "WEBP", lossless=True, method=0)
    yield "WebP, 8000 x 8000", _saved(flat.resize((8000, 8000)), "WEBP", quality=1, method=0)
    yield "PNG", _saved(flat, "PNG", compress_level=1)
    yield "PNG with transparency", _saved(flat.convert("RGBA"), "PNG", compress_level=1)
    yield "PNG, 16 bits", _saved(Image.fromarray(np.full((SIDE, SIDE), 30_000, np.uint16)), "PNG", compress_level=1)
    yield "JPEG, four colours", _saved(flat.convert("CMYK"), "JPEG", quality=5)
    yield "JPEG, four, progressive", _saved(flat.convert("CMYK"), "JPEG", quality=5, progressive=True)
    stream = io.BytesIO()
    pillow_heif.from_pillow(flat).save(stream, quality=1)
    yield "HEIC", stream.getvalue()


def _saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


class _noted:  # noqa: N801 - used like a function
    """Notes the peak memory of the jobs that have answered and still wait."""

    def __init__(self, decoders: DecoderProcess, peaks: list[float]) -> None:
        self._decoders, self._peaks = decoders, peaks

    def __enter__(self) -> None:
        ask = Job.ask

        def note(job: Job, request: object, data: bytes) -> object:
            answer = ask(job, request, data)  # type: ignore[arg-type]
            pid = self._decoders.pid
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                self._peaks.append(_status(int(child), "VmHWM"))
            return answer

        Job.ask = note  # type: ignore[method-assign,assignment]

    def __exit__(self, *_: object) -> None:
        return None


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
