"""Fixtures that the tests of the face side share: the prepared models, two portraits, the development faces."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.faces import Picture, encode, portraits
from models.errors import ModelsError
from models.pipeline import FaceEngine
from models.results import Measurement
from models.weights.packs import PackStore, default_cache_dir
from tests.shared_data import require_shared


@pytest.fixture(scope="session")
def store() -> PackStore:
    return PackStore(default_cache_dir())


@pytest.fixture(scope="session")
def engine(store: PackStore) -> FaceEngine:
    try:
        return FaceEngine.load(store)
    except ModelsError as error:
        pytest.skip(f"FACE MODELS ARE NOT PREPARED: {error.message} {error.hint}")


@pytest.fixture(scope="session")
def collins() -> Picture:
    return portraits()["eileen_collins"]


@pytest.fixture(scope="session")
def hopper() -> Picture:
    return portraits()["grace_hopper"]


@pytest.fixture(scope="session")
def collins_measured(engine: FaceEngine, collins: Picture) -> Measurement:
    return engine.measure(encode(collins))


@pytest.fixture(scope="session")
def hopper_measured(engine: FaceEngine, hopper: Picture) -> Measurement:
    return engine.measure(encode(hopper))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    return require_shared()
