"""Run the networks inside MediaPipe's ``face_landmarker.task``: 478 landmarks of a face crop, 52 blendshapes.

The task file is a zip of TFLite files. They are read in memory and run on LiteRT (XNNPACK, with a given number of
threads). The shapes are checked when the file is loaded, so that a pack with another model does not fail in the middle
of a video.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]
from numpy.typing import NDArray

from models.errors import ModelCorrupt, ModelMissing
from models.media.image import Pixels
from models.weights.packs import PackStore

SIDE = 256
"""Side of the face crop in pixels."""

POINTS = 478
"""468 of the face's surface, then 5 of each iris (centre, and the four sides)."""

LANDMARKS_MEMBER = "face_landmarks_detector.tflite"
BLENDSHAPES_MEMBER = "face_blendshapes.tflite"
GEOMETRY_MEMBER = "geometry_pipeline_metadata_landmarks.binarypb"

# The members of a task file have a few MB each; a file that claims more is another one.
MAX_MEMBER_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class TaskFile:
    """The members of a task file.

    Attributes:
        name: name in the manifest.
        sha256: hash of the task file.
        landmarks: TFLite bytes.
        blendshapes: TFLite bytes.
        geometry: canonical face and weights, see :mod:`models.face.head_pose`.
    """

    name: str
    sha256: str
    landmarks: bytes
    blendshapes: bytes
    geometry: bytes


def load_task(store: PackStore) -> TaskFile:
    """Read the task file of the role ``landmarks`` from the cache.

    Raises:
        ModelMissing: no manifest names one, or it is not in the cache (``model_missing``).
        ModelCorrupt: the hash is wrong, the file is not a zip, or a member is missing (``model_corrupt``).
    """
    specs = [spec for spec in store.specs("landmarks") if not spec.optional]
    if not specs:
        raise ModelMissing("No manifest names a model for the role 'landmarks'")
    spec = specs[-1]
    data = store.load(spec.name)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [_member(archive, name) for name in (LANDMARKS_MEMBER, BLENDSHAPES_MEMBER, GEOMETRY_MEMBER)]
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, EOFError) as error:
        raise ModelCorrupt(f"Model {spec.name!r} is not a face landmarker task: {error}") from error
    return TaskFile(spec.name, spec.sha256, *members)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > MAX_MEMBER_BYTES:
        raise KeyError(f"{name} is larger than {MAX_MEMBER_BYTES} bytes")
    return archive.read(name)


class MeshNetwork:
    """Finds landmarks in a face crop. **For one thread at a time**: the interpreter keeps its tensors between calls.

    Args:
        task: the task file.
        threads: threads of one run.

    Raises:
        ModelCorrupt: LiteRT cannot read it, or it has other shapes (``model_corrupt``).
    """

    __slots__ = ("_flag", "_input", "_interpreter", "_points")

    def __init__(self, task: TaskFile, threads: int) -> None:
        self._interpreter = _interpreter(task.landmarks, f"{task.name}/{LANDMARKS_MEMBER}", threads)
        self._input = _only_input(self._interpreter, (1, SIDE, SIDE, 3), task.name)
        outputs = self._interpreter.get_output_details()
        # By position, as in MediaPipe's graph: landmarks, face flag, and a third output that MediaPipe does not read.
        if [int(np.prod(output["shape"])) for output in outputs[:2]] != [3 * POINTS, 1]:
            raise ModelCorrupt(f"{task.name}/{LANDMARKS_MEMBER} has other outputs than landmarks and a face flag")
        self._points, self._flag = int(outputs[0]["index"]), int(outputs[1]["index"])

    def run(self, crop: Pixels) -> tuple[NDArray[np.float32], float]:
        """Find the landmarks of a face crop.

        Args:
            crop: uint8 [256,256,3], **RGB**, the face upright in its middle.

        Returns:
            float32 [478,3] in pixels of the crop, z in the same scale (smaller is nearer to the camera, 0 about the
            middle of the head), and the probability that there is a face.
        """
        # Scale directly into the interpreter's memory. No view of that memory may exist when invoke runs.
        np.multiply(crop, np.float32(1 / 255), out=self._interpreter.tensor(self._input)()[0], dtype=np.float32)
        self._interpreter.invoke()
        points: NDArray[np.float32] = self._interpreter.get_tensor(self._points).reshape(POINTS, 3)
        flag = float(self._interpreter.get_tensor(self._flag).reshape(()))
        # Clipped where float64's exp would overflow; the sigmoid is 0 there anyway.
        return points, float(1 / (1 + np.exp(-max(flag, -700.0))))


class BlendshapeNetwork:
    """Computes 52 blendshapes of landmarks. **For one thread at a time**, like :class:`MeshNetwork`.

    Args:
        task: the task file.
        threads: threads of one run.
        points: number of landmarks it reads.
        shapes: number of coefficients it returns.

    Raises:
        ModelCorrupt: LiteRT cannot read it, or it has other shapes (``model_corrupt``).
    """

    __slots__ = ("_input", "_interpreter", "_output")

    def __init__(self, task: TaskFile, threads: int, *, points: int, shapes: int) -> None:
        self._interpreter = _interpreter(task.blendshapes, f"{task.name}/{BLENDSHAPES_MEMBER}", threads)
        self._input = _only_input(self._interpreter, (1, points, 2), task.name)
        output = self._interpreter.get_output_details()[0]
        if int(np.prod(output["shape"])) != shapes:
            raise ModelCorrupt(f"{task.name}/{BLENDSHAPES_MEMBER} gives other than {shapes} coefficients")
        self._output = int(output["index"])

    def run(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute the coefficients of landmarks.

        Args:
            points: float32 [n,2] in pixels of the picture (not normalised: the network normalises them).

        Returns:
            float32 [52], each 0-1.
        """
        self._interpreter.set_tensor(self._input, points[None])
        self._interpreter.invoke()
        coefficients: NDArray[np.float32] = self._interpreter.get_tensor(self._output).reshape(-1)
        return coefficients


def _interpreter(data: bytes, name: str, threads: int) -> Any:
    try:
        interpreter = Interpreter(model_content=data, num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelCorrupt(f"LiteRT cannot load {name}: {error}") from error
    return interpreter


def _only_input(interpreter: Any, shape: tuple[int, ...], name: str) -> int:
    details = interpreter.get_input_details()
    if len(details) != 1 or tuple(details[0]["shape"]) != shape or details[0]["dtype"] is not np.float32:
        raise ModelCorrupt(f"A network of {name} wants another input than float32 {shape}")
    return int(details[0]["index"])
