"""Folding gives the values that ONNX defines, and always the same bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime as ort  # type: ignore[import-untyped]
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.errors import ManifestInvalid
from models.weights.fold import dequantize_blocks, fold


def quantised_model() -> tuple[bytes, NDArray[np.float32]]:
    """A 1x1 convolution with int8 weights in blocks, PReLU behind it, and its weight by direct arithmetic."""
    rng = np.random.default_rng(5)
    packed = rng.integers(-128, 128, (4, 6), dtype=np.int8)
    scale = rng.random((4, 2), np.float32) + np.float32(0.1)
    zero = rng.integers(-5, 5, (4, 2), dtype=np.int8)
    weight = np.zeros((4, 6), np.float32)
    for row in range(4):
        for column in range(6):
            block = column // 4  # the second block is shorter: 6 = 4 + 2
            weight[row, column] = (np.float32(packed[row, column]) - np.float32(zero[row, block])) * scale[row, block]
    constants = {
        "packed": packed,
        "scale": scale,
        "zero": zero,
        "shape": np.array([4, 6, 1, 1], np.int64),
        "slope": np.array([0.1, 0.2, 1.3, 0.0], np.float32).reshape(4, 1, 1),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["packed", "scale", "zero"], ["flat"], axis=1, block_size=4),
        helper.make_node("Reshape", ["flat", "shape"], ["weight"]),
        helper.make_node("Conv", ["input", "weight"], ["conv"], kernel_shape=[1, 1]),
        helper.make_node("PRelu", ["conv", "slope"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [
            helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 6, 3, 3]),
            helper.make_tensor_value_info("weight_before", TensorProto.FLOAT, [4, 6, 1, 1]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 4, 3, 3])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return model.SerializeToString(), weight


def run(model: bytes, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: tensor})[0])


def test_dequantised_weight_equals_direct_arithmetic() -> None:
    model, weight = quantised_model()
    folded = onnx.load_from_string(fold(model, ["dequantize"]))
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in folded.graph.initializer}
    np.testing.assert_array_equal(values["weight"][:, :, 0, 0], weight)
    assert [value.name for value in folded.graph.input] == ["input"]
    assert {node.op_type for node in folded.graph.node} == {"Conv", "PRelu"}


@pytest.mark.parametrize(
    "steps", [["dequantize"], ["dequantize", "split_prelu"], ["dequantize", "flush_denormals", "split_prelu"]]
)
def test_output_is_the_same(steps: Sequence[str]) -> None:
    model, weight = quantised_model()
    tensor = np.random.default_rng(1).standard_normal((1, 6, 3, 3), np.float32)
    conv = np.einsum("oc,chw->ohw", weight, tensor[0])
    slope = np.array([0.1, 0.2, 1.3, 0.0], np.float32).reshape(4, 1, 1)
    expected = np.where(conv > 0, conv, conv * slope)
    np.testing.assert_allclose(run(fold(model, steps), tensor)[0], expected, rtol=1e-4, atol=1e-3)


def test_weights_that_were_inputs_too_become_constants() -> None:
    """As IR version 3 had them: every weight is an input that a caller may replace, and nothing can be fused."""
    weight = np.full((2, 3, 1, 1), 0.5, np.float32)
    inputs = [("input", [1, 3, 2, 2]), ("weight", [2, 3, 1, 1])]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["input", "weight"], ["output"], kernel_shape=[1, 1])],
        "g",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 2, 2, 2])],
        [numpy_helper.from_array(weight, "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=3).SerializeToString()
    folded = fold(model, ["constant_weights"])
    assert [value.name for value in onnx.load_from_string(folded).graph.input] == ["input"]
    tensor = np.ones((1, 3, 2, 2), np.float32)
    np.testing.assert_array_equal(run(folded, tensor), run(model, tensor))


def test_folding_is_deterministic() -> None:
    model, _ = quantised_model()
    steps = ["dequantize", "flush_denormals", "split_prelu"]
    assert fold(model, steps) == fold(model, steps)


@pytest.mark.parametrize("axis", [0, 1])
def test_scales_per_axis_and_per_tensor(axis: int) -> None:
    packed = np.arange(6, dtype=np.int8).reshape(2, 3)
    scale = np.arange(1, 3 + axis, dtype=np.float32)
    expected = packed * (scale[:, None] if axis == 0 else scale[None])
    np.testing.assert_array_equal(dequantize_blocks(packed, scale, None, axis=axis, block_size=0), expected)
    single = np.array(2, np.float32)
    np.testing.assert_array_equal(dequantize_blocks(packed, single, None, axis=1, block_size=0), packed * 2)


def test_unknown_step() -> None:
    with pytest.raises(ManifestInvalid, match="Unknown fold step"):
        fold(quantised_model()[0], ["magic"])
