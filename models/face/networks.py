"""Load the networks that measure a face in one image, and note those that are missing."""

from __future__ import annotations

from dataclasses import dataclass

from models.errors import ModelMissing, ModelsError
from models.face.detect import Detector
from models.face.embed import Embedder, OnnxEmbedder
from models.weights.packs import PackStore
from models.weights.runtime import Network, load_network


@dataclass(frozen=True, slots=True)
class FaceNetworks:
    """The loaded networks.

    Attributes:
        detector: finds faces.
        embedders: make templates; at least one.
        pad: passive presentation attack detection; None if it could not be loaded.
        eyes: tells open eyes from closed ones; None if it could not be loaded.
        missing: names of the networks that could not be loaded.
    """

    detector: Detector
    embedders: tuple[Embedder, ...]
    pad: Network | None
    eyes: Network | None
    missing: tuple[str, ...]


def load_networks(store: PackStore, *, threads: int) -> FaceNetworks:
    """Load the face networks of a store.

    Args:
        store: where the models are.
        threads: threads of one model run.

    Raises:
        ModelMissing: the detector or every embedder is missing (``model_missing``).
        ModelCorrupt: the detector has a wrong hash or cannot be read (``model_corrupt``).
    """
    missing: list[str] = []
    detector = Detector(load_network(store, _name_for(store, "detector"), threads=threads))
    embedders: list[Embedder] = []
    for spec in store.specs("embedder"):
        if spec.optional:
            continue
        network = _load_or_note(store, spec.name, threads, missing)
        if network is not None:
            # SFace subtracts and scales inside its graph; its manifest entry says "0-255".
            embedders.append(OnnxEmbedder(network, scaled="127.5" in spec.input))
    if not embedders:
        raise ModelMissing(f"No face embedder could be loaded: {', '.join(missing)}")
    pad = _load_or_note(store, _name_for(store, "pad"), threads, missing)
    eyes = _load_or_note(store, _name_for(store, "eyes"), threads, missing)
    return FaceNetworks(detector, tuple(embedders), pad, eyes, tuple(missing))


def _name_for(store: PackStore, role: str) -> str:
    """Return the name of the model for a role; if several packs name one, the last counts."""
    specs = [spec for spec in store.specs(role) if not spec.optional]
    if not specs:
        raise ModelMissing(f"No manifest names a model for the role {role!r}")
    return specs[-1].name


def _load_or_note(store: PackStore, name: str, threads: int, missing: list[str]) -> Network | None:
    try:
        return load_network(store, name, threads=threads)
    except ModelsError:
        missing.append(name)
        return None
