"""Measure one 12-megapixel selfie from JPEG to determination, warm, on one core, and compare with the lower bound.

    taskset -c 0 python -m bench.selfie

The lower bound is the JPEG decoding at the chosen scale plus the model runs on tensors of the right shape, without
anything else. The full path is that of a worker: read and unseal the stored photo, measure, open the references,
compare, decide, sign the certificate, append to the ledger, commit. Rounds are interleaved, so that a slow moment of
the machine affects both alike. If face_recognition is installed, its defaults are timed on the same file.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import io
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.people import enrol, submit
from certify.capture.evaluate import evaluate_session
from certify.config import Settings
from certify.doorstep.traces import note_face
from certify.queue import NoQueue
from certify.service import build_service
from certify.storage.migrate import upgrade_embedded
from fixtures import faces
from models.media.decoder_process import start_decoders
from models.media.decoders import InProcess
from models.media.image import probe
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network

SHAPES = {
    "yunet": (1, 3, 320, 256),
    "sface": (1, 3, 112, 112),
    "faceplugin": (1, 3, 112, 112),
    "fr_liveness": (1, 3, 128, 128),
    "fr_eye": (1, 1, 24, 24),
}


def main() -> None:
    """Measure, and print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--here", action="store_true", help="decode in this process, without the one that confines it")
    options = parser.parse_args()
    rounds = options.rounds
    cv2.setNumThreads(1)
    store = PackStore(default_cache_dir())
    engine = FaceEngine.load(store, threads=1, decoders=InProcess() if options.here else start_decoders())
    portrait = faces.portraits()["eileen_collins"]
    selfie = faces.rephotograph(portrait, seed=3, megapixels=12)
    info = probe(selfie)
    flag = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4}.get(
        info.scale, cv2.IMREAD_REDUCED_COLOR_8
    )
    data = np.frombuffer(selfie, np.uint8)
    runs: dict[str, Callable[[], object]] = {"jpeg decode": lambda: cv2.imdecode(data, flag)}
    random = np.random.default_rng(0)
    for name, shape in SHAPES.items():
        network, tensor = load_network(store, name), random.random(shape, np.float32) * 255
        runs[name] = partial(network.run, tensor)
    with tempfile.TemporaryDirectory() as folder:
        service = build_service(Settings(data_dir=Path(folder)), queue=NoQueue())
        upgrade_embedded(service.settings)
        reference = faces.encode(portrait)
        people = [enrol(service, engine, reference, number) for number in range(rounds + 3)]
        times: dict[str, list[float]] = {name: [] for name in (*runs, "measure", "selfie to determination")}
        for person in people:
            for name, call in runs.items():
                times[name].append(_milliseconds(call))
            times["measure"].append(_milliseconds(lambda: engine.measure(selfie)))
            # Bytes of its own: media that were sent before are refused by their hash, and nothing further is looked at.
            session = submit(service, person, selfie + person.bytes)
            times["selfie to determination"].append(
                _milliseconds(partial(evaluate_session, service, engine, session, notice=note_face))
            )
        service.database.close()
    median = {name: float(np.median(values[3:])) for name, values in times.items()}
    floor = sum(median[name] for name in runs) + median["fr_eye"]  # one run for each eye
    print(
        f"selfie: {info.width} x {info.height}, {len(selfie) / 1e6:.1f} MB, decoded at 1/{info.scale}; {rounds} rounds"
    )
    for name in runs:
        print(f"  bare {name:12} {median[name]:7.2f} ms{' (twice)' if name == 'fr_eye' else ''}")
    print(f"floor (decode + bare models)  {floor:7.1f} ms")
    for name in ("measure", "selfie to determination"):
        print(f"{name:29} {median[name]:7.1f} ms   x {median[name] / floor:.2f}")
    _face_recognition(selfie)


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def _face_recognition(selfie: bytes) -> None:
    if importlib.util.find_spec("face_recognition") is None:
        print("face_recognition is not installed; not compared")
        return
    # Optional and large; imported by name, so that type checking does not need it.
    face_recognition: Any = importlib.import_module("face_recognition")

    def run() -> object:
        image = face_recognition.load_image_file(io.BytesIO(selfie))
        return face_recognition.face_encodings(image)

    print(f"face_recognition, defaults      {min(_milliseconds(run) for _ in range(2)):7.1f} ms")


if __name__ == "__main__":
    main()
