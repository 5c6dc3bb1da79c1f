"""Rewrite ONNX files into equivalent, faster float32 models; the result is deterministic, so its sha256 can be pinned.

The manifest names the steps. There are five:

``dequantize``
    The OpenCV Zoo ``int8bq`` files store weights as int8 blocks followed by ``DequantizeLinear`` (with
    ``block_size``) and ``Reshape``. onnxruntime refuses one of them and OpenCV the other; plain float initialisers
    run in both.
``constant_weights``
    Weights are no longer inputs as well. IR version 3 required both, and runtimes then may not fuse what a caller could
    replace.
``flush_denormals``
    Weights below 1e-12 in magnitude become 0. The second embedder carries thousands of denormal weights, on which
    x86 cores fall back to microcode: 86 ms became 12 ms, and the output changed by at most 1e-6.
``split_prelu``
    ``PRelu(x) = slope * x + (1 - slope) * Relu(x)``. onnxruntime has no blocked (NCHWc) PRelu, so each one costs two
    layout changes and a slow broadcast; the split form stays blocked. SFace: 42 ms became 16 ms.
``free_size``
    Height and width of the input become symbolic, so that one detector file serves several input sizes.

All arithmetic is IEEE float32 without reordering, and the protobuf is serialised deterministically.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from models.errors import ManifestInvalid

# Far below anything that matters in a float32 sum of weights around 1e-2. Far above the denormal range (1e-38), so that
# products with small activations do not become denormal either.
DENORMAL_FLOOR = 1e-12


def dequantize_blocks(
    quantized: NDArray[np.generic],
    scale: NDArray[np.float32],
    zero_point: NDArray[np.generic] | None,
    *,
    axis: int,
    block_size: int,
) -> NDArray[np.float32]:
    """Compute ``(q - zero_point) * scale`` as ONNX DequantizeLinear defines it (opset 21).

    Args:
        quantized: integer tensor of any shape.
        scale: one scale for the tensor (scalar), each index of ``axis`` (1-D) or each block of ``axis`` (same rank).
        zero_point: same shape as ``scale``; None means zero.
        axis: the axis that is cut into blocks, or that a 1-D scale runs along.
        block_size: indices of ``axis`` that share one scale; 0 if there are no blocks.

    Returns:
        float32 tensor with the shape of ``quantized``.
    """
    zeros = np.zeros(scale.shape, np.int32) if zero_point is None else zero_point.astype(np.int32)
    if block_size:
        length = quantized.shape[axis]
        scale = np.repeat(scale, block_size, axis=axis).take(range(length), axis=axis)
        zeros = np.repeat(zeros, block_size, axis=axis).take(range(length), axis=axis)
    elif scale.ndim == 1 and scale.size > 1:
        shape = [1] * quantized.ndim
        shape[axis] = scale.size
        scale, zeros = scale.reshape(shape), zeros.reshape(shape)
    centred = (quantized.astype(np.int32) - zeros).astype(np.float32)
    return (centred * scale.astype(np.float32)).astype(np.float32)


def fold(model_bytes: bytes, steps: Sequence[str]) -> bytes:
    """Apply the named steps in the given order and return the new ONNX file.

    Args:
        model_bytes: an ONNX file.
        steps: names from ``STEPS``.

    Raises:
        ManifestInvalid: a step is unknown (``manifest_invalid``).
    """
    model = onnx.load_from_string(model_bytes)
    for step in steps:
        if step not in STEPS:
            raise ManifestInvalid(f"Unknown fold step {step!r}; known: {', '.join(STEPS)}")
        STEPS[step](model.graph)
    # Recorded shapes may name tensors that no longer exist; runtimes infer the shapes again.
    del model.graph.value_info[:]
    return bytes(model.SerializeToString(deterministic=True))


def _dequantize(graph: onnx.GraphProto) -> None:
    values = {tensor.name: tensor for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        unpacked = _unpack(node, values)
        if unpacked is None:
            kept.append(node)
        else:
            values[node.output[0]] = numpy_helper.from_array(np.ascontiguousarray(unpacked), node.output[0])
    _replace(graph.node, kept)
    used = {name for node in kept for name in node.input}
    # IR version 3 required that initialisers are also inputs, and the quantiser kept the names of the weights it
    # replaced. Runtimes would require the caller to pass them.
    for value in [value for value in graph.input if value.name in values or value.name not in used]:
        graph.input.remove(value)
    _replace(graph.initializer, [values[name] for name in sorted(used & values.keys())])


def _unpack(node: onnx.NodeProto, values: Mapping[str, onnx.TensorProto]) -> NDArray[np.generic] | None:
    """Return the value of a node that only unpacks a constant weight; None for other nodes."""
    if node.op_type not in {"DequantizeLinear", "Reshape"} or any(name not in values for name in node.input):
        return None
    arrays = [numpy_helper.to_array(values[name]) for name in node.input]
    if node.op_type == "Reshape":
        return arrays[0].reshape(tuple(int(size) for size in arrays[1]))
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    return dequantize_blocks(
        arrays[0],
        arrays[1],
        arrays[2] if len(arrays) > 2 else None,
        axis=int(attributes.get("axis", 1)),
        block_size=int(attributes.get("block_size", 0)),
    )


def _constant_weights(graph: onnx.GraphProto) -> None:
    weights = {tensor.name for tensor in graph.initializer}
    for value in [value for value in graph.input if value.name in weights]:
        graph.input.remove(value)


def _flush_denormals(graph: onnx.GraphProto) -> None:
    for tensor in graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            array = numpy_helper.to_array(tensor).copy()
            array[np.abs(array) < DENORMAL_FLOOR] = 0.0
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def _split_prelu(graph: onnx.GraphProto) -> None:
    values = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type != "PRelu" or node.input[1] not in values:
            nodes.append(node)
            continue
        source, out = node.input[0], node.output[0]
        slope = numpy_helper.to_array(values[node.input[1]]).astype(np.float32).reshape(1, -1, 1, 1)
        graph.initializer.append(numpy_helper.from_array(slope, f"{out}_slope"))
        graph.initializer.append(numpy_helper.from_array((1 - slope).astype(np.float32), f"{out}_rest"))
        nodes += [
            helper.make_node("Relu", [source], [f"{out}_relu"]),
            helper.make_node("Mul", [source, f"{out}_slope"], [f"{out}_low"]),
            helper.make_node("Mul", [f"{out}_relu", f"{out}_rest"], [f"{out}_high"]),
            helper.make_node("Add", [f"{out}_low", f"{out}_high"], [out]),
        ]
    _replace(graph.node, nodes)
    used = {name for node in nodes for name in node.input}
    _replace(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in used])


def _free_size(graph: onnx.GraphProto) -> None:
    for axis in (2, 3):
        graph.input[0].type.tensor_type.shape.dim[axis].dim_param = f"size{axis}"
    for output in graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = f"{output.name}_cells"


def _replace(field: Any, items: Sequence[Any]) -> None:
    """Set a repeated protobuf field. The items are copied first, because they may be in the field that is cleared."""
    copies = [type(item).FromString(item.SerializeToString(deterministic=True)) for item in items]
    del field[:]
    field.extend(copies)


STEPS: Mapping[str, Callable[[onnx.GraphProto], None]] = {
    "dequantize": _dequantize,
    "constant_weights": _constant_weights,
    "flush_denormals": _flush_denormals,
    "split_prelu": _split_prelu,
    "free_size": _free_size,
}
