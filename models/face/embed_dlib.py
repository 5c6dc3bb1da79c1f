"""Wrap dlib's ResNet as an :class:`models.face.embed.Embedder`: an optional baseline for the benchmark.

It needs the extra ``dlib`` (``dlib-bin``) and the model ``dlib`` in the cache (``prepare(["dlib"])``). At its
published threshold it confuses most different Asian faces (EER 8 %, SFace 0.2 %, docs/models.md). It has no calibration
here, so reports can show it beside the others, but it never decides.
"""

from __future__ import annotations

import importlib
import tempfile
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import ModelMissing
from models.face.align import ARCFACE_POINTS, similarity
from models.face.embed import Vectors, unit
from models.weights.packs import PackStore

CHIP_SIDE = 150
# Eye centres of dlib's mean five-point shape (image_transforms/interpolation.h, get_face_chip_details) with padding
# 0.25, in the 150-pixel chip.
CHIP_EYES = np.array([[47.73, 47.14], [100.28, 47.12]], np.float32)


class DlibEmbedder:
    """The network dlib_face_recognition_resnet_model_v1 on aligned faces.

    Args:
        store: where the weights are.

    Raises:
        ModelMissing: dlib is not installed, or the weights are not in the cache (``model_missing``).
        ModelCorrupt: the weights have a wrong hash (``model_corrupt``).
    """

    __slots__ = ("_matrix", "_network", "dim", "name", "sha256")

    def __init__(self, store: PackStore) -> None:
        self.name = "dlib"
        self.sha256 = store.spec("dlib").sha256
        self.dim = 128
        self._matrix = similarity(ARCFACE_POINTS[:2], CHIP_EYES)
        weights = store.load("dlib")
        try:
            dlib: Any = importlib.import_module("dlib")
        except ImportError as error:
            raise ModelMissing("dlib is not installed", hint="pip install 'certify[dlib]'") from error
        # dlib reads only files. It gets exactly the bytes whose hash was checked.
        with tempfile.NamedTemporaryFile(suffix=".dat") as stream:
            stream.write(weights)
            stream.flush()
            self._network: Any = dlib.face_recognition_model_v1(stream.name)

    def embed(self, faces: NDArray[np.uint8]) -> Vectors:
        """Embed aligned faces; see :class:`models.face.embed.Embedder`.

        dlib compares by distance. On unit vectors the cosine gives the same order.
        """
        chips = [self._chip(face) for face in faces]
        raw = np.array([list(self._network.compute_face_descriptor(chip)) for chip in chips], np.float32)
        return unit(raw)

    def _chip(self, face: NDArray[np.uint8]) -> NDArray[np.uint8]:
        rgb = np.ascontiguousarray(face[:, :, ::-1])
        size = (CHIP_SIDE, CHIP_SIDE)
        chip = cv2.warpAffine(rgb, self._matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(chip, np.uint8)
