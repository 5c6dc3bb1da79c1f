"""Task files that are missing, damaged or of another kind are refused."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from models.errors import ModelCorrupt, ModelMissing, ModelsError
from models.face.head_pose import CanonicalFace
from models.face.landmarks import FaceMesh
from models.face.mesh_model import GEOMETRY_MEMBER, load_task
from models.weights.packs import PackStore


@pytest.fixture(scope="module")
def prepared(store: PackStore) -> PackStore:
    """Return the store if it holds the landmark model, else skip."""
    try:
        load_task(store)
    except ModelsError as error:
        pytest.skip(f"FACE MODELS ARE NOT PREPARED: {error.message} {error.hint}")
    return store


def pack(folder: Path, data: bytes) -> PackStore:
    """Make a store whose landmark model is ``data``, with the right hash."""
    folder.mkdir()
    digest = hashlib.sha256(data).hexdigest()
    (folder / "mine.task").write_bytes(data)
    (folder / "manifest.toml").write_text(
        f'format = 1\n[[model]]\nrole = "landmarks"\nname = "mine"\nfile = "mine.task"\nsha256 = "{digest}"\n'
        f'sha256_raw = "{digest}"\nlicence = "MIT"\nsource = "https://example.org"\ninput = "anything"\n'
        'carrier = { kind = "folder", member = "mine.task" }\n'
    )
    store = PackStore(folder / "cache", folder)
    store.prepare(["mine"])
    return store


def task_bytes(store: PackStore, *, leave_out: str = "", change: dict[str, bytes] | None = None) -> bytes:
    """Return the prepared task file, without one member or with others changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(store.load("face_landmarker"))) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            if name != leave_out:
                target.writestr(name, (change or {}).get(name, source.read(name)))
    return buffer.getvalue()


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        FaceMesh.load(PackStore(tmp_path))


def test_not_a_zip(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt, match="not a face landmarker task"):
        FaceMesh.load(pack(tmp_path / "pack", b"something else"))


@pytest.mark.parametrize("member", ["face_landmarks_detector.tflite", "face_blendshapes.tflite", GEOMETRY_MEMBER])
def test_member_missing(prepared: PackStore, tmp_path: Path, member: str) -> None:
    with pytest.raises(ModelCorrupt, match=member):
        FaceMesh.load(pack(tmp_path / "pack", task_bytes(prepared, leave_out=member)))


def test_members_of_another_kind(prepared: PackStore, tmp_path: Path) -> None:
    task = load_task(prepared)
    swapped = {"face_landmarks_detector.tflite": task.blendshapes, "face_blendshapes.tflite": task.landmarks}
    with pytest.raises(ModelCorrupt, match="another input"):
        FaceMesh.load(pack(tmp_path / "swapped", task_bytes(prepared, change=swapped)))
    noise = {"face_landmarks_detector.tflite": b"noise" * 100}
    with pytest.raises(ModelCorrupt, match="LiteRT"):
        FaceMesh.load(pack(tmp_path / "noise", task_bytes(prepared, change=noise)))


def test_broken_geometry(prepared: PackStore) -> None:
    geometry = load_task(prepared).geometry
    assert CanonicalFace(geometry).vertices.shape == (468, 3)
    for broken in (b"", geometry[:-3], geometry[:5000], b"\x0b" + geometry, geometry + geometry, b"\xff" * 20):
        with pytest.raises(ModelCorrupt):
            CanonicalFace(broken)
