"""A pack of the shape that docs/models.md recommends loads, and brings the calibration of its weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fixtures.faces import Picture, encode
from models.calibrate import load_calibration
from models.pipeline import FaceEngine
from models.states import State, Zone
from models.weights.packs import PackStore
from tests.models.weights.test_packs import entry

RGB = "RGB (x-127.5)/127.5, float32 [1,3,112,112], aligned to the ArcFace five points"
SIDE = 7


def invented_weights() -> bytes:
    """Return a network with the input and output of AuraFace (ResNet-100, 512 values), and random weights."""
    rng = np.random.default_rng(7)
    matrix = rng.standard_normal((3 * SIDE * SIDE, 512)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["input.1"], ["small"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Flatten", ["small"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "matrix"], ["1333"]),
    ]
    graph = helper.make_graph(
        nodes,
        "invented",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, ["None", 3, 112, 112])],
        [helper.make_tensor_value_info("1333", TensorProto.FLOAT, ["None", 512])],
        [numpy_helper.from_array(matrix, "matrix")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(onnx.ModelProto.SerializeToString(model))


def calibration(store: PackStore, digest: str) -> str:
    return f"""
format = 1
[models]
auraface = "{digest}"
sface = "{store.spec("sface").sha256}"
[[fit]]
weights = {{ auraface = 20.0, sface = 20.0 }}
intercept = -20.0
bounds = [-5.0, 5.0]
threshold = 3.0
near = 2.0
"""


@pytest.fixture
def packed(store: PackStore, tmp_path: Path) -> tuple[PackStore, Path, str]:
    """Return a store with the pack, its folder, and the hash of its weights. The pack switches faceplugin off."""
    weights = invented_weights()
    digest = hashlib.sha256(weights).hexdigest()
    folder = tmp_path / "pack"
    folder.mkdir()
    member = '{ kind = "folder", member = "glintr100.onnx" }'
    added = entry(role="embedder", name="auraface", file="glintr100.onnx", digest=digest, carrier=member)
    off = entry(role="embedder", name="faceplugin") + "optional = true\n"
    (folder / "glintr100.onnx").write_bytes(weights)
    (folder / "manifest.toml").write_text("format = 1\n" + added.replace("anything", RGB) + off)
    cache = tmp_path / "cache"
    cache.mkdir()
    for name in ("yunet", "sface"):
        if not store.path(name).exists():
            pytest.skip(f"FACE MODELS ARE NOT PREPARED: {name}")
        (cache / store.path(name).name).write_bytes(store.load(name))
    return PackStore(cache, folder), folder, digest


def test_the_recommended_pack_loads_and_decides_by_its_own_calibration(
    packed: tuple[PackStore, Path, str], collins: Picture, hopper: Picture
) -> None:
    store, folder, digest = packed
    (prepared,) = store.prepare(["auraface"])
    assert prepared.error is None
    (folder / "calibration.toml").write_text(calibration(store, digest))
    engine = FaceEngine.load(store)
    assert set(engine.models) == {"yunet", "sface", "auraface"}
    one, other = (engine.measure(encode(picture)) for picture in (collins, hopper))
    assert one.templates["auraface"].shape == (512,)
    same = engine.compare(one.templates, [one.templates])
    assert (same.zone, same.llr, set(same.scores)) == (Zone.MATCH, 5.0, {"auraface", "sface"})
    assert same.calibration_id == load_calibration(folder / "calibration.toml").id
    assert engine.compare(one.templates, [other.templates]).state is State.FAIL


def test_a_pack_without_a_calibration_is_not_compared(packed: tuple[PackStore, Path, str], collins: Picture) -> None:
    store = packed[0]
    store.prepare(["auraface"])
    engine = FaceEngine.load(store)
    measured = engine.measure(encode(collins))
    assert set(engine.compare(measured.templates, [measured.templates]).scores) == {"sface"}
