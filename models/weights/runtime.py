"""Run ONNX models with explicit threads and memory settings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray

from models.errors import ModelCorrupt
from models.weights.packs import PackStore

Tensor = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded model. ``run`` may be called from several threads at once (onnxruntime sessions are thread-safe).

    Attributes:
        name: name in the manifest.
        sha256: hash of the loaded file.
    """

    name: str
    sha256: str
    _session: ort.InferenceSession
    _input: str

    def run(self, tensor: Tensor) -> list[Tensor]:
        """Run the model on a tensor of the shape in the manifest; return all outputs in the file's order."""
        return list(self._session.run(None, {self._input: np.ascontiguousarray(tensor)}))

    @property
    def outputs(self) -> list[str]:
        """Return the names of the outputs, in the order of :meth:`run`."""
        return [output.name for output in self._session.get_outputs()]


def load_network(store: PackStore, name: str, *, threads: int = 1) -> Network:
    """Load a model from the cache.

    Args:
        store: where the models are.
        name: name in the manifest.
        threads: threads of one run. The default is one, because a server runs several requests at once.

    Raises:
        ModelMissing: the model is not in the cache (``model_missing``).
        ModelCorrupt: the hash is wrong, or onnxruntime cannot read the model (``model_corrupt``).
    """
    data = store.load(name)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # ENABLE_ALL includes the blocked (NCHWc) layout, which halves the time here. The graph is optimised at each start
    # (about 0.1 s): a stored optimised graph would fit only this processor and could not be pinned by hash.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    # Without an arena every buffer is freed after the run, so memory does not grow with varying input sizes. The cost
    # is below the noise (measured: detector 2.6 ms with and without, SFace within 3 %).
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    # Spinning threads would take the cores that other requests need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no public base class
        raise ModelCorrupt(f"onnxruntime cannot load model {name!r}: {error}") from error
    return Network(name, store.spec(name).sha256, session, session.get_inputs()[0].name)
