"""Measure how much time the pipeline adds to decoding and model runs: one 12-megapixel selfie, warm, one thread.

    python bench/selfie_pipeline.py

It prints the stages of ``FaceEngine.measure`` and compares its total with the JPEG decoding plus the model runs alone
(same tensor shapes). The target is at most 1.15 times.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np

from fixtures.faces import portraits, rephotograph
from models.media.image import decode, probe
from models.pipeline import FaceEngine
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import Network, load_network

ROUNDS = 40


def main() -> None:
    """Measure, and print the times."""
    cv2.setNumThreads(1)
    store = PackStore(default_cache_dir())
    engine = FaceEngine.load(store, threads=1)
    selfie = rephotograph(portraits()["eileen_collins"], seed=3, megapixels=12)
    info = probe(selfie)
    print(f"selfie: {info.width} x {info.height}, {len(selfie)} bytes, decoded at 1/{info.scale}")
    shapes = {"yunet": (1, 3, 320, 256), "sface": (1, 3, 112, 112), "faceplugin": (1, 3, 112, 112)}
    shapes |= {"fr_liveness": (1, 3, 128, 128), "fr_eye": (1, 1, 24, 24)}
    runs: dict[str, Callable[[], object]] = {"jpeg decode": lambda: decode(selfie)}
    for name, shape in shapes.items():
        runs[name] = _bare(load_network(store, name), np.random.default_rng(0).random(shape, np.float32) * 255)
    # Interleaved, so that a slow moment of the machine affects both alike.
    times: dict[str, list[float]] = {name: [] for name in (*runs, "measure")}
    stages: dict[str, list[float]] = {}
    for _ in range(ROUNDS + 3):
        for name, call in runs.items():
            times[name].append(_milliseconds(call))
        start = time.perf_counter()
        measurement = engine.measure(selfie)
        times["measure"].append((time.perf_counter() - start) * 1e3)
        for stage, value in measurement.timings_ms.items():
            stages.setdefault(stage, []).append(value)
    median = {name: float(np.median(values[3:])) for name, values in times.items()}
    floor = sum(median[name] for name in runs) + median["fr_eye"]  # one run for each eye
    for name in runs:
        print(f"  bare {name:12} {median[name]:7.2f} ms{' (twice)' if name == 'fr_eye' else ''}")
    for stage, values in stages.items():
        print(f"  stage {stage:11} {np.median(values[3:]):7.2f} ms")
    print(
        f"decode + bare models {floor:.1f} ms, measure() {median['measure']:.1f} ms, x {median['measure'] / floor:.3f}"
    )


def _bare(network: Network, tensor: np.ndarray) -> Callable[[], object]:
    return lambda: network.run(tensor)


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


if __name__ == "__main__":
    main()
